"""The words and formatted numbers of the section on restatement.

Belongs here: what its tables say. Does not belong here: layout (``template.typ``), reading rows
or the CSV, which has every part and digit (``restated``).
"""

from __future__ import annotations

from typing import Any

from orchestration.reports.numbers import (
    CARBON,
    ENERGY,
    NOT_KNOWN,
    WATER,
    Unit,
    exact,
    fitting,
    signed,
    significant,
)
from orchestration.reports.period import day_text
from orchestration.reports.restated import Restatement, Row, ids

PARTS_SHOWN = 6
"""Parts printed per figure; all are in restatement.csv."""

HEADLINES = {
    "energy": "Energy",
    "water": "Water",
    "co2e_total_location": "Greenhouse gases, location-based",
    "co2e_total_market": "Greenhouse gases, market-based",
}
COMPONENTS = {
    "it_energy": "Energy of the servers",
    "co2e_location": "Operational emissions, location-based",
    "co2e_market": "Operational emissions, market-based",
    "co2e_embodied": "Embodied emissions of the hardware",
    "water_onsite": "Water consumed on site",
    "water_offsite": "Water consumed for electricity",
    "water_offsite_without_hydro": "Water for electricity, no reservoirs",
}
_UNITS = {"kWh": ENERGY, "L": WATER, "kg": CARBON}
SIGNIFICANT, SMALL = "above 5%", "within 5%"


def restatement_page(restatement: Restatement | None) -> dict[str, Any] | None:
    """What the section prints; None when the month was not restated."""
    if restatement is None:
        return None
    metrics = restatement.by_stem()
    labels = {stem: text for stem, text in (HEADLINES | COMPONENTS).items() if stem in metrics}
    labels |= {stem: stem for stem in metrics if stem not in labels}
    return {
        "frozen_on": day_text(restatement.frozen_on),
        "notice": _notice(metrics),
        "rows": [_compared(label, metrics[stem]) for stem, label in labels.items()],
        "figures": [
            _explained(label, metrics[stem], restatement)
            for stem, label in HEADLINES.items()
            if stem in metrics
        ],
    }


def _notice(metrics: dict[str, Row]) -> str:
    """Which headline figures differ by more than the threshold, in words."""
    large = [
        text
        for stem, text in HEADLINES.items()
        if stem in metrics and metrics[stem]["is_significant"]
    ]
    if not large:
        return "No headline figure differs from the reported one by more than 5%."
    return f"More than 5% from what was reported: {'; '.join(large)}."


def _unit(row: Row) -> Unit:
    largest = max(abs(row["value_as_reported"]), abs(row["value_restated"]))
    return fitting(_UNITS.get(row["unit"], (Unit(row["unit"], 1.0),)), largest)


def _compared(label: str, row: Row) -> dict[str, Any]:
    unit = _unit(row)
    return {
        "label": label,
        "reported": significant(row["value_as_reported"] / unit.size),
        "restated": significant(row["value_restated"] / unit.size),
        "difference": signed(row["difference"] / unit.size),
        "unit": unit.name,
        "change": _percent(row["difference_share"]),
        "is_significant": row["is_significant"],
        "flag": SIGNIFICANT if row["is_significant"] else SMALL,
    }


def _explained(label: str, row: Row, restatement: Restatement) -> dict[str, Any]:
    """The parts of one figure's difference, largest first, with the values of the factor rows."""
    parts, unit = restatement.parts_of(row["metric"]), _unit(row)
    reported = row["value_as_reported"]
    return {
        "label": label,
        "unit": unit.name,
        "left_out": str(max(0, len(parts) - PARTS_SHOWN)),
        "total": signed(row["difference"] / unit.size),
        "change": _percent(row["difference_share"]),
        "rows": [
            {
                "term": part["term"][:1].upper() + part["term"][1:],
                "then": _factors(part["reported_factor_ids"], restatement),
                "now": _factors(part["restated_factor_ids"], restatement),
                "difference": signed(part["difference"] / unit.size),
                "change": _percent(part["difference"] / reported if reported else None),
            }
            for part in parts[:PARTS_SHOWN]
        ],
    }


def _factors(text: str, restatement: Restatement) -> list[dict[str, str]]:
    """Factor rows of one side with their central values and units."""
    found = []
    for factor_id in ids(text):
        row = restatement.factors.get(factor_id)
        value = NOT_KNOWN if row is None else f"{exact(float(row['value_mid']))} {row['unit']}"
        found.append({"id": factor_id, "value": value})
    return found


def _percent(share: float | None) -> str:
    return NOT_KNOWN if share is None else f"{signed(share * 100)}%"
