"""A cell of a footprint mart taken apart: the parts it is the sum of, and the factors behind them.

Belongs here: asking the published ``mart.explain`` on behalf of an organisation, and holding its
parts against the cell. Does not belong here: formulas, which are the warehouse's own
(``dbt_project/macros/explanation``), or how an explanation is shown.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

import duckdb

from ecomind.errors import EcoMindError
from ecomind.identity.permissions import Scope
from ecomind.warehouse.reader import MARTS, Lens, OrgReader
from ecomind.warehouse.small_groups import small_teams
from ecomind.warehouse.snapshot import SnapshotRef

RELATIVE_TOLERANCE = 1e-9
_FACTOR_COLUMNS = (
    "factor_id, factor_type, key, value_low, value_mid, value_high, unit, basis, method,"
    " data_year, valid_from, source, source_url, licence, dq_score, factor_set_id,"
    " is_override, published_at"
)


_COLUMNS = {"team": "team_id", "user": "user_id", "zone": "zone_id"}
_MART_KEYS = {
    "org_footprint_daily": set[str](),
    "team_footprint_daily": {"team_id"},
    "user_footprint_daily": {"user_id", "team_id"},
    "model_footprint_daily": {"provider", "model"},
    "region_footprint_daily": {"provider", "region", "zone_id"},
}


class ExplanationError(EcoMindError):
    """A figure that cannot be explained; says why in one sentence."""


class UnknownMetric(ExplanationError):
    """No mart has a measure of this name."""


class NothingToExplain(ExplanationError):
    """The organisation has no usage of the cell."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A day and metric, narrowed by any of the keys of the footprint marts."""

    day: date
    metric: str
    team: str | None = None
    user: str | None = None
    provider: str | None = None
    model: str | None = None
    region: str | None = None
    zone: str | None = None

    def narrowed(self) -> dict[str, str]:
        """The keys that narrow the cell, and their values."""
        found = {field.name: getattr(self, field.name) for field in fields(self)[2:]}
        return {name: value for name, value in found.items() if value is not None}

    def __str__(self) -> str:
        """Day and keys, as they are written in a sentence."""
        return ", ".join([str(self.day), *(f"{k} {v}" for k, v in self.narrowed().items())])


@dataclass(frozen=True, slots=True)
class Explanation:
    """A cell's value in ``unit``, its parts (largest first) and the factor rows they take.

    The values of ``parts`` sum to ``value`` within `RELATIVE_TOLERANCE`; ``factor_ids`` of a
    part name rows of ``factors``.
    """

    snapshot: SnapshotRef
    lens: Lens
    org_id: str
    cell: Cell
    unit: str
    formula: str
    scenario: str
    value: float
    events: int
    calls: float
    parts: list[dict[str, Any]]
    factors: list[dict[str, Any]]

    def document(self) -> dict[str, Any]:
        """The explanation as members of a JSON object; days and times are still dates."""
        return {
            "org_id": self.org_id,
            "usage_date": self.cell.day,
            "keys": self.cell.narrowed(),
            "lens": self.lens,
            "metric": self.cell.metric,
            "value": self.value,
            "unit": self.unit,
            "formula": self.formula,
            "events": self.events,
            "calls": self.calls,
            "snapshot_id": self.snapshot.snapshot_id,
            "data_through": self.snapshot.data_through,
            "parts": self.parts,
            "factors": [
                {**factor, "value": factor[f"value_{self.scenario}"]} for factor in self.factors
            ],
        }


def explain(reader: OrgReader, cell: Cell) -> Explanation:
    """Take one cell apart, under the lens of ``reader``.

    Raises ``ExplanationError`` for an unknown metric, a cell without usage, a snapshot that
    explains nothing and parts that do not sum to the cell; ``PermissionError`` when the
    principal may not read marts, factors or, for a cell of one user, people.
    """
    needed = {Scope.MARTS_READ, Scope.FACTORS_READ}
    needed |= {Scope.PEOPLE_READ} if cell.user is not None else set()
    for scope in sorted(needed):
        if not reader.principal.may(scope):
            raise PermissionError(f"this key may not explain {cell}: it lacks {scope.value}")
    if cell.team is not None and not reader.principal.may(Scope.PEOPLE_READ):
        _check_team_is_shown(reader, cell)
    org_id = reader.principal.org_id
    if cell.user in reader.principal.hidden_people:
        raise ExplanationError(f"{org_id} has no usage of a person who was erased")
    with reader.snapshot.connect() as connection:
        metric = _metric(connection, cell)
        value, events, calls = _published(connection, org_id, cell, reader.lens)
        parts = _parts(connection, org_id, cell, reader.lens)
        factors = _factors(connection, parts)
    total = math.fsum(part["value"] for part in parts)
    if not math.isclose(total, value, rel_tol=RELATIVE_TOLERANCE, abs_tol=1e-300):
        raise ExplanationError(
            f"the parts of {cell.metric} of {org_id}, {cell} sum to {total!r}, but {value!r} is"
            " published; this is a fault of the warehouse, please report it"
        )
    return Explanation(
        reader.snapshot,
        reader.lens,
        org_id,
        cell,
        metric["unit"],
        metric["formula"],
        metric["scenario"],
        value,
        events,
        calls,
        parts,
        factors,
    )


