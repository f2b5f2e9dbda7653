"""Landed files: from JSON rows to a durable, verified Parquet file.

Belongs here: columns, sorting, compression, and putting a file in place. Does not belong here:
segments, or which rows belong together.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
import pyarrow.parquet as pq

from ecomind.contract.bucket import BUCKETS
from ecomind.contract.event import EVENTS, OUTCOMES, REJECTS
from ecomind.contract.fields import Table
from ecomind.contract.landing import arrow_schema
from ecomind.landing_zone import LandingZone, NotVerified

SORTED_BY = {
    EVENTS.name: ("org_id", "occurred_at"),
    BUCKETS.name: ("org_id", "bucket_start"),
    REJECTS.name: ("org_id", "received_at"),
    OUTCOMES.name: (),
}
"""The columns that the rows of a landed table's files are sorted by."""
_BLOCK_BYTES = 2**20
_SAMPLED_ROWS = 32
_as_object = msgspec.json.Decoder(dict[str, Any])
_ROW_GROUP_ROWS = 122_880


def _json_schema(schema: pa.Schema) -> pa.Schema:
    """How rows are written in JSON: times as integer microseconds, anything may be absent."""
    return pa.schema(
        [pa.field(f.name, pa.int64() if pa.types.is_timestamp(f.type) else f.type) for f in schema]
    )


def _names(rows: Sequence[bytes]) -> set[str] | None:
    """Names that some of the rows hold, or None when one of those cannot be read."""
    names: set[str] = set()
    try:
        for row in rows[:: max(1, len(rows) // _SAMPLED_ROWS)]:
            names.update(_as_object.decode(row))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return names


def _parsed(
    schema: pa.Schema, rows: Sequence[bytes], unexpected: Literal["error", "ignore"]
) -> pa.Table:
    return pj.read_json(
        io.BytesIO(b"\n".join(rows)),
        read_options=pj.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES),
        parse_options=pj.ParseOptions(
            explicit_schema=_json_schema(schema), unexpected_field_behavior=unexpected
        ),
    )


def _held(schema: pa.Schema, rows: Sequence[bytes]) -> pa.Table:
    """The columns of ``schema`` that any row holds, or all of them."""
    names = _names(rows)
    if names is not None:
        try:
            # Most columns hold nothing, and asking for them costs more than all the others.
            return _parsed(pa.schema([f for f in schema if f.name in names]), rows, "error")
        except pa.ArrowInvalid:
            pass  # A row that was not sampled holds more, or does not fit: the whole way tells.
    return _parsed(schema, rows, "ignore")


def _read(schema: pa.Schema, rows: Sequence[bytes]) -> pa.Table:
    """Rows as a table of ``schema``. Raises ``pa.ArrowInvalid`` when one does not fit."""
    held = _held(schema, rows)
    if held.num_rows != len(rows):
        raise pa.ArrowInvalid("a row holds more or less than one object")
    columns: list[pa.Array[Any] | pa.ChunkedArray[Any]] = []
    for field in schema:
        if field.name in held.column_names:
            column = held.column(field.name).cast(field.type)
        else:
            column = pa.nulls(len(rows), field.type)
        if not field.nullable and column.null_count:
            raise pa.ArrowInvalid(f"{field.name} is missing")
        columns.append(column)
    return pa.Table.from_arrays(columns, schema=schema)


def to_table(table: Table, rows: Sequence[bytes]) -> tuple[pa.Table, list[bytes]]:
    """Rows of a landed table in contract order, and the rows that do not fit it."""
    schema = arrow_schema(table)
    if not rows:
        return schema.empty_table(), []
    try:
        return _read(schema, rows), []
    except pa.ArrowInvalid:
        if len(rows) == 1:
            return schema.empty_table(), list(rows)
    # Halving finds a few misfits among many rows without reading every row alone.
    middle = len(rows) // 2
    left, left_misfits = to_table(table, rows[:middle])
    right, right_misfits = to_table(table, rows[middle:])
    return pa.concat_tables([left, right]), left_misfits + right_misfits


def time_range(tables: Sequence[pa.Table]) -> tuple[datetime | None, datetime | None]:
    """Earliest and latest ``received_at`` of all rows; two Nones when there are none."""
    columns = [table.column("received_at") for table in tables if table.num_rows]
    if not columns:
        return None, None
    firsts = (pc.min(column).as_py() for column in columns)
    lasts = (pc.max(column).as_py() for column in columns)
    return min(firsts), max(lasts)


def _holds(data: bytes, table: pa.Table) -> bool:
    try:
        metadata = pq.read_metadata(pa.BufferReader(data))
        return bool(
            metadata.num_rows == table.num_rows
            and metadata.schema.to_arrow_schema().equals(table.schema)
        )
    except (OSError, pa.ArrowException):
        return False


def _sorted(table: pa.Table, by: Sequence[str]) -> pa.Table:
    """The rows in order; columns that hold nothing are left as they are."""
    order = pc.sort_indices(table, sort_keys=[(name, "ascending") for name in by])
    columns = [
        column if column.null_count == len(column) else column.combine_chunks().take(order)
        for column in table.columns
    ]
    return pa.Table.from_arrays(columns, schema=table.schema)


def land(table: pa.Table, zone: LandingZone, location: str, sort_by: Sequence[str]) -> None:
    """Put the table's file at ``location`` durably; harmless when it is there already.

    Raises ``OSError`` (disk, storage) or ``NotVerified``.
    """
    there = zone.read(location)
    if there is not None and _holds(there, table):
        return
    if sort_by:
        table = _sorted(table, sort_by)
    file = io.BytesIO()
    pq.write_table(table, file, compression="zstd", row_group_size=_ROW_GROUP_ROWS)
    data = file.getvalue()
    if not _holds(data, table):
        raise NotVerified(f"{location} did not read back as written")
    zone.put(location, data)
