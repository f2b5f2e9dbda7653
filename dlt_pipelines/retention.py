"""What is too old leaves the landing zone and the raw store.

Belongs here: finding and removing rows by age, and remembering up to where. Does not belong here:
how long an organisation keeps what (``ecomind.identity``), or when this runs.

Only what a load has dealt with is removed: the raw store says which files hold it. Landed files
come first, as in ``erasure``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ecomind.contract.bucket import BUCKETS
from ecomind.contract.event import EVENTS, REJECTS
from ecomind.contract.fields import Table
from ecomind.contract.landing import LandedName
from ecomind.contract.raw import (
    LANDED_TO_RAW,
    LOAD_OUTCOMES,
    RAW_SCHEMA,
    RETENTION_HORIZONS,
)
from ecomind.landing_zone import LandedFile, open_zone
from ecomind.landing_zone.rewriting import rewrite
from ecomind.settings import Settings

_LINKED = timedelta(hours=1)
"""Raw events this long before the first open hour stay: they decide which of its events count."""
_AGE: Mapping[str, str] = {
    EVENTS.name: "occurred_at",
    BUCKETS.name: "bucket_end",
    REJECTS.name: "received_at",
}
"""The column of each landed table that tells a row's age."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Moments (UTC) of an organisation: what is older goes; None keeps everything."""

    org_id: str
    raw_before: datetime | None
    rejects_before: datetime | None

    def of(self, table: Table) -> datetime | None:
        """The limit of a landed table; usage reports go by whole days."""
        if table is REJECTS or self.raw_before is None:
            return self.rejects_before if table is REJECTS else None
        if table is BUCKETS:
            return self.raw_before.replace(hour=0, minute=0, second=0, microsecond=0)
        return self.raw_before


@dataclass(frozen=True, slots=True)
class Removed:
    """How many landed files were rewritten or removed, and how many rows left the raw store."""

    files_count: int
    rows_count: int


def raw_limit(now: datetime, days: int) -> datetime:
    """Up to where raw events go that are kept for ``days``: a whole hour."""
    return (now - timedelta(days=days)).replace(minute=0, second=0, microsecond=0)


def ensure_horizons(raw_database: Path) -> None:
    """Make the table that says up to where raw events are gone, if a load has not seen it yet."""
    with duckdb.connect(raw_database) as connection:
        connection.execute(
            f"create table if not exists {RAW_SCHEMA}.{RETENTION_HORIZONS.name}"
            " (org_id varchar not null, closed_before timestamp with time zone not null)"
        )


def remove_aged(settings: Settings, limits: Sequence[Limits]) -> Removed:
    """Remove what is older than its limit. The marts must include every load.

    Raises ``OSError`` or ``NotVerified``; what was removed until then is done again harmlessly.
    """
    if not settings.raw_database.is_file() or not limits:
        return Removed(0, 0)
    ensure_horizons(settings.raw_database)
    zone, files_count = open_zone(settings), 0
    for table, raw in LANDED_TO_RAW:
        if table.name not in _AGE:
            continue
        for file in _files(settings.raw_database, table, raw, limits):

            def change(rows: pa.Table, table: Table = table) -> pa.Table | None:
                return _kept(table, rows, limits)

            files_count += rewrite(zone, file, change, ("org_id", _AGE[table.name]))
    return Removed(files_count, _remove_rows(settings.raw_database, limits))


def _kept(table: Table, rows: pa.Table, limits: Sequence[Limits]) -> pa.Table | None:
    column, orgs = rows[_AGE[table.name]], rows["org_id"]
    kept: Any = pa.array([True] * rows.num_rows)
    for each in limits:
        before = each.of(table)
        if before is not None:
            is_theirs = pc.is_in(orgs, pa.array([each.org_id], pa.string()))
            is_aged = pc.less(column, pa.scalar(before, column.type))
            kept = pc.and_(kept, pc.invert(pc.and_(is_theirs, is_aged)))
    return None if pc.all(kept).as_py() else rows.filter(kept)


def _condition(table: Table, limits: Sequence[Limits]) -> tuple[str, list[Any]]:
    terms, values = ["false"], []
    for each in limits:
        before = each.of(table)
        if before is not None:
            terms.append(f"(org_id = ? and {_AGE[table.name]} < ?)")
            values += [each.org_id, before]
    return " or ".join(terms), values


def _files(
    raw_database: Path, table: Table, raw: Table, limits: Sequence[Limits]
) -> list[LandedFile]:
    where, values = _condition(table, limits)
    with duckdb.connect(raw_database, read_only=True) as connection:
        rows = connection.execute(
            f"""
            select outcome.landed_file, max(outcome.received_date)
            from {RAW_SCHEMA}.{LOAD_OUTCOMES.name} as outcome
            where outcome.table_name = ? and outcome.landed_file in (
                select distinct landed_file from {RAW_SCHEMA}.{raw.name} where {where}
            )
            group by outcome.landed_file
            """,
            [raw.name, *values],
        ).fetchall()
    names = ((LandedName.parse(text), day) for text, day in rows)
    return [
        LandedFile(table.name, date.fromisoformat(day), name)
        for name, day in names
        if name is not None
    ]


def _remove_rows(raw_database: Path, limits: Sequence[Limits]) -> int:
    """Delete rows and say up to where, in one transaction: never one without the other."""
    count = 0
    with duckdb.connect(raw_database) as connection:
        connection.execute("begin")
        for each in limits:
            if each.raw_before is not None:
                _close(connection, each.org_id, each.raw_before + _LINKED)
        for table, raw in LANDED_TO_RAW:
            if table.name in _AGE:
                where, values = _condition(table, limits)
                row = connection.execute(
                    f"delete from {RAW_SCHEMA}.{raw.name} where {where}", values
                ).fetchone()
                count += row[0] if row else 0
        connection.execute("commit")
    return count


def _close(connection: duckdb.DuckDBPyConnection, org_id: str, before: datetime) -> None:
    """Move an organisation's horizon; never back, for what is gone does not return."""
    table = f"{RAW_SCHEMA}.{RETENTION_HORIZONS.name}"
    row = connection.execute(
        f"select max(closed_before) >= ? from {table} where org_id = ?", [before, org_id]
    ).fetchone()
    if row is not None and row[0]:
        return
    connection.execute(f"delete from {table} where org_id = ?", [org_id])
    connection.execute(f"insert into {table} values (?, ?)", [org_id, before])
