"""OTLP's answers: 200 when something was judged, a google.rpc.Status when nothing was stored.

Belongs here: wording for OTLP exporters, in the request's encoding. A 200 with rejected items is
final: exporters must not send them again, so it is also the answer when all were rejected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from ingest_api.dialects.base import Dialect
from ingest_api.outcome import Outcome
from ingest_api.replies import JSON, Refused, Reply

PROTOBUF = ("content-type", "application/x-protobuf")
_REASONS_MAX = 10
_GRPC_CODES: Mapping[int, int] = {
    400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 413: 8, 415: 3, 429: 8, 500: 13, 503: 14,
}  # fmt: skip
"""Codes of gRPC by HTTP status; exporters go by the latter."""
_INVALID_ARGUMENT = 3
_RETRY_AFTER_MAX_S = 3
_STATUSES = {408: 503}
"""Exporters give up at any status but 429, 502, 503 and 504."""


@dataclass(frozen=True, slots=True)
class Signal:
    """What one address takes: its response message, and the field that counts rejected items."""

    name: str
    response: Callable[[], Message]
    json_field: str
    protobuf_field: str


TRACES = Signal("traces", ExportTraceServiceResponse, "rejectedSpans", "rejected_spans")
LOGS = Signal("logs", ExportLogsServiceResponse, "rejectedLogRecords", "rejected_log_records")
METRICS = Signal(
    "metrics", ExportMetricsServiceResponse, "rejectedDataPoints", "rejected_data_points"
)


def _reasons(counted: Counter[str]) -> str:
    named = [f"{reason} ({count})" for reason, count in counted.most_common(_REASONS_MAX)]
    rest = len(counted) - len(named)
    return ", ".join(named) + (f" and {rest} more" if rest else "")


def _message(outcome: Outcome) -> str:
    """Why items were rejected or changed: codes, places and counts, never a value."""
    if outcome.rejected:
        reasons = Counter(f"{error['code']} {error['pointer']}" for error in outcome.errors)
        of_all = f"{outcome.rejected} of {len(outcome.results)} items not stored"
        return f"{of_all}: {_reasons(reasons)}; receipt {outcome.receipt_id}"
    warned = Counter(
        f"{warning['code']} {warning['field']}"
        for result in outcome.results
        for warning in result.warnings
    )
    return f"all stored: {_reasons(warned)}; receipt {outcome.receipt_id}" if warned else ""


def _status_code(refused: Refused) -> int:
    return _GRPC_CODES.get(refused.status, _INVALID_ARGUMENT)


def _headers(refused: Refused) -> list[tuple[str, str]]:
    """The headers of a refusal; a 503 says to come back soon.

    Exporters drop a batch at once when told to wait beyond their timeout, 10 s by default.
    """
    if refused.status != 503:
        return list(refused.headers)
    return [
        (name, str(min(int(value), _RETRY_AFTER_MAX_S)) if name == "retry-after" else value)
        for name, value in refused.headers
    ]


def json_dialect(signal: Signal) -> Dialect:
    """Answers to requests in JSON."""

    def judged(outcome: Outcome) -> Reply:
        message = _message(outcome)
        if not message:
            return Reply(200, b"{}")
        # 64-bit integers are text in the JSON of protobuf.
        partial: dict[str, Any] = {
            signal.json_field: str(outcome.rejected),
            "errorMessage": message,
        }
        return Reply(200, msgspec.json.encode({"partialSuccess": partial}))

    def refused(why: Refused, _instance: str) -> Reply:
        status = {"code": _status_code(why), "message": why.sentence}
        return Reply(why.status, msgspec.json.encode(status), [JSON, *_headers(why)])

    return Dialect(f"otlp_{signal.name}_json", judged, refused, _STATUSES)


def protobuf_dialect(signal: Signal) -> Dialect:
    """Answers to requests in protobuf."""

    def judged(outcome: Outcome) -> Reply:
        message = _message(outcome)
        response: Any = signal.response()
        if message:
            setattr(response.partial_success, signal.protobuf_field, outcome.rejected)
            response.partial_success.error_message = message
        return Reply(200, response.SerializeToString(), [PROTOBUF])

    def refused(why: Refused, _instance: str) -> Reply:
        status = Status(code=_status_code(why), message=why.sentence)
        return Reply(why.status, status.SerializeToString(), [PROTOBUF, *_headers(why)])

    return Dialect(f"otlp_{signal.name}_protobuf", judged, refused, _STATUSES)
