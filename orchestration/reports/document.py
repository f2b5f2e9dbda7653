"""The words and formatted numbers of the PDF, as plain data for the template.

Belongs here: which sections a report has and what their cells say. Does not belong here: layout
(``template.typ``) or reading rows (``content``).
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ecomind.warehouse.small_groups import SMALLEST_GROUP
from orchestration.reports import charts
from orchestration.reports.content import COMPUTED, Content, Footprint, Range
from orchestration.reports.numbers import (
    CARBON,
    ENERGY,
    NOT_KNOWN,
    WATER,
    Unit,
    columns,
    count,
    exact,
    fitting,
    percent,
    range_text,
    significant,
)
from orchestration.reports.period import day_text, moment_text
from orchestration.reports.restated import Row
from orchestration.reports.restated_page import restatement_page
from orchestration.reports.typeface import printable, shortened

Table = dict[str, Any]
FACTORS_SHOWN = 200
SNAPSHOT_KEYS = ("snapshot_id", "published", "published_at", "data_through", "open_note")
"""Members of the page data that name the snapshot rather than report figures."""

STATUS_TEXT = {
    "computed": "computed",
    "user_supplied": "supplied by the user",
    "not_available": "not available",
    "refused": "refused",
}
FACTOR_TYPES = {
    "model_output": "Model, tokens written",
    "model_input": "Model, tokens read",
    "model_context": "Model, context held",
    "model_call": "Model, one call",
    "grid_location": "Grid, location-based",
    "grid_market": "Grid, market-based",
    "pue": "Data centre overhead (PUE)",
    "wue": "Water on site (WUE)",
    "water_offsite": "Water for electricity",
    "water_offsite_without_hydro": "Water for electricity, no hydro",
    "embodied": "Embodied emissions",
    "method_parameter": "Method parameter",
}


def page_data(content: Content, drawn: dict[str, charts.Chart]) -> dict[str, Any]:
    """Everything the template prints; every text has only characters the font can show."""
    snapshot = content.snapshot
    factors = _most_used(content.factors)
    sources = _numbered_sources(factors)
    data: dict[str, Any] = {
        "org_name": content.org_name,
        "org_short": shortened(content.org_name, 48),
        "org_id": content.org_id,
        "period": content.period.title,
        "span": f"{day_text(content.period.start)} to {day_text(content.period.end)} (UTC)",
        "snapshot_id": snapshot.snapshot_id,
        "published": moment_text(snapshot.published_at),
        "published_at": _moment_parts(content),
        "data_through": NOT_KNOWN
        if snapshot.data_through is None
        else moment_text(snapshot.data_through),
        "factor_set": ", ".join(content.versions("factor_set_id")) or NOT_KNOWN,
        "method_version": ", ".join(content.versions("method_version")) or NOT_KNOWN,
        "open_note": open_note(content),
        "cards": _cards(content.total),
        "calls": count(content.total.calls),
        "days": f"{len(content.days)} of {content.period.days}",
        "smallest_group": str(SMALLEST_GROUP),
        "boundaries": _boundaries(content),
        "charts": {
            name: {"caption": chart.caption, "alternative": chart.alternative}
            for name, chart in drawn.items()
        },
        "parts": _parts_table(content.total),
        "teams": _footprint_table(content, {(name,): p for name, p in content.teams.items()}),
        "models": _footprint_table(content, {k[::-1]: p for k, p in content.models.items()}),
        "regions": _footprint_table(content, content.regions),
        "datapoints": [_datapoint(r) for r in content.datapoints if r["status"] == COMPUTED],
        "absent": [_absent(row) for row in content.datapoints if row["status"] != COMPUTED],
        "quality": _quality(content),
        "intake": _intake(content),
        "unknown_models": _unknown_models(content),
        "factors": [_factor(row, sources) for row in factors],
        "sources": [_source(number, *source) for source, number in sources.items()],
        "factors_left_out": max(0, len(content.factors) - FACTORS_SHOWN),
        "frameworks": framework_status(),
        "restatement": restatement_page(content.restatement),
    }
    return {key: _map_text(value, printable) for key, value in data.items()}


def open_note(content: Content) -> str | None:
    """A sentence when the snapshot was published before the month was over."""
    if content.snapshot.published_at.date() > content.period.end:
        return None
    return (
        f"The month was not over when this snapshot was published on "
        f"{moment_text(content.snapshot.published_at)}; figures cover the calls received by then."
    )


def framework_status() -> list[dict[str, str]]:
    """The dated status of reporting frameworks that ships with the report."""
    path = Path(__file__).with_name("framework_status.csv")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _moment_parts(content: Content) -> dict[str, int]:
    moment = content.snapshot.published_at
    names = ("year", "month", "day", "hour", "minute", "second")
    return {name: getattr(moment, name) for name in names}


def _map_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _map_text(inner, change) for key, inner in value.items()}
    if isinstance(value, list):
        return [_map_text(inner, change) for inner in value]
    return value


def _cards(total: Footprint) -> list[dict[str, str]]:
    carbon = fitting(CARBON, total.metrics["co2e_total_location"].mid)
    energy = fitting(ENERGY, total.metrics["energy"].mid)
    water = fitting(WATER, total.metrics["water"].mid)
    cards = (
        ("Greenhouse gases, location-based", "co2e_total_location", carbon),
        ("Greenhouse gases, market-based", "co2e_total_market", carbon),
        ("Energy", "energy", energy),
        ("Water", "water", water),
    )
    notes = {
        "co2e_total_location": "average grid where the calls ran; operational and embodied",
        "co2e_total_market": "contracts of the operators where known; operational and embodied",
        "energy": "servers and their data centres",
        "water": "consumed on site and for electricity",
    }
    return [_card(label, total.metrics[m], unit, notes[m]) for label, m, unit in cards]


def _card(label: str, values: Range, unit: Unit, note: str) -> dict[str, str]:
    return {
        "label": label,
        "value": significant(values.mid / unit.size),
        "unit": unit.name,
        "range": range_text(values, unit),
        "note": note,
    }


def _parts_table(total: Footprint) -> list[dict[str, str]]:
    """The headline figures split into their terms."""
    lines = (
        ("Energy of the servers", "it_energy", ENERGY, "energy"),
        ("Energy with data centre overhead (PUE)", "energy", ENERGY, "energy"),
        ("Operational emissions, location-based", "co2e_location", CARBON, "co2e_total_location"),
        ("Operational emissions, market-based", "co2e_market", CARBON, "co2e_total_location"),
        ("Embodied emissions of the hardware", "co2e_embodied", CARBON, "co2e_total_location"),
        ("Water consumed on site", "water_onsite", WATER, "water"),
        ("Water consumed for electricity", "water_offsite", WATER, "water"),
    )
    rows = []
    for label, metric, units, scale in lines:
        unit = fitting(units, total.metrics[scale].mid)
        values = total.metrics[metric]
        rows.append(
            {
                "label": label,
                "mid": significant(values.mid / unit.size),
                "range": range_text(values, unit),
                "unit": unit.name,
            }
        )
    return rows


def _footprint_table(content: Content, parts: dict[Any, Footprint]) -> Table:
    """Names, calls and figures of parts, largest energy first, with the total of the month."""
    total = content.total
    energy = fitting(ENERGY, total.metrics["energy"].mid)
    carbon = fitting(CARBON, total.metrics["co2e_total_location"].mid)
    water = fitting(WATER, total.metrics["water"].mid)
    shown = [*parts.values(), total]

    def mids(metric: str, unit: Unit) -> list[float]:
        return [part.metrics[metric].mid / unit.size for part in shown]

    location, market = columns(
        mids("co2e_total_location", carbon), mids("co2e_total_market", carbon)
    )
    (kwh,), (litres,) = columns(mids("energy", energy)), columns(mids("water", water))
    whole = total.metrics["energy"].mid
    shares = [percent(p.metrics["energy"].mid / whole if whole else None) for p in shown]
    calls = [count(part.calls) for part in shown]
    ranges = [range_text(part.metrics["energy"], energy) for part in shown]
    cells = list(zip(calls, kwh, ranges, shares, location, market, litres, strict=True))
    return {
        "units": {"energy": energy.name, "carbon": carbon.name, "water": water.name},
        "rows": [
            {"names": [shortened(n, 44) for n in key], "cells": list(c)}
            for key, c in zip(parts, cells[:-1], strict=True)
        ],
        "total": list(cells[-1]),
    }


def _boundaries(content: Content) -> list[str]:
    """Boundaries of the datapoints that have a value, each once, in their order."""
    computed = [row for row in content.datapoints if row["status"] == COMPUTED]
    return list(dict.fromkeys(row["boundary"] for row in computed if row["boundary"]))


def _framework(row: Row) -> str:
    return " ".join(str(row[name]) for name in ("framework", "framework_version") if row[name])


def _datapoint(row: Row) -> dict[str, str]:
    low, high = row["value_low"], row["value_high"]
    known = low is not None and high is not None
    return {
        "label": row["label"] or row["datapoint_id"],
        "id": row["datapoint_id"],
        "framework": _framework(row),
        "value": significant(row["value"]),
        "range": range_text(Range(low, row["value"], high), Unit("", 1.0)) if known else NOT_KNOWN,
        "unit": row["unit"] or "",
        "method": row["method"] or NOT_KNOWN,
        "boundary": row["boundary"] or NOT_KNOWN,
        "coverage": _pct(row["coverage_pct"]),
        "primary": _pct(row["primary_data_pct"]),
    }


def _pct(value: float | None) -> str:
    return NOT_KNOWN if value is None else percent(value / 100)


def _absent(row: Row) -> dict[str, str]:
    return {
        "label": row["label"] or row["datapoint_id"],
        "id": row["datapoint_id"],
        "framework": _framework(row),
        "status": STATUS_TEXT.get(row["status"], row["status"]),
        "reason": row["refusal_reason"] or "No reason was recorded.",
    }


def _quality(content: Content) -> list[dict[str, str]]:
    quality = content.total.quality
    score = quality.get("data_quality_score")
    return [
        {
            "label": "Data quality score",
            "value": NOT_KNOWN if score is None else f"{score:.1f} of 5",
            "meaning": "Mean score of the factors used, weighted by energy; 5 is measured.",
        },
        {
            "label": "Energy resting on default factors",
            "value": percent(quality.get("default_factor_energy_share")),
            "meaning": "The model or the place was not known, so a stated default was used.",
        },
        {
            "label": "Energy computed from tokens",
            "value": percent(quality.get("token_route_energy_share")),
            "meaning": "The rest is measured, reported, or an average per call or unit.",
        },
        {
            "label": "Market-based on location factors",
            "value": percent(quality.get("market_fallback_energy_share")),
            "meaning": "No contract or disclosure is known, so the grid average stands in.",
        },
        {
            "label": "Days with calls",
            "value": f"{len(content.days)} of {content.period.days}",
            "meaning": "Other days have no recorded call; they are not counted as zero use.",
        },
    ]


def _intake(content: Content) -> list[dict[str, str]]:
    labels = {
        "events_received": "Calls received",
        "events_distinct": "Distinct calls",
        "events_repeated": "Repeats, counted once",
        "events_superseded": "Told by another source, too, counted once",
        "events_rejected": "Rejected records, not counted",
    }
    rows = [{"label": labels[k], "value": count(v)} for k, v in content.intake.items()]
    reasons = [
        {"label": f"rejected: {code.replace('_', ' ')}", "value": count(n)}
        for code, n in list(content.rejections.items())[:5]
    ]
    return rows + reasons


def _unknown_models(content: Content) -> list[dict[str, str]]:
    """Models of the month that another model or a default stands for, largest energy first."""
    unknown = {(row["provider"], row["model"]): row for row in content.unknown_models}
    whole = content.total.metrics["energy"].mid
    return [
        {
            "model": shortened(model, 44),
            "provider": shortened(provider, 24),
            "level": str(unknown[provider, model]["model_fallback_level"]),
            "resolved": shortened(str(unknown[provider, model]["resolved_model_key"]), 32),
            "share": percent(part.metrics["energy"].mid / whole if whole else None),
        }
        for (provider, model), part in content.models.items()
        if (provider, model) in unknown
    ]


def _most_used(factors: list[Row]) -> list[Row]:
    """The factors that carry the most energy, in the order of their keys."""
    by_energy = sorted(factors, key=lambda row: -(row["energy_mid_kwh"] or 0.0))
    used = {id(row) for row in by_energy[:FACTORS_SHOWN]}
    return [row for row in factors if id(row) in used]


def _source_of(row: Row) -> tuple[str, str, str]:
    return str(row["source"] or ""), str(row["source_url"] or ""), str(row["licence"] or "")


def _numbered_sources(factors: list[Row]) -> dict[tuple[str, str, str], int]:
    """Source, address and licence of factors, numbered from 1 as they first appear."""
    distinct = dict.fromkeys(_source_of(row) for row in factors)
    return {source: number for number, source in enumerate(distinct, 1)}


def _source(number: int, source: str, url: str, licence: str) -> dict[str, str | None]:
    linked = url.startswith(("https://", "http://")) and url.isascii()
    return {
        "number": str(number),
        "source": source or NOT_KNOWN,
        "url": url if linked else None,
        "licence": licence or NOT_KNOWN,
    }


def _factor(row: Row, sources: dict[tuple[str, str, str], int]) -> dict[str, str]:
    kind = str(row["factor_type"])
    return {
        "type": FACTOR_TYPES.get(kind, kind.replace("_", " ").capitalize()),
        "key": shortened(str(row["key"]), 40),
        "value": _value(row["value_mid"]),
        "range": _factor_range(row),
        "unit": row["unit"] or "",
        "basis": (row["basis"] or "").replace("_", " "),
        "year": str(row["data_year"] or NOT_KNOWN),
        "source": str(sources[_source_of(row)]),
        "score": str(row["dq_score"] if row["dq_score"] is not None else NOT_KNOWN),
    }


def _value(value: float | None) -> str:
    return NOT_KNOWN if value is None else exact(float(value))


def _factor_range(row: Row) -> str:
    low, high = row["value_low"], row["value_high"]
    if low is None or high is None or low == high:
        return ""
    return range_text(Range(float(low), float(low), float(high)), Unit("", 1.0))
