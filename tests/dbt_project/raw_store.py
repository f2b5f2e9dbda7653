"""A small raw store, shaped by the contract, for tests that need dbt's input without dlt.

Belongs here: creating the raw tables and appending loads to them. Does not belong here: what a
test expects of the marts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import pyarrow as pa

from ecomind.contract.landing import arrow_schema
from ecomind.contract.raw import RAW_SCHEMA, RAW_TABLES

Row = Mapping[str, Any]

RECEIVED = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
EVENT: dict[str, Any] = {
    "org_id": "acme",
    "key_id": "k1",
    "received_at": RECEIVED,
    "receipt_id": "r1",
    "adapter": "native",
    "schema_version": "1",
    "event_id": "e1",
    "source": "urn:test",
    "occurred_at": datetime(2026, 11, 2, 7, 30, tzinfo=UTC),
    "provider": "openai",
    "request_model": "gpt-4o",
    "operation": "chat",
    "status": "success",
    "request_count": 1,
    "sample_weight": 1.0,
    "usage_source": "provider_reported",
    "region_source": "unknown",
    "landed_file": "node-000000000001-a.parquet",
}


def event(event_id: str, **values: Any) -> dict[str, Any]:
    """A valid raw event with ``values`` in place of the defaults."""
    return {**EVENT, "event_id": event_id, **values}


class RawStore:
    """Writer of a raw DuckDB file at ``path``; close before dbt opens the file."""

    def __init__(self, path: Path) -> None:
        """Open or create the file with every raw table of the contract."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = duckdb.connect(str(path))
        self._connection.execute("set TimeZone = 'UTC'")
        self._connection.execute(f"create schema if not exists {RAW_SCHEMA}")
        self._schemas = {table.name: arrow_schema(table) for table in RAW_TABLES}
        for name, schema in self._schemas.items():
            self._connection.register("shape", schema.empty_table())
            self._connection.execute(
                f"create table if not exists {RAW_SCHEMA}.{name} as select * from shape"
            )
            self._connection.unregister("shape")

    def __enter__(self) -> Self:
        """Use as a context manager to close the file."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self._connection.close()

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a statement on the raw file."""
        return self._connection.execute(sql, list(parameters)).fetchall()

    def append(self, table: str, rows: Iterable[Row], load_id: str) -> None:
        """Append ``rows`` to a raw table under ``load_id``; missing columns are null."""
        schema = self._schemas[table]
        tagged = [{**row, "_dlt_load_id": load_id} for row in rows]
        columns = [pa.array([row.get(f.name) for row in tagged], f.type) for f in schema]
        self._connection.register("rows", pa.table(columns, schema=schema))
        self._connection.execute(f"insert into {RAW_SCHEMA}.{table} by name select * from rows")
        self._connection.unregister("rows")

    def complete(self, load_id: str) -> None:
        """Mark a load as complete, as dlt does after its last table."""
        self._connection.execute(
            f"insert into {RAW_SCHEMA}._dlt_loads (load_id, schema_name, status, inserted_at) "
            "values (?, 'landing', 0, ?)",
            [load_id, RECEIVED + timedelta(minutes=1)],
        )

    def load(self, load_id: str, events: Iterable[Row], rejects: Iterable[Row] = ()) -> None:
        """One complete load of events and rejects."""
        self.append("usage_events", events, load_id)
        self.append("usage_rejects", rejects, load_id)
        self.complete(load_id)
