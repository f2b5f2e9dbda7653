"""Native events as NDJSON: one JSON object a line, empty lines ignored."""

from __future__ import annotations

from collections.abc import Sequence

from ecomind.contract.plain import plain_lines
from ingest_api.adapters.base import Adapter, Document
from ingest_api.adapters.reading import lines


def parse(document: Document) -> Sequence[object]:
    """The items of the lines; a line that is not JSON is its own problem."""
    plain = plain_lines(document.body)
    return lines(document.body) if plain is None else plain


ADAPTER = Adapter(
    "native_ndjson",
    ("application/x-ndjson", "application/ndjson", "application/jsonl"),
    parse,
    is_foreign=False,
)
