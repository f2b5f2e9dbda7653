"""What a report is about: rows of one organisation and one month, read from a snapshot.

Belongs here: reading and summing published rows, and refusing rows that contradict each other.
Does not belong here: factors and formulas (dbt), rounding and layout (the printing modules).

Sums are exact (``math.fsum``), so they do not depend on the order or the threads of a read.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb

from ecomind.warehouse.small_groups import SMALLEST_GROUP, UNATTRIBUTED
from orchestration.reports.period import Period
from orchestration.reports.restated import Restatement, Row, read_restatement

SCENARIOS = ("low", "mid", "high")
METRICS = {
    "it_energy": "kwh",
    "energy": "kwh",
    "water_onsite": "l",
    "water_offsite": "l",
    "water": "l",
    "co2e_location": "kg",
    "co2e_market": "kg",
    "co2e_embodied": "kg",
    "co2e_total_location": "kg",
    "co2e_total_market": "kg",
}
"""Metrics of every footprint mart with the unit their columns are in."""

QUALITY = (
    "data_quality_score",
    "default_factor_energy_share",
    "token_route_energy_share",
    "market_fallback_energy_share",
)
"""Energy-weighted means of every footprint mart."""

COMPUTED = "computed"
SMALL_TEAMS = "Small teams and unattributed"
_AGREEMENT = 1e-9


class NothingToReport(Exception):
    """The snapshot holds nothing for this organisation and month; says so in one sentence."""


class FiguresDisagree(Exception):
    """Published rows contradict each other, so no report may print them."""


@dataclass(frozen=True, slots=True)
class Range:
    """A central value with its low and high estimate, in the unit of its metric."""

    low: float
    mid: float
    high: float


@dataclass(frozen=True, slots=True)
class Footprint:
    """Sums of footprint rows: calls and one range per metric."""

    calls: float
    metrics: dict[str, Range]
    quality: dict[str, float]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The published snapshot a report speaks for; times in UTC."""

    snapshot_id: str
    published_at: datetime
    data_through: datetime | None


@dataclass(frozen=True, slots=True)
class Content:
    """Everything a report of one organisation and month may print.

    ``days``, ``teams``, ``models`` and ``regions`` are keyed by day of month, team name,
    (provider, model) and (provider, region, zone), the last three largest energy first.
    ``unknown_models`` and ``factors`` are those of all recorded time, in the order of their keys.
    ``restatement`` is None unless the month was restated since it was frozen. ``rows_read``
    counts the rows of each published table that went in.
    """

    org_id: str
    org_name: str
    period: Period
    snapshot: Snapshot
    datapoints: list[Row]
    total: Footprint
    days: dict[int, Footprint]
    teams: dict[str, Footprint]
    models: dict[tuple[str, str], Footprint]
    regions: dict[tuple[str, str, str], Footprint]
    unknown_models: list[Row]
    factors: list[Row]
    intake: dict[str, int]
    rejections: dict[str, int]
    restatement: Restatement | None = None
    rows_read: dict[str, int] = field(default_factory=dict)

    def versions(self, column: str) -> list[str]:
        """Distinct values of a version column among the datapoints."""
        return sorted({str(row[column]) for row in self.datapoints if row[column] is not None})