def _check_team_is_shown(reader: OrgReader, cell: Cell) -> None:
    """Refuse cells of a team that the daily figures would not show to this principal either."""
    lacks = f"it lacks {Scope.PEOPLE_READ.value}"
    if len(cell.narrowed()) > 1:  # What one person of a large team did could be told apart.
        raise PermissionError(f"this key may explain a team only as a whole: {lacks}")
    people, teams = reader.people_per_team(cell.day, cell.day), reader.teams(cell.day, cell.day)
    if cell.team in small_teams(people, teams):
        raise PermissionError(f"this key may not explain teams of a few people: {lacks}")


def _rows(
    connection: duckdb.DuckDBPyConnection, sql: str, values: list[Any] | Mapping[str, Any]
) -> list[dict[str, Any]]:
    result = connection.execute(sql, values)
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _metric(connection: duckdb.DuckDBPyConnection, cell: Cell) -> dict[str, Any]:
    try:
        metrics = _rows(connection, "select * from mart.footprint_metric", [])
    except duckdb.CatalogException as error:
        message = "the published snapshot is too old to be explained; run `ecomind load`"
        raise ExplanationError(message) from error
    for metric in metrics:
        if metric["metric"] == cell.metric:
            return metric
    known = ", ".join(sorted(metric["metric"] for metric in metrics))
    raise UnknownMetric(f"there is no metric {cell.metric}; there are {known}")


def _table(
    connection: duckdb.DuckDBPyConnection, org_id: str, cell: Cell, lens: Lens
) -> tuple[str, list[str]]:
    """The published table a cell is of, and its columns for the keys that narrow the cell.

    Keys that no mart has side by side are of the view the marts sum.
    """
    columns = [_COLUMNS.get(key, key) for key in cell.narrowed()]
    for mart, keys in _MART_KEYS.items():
        if set(columns) <= keys:
            return f"{MARTS[mart].schema_under(lens)}.{mart}", columns
    frozen = "intermediate.usage_footprint_as_reported_daily"
    if (
        lens is Lens.AS_REPORTED
        and connection.execute(
            f"select 1 from {frozen} where org_id = ? and usage_date = ? limit 1",
            [org_id, cell.day],
        ).fetchall()
    ):
        return frozen, columns
    return "intermediate.usage_footprint_daily", columns


def _published(
    connection: duckdb.DuckDBPyConnection, org_id: str, cell: Cell, lens: Lens
) -> tuple[float, int, float]:
    """The cell as it is published; ``cell.metric`` must be known to be a metric."""
    table, columns = _table(connection, org_id, cell, lens)
    conditions = [f"{column} = ?" for column in columns]
    [row] = connection.execute(
        f'select sum("{cell.metric}"), sum(events)::bigint, sum(calls) from {table}'
        f" where {' and '.join(['org_id = ?', 'usage_date = ?', *conditions])}",
        [org_id, cell.day, *cell.narrowed().values()],
    ).fetchall()
    if row[1] is not None:
        return row[0], row[1], row[2]
    [(first, last)] = connection.execute(
        "select min(usage_date), max(usage_date) from mart.org_footprint_daily where org_id = ?",
        [org_id],
    ).fetchall()
    if first is None:
        raise NothingToExplain(f"nothing is published of an organisation {org_id}")
    raise NothingToExplain(f"{org_id} has no usage of {cell}; it has usage from {first} to {last}")


def _parts(
    connection: duckdb.DuckDBPyConnection, org_id: str, cell: Cell, lens: Lens
) -> list[dict[str, Any]]:
    named = "".join(f", of_{key} := ?" for key in cell.narrowed())
    return _rows(
        connection,
        f"select * from mart.explain(?, cast(? as date), ?, of_lens := ?{named})",
        [org_id, cell.day, cell.metric, lens.value, *cell.narrowed().values()],
    )


def _factors(
    connection: duckdb.DuckDBPyConnection, parts: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    used = sorted({factor_id for part in parts for factor_id in part["factor_ids"]})
    return _rows(
        connection,
        f"select {_FACTOR_COLUMNS} from intermediate.int_factor_rows"
        " where list_contains(?, factor_id) order by factor_type, key, valid_from",
        [used],
    )
