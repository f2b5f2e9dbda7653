"""What the raw store says of its own loads: cursors, and loads that were cut off.

Belongs here: reads and repairs of the raw DuckDB file around a load. Does not belong here: the
load itself.

A dlt load becomes visible table by table and is complete once it stands in ``_dlt_loads``. A
load that was killed half-way is rolled back before the next one, so each is all or nothing and
the cursor needs no other state than the completed loads.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import duckdb

from dlt_pipelines.landing_zone import Cursor
from ecomind.contract.landing import LandedName
from ecomind.contract.raw import INGEST_OUTCOMES, LANDED_TO_RAW, LOAD_OUTCOMES, RAW_SCHEMA

_APPENDED = (*(raw.name for _, raw in LANDED_TO_RAW), LOAD_OUTCOMES.name)


def _existing_tables(connection: duckdb.DuckDBPyConnection) -> set[str]:
    rows = connection.execute(
        "select table_name from duckdb_tables() where schema_name = ?", [RAW_SCHEMA]
    ).fetchall()
    return {row[0] for row in rows}


def roll_back_incomplete_loads(raw_database: Path) -> int:
    """Remove rows of loads that never completed; returns how many rows.

    Control tables are replaced whole by every load and need no repair.
    """
    if not raw_database.is_file():
        return 0
    removed = 0
    with duckdb.connect(raw_database) as connection:
        tables = _existing_tables(connection)
        completed = (
            f"select load_id from {RAW_SCHEMA}._dlt_loads where status = 0"
            if "_dlt_loads" in tables
            else "select '' where false"
        )
        connection.execute("begin")
        for table in _APPENDED:
            if table in tables:
                row = connection.execute(
                    f"delete from {RAW_SCHEMA}.{table} where _dlt_load_id not in ({completed})"
                ).fetchone()
                removed += row[0] if row else 0
        connection.execute("commit")
    return removed


def cursors(raw_database: Path) -> Mapping[str, Mapping[str, Cursor]]:
    """Per raw table and node, the last file that a completed load dealt with."""
    found: dict[str, dict[str, Cursor]] = {raw.name: {} for _, raw in LANDED_TO_RAW}
    if not raw_database.is_file():
        return found
    with duckdb.connect(raw_database, read_only=True) as connection:
        if LOAD_OUTCOMES.name not in _existing_tables(connection):
            return found
        rows = connection.execute(
            f"""
            select
                table_name,
                max(landed_file) as last_file,
                max_by(received_date, landed_file) as received_date
            from {RAW_SCHEMA}.{LOAD_OUTCOMES.name}
            group by table_name, regexp_extract(landed_file, '^([a-z0-9]+)-', 1)
            """
        ).fetchall()
    for table, last_file, received_date in rows:
        name = LandedName.parse(last_file)
        if name is not None:
            found[table][name.node] = Cursor(name.sequence, date.fromisoformat(received_date))
    return found


def files_loaded(raw_database: Path) -> set[tuple[str, str]]:
    """Every (raw table, landed file) that a load dealt with."""
    if not raw_database.is_file():
        return set()
    with duckdb.connect(raw_database, read_only=True) as connection:
        if LOAD_OUTCOMES.name not in _existing_tables(connection):
            return set()
        rows = connection.execute(
            f"select table_name, landed_file from {RAW_SCHEMA}.{LOAD_OUTCOMES.name}"
        ).fetchall()
    return {(row[0], row[1]) for row in rows}


def damaged_records(raw_database: Path, load_id: str | None) -> list[tuple[str, int]]:
    """Segments of a load that held damaged records, each with how many."""
    with duckdb.connect(raw_database, read_only=True) as connection:
        return connection.execute(
            f"select segment, damaged_count from {RAW_SCHEMA}.{INGEST_OUTCOMES.name}"
            " where _dlt_load_id = ? and damaged_count > 0 order by segment",
            [load_id],
        ).fetchall()
