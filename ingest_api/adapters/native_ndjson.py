"""Native events as NDJSON: one JSON object a line, empty lines ignored."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ecomind.contract.codec import Problem
from ecomind.contract.plain import plain_lines
from ingest_api.adapters.base import UNREADABLE, Adapter, Document

_decoder = msgspec.json.Decoder()
_MALFORMED = Problem("malformed_line", "", "the line is not JSON")


def _line(line: bytes) -> object:
    try:
        return _decoder.decode(line)
    except UNREADABLE:
        return _MALFORMED


def parse(document: Document) -> Sequence[object]:
    """The items of the lines; a line that is not JSON is its own problem."""
    plain = plain_lines(document.body)
    if plain is not None:
        return plain
    try:
        return _decoder.decode_lines(document.body)
    except UNREADABLE:
        return [_line(line) for line in document.body.split(b"\n") if line.strip()]


ADAPTER = Adapter(
    "native_ndjson",
    ("application/x-ndjson", "application/ndjson", "application/jsonl"),
    parse,
    is_foreign=False,
)
