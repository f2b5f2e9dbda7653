"""OTLP over HTTP: AI calls from traces and logs, usage buckets from metrics.

Two readers (``json_reader``, ``protobuf_reader``) make one shape (``shape``) of the two
encodings; ``calls`` and ``metrics`` give it meaning by the tables of ``names``. Spans, records
and metrics that own no usage are no items.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ingest_api.adapters.base import Adapter, Document, MalformedBody
from ingest_api.adapters.otlp import calls, json_reader, metrics, protobuf_reader

JSON_TYPES = ("application/json",)
PROTOBUF_TYPES = ("application/x-protobuf", "application/protobuf")


def _adapter(
    name: str,
    media_types: tuple[str, ...],
    read: Callable[[bytes], Iterable[Any]],
    items: Callable[[Iterable[Any]], list[object]],
) -> Adapter:
    def parse(document: Document) -> Sequence[object]:
        try:
            return items(read(document.body))
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
