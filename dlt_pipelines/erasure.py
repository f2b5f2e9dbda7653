"""Nobody who was erased is in a landed file or in the raw store.

Belongs here: finding and rewriting the files and rows that name them. Does not belong here: the
marts (``ecomind.warehouse.erasure``), or when this runs.

Landed files come first: the raw store knows which of them to look at, and must not forget it
before they are rewritten.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from dlt_pipelines.landing_zone import beyond, listed_from
from dlt_pipelines.ledger import cursors
from ecomind.contract.fields import Table
from ecomind.contract.landing import LANDED_TABLES, LandedName
from ecomind.contract.personal import PERSONAL, without_erased
from ecomind.contract.raw import (
    CONTROL_USERS,
    LANDED_TO_RAW,
    LOAD_OUTCOMES,
    RAW_SCHEMA,
    USAGE_BUCKETS,
    USAGE_EVENTS,
    USAGE_REJECTS,
)
from ecomind.identity import ERASED, Erasure, Tombstones
from ecomind.landing_zone import LandedFile, LandingZone, list_landed, open_zone
from ecomind.landing_zone.rewriting import rewrite
from ecomind.settings import Settings

_RAW_OF = {landed.name: raw for landed, raw in LANDED_TO_RAW}


def rewrite_unloaded(
    settings: Settings, erased: Tombstones, erasures: Sequence[Erasure] = ()
) -> int:
    """Rewrite files that no load has dealt with and that name somebody erased; how many.

    Raises ``OSError`` or ``NotVerified``; what was not rewritten is as it was.
    """
    if not erased:
        return 0
    zone, reached = open_zone(settings), cursors(settings.raw_database)
    files = []
    for landed, raw in LANDED_TO_RAW:
        if landed.name in PERSONAL:
            seen = reached[raw.name]
            files += beyond(list_landed(zone, landed.name, listed_from(seen)).files, seen)
    return _rewrite(zone, files, erased, erasures)


def rewrite_loaded(settings: Settings, erased: Tombstones, erasures: Sequence[Erasure]) -> int:
    """Rewrite loaded files that name people whose erasure is under way; how many.

    Raises as ``rewrite_unloaded``.
    """
    zone = open_zone(settings)
    return _rewrite(zone, _loaded_files(settings.raw_database, erasures), erased, erasures)


def _rewrite(
    zone: LandingZone,
    files: Iterable[LandedFile],
    erased: Tombstones,
    erasures: Sequence[Erasure],
) -> int:
    teams = {(each.org_id, each.user_id): each.team_id for each in erasures}
    tables = {table.name: table for table in LANDED_TABLES}
    count = 0
    for file in files:
        table = tables[file.table]

        def change(rows: pa.Table, table: Table = table) -> pa.Table | None:
            return without_erased(table, rows, erased, teams)

        try:
            count += rewrite(zone, file, change, ("org_id", PERSONAL[file.table]))
        except pa.ArrowException:
            continue  # Damaged: the load sets it aside.
    return count


def _condition(raw: Table, erasures: Sequence[Erasure]) -> tuple[str, list[Any]]:
    """Which rows of a raw table name one of them, and the values of the condition."""
    terms, values = [], []
    for each in erasures:
        if raw is USAGE_REJECTS:
            terms.append("(org_id = ? and contains(item, ?))")
        else:
            column = "user_ref" if raw is USAGE_BUCKETS else "user_id"
            terms.append(f"(org_id = ? and {column} = ?)")
        values += [each.org_id, each.user_id]
    return " or ".join(terms) or "false", values


def _tables(connection: duckdb.DuckDBPyConnection) -> set[str]:
    found = connection.execute(
        "select table_name from duckdb_tables() where schema_name = ?", [RAW_SCHEMA]
    )
    return {row[0] for row in found.fetchall()}


def _loaded_files(raw_database: Path, erasures: Sequence[Erasure]) -> list[LandedFile]:
    if not raw_database.is_file():
        return []
    files = []
    with duckdb.connect(raw_database, read_only=True) as connection:
        existing = _tables(connection)
        for landed in PERSONAL:
            raw = _RAW_OF[landed]
            if raw.name not in existing:
                continue
            where, values = _condition(raw, erasures)
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
            for text, day in rows:
                name = LandedName.parse(text)
                if name is not None:
                    files.append(LandedFile(landed, date.fromisoformat(day), name))
    return files


def rewrite_raw(raw_database: Path, erased: Tombstones, erasures: Sequence[Erasure]) -> int:
    """Take them out of every raw table, in one transaction; how many rows that changed.

    What was there stays in the file's free blocks until it is rewritten
    (``ecomind.warehouse.erasure.rewritten``).
    """
    if not raw_database.is_file():
        return 0
    changed = 0
    with duckdb.connect(raw_database) as connection:
        existing = _tables(connection)
        connection.execute("begin")
        for each in erasures:
            mine = [each.org_id, each.user_id]
            if USAGE_EVENTS.name in existing:
                changed += _changed(
                    connection,
                    f"update {RAW_SCHEMA}.{USAGE_EVENTS.name} set user_id = ?,"
                    " conversation_id = null, team_id = coalesce(team_id, ?)"
                    " where org_id = ? and user_id = ?",
                    [ERASED, each.team_id, *mine],
                )
            if USAGE_BUCKETS.name in existing:
                changed += _changed(
                    connection,
                    f"update {RAW_SCHEMA}.{USAGE_BUCKETS.name} set user_ref = ?"
                    " where org_id = ? and user_ref = ?",
                    [erased.reference(*mine), *mine],
                )
            if CONTROL_USERS.name in existing:
                changed += _changed(
                    connection,
                    f"delete from {RAW_SCHEMA}.{CONTROL_USERS.name}"
                    " where org_id = ? and user_id = ?",
                    mine,
                )
        if USAGE_REJECTS.name in existing:
            changed += _rewrite_rejects(connection, erased, erasures)
        connection.execute("commit")
    return changed


def _changed(connection: duckdb.DuckDBPyConnection, statement: str, values: list[Any]) -> int:
    row = connection.execute(statement, values).fetchone()
    return int(row[0]) if row else 0


def _rewrite_rejects(
    connection: duckdb.DuckDBPyConnection, erased: Tombstones, erasures: Sequence[Erasure]
) -> int:
    landed = next(table for table, raw in LANDED_TO_RAW if raw is USAGE_REJECTS)
    where, values = _condition(USAGE_REJECTS, erasures)
    rows = connection.execute(
        f"select distinct org_id, item from {RAW_SCHEMA}.{USAGE_REJECTS.name} where {where}", values
    ).to_arrow_table()
    replaced = without_erased(landed, rows, erased, {})
    if replaced is None:
        return 0
    changed = 0
    for org_id, old, new in zip(
        rows["org_id"].to_pylist(),
        rows["item"].to_pylist(),
        replaced["item"].to_pylist(),
        strict=True,
    ):
        changed += _changed(
            connection,
            f"update {RAW_SCHEMA}.{USAGE_REJECTS.name} set item = ? where org_id = ? and item = ?",
            [new, org_id, old],
        )
    return changed
