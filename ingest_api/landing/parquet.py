"""Landed files: from the log's payloads to a durable, verified Parquet file.

Belongs here: columns, sorting, compression, and putting a file in place. Does not belong here:
what a payload looks like (``record``), or which rows belong together.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Literal, TypeAlias

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.json as pj
import pyarrow.parquet as pq

from ecomind.contract.bucket import BUCKETS
from ecomind.contract.event import EVENTS, OUTCOMES, RECEIPT, REJECTS
from ecomind.contract.fields import Table
from ecomind.contract.landing import arrow_schema
from ecomind.landing_zone import LandingZone, NotVerified
from ingest_api.landing.record import Parts, halves, parts

SORTED_BY = {
    EVENTS.name: ("org_id", "occurred_at"),
    BUCKETS.name: ("org_id", "bucket_start"),
    REJECTS.name: ("org_id", "received_at"),
    OUTCOMES.name: (),
}
"""The columns that the rows of a landed table's files are sorted by."""
_UNLIKE = frozenset({"event_id", "rejection_id", "occurred_at"})
"""Columns that hardly ever hold a value twice: a dictionary of those is only a detour."""
_PRUNED_BY = frozenset(
    {"org_id", "received_at", "occurred_at", "bucket_start", "event_id", "receipt_id",
     "rejection_id"}
)  # fmt: skip
"""Columns by which a reader passes over row groups."""
_BLOCK_BYTES = 2**20
_SAMPLED_LINES = 32
_as_object = msgspec.json.Decoder(dict[str, Any])
_ROW_GROUP_ROWS = 122_880
_RECEIPT = frozenset(field.name for field in RECEIPT)
_Column: TypeAlias = "pa.Array[Any] | pa.ChunkedArray[Any]"


def _json_schema(fields: Iterable[pa.Field[Any]]) -> pa.Schema:
    """How rows are written in JSON: times as integer microseconds, anything may be absent."""
    return pa.schema(
        [pa.field(f.name, pa.int64() if pa.types.is_timestamp(f.type) else f.type) for f in fields]
    )


