"""The one way to read a published snapshot on behalf of an organisation.

Belongs here: which marts exist for readers, the scope each needs, and the organisation
predicate, added to every read. Does not belong here: presentation, or reads across
organisations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import pyarrow as pa

from ecomind.identity.permissions import Scope
from ecomind.identity.principal import Principal
from ecomind.identity.tombstones import ERASED
from ecomind.warehouse.snapshot import SnapshotRef


class Lens(StrEnum):
    """With which knowledge figures are computed: all of today's, or that of the period's freeze."""

    RESTATED = "restated"
    AS_REPORTED = "as_reported"


@dataclass(frozen=True, slots=True)
class Mart:
    """A readable table: its schema, the scope it needs, its date column, if any, and its lenses."""

    schema: str
    scope: Scope = Scope.MARTS_READ
    date_column: str | None = None
    has_lenses: bool = False

    def schema_under(self, lens: Lens) -> str:
        """The schema that holds the mart under a lens; tables without figures have one only."""
        return lens.value if self.has_lenses and lens is Lens.AS_REPORTED else self.schema


MARTS: Mapping[str, Mart] = {
    "org_footprint_daily": Mart("mart", Scope.TOTALS_READ, "usage_date", has_lenses=True),
    "team_footprint_daily": Mart("mart", date_column="usage_date", has_lenses=True),
    "model_footprint_daily": Mart("mart", date_column="usage_date", has_lenses=True),
    "region_footprint_daily": Mart("mart", date_column="usage_date", has_lenses=True),
    "source_footprint_daily": Mart("mart", date_column="usage_date", has_lenses=True),
    "user_footprint_daily": Mart("mart", Scope.PEOPLE_READ, "usage_date", has_lenses=True),
    "dim_organization": Mart("mart"),
    "dim_team": Mart("mart"),
    "dim_user": Mart("mart", Scope.PEOPLE_READ),
    "unknown_model": Mart("mart"),
    "intake_health_daily": Mart("mart", date_column="received_date"),
    "rejection_daily": Mart("mart", date_column="received_date"),
    "coverage_daily": Mart("mart", date_column="usage_date"),
    "superseded_event": Mart("mart", date_column="usage_date"),
    "factor_in_use": Mart("mart", Scope.FACTORS_READ),
    "alert_evaluation_daily": Mart("mart", date_column="usage_date"),
    "rpt_datapoint": Mart("reporting", Scope.REPORTS_READ, has_lenses=True),
    "org_restatement_monthly": Mart("mart", date_column="period_start"),
    "restatement": Mart("mart", date_column="period_start"),
}

_NAMES_PEOPLE: Mapping[str, tuple[str, ...]] = {
    "user_footprint_daily": ("user_id",),
    "dim_user": ("user_id", "display_name"),
}
"""Marts with people, and the columns that name them."""


class OrgReader:
    """Reads marts of one organisation from one snapshot."""

    def __init__(
        self, snapshot: SnapshotRef, principal: Principal, lens: Lens = Lens.RESTATED
    ) -> None:
        """Read ``snapshot`` for the organisation of ``principal`` under a lens."""
        self.snapshot = snapshot
        self.principal = principal
        self.lens = lens

    def mart(self, name: str, start: date | None = None, end: date | None = None) -> pa.Table:
        """Rows of a mart, both dates included, ordered by its columns.

        Raises ``KeyError`` for a table readers do not know and ``PermissionError`` when the
        principal lacks its scope.
        """
        source, values = self.source(name, start, end)
        return self.rows(f"select * from {source} order by all", values)

    def source(
        self, name: str, start: date | None = None, end: date | None = None
    ) -> tuple[str, list[object]]:
        """A mart's rows of this organisation as the ``from`` of a query, and its values.

        Raises as `mart` does.
        """
        mart = MARTS[name]
        if not self.principal.may(mart.scope):
            raise PermissionError(f"this key may not read {name}: it lacks {mart.scope.value}")
        where, values = self._predicate(mart.date_column, start, end)
        table = f"{mart.schema_under(self.lens)}.{name}"
        columns, hidden = self._columns(name)
        return f"(select {columns} from {table} where {where})", [*hidden, *values]

    def rows(self, query: str, values: list[object]) -> pa.Table:
        """The rows of a query over `source`; only for modules of this package."""
        with self.snapshot.connect() as connection:
            return connection.execute(query, values).to_arrow_table()

    def teams(self, start: date | None = None, end: date | None = None) -> set[str]:
        """Ids of the teams with usage, ``unattributed`` among them."""
        source, values = self.source("team_footprint_daily", start, end)
        table = self.rows(f"select distinct team_id from {source}", values)
        return {str(team_id) for team_id in table.column("team_id").to_pylist()}

    def people_per_team(self, start: date | None = None, end: date | None = None) -> dict[str, int]:
        """How many people of each team made calls; a count, so anyone who reads marts may ask."""
        where, values = self._predicate("usage_date", start, end)
        query = (
            "select team_id, count(distinct user_id) from mart.user_footprint_daily"
            f" where {where} and user_id <> 'unattributed' group by team_id order by team_id"
        )
        with self.snapshot.connect() as connection:
            return dict(connection.execute(query, values).fetchall())

    def _columns(self, name: str) -> tuple[str, list[object]]:
        """The columns of a mart, without people whose erasure is under way, and their values."""
        hidden = sorted(self.principal.hidden_people)
        if not hidden or name not in _NAMES_PEOPLE:
            return "*", []
        columns = _NAMES_PEOPLE[name]
        marks = ", ".join("?" for _ in hidden)
        replaced = ", ".join(
            f"case when user_id in ({marks}) then '{ERASED}' else {column} end as {column}"
            for column in columns
        )
        return f"* replace ({replaced})", [*hidden] * len(columns)

    def _predicate(
        self, date_column: str | None, start: date | None, end: date | None
    ) -> tuple[str, list[object]]:
        """The organisation and date conditions of a read, with their values."""
        conditions = ["org_id = ?"]
        values: list[object] = [self.principal.org_id]
        for operator, bound in ((">=", start), ("<=", end)):
            if bound is not None:
                conditions.append(f"{date_column} {operator} cast(? as date)")
                values.append(bound.isoformat())
        return " and ".join(conditions), values
