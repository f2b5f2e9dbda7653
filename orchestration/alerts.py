"""Breached thresholds, and how they are told.

Belongs here: reading breaches from a snapshot and wording them. Does not belong here: deciding
what is a breach (the mart ``alert_evaluation_daily``) or when to look (the sensor).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ecomind.warehouse.snapshot import SnapshotRef

_UNITS = {"kwh": " kWh", "kg": " kg CO2e", "l": " L"}


@dataclass(frozen=True, slots=True)
class Breach:
    """A day of an organisation above one of its thresholds."""

    org_id: str
    rule_id: str
    metric: str
    usage_date: date
    threshold: float
    value: float
    snapshot_id: str


def open_breaches(snapshot: SnapshotRef) -> list[Breach]:
    """Every breach in a snapshot, oldest day first."""
    with snapshot.connect() as connection:
        rows = connection.execute(
            "select org_id, rule_id, metric, usage_date, threshold, value"
            " from mart.alert_evaluation_daily where is_breached"
            " order by usage_date, org_id, rule_id"
        ).fetchall()
    return [
        Breach(org_id, rule_id, metric, usage_date, threshold, value, snapshot.snapshot_id)
        for org_id, rule_id, metric, usage_date, threshold, value in rows
    ]


def alert_key(breach: Breach) -> str:
    """What makes an alert the same alert: a higher figure for the same day is not a new one."""
    return f"{breach.org_id}/{breach.rule_id}/{breach.usage_date.isoformat()}/{breach.threshold!r}"


def _worded(metric: str, *figures: float) -> list[str]:
    kind = metric.rsplit("_", 1)[-1]
    if kind == "share":
        return [f"{100 * figure:.4g} %" for figure in figures]
    return [f"{figure:.4g}{_UNITS[kind]}" for figure in figures]


def message(breach: Breach) -> dict[str, object]:
    """The webhook's JSON body: a sentence for people and the figures for machines."""
    value, threshold = _worded(breach.metric, breach.value, breach.threshold)
    return {
        "type": "ecomind.threshold.breached",
        "text": (
            f"{breach.org_id}: {breach.metric} on {breach.usage_date.isoformat()} was "
            f"{value}, above the threshold of {threshold}."
        ),
        "data": {
            "org_id": breach.org_id,
            "rule_id": breach.rule_id,
            "metric": breach.metric,
            "usage_date": breach.usage_date.isoformat(),
            "threshold": breach.threshold,
            "value": breach.value,
            "snapshot_id": breach.snapshot_id,
        },
    }