class _Tables:
    """Reads rows of one organisation and counts them."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, org_id: str, period: Period) -> None:
        self.connection, self.org_id, self.period = connection, org_id, period
        self.rows_read: dict[str, int] = {}

    def of_month(self, table: str, day_column: str = "usage_date") -> list[Row]:
        return self._rows(
            table,
            f"{day_column} between cast(? as date) and cast(? as date)",
            [self.period.start.isoformat(), self.period.end.isoformat()],
        )

    def of_org(self, table: str) -> list[Row]:
        return self._rows(table, "true", [])

    def chosen(self, table: str, key: str, values: list[str]) -> list[Row]:
        return self._fetched(table, f"list_contains(?, {key})", [values])

    def _rows(self, table: str, condition: str, values: list[str]) -> list[Row]:
        return self._fetched(table, f"org_id = ? and {condition}", [self.org_id, *values])

    def _fetched(self, table: str, condition: str, values: list[Any]) -> list[Row]:
        result = self.connection.execute(
            f"select * from {table} where {condition} order by all", values
        )
        names = [column[0] for column in result.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
        self.rows_read[table] = len(rows)
        return rows


def read_content(connection: duckdb.DuckDBPyConnection, org_id: str, period: Period) -> Content:
    """Read what a report needs from a connection to a published snapshot.

    Raises ``NothingToReport`` for an unknown organisation or a month without data and
    ``FiguresDisagree`` when the marts or datapoints contradict each other.
    """
    tables = _Tables(connection, org_id, period)
    organizations = tables.of_org("mart.dim_organization")
    datapoints = [
        row
        for row in tables.of_org("reporting.rpt_datapoint")
        if period.start <= row["period_start"] and row["period_end"] <= period.end
    ]
    tables.rows_read["reporting.rpt_datapoint"] = len(datapoints)
    daily = tables.of_month("mart.org_footprint_daily")
    if not organizations and not daily:
        raise NothingToReport(f"the snapshot knows no organisation {org_id!r}")
    if not datapoints or not daily:
        raise NothingToReport(f"the snapshot holds no calls of {org_id!r} in {period.title}")
    content = Content(
        org_id=org_id,
        org_name=organizations[0]["name"] if organizations else org_id,
        period=period,
        snapshot=read_snapshot_row(connection),
        datapoints=sorted(datapoints, key=_datapoint_order),
        total=_sum(daily),
        days={row["usage_date"].day: _sum([row]) for row in daily},
        teams=_team_footprints(tables),
        models=_footprints(tables.of_month("mart.model_footprint_daily"), ("provider", "model")),
        regions=_footprints(
            tables.of_month("mart.region_footprint_daily"), ("provider", "region", "zone_id")
        ),
        unknown_models=sorted(tables.of_org("mart.unknown_model"), key=_model_key),
        factors=sorted(tables.of_org("mart.factor_in_use"), key=_factor_order),
        intake=_counts(tables.of_month("mart.intake_health_daily", "received_date")),
        rejections=_rejections(tables.of_month("mart.rejection_daily", "received_date")),
        restatement=read_restatement(tables),
        rows_read=tables.rows_read,
    )
    _check(content)
    return content


def read_snapshot_row(connection: duckdb.DuckDBPyConnection) -> Snapshot:
    """Which snapshot a connection reads. Raises ``NothingToReport`` when it names none."""
    row = connection.execute(
        "select snapshot_id, epoch_us(published_at), epoch_us(data_through)"
        " from publication.snapshot"
    ).fetchone()
    if row is None:
        raise NothingToReport("the snapshot does not say which one it is; publish again")
    through = None if row[2] is None else _utc(row[2])
    return Snapshot(row[0], _utc(row[1]), through)


def _utc(microseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)


def _sum(rows: Sequence[Row]) -> Footprint:
    metrics = {
        metric: Range(*(_total(rows, f"{metric}_{s}_{unit}") for s in SCENARIOS))
        for metric, unit in METRICS.items()
    }
    energy = metrics["energy"].mid
    quality = {
        name: math.fsum(row[name] * row["energy_mid_kwh"] for row in rows) / energy
        for name in QUALITY
        if energy > 0
    }
    return Footprint(_total(rows, "calls"), metrics, quality)


def _total(rows: Iterable[Row], column: str) -> float:
    return math.fsum(row[column] for row in rows)


def _grouped(rows: Iterable[Row], keys: tuple[str, ...]) -> dict[tuple[str, ...], list[Row]]:
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(str(row[key]) for key in keys), []).append(row)
    return groups


def _footprints(rows: Iterable[Row], keys: tuple[str, ...]) -> dict[Any, Footprint]:
    return _largest_first({key: _sum(group) for key, group in _grouped(rows, keys).items()})


def _largest_first(footprints: dict[Any, Footprint]) -> dict[Any, Footprint]:
    order = sorted(footprints.items(), key=lambda item: (-item[1].metrics["energy"].mid, item[0]))
    return dict(order)


def _team_footprints(tables: _Tables) -> dict[str, Footprint]:
    """Teams by name; those too small to hide a person are summed with unattributed calls."""
    people: dict[str, int] = {}
    for (team_id,), rows in _grouped(
        tables.of_month("mart.user_footprint_daily"), ("team_id",)
    ).items():
        people[team_id] = len({row["user_id"] for row in rows} - {UNATTRIBUTED})
    names = {row["team_id"]: row["name"] for row in tables.of_org("mart.dim_team")}
    groups = _grouped(tables.of_month("mart.team_footprint_daily"), ("team_id",))
    shown: dict[str, list[Row]] = {}
    for (team_id,), rows in groups.items():
        large = team_id != UNATTRIBUTED and people.get(team_id, 0) >= SMALLEST_GROUP
        shown.setdefault(team_id if large else SMALL_TEAMS, []).extend(rows)
    return _largest_first(
        {
            (SMALL_TEAMS if key == SMALL_TEAMS else _team_name(names, key)): _sum(rows)
            for key, rows in shown.items()
        }
    )


def _team_name(names: dict[str, str], team_id: str) -> str:
    """The name, with the id when two teams share it."""
    name = names.get(team_id, team_id)
    same = sum(1 for other in names.values() if other == name)
    return f"{name} ({team_id})" if same > 1 else name


def _counts(rows: Sequence[Row]) -> dict[str, int]:
    names = (
        "events_received", "events_distinct", "events_repeated", "events_superseded",
        "events_rejected",
    )  # fmt: skip
    return {name: sum(int(row[name]) for row in rows) for name in names}


def _rejections(rows: Iterable[Row]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in rows:
        counts[row["code"]] = counts.get(row["code"], 0) + int(row["rejected"])
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _datapoint_order(row: Row) -> tuple[str, ...]:
    keys = ("status", "datapoint_id", "framework", "framework_version", "period_start")
    return tuple(str(row[key]) for key in keys)


def _factor_order(row: Row) -> tuple[str, str, str]:
    return (str(row["factor_type"]), str(row["key"]), str(row["factor_id"]))


def _model_key(row: Row) -> tuple[str, str]:
    return (str(row["provider"]), str(row["model"]))


def _check(content: Content) -> None:
    """Refuse figures that contradict each other instead of printing one of them."""
    for name, parts in (
        ("team", content.teams),
        ("model", content.models),
        ("region", content.regions),
    ):
        for metric, total in content.total.metrics.items():
            summed = math.fsum(part.metrics[metric].mid for part in parts.values())
            if not math.isclose(summed, total.mid, rel_tol=_AGREEMENT, abs_tol=1e-12):
                raise FiguresDisagree(
                    f"{metric} by {name} sums to {summed!r}, the organisation has {total.mid!r}"
                )
    if content.restatement is not None:
        _check_restatement(content.restatement, content.total)
    for row in content.datapoints:
        values = [row["value"], row["value_low"], row["value_high"]]
        computed = row["status"] == COMPUTED
        if computed and (row["value"] is None or not math.isfinite(row["value"])):
            raise FiguresDisagree(f"{row['datapoint_id']} is computed but has no value")
        if not computed and any(value is not None for value in values):
            raise FiguresDisagree(f"{row['datapoint_id']} is {row['status']} but has a value")


def _check_restatement(restatement: Restatement, total: Footprint) -> None:
    """Restated values are those the report prints, and parts sum to their difference."""
    for row in restatement.metrics:
        stem = row["metric"].rpartition("_mid_")[0]
        restated, difference = row["value_restated"], row["difference"]
        if stem in total.metrics and not _agree(restated, total.metrics[stem].mid, restated):
            raise FiguresDisagree(
                f"{stem} is restated to {restated!r}, the month has {total.metrics[stem].mid!r}"
            )
        summed = math.fsum(part["difference"] for part in restatement.parts_of(row["metric"]))
        if not _agree(summed, difference, restated):
            raise FiguresDisagree(
                f"the parts of {stem}'s restatement sum to {summed!r}, it changed by {difference!r}"
            )


def _agree(found: float, expected: float, scale: float) -> bool:
    return math.isclose(found, expected, rel_tol=_AGREEMENT, abs_tol=_AGREEMENT * abs(scale))
