"""From the bytes of a part of an import to its items, in memory.

Belongs here: the formats of parts, within bounds, and ids for rows that bring none. Does not
belong here: reading rows (``ingest_api.client.rows``), judging or storing.

Columns that the contract does not know are not read, so content in them never becomes a value.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ecomind.contract.codec import Problem
from ingest_api.adapters import native_json, native_ndjson
from ingest_api.adapters.base import Document, MalformedBody
from ingest_api.client.rows import KINDS, Content, Malformed, Row, UnreadableFile, csv_rows, plain
from ingest_api.replies import Refused

_COLUMNS_MAX = 500
_VALUE_BYTES_MAX = 8192
_BATCH_ROWS = 1000
_MALFORMED = Problem("malformed_row", "", "the row cannot be read")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a part may hold: rows, and bytes once they are decompressed."""

    max_rows: int
    max_bytes: int


def _bounded(rows: Iterator[object], bounds: Bounds) -> list[object]:
    found = list(islice(rows, bounds.max_rows + 1))
    if len(found) > bounds.max_rows:
        raise Refused("body-too-large", stage="items", limit_items=bounds.max_rows)
    return found


def _items(rows: Iterator[Row]) -> Iterator[object]:
    for row in rows:
        yield _MALFORMED if isinstance(row.item, Malformed) else row.item


def _json(document: Document, bounds: Bounds) -> list[object]:
    return _bounded(iter(native_json.parse(document)), bounds)


def _ndjson(document: Document, bounds: Bounds) -> list[object]:
    return _bounded(iter(native_ndjson.parse(document)), bounds)


def _csv(document: Document, bounds: Bounds) -> list[object]:
    head = document.body.split(b"\n", 1)[0].decode("utf-8-sig", errors="replace")
    try:
        columns = next(csv.reader(io.StringIO(head)), [])
    except csv.Error:
        columns = []
    if len(columns) > _COLUMNS_MAX or not KINDS.keys() & set(columns):
        raise MalformedBody("the first line does not name the contract's fields")
    return _bounded(_items(csv_rows(Content.of_bytes(document.body))), bounds)


def _known_columns(schema: pa.Schema) -> list[str]:
    names = [name for name in schema.names if name in KINDS]
    if not names or len(set(schema.names)) != len(schema.names):
        raise MalformedBody("the columns do not name the contract's fields")
    for name in names:
        if pa.types.is_nested(schema.field(name).type):
            raise MalformedBody(f"the column {name} is nested; tags are JSON text here")
    return names


def _parquet(document: Document, bounds: Bounds) -> list[object]:
    try:
        metadata = pq.read_metadata(pa.BufferReader(document.body))
        if metadata.num_rows > bounds.max_rows:
            raise Refused("body-too-large", stage="items", limit_items=bounds.max_rows)
        groups = (metadata.row_group(i) for i in range(metadata.num_row_groups))
        if sum(group.total_byte_size for group in groups) > bounds.max_bytes:
            raise Refused("body-too-large", stage="decoded", limit_bytes=bounds.max_bytes)
        return _bounded(_parquet_items(document.body), bounds)
    except (OSError, pa.ArrowException, UnicodeDecodeError):
        raise MalformedBody("the body is not a Parquet file that can be read") from None


def _parquet_items(body: bytes) -> Iterator[object]:
    schema = pq.read_schema(pa.BufferReader(body))
    names = _known_columns(schema)
    texts = [n for n in names if pa.types.is_string(schema.field(n).type)]
    # Texts stay in dictionaries: a long value that many rows share is held once.
    with pq.ParquetFile(pa.BufferReader(body), read_dictionary=texts) as file:
        for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=names):
            columns = [_values(batch.column(i)) for i in range(batch.num_columns)]
            for values in zip(*columns, strict=True):
                named = zip(batch.schema.names, values, strict=True)
                yield {name: plain(name, value) for name, value in named if value is not None}


def _values(column: Any) -> list[Any]:
    if not pa.types.is_dictionary(column.type):
        return column.to_pylist()  # type: ignore[no-any-return]
    compute: Any = pc
    if (compute.max(compute.binary_length(column.dictionary)).as_py() or 0) > _VALUE_BYTES_MAX:
        raise MalformedBody(f"a value is longer than {_VALUE_BYTES_MAX} bytes")
    words = column.dictionary.to_pylist()
    return [None if index is None else words[index] for index in column.indices.to_pylist()]


_READERS: Mapping[str, Callable[[Document, Bounds], list[object]]] = {
    "import_ndjson": _ndjson,
    "import_json": _json,
    "import_csv": _csv,
    "import_parquet": _parquet,
}
"""How each format is read, by its name in landed rows."""


def with_ids(items: Sequence[object], sha256: str) -> list[object]:
    """Items of which every one has an id: the same bytes give the same ids each time."""
    return [
        _with_id(item, sha256, number) if isinstance(item, dict) else item
        for number, item in enumerate(items, 1)
    ]


def _with_id(item: dict[str, Any], sha256: str, number: int) -> dict[str, Any]:
    if item.get("event_id") is not None:
        return item
    source = item.get("source") or f"urn:ecomind:import:{sha256[:12]}"
    return {**item, "event_id": f"imp_{sha256[:24]}_{number}", "source": source}


def read(adapter: str, document: Document, bounds: Bounds, sha256: str) -> list[object]:
    """The items of a part in the format ``adapter``. Raises ``Refused``."""
    try:
        return with_ids(_READERS[adapter](document, bounds), sha256)
    except (MalformedBody, UnreadableFile) as error:
        raise Refused("malformed-body", detail=str(error)) from None