def _sampled(lines: bytes) -> Iterator[bytes]:
    for place in range(0, len(lines), max(1, len(lines) // _SAMPLED_LINES)):
        start = lines.rfind(b"\n", 0, place) + 1
        end = lines.find(b"\n", start)
        yield lines[start:] if end < 0 else lines[start:end]


def _names(lines: bytes) -> set[str] | None:
    """Names that some of the objects hold, or None when one of those cannot be read."""
    names: set[str] = set()
    try:
        for line in _sampled(lines):
            names.update(_as_object.decode(line))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return names


def _parsed(
    fields: Sequence[pa.Field[Any]], lines: bytes, unexpected: Literal["error", "ignore"]
) -> pa.Table:
    return pj.read_json(
        io.BytesIO(lines),
        read_options=pj.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES),
        parse_options=pj.ParseOptions(
            explicit_schema=_json_schema(fields), unexpected_field_behavior=unexpected
        ),
    )


def _objects(fields: Sequence[pa.Field[Any]], lines: bytes, count: int) -> pa.Table:
    """Those columns of ``fields`` that any of so many lines of one object each holds.

    Raises ``pa.ArrowInvalid`` when one is no object of them.
    """
    names = _names(lines)
    if names is not None:
        try:
            # Most columns hold nothing, and asking for them costs more than all the others.
            held = _parsed([f for f in fields if f.name in names], lines, "error")
        except pa.ArrowInvalid:
            names = None  # One that was not sampled holds more, or does not fit.
    if names is None:
        held = _parsed(fields, lines, "ignore")
    if held.num_rows != count:
        raise pa.ArrowInvalid("a line holds more or less than one object")
    types = {field.name: field.type for field in fields}
    return held.cast(pa.schema([(name, types[name]) for name in held.column_names]))


def _column(field: pa.Field[Any], default: Any, held: pa.Table) -> _Column:
    if field.name not in held.column_names:
        if default is not None:
            constant: _Column = pa.repeat(pa.scalar(default, field.type), held.num_rows)
            return constant
        if not field.nullable:
            raise pa.ArrowInvalid(f"{field.name} is missing")
        nothing: _Column = pa.nulls(held.num_rows, field.type)
        return nothing
    column = held.column(field.name)
    if default is not None and column.null_count:
        column = column.fill_null(default)
    if not field.nullable and column.null_count:
        raise pa.ArrowInvalid(f"{field.name} is missing")
    return column


def _values(fields: Sequence[pa.Field[Any]], part: Parts) -> pa.Table:
    """The columns of ``fields`` that rows of values hold.

    Raises ``pa.ArrowInvalid`` when one does not fit.
    """
    try:
        names = part.field_names
    except msgspec.DecodeError:
        raise pa.ArrowInvalid("the names of the fields cannot be read") from None
    types = {field.name: field.type for field in fields}
    held = pcsv.read_csv(
        io.BytesIO(part.rows),
        read_options=pcsv.ReadOptions(
            use_threads=False, block_size=_BLOCK_BYTES, column_names=names
        ),
        convert_options=pcsv.ConvertOptions(
            column_types=types,
            include_columns=[name for name in names if name in types],
            null_values=["null"],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    if held.num_rows != sum(part.counts):
        raise pa.ArrowInvalid("a line is empty")
    return held


def _rows(fields: Sequence[pa.Field[Any]], part: Parts) -> pa.Table:
    """Those columns of ``fields`` that rows hold; raises ``pa.ArrowInvalid`` as ``_read`` does."""
    if not all(part.counts):
        raise pa.ArrowInvalid("a payload holds no row")
    if part.names:
        return _values(fields, part)
    return _objects(fields, part.rows, sum(part.counts))


def _read(table: Table, payloads: Sequence[bytes]) -> pa.Table:
    """Rows of payloads. Raises ``pa.ArrowInvalid`` when one does not fit."""
    schema, forms = arrow_schema(table), parts(payloads)
    counts = [count for part in forms for count in part.counts]
    received_with = np.repeat(np.arange(len(counts)), counts)
    of_receipt = [field for field in schema if field.name in _RECEIPT]
    of_row = [field for field in schema if field.name not in _RECEIPT]
    receipts = _objects(of_receipt, b"\n".join([part.receipts for part in forms]), len(counts))
    held = [_rows(of_row, part) for part in forms]
    rows = pa.concat_tables(held, promote_options="default")
    defaults = {field.name: field.default for field in table.fields}
    columns = [
        _column(field, None, receipts).take(received_with)
        if field.name in _RECEIPT
        else _column(field, defaults[field.name], rows)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def to_table(table: Table, payloads: Sequence[bytes]) -> tuple[pa.Table, list[bytes]]:
    """Rows of a landed table in contract order, and payloads of rows that do not fit it."""
    if not payloads:
        return arrow_schema(table).empty_table(), []
    try:
        return _read(table, payloads), []
    except pa.ArrowInvalid:
        pass
    # Halving finds a few misfits among many rows without reading every row alone.
    middle = len(payloads) // 2
    pieces = [payloads[:middle], payloads[middle:]]
    if len(payloads) == 1:
        pieces = [[half] for half in halves(payloads[0])]
        if len(pieces) == 1:
            return arrow_schema(table).empty_table(), list(payloads)
    tables, misfits = zip(*(to_table(table, some) for some in pieces), strict=True)
    return pa.concat_tables(tables), [payload for some in misfits for payload in some]


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
    alike = [name for name in table.column_names if name not in _UNLIKE]
    pq.write_table(
        table,
        file,
        compression="zstd",
        row_group_size=_ROW_GROUP_ROWS,
        use_dictionary=alike,  # type: ignore[arg-type]  # names are taken, too
        write_statistics=[name for name in table.column_names if name in _PRUNED_BY],
    )
    data = file.getvalue()
    if not _holds(data, table):
        raise NotVerified(f"{location} did not read back as written")
    zone.put(location, data)
