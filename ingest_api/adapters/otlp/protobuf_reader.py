"""OTLP as protobuf, read into the neutral shape by OpenTelemetry's own classes.

Belongs here: the protobuf encoding. Does not belong here: what attributes mean.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from typing import Any, TypeVar

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from ingest_api.adapters.base import MalformedBody
from ingest_api.adapters.otlp import metrics, names
from ingest_api.adapters.otlp.shape import Operation, Origin, Point

_SCALARS = frozenset({"string_value", "int_value", "double_value", "bool_value"})
_ERROR = 2
_NO_VALUE_FLAG = 1

_Request = TypeVar("_Request", bound=Message)


def _decoded(request: _Request, body: bytes) -> _Request:
    try:
        request.ParseFromString(body)
    except DecodeError:  # Its text may quote the body.
        name = request.DESCRIPTOR.name
        raise MalformedBody(f"the body is not a protobuf {name}") from None
    return request


def _known(attributes: Iterable[KeyValue], wanted: Container[str]) -> dict[str, Any]:
    known: dict[str, Any] = {}
    for each in attributes:
        key = each.key
        if key in wanted:
            value = each.value
            kind = value.WhichOneof("value")
            if kind in _SCALARS:
                known[key] = getattr(value, kind)
    return known


def _origin(resource: Resource, scope: InstrumentationScope) -> Origin:
    return Origin(_known(resource.attributes, names.RESOURCE_ATTRIBUTES), scope.name)


def spans(body: bytes) -> Iterator[Operation]:
    """The spans of an ``ExportTraceServiceRequest``. Raises ``MalformedBody``."""
    for of_resource in _decoded(ExportTraceServiceRequest(), body).resource_spans:
        for of_scope in of_resource.scope_spans:
            origin = _origin(of_resource.resource, of_scope.scope)
            for span in of_scope.spans:
                yield Operation(
                    origin,
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.trace_state,
                    span.start_time_unix_nano,
                    span.end_time_unix_nano,
                    span.status.code == _ERROR,
                    _known(span.attributes, names.SPAN_ATTRIBUTES),
                )


def log_records(body: bytes) -> Iterator[Operation]:
    """The inference records of an ``ExportLogsServiceRequest``. Raises ``MalformedBody``."""
    for of_resource in _decoded(ExportLogsServiceRequest(), body).resource_logs:
        for of_scope in of_resource.scope_logs:
            origin = _origin(of_resource.resource, of_scope.scope)
            for record in of_scope.log_records:
                attributes = _known(record.attributes, names.SPAN_ATTRIBUTES)
                name = record.event_name or attributes.get(names.EVENT_NAME)
                if name == names.INFERENCE_DETAILS:
                    yield Operation(
                        origin,
                        record.trace_id.hex(),
                        record.span_id.hex(),
                        "",
                        record.time_unix_nano or record.observed_time_unix_nano,
                        0,
                        False,
                        attributes,
                    )


def _plain(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [_plain(each) for each in value.array_value.values]
    if kind == "kvlist_value":
        return _all(value.kvlist_value.values)
    return getattr(value, kind)


def _all(attributes: Iterable[KeyValue]) -> dict[str, Any]:
    return {each.key: _plain(each.value) for each in attributes}


def points(body: bytes) -> Iterator[Point]:
    """The token counts of an ``ExportMetricsServiceRequest``. Raises ``MalformedBody``."""
    for of_resource in _decoded(ExportMetricsServiceRequest(), body).resource_metrics:
        resource = _all(of_resource.resource.attributes)
        for of_scope in of_resource.scope_metrics:
            for metric in of_scope.metrics:
                if metric.name in metrics.METRICS:
                    yield from _points_of(metric, resource, of_scope.scope.name)


def _points_of(metric: Metric, resource: dict[str, Any], scope: str) -> Iterator[Point]:
    kind = metric.WhichOneof("data")
    if kind not in ("sum", "histogram", "exponential_histogram"):
        return
    data: Any = getattr(metric, kind)
    for point in data.data_points:
        if point.flags & _NO_VALUE_FLAG:
            continue
        if kind == "sum":
            counted = point.WhichOneof("value")
            value = None if counted is None else getattr(point, counted)
        else:
            value = point.sum if point.HasField("sum") else None
        yield Point(
            resource,
            scope,
            metric.name,
            _all(point.attributes),
            data.aggregation_temporality,
            point.start_time_unix_nano,
            point.time_unix_nano,
            value,
        )
