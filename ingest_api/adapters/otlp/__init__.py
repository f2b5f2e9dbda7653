"""OTLP over HTTP: AI calls from traces and logs, usage buckets from metrics.

Two readers (``json_reader``, ``protobuf_reader``) make one shape (``shape``) of the two
encodings; ``calls`` and ``metrics`` give it meaning by the tables of ``names``. Spans, records
and metrics that own no usage are no items.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ingest_api.adapters.base import Adapter, Document, MalformedBody, TooManyItems
from ingest_api.adapters.otlp import calls, json_reader, metrics, protobuf_reader

JSON_TYPES = ("application/json",)
PROTOBUF_TYPES = ("application/x-protobuf", "application/protobuf")


_REPORTED_PER_ITEM = 20
"""Spans and points looked at for each call that a request may hold."""


def _at_most(limit: int, found: Iterable[Any]) -> Iterator[Any]:
    for number, each in enumerate(found):
        if number >= limit:
            raise TooManyItems
        yield each


def _adapter(
    name: str,
    media_types: tuple[str, ...],
    read: Callable[[bytes], Iterable[Any]],
    items: Callable[[Iterable[Any]], Iterable[object]],
) -> Adapter:
    def parse(document: Document) -> Sequence[object]:
        limit = document.items_max
        try:
            reported = _at_most(_REPORTED_PER_ITEM * limit, read(document.body))
            return list(_at_most(limit, items(reported)))
        except RecursionError:
            raise MalformedBody("attributes are nested too deeply") from None

    return Adapter(name, media_types, parse)


TRACES_JSON = _adapter("otlp_traces_json", JSON_TYPES, json_reader.spans, calls.items)
TRACES_PROTOBUF = _adapter(
    "otlp_traces_protobuf", PROTOBUF_TYPES, protobuf_reader.spans, calls.items
)
LOGS_JSON = _adapter("otlp_logs_json", JSON_TYPES, json_reader.log_records, calls.items)
LOGS_PROTOBUF = _adapter(
    "otlp_logs_protobuf", PROTOBUF_TYPES, protobuf_reader.log_records, calls.items
)
METRICS_JSON = _adapter("otlp_metrics_json", JSON_TYPES, json_reader.points, metrics.items)
METRICS_PROTOBUF = _adapter(
    "otlp_metrics_protobuf", PROTOBUF_TYPES, protobuf_reader.points, metrics.items
)
