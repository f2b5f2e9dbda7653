"""From a file to rows, one by one, in the contract's shape.

Belongs here: the formats a file may have, told apart by content. Does not belong here: sending,
or judging values; a cell that cannot be converted is passed on as it is, for the endpoint to
refuse with its own code.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from ecomind.contract.event import CLIENT_FIELDS
from ecomind.contract.fields import Kind

TRACE_COLUMNS = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
"""Header of the Azure LLM inference traces (times are naive UTC with 7 decimals)."""

_PARQUET_MAGIC = b"PAR1"
_BATCH_ROWS = 4096
_HASH_BYTES = 2**20
_INTEGER_LIMIT = 2**63
KINDS: dict[str, Kind] = {field.name: field.kind for field in CLIENT_FIELDS} | {
    alias: field.kind for field in CLIENT_FIELDS for alias in field.aliases
}
"""Columns of a file that are read: the contract's fields under all their names."""


class UnreadableFile(Exception):
    """Why a file cannot be imported, in one sentence."""


class Malformed:
    """Stands in the place of a row that is not a row at all."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row, its number in the file (from 1) and how much of the file has been read."""

    number: int
    item: dict[str, Any] | Malformed
    position: int


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes to read rows from, and what to call them in a sentence."""

    name: str
    open: Callable[[], BinaryIO]

    @classmethod
    def of_file(cls, path: Path) -> Content:
        """A file's bytes."""
        return cls(str(path), lambda: path.open("rb"))

    @classmethod
    def of_bytes(cls, body: bytes) -> Content:
        """Bytes in memory."""
        return cls("the part", lambda: io.BytesIO(body))


@dataclass(frozen=True, slots=True)
class Source:
    """A file to import: its fingerprint, the position of its last row, its rows in order.

    ``read`` raises ``UnreadableFile`` where the file turns out to be damaged.
    """

    path: Path
    sha256: str
    extent: int
    is_trace: bool
    read: Callable[[], Iterator[Row]]


def fingerprint(path: Path) -> str:
    """SHA-256 of the file's bytes, hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_HASH_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def open_source(path: Path) -> Source:
    """Recognise a file by its content. Raises ``UnreadableFile``."""
    try:
        with path.open("rb") as file:
            first = file.readline(_HASH_BYTES)
        extent = path.stat().st_size
        sha256 = fingerprint(path)
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {(error.strerror or '').lower()}") from error
    content = Content.of_file(path)
    if first.startswith(_PARQUET_MAGIC):
        rows = _parquet_row_count(path)
        return Source(path, sha256, rows, False, lambda: _parquet_rows(path))
    text = first.decode("utf-8-sig", errors="replace").strip()
    if text.startswith("{"):
        return Source(path, sha256, extent, False, lambda: ndjson_rows(content))
    columns = tuple(next(csv.reader([text]), ()))
    if columns[: len(TRACE_COLUMNS)] == TRACE_COLUMNS:
        return Source(path, sha256, extent, True, lambda: _trace_rows(content))
    if not any(column in KINDS for column in columns):
        expected = "a trace, or CSV, NDJSON or Parquet with the contract's field names"
        raise UnreadableFile(f"{path} is not a file that can be imported: expected {expected}")
    return Source(path, sha256, extent, False, lambda: csv_rows(content))


def _parquet_row_count(path: Path) -> int:
    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, pa.ArrowException) as error:
        raise UnreadableFile(f"{path} begins like Parquet but cannot be read as such") from error


def _parquet_rows(path: Path) -> Iterator[Row]:
    number = 0
    with pq.ParquetFile(path) as file:
        batches = file.iter_batches(batch_size=_BATCH_ROWS)
        while True:
            try:
                batch = next(batches, None)
            except (OSError, pa.ArrowException) as error:
                raise UnreadableFile(f"{path} is damaged after row {number}") from error
            if batch is None:
                return
            for values in batch.to_pylist():
                number += 1
                item = {name: plain(name, v) for name, v in values.items() if v is not None}
                yield Row(number, item, number)


def plain(name: str, value: Any) -> Any:
    """A Parquet value as the field's JSON value."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    return _from_text("tags", value) if name == "tags" and isinstance(value, str) else value


def ndjson_rows(content: Content) -> Iterator[Row]:
    """One JSON object a line, empty lines ignored."""
    position = number = 0
    with content.open() as file:
        for line in file:
            position += len(line)
            if not line.strip():
                continue
            number += 1
            yield Row(number, _object(line.removeprefix(b"\xef\xbb\xbf")), position)


def _object(line: bytes) -> dict[str, Any] | Malformed:
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Malformed()


def _cells(content: Content) -> Iterator[tuple[int, dict[str, str], int]]:
    with content.open() as raw:
        text = io.TextIOWrapper(raw, encoding="utf-8-sig", errors="replace", newline="")
        reader = csv.DictReader(text, restkey="", restval="")
        number = 0
        while True:
            try:
                cells = next(reader, None)
            except csv.Error as error:
                raise UnreadableFile(f"{content.name} cannot be read after row {number}") from error
            if cells is None:
                return
            number += 1
            yield number, cells, raw.tell()


def csv_rows(content: Content) -> Iterator[Row]:
    """Rows under a header of the contract's field names."""
    for number, cells, position in _cells(content):
        if "" in cells:  # More cells than columns: what belongs where is unknown.
            yield Row(number, Malformed(), position)
            continue
        item = {name: _from_text(name, cell) for name, cell in cells.items() if cell != ""}
        yield Row(number, item, position)


def _trace_rows(content: Content) -> Iterator[Row]:
    for number, cells, position in _cells(content):
        time = cells["TIMESTAMP"].strip()
        day, _, clock = time.partition(" ")
        second, _, fraction = clock.partition(".")
        item = {
            "occurred_at": f"{day}T{second}.{fraction[:6] or '0'}Z",
            "input_tokens": _from_text("input_tokens", cells["ContextTokens"]),
            "output_tokens": _from_text("output_tokens", cells["GeneratedTokens"]),
        }
        yield Row(number, item, position)


def _boolean(text: str) -> bool | str:
    return {"true": True, "false": False}.get(text.strip().lower(), text)


def _integer(text: str) -> int | str:
    number = int(text)
    return number if abs(number) < _INTEGER_LIMIT else text


def _number(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text


_CONVERTERS: Mapping[Kind, Callable[[str], Any]] = {
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "tags": lambda text: msgspec.json.decode(text, type=dict[str, str]),
}


def _from_text(name: str, cell: str) -> Any:
    """The cell as the field's JSON value; the cell itself when it does not convert."""
    converter = _CONVERTERS.get(KINDS.get(name, "string"))
    if converter is None:
        return cell
    try:
        return converter(cell)
    except ValueError:
        return cell
