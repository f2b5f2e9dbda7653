"""OTLP documents for tests, in both encodings."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ecomind.contract.codec import Judged, Rules, judge, judge_bucket
from ingest_api.adapters import otlp
from ingest_api.adapters.base import Adapter, Bucket, Document

NOW = datetime(2026, 11, 21, 10, 5, tzinfo=UTC)
START_NS = 1795255198120000000
END_NS = 1795255200430400000
TRACE_ID = "5b8efff798038103d269b633813fc60c"
SPAN_ID = "eee19b7ec3c1b174"
ENCODINGS = ("json", "protobuf")
ADAPTERS: Mapping[tuple[str, str], Adapter] = {
    ("traces", "json"): otlp.TRACES_JSON,
    ("traces", "protobuf"): otlp.TRACES_PROTOBUF,
    ("logs", "json"): otlp.LOGS_JSON,
    ("logs", "protobuf"): otlp.LOGS_PROTOBUF,
    ("metrics", "json"): otlp.METRICS_JSON,
    ("metrics", "protobuf"): otlp.METRICS_PROTOBUF,
}
REQUESTS: Mapping[str, type[Message]] = {
    "traces": ExportTraceServiceRequest,
    "logs": ExportLogsServiceRequest,
    "metrics": ExportMetricsServiceRequest,
}
RULES = Rules("acme", NOW, timedelta(minutes=5), timedelta(days=400), None)
_IDS = ("traceId", "spanId", "parentSpanId")


def _with_ids(value: Any, convert: Any) -> Any:
    if isinstance(value, dict):
        return {k: convert(v) if k in _IDS else _with_ids(v, convert) for k, v in value.items()}
    return [_with_ids(each, convert) for each in value] if isinstance(value, list) else value


def protobuf_of(signal: str, document: Any) -> bytes:
    """OTLP's JSON as protobuf."""
    plain = _with_ids(document, lambda text: base64.b64encode(bytes.fromhex(text)).decode())
    return json_format.ParseDict(plain, REQUESTS[signal]()).SerializeToString()


def json_of(message: Message) -> bytes:
    """A protobuf message as OTLP's JSON, as the exporters of JavaScript write it."""
    plain = json_format.MessageToDict(message, use_integers_for_enums=True)
    hexed = _with_ids(plain, lambda text: base64.b64decode(text).hex())
    return json.dumps(hexed).encode()


def encoded(signal: str, encoding: str, document: Any) -> bytes:
    if encoding == "protobuf":
        return protobuf_of(signal, document)
    return json.dumps(document).encode()


def parsed(signal: str, encoding: str, document: Any) -> list[Any]:
    body = encoded(signal, encoding, document)
    return list(ADAPTERS[signal, encoding].parse(Document(body, {})))


def judged(item: Any) -> Judged:
    if isinstance(item, Bucket):
        return judge_bucket(item.fields, RULES)
    return judge(item, RULES, is_foreign=True)


def value(of: Any) -> dict[str, Any]:
    """An attribute value."""
    if isinstance(of, bool):
        return {"boolValue": of}
    if isinstance(of, int):
        return {"intValue": str(of)}
    if isinstance(of, float):
        return {"doubleValue": of}
    if isinstance(of, list):
        return {"arrayValue": {"values": [value(each) for each in of]}}
    return {"stringValue": of}


def attributes(of: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": value(each)} for key, each in of.items()]


def span(of: Mapping[str, Any], **members: Any) -> dict[str, Any]:
    return {
        "traceId": TRACE_ID,
        "spanId": SPAN_ID,
        "startTimeUnixNano": str(START_NS),
        "endTimeUnixNano": str(END_NS),
        "attributes": attributes(of),
        **members,
    }


def traces(
    *spans: dict[str, Any], scope: str = "s", resource: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    held = {"service.name": "answer-api"} if resource is None else resource
    of_scope = {"scope": {"name": scope}, "spans": list(spans)}
    of_resource = {"resource": {"attributes": attributes(held)}, "scopeSpans": [of_scope]}
    return {"resourceSpans": [of_resource]}


def metrics(*each: dict[str, Any], resource: Mapping[str, Any] | None = None) -> dict[str, Any]:
    held = {"service.name": "answer-api"} if resource is None else resource
    of_scope = {"scope": {"name": "s"}, "metrics": list(each)}
    of_resource = {"resource": {"attributes": attributes(held)}, "scopeMetrics": [of_scope]}
    return {"resourceMetrics": [of_resource]}
