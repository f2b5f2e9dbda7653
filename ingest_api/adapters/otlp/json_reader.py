"""OTLP as JSON, read into the neutral shape.

Belongs here: the JSON encoding of OTLP (hex ids, 64-bit integers as text or number). Does not
belong here: what attributes mean. Fields that are not declared here are skipped without being
built, content among them.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any

import msgspec

from ingest_api.adapters.base import UNREADABLE, MalformedBody, why_unreadable
from ingest_api.adapters.otlp import metrics, names
from ingest_api.adapters.otlp.shape import Operation, Origin, Point

_INTEGER_DIGITS = 20
_ERROR = (2, "STATUS_CODE_ERROR")
_NO_VALUE_FLAG = 1


class _Base(msgspec.Struct, rename="camel", gc=False):
    """A message; every field may be null or absent."""


class _Value(_Base):
    string_value: Any = None
    int_value: Any = None
    double_value: Any = None
    bool_value: Any = None


class _Attribute(_Base):
    key: str = ""
    value: _Value | None = None


class _Resource(_Base):
    attributes: list[_Attribute] | None = None


class _Scope(_Base):
    name: str | None = None


class _Status(_Base):
    code: Any = None


class _Span(_Base):
    trace_id: Any = None
    span_id: Any = None
    trace_state: Any = None
    start_time_unix_nano: Any = None
    end_time_unix_nano: Any = None
    attributes: list[_Attribute] | None = None
    status: _Status | None = None


class _ScopeSpans(_Base):
    scope: _Scope | None = None
    spans: list[_Span] | None = None


class _ResourceSpans(_Base):
    resource: _Resource | None = None
    scope_spans: list[_ScopeSpans] | None = None


class _Traces(_Base):
    resource_spans: list[_ResourceSpans] | None = None


class _Record(_Base):
    trace_id: Any = None
    span_id: Any = None
    time_unix_nano: Any = None
    observed_time_unix_nano: Any = None
    event_name: Any = None
    attributes: list[_Attribute] | None = None


class _ScopeLogs(_Base):
    scope: _Scope | None = None
    log_records: list[_Record] | None = None


class _ResourceLogs(_Base):
    resource: _Resource | None = None
    scope_logs: list[_ScopeLogs] | None = None


class _Logs(_Base):
    resource_logs: list[_ResourceLogs] | None = None


class _AnyAttribute(_Base):
    key: str = ""
    value: Any = None


class _AnyResource(_Base):
    attributes: list[_AnyAttribute] | None = None


class _Point(_Base):
    attributes: list[_AnyAttribute] | None = None
    start_time_unix_nano: Any = None
    time_unix_nano: Any = None
    as_int: Any = None
    as_double: Any = None
    sum: Any = None
    flags: Any = None


class _Data(_Base):
    aggregation_temporality: Any = None
    data_points: list[_Point] | None = None


class _Metric(_Base):
    name: str = ""
    sum: _Data | None = None
    histogram: _Data | None = None
    exponential_histogram: _Data | None = None


class _ScopeMetrics(_Base):
    scope: _Scope | None = None
    metrics: list[_Metric] | None = None


class _ResourceMetrics(_Base):
    resource: _AnyResource | None = None
    scope_metrics: list[_ScopeMetrics] | None = None


class _Metrics(_Base):
    resource_metrics: list[_ResourceMetrics] | None = None


_traces = msgspec.json.Decoder(_Traces)
_logs = msgspec.json.Decoder(_Logs)
_metrics = msgspec.json.Decoder(_Metrics)


def _decoded(decoder: Any, body: bytes) -> Any:
    try:
        return decoder.decode(body)
    except UNREADABLE as error:
        raise MalformedBody(why_unreadable(error)) from None


def _integer(value: Any) -> Any:
    """A 64-bit integer from text or number; what is neither stays as it is."""
    if isinstance(value, str) and len(value) <= _INTEGER_DIGITS:
        try:
            return int(value)
        except ValueError:
            return value
    return value


def _nanoseconds(value: Any) -> int | None:
    number = _integer(value)
    if number is None:
        return 0
    return number if type(number) is int else None


def _hex(value: Any) -> str:
    return value.lower() if isinstance(value, str) else ""


def _scalar(value: _Value) -> Any:
    if value.string_value is not None:
        return value.string_value
    if value.int_value is not None:
        return _integer(value.int_value)
    if value.double_value is not None:
        return _double(value.double_value)
    return value.bool_value


def _double(value: Any) -> Any:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return value


def _known(attributes: list[_Attribute] | None, wanted: Container[str]) -> dict[str, Any]:
    return {
        each.key: _scalar(each.value)
        for each in attributes or ()
        if each.key in wanted and each.value is not None
    }


def _origin(resource: _Resource | None, scope: _Scope | None) -> Origin:
    attributes = None if resource is None else resource.attributes
    name = None if scope is None else scope.name
    return Origin(_known(attributes, names.RESOURCE_ATTRIBUTES), name or "")


def spans(body: bytes) -> Iterator[Operation]:
    """The spans of an ``ExportTraceServiceRequest``. Raises ``MalformedBody``."""
    for of_resource in _decoded(_traces, body).resource_spans or ():
        for of_scope in of_resource.scope_spans or ():
            origin = _origin(of_resource.resource, of_scope.scope)
            for span in of_scope.spans or ():
                state = span.trace_state
                yield Operation(
                    origin,
                    _hex(span.trace_id),
                    _hex(span.span_id),
                    state if isinstance(state, str) else "",
                    _nanoseconds(span.start_time_unix_nano),
                    _nanoseconds(span.end_time_unix_nano),
                    span.status is not None and span.status.code in _ERROR,
                    _known(span.attributes, names.SPAN_ATTRIBUTES),
                )


def log_records(body: bytes) -> Iterator[Operation]:
    """The inference records of an ``ExportLogsServiceRequest``. Raises ``MalformedBody``."""
    for of_resource in _decoded(_logs, body).resource_logs or ():
        for of_scope in of_resource.scope_logs or ():
            origin = _origin(of_resource.resource, of_scope.scope)
            for record in of_scope.log_records or ():
                attributes = _known(record.attributes, names.SPAN_ATTRIBUTES)
                name = record.event_name or attributes.get(names.EVENT_NAME)
                if name == names.INFERENCE_DETAILS:
                    moment = _nanoseconds(record.time_unix_nano)
                    yield Operation(
                        origin,
                        _hex(record.trace_id),
                        _hex(record.span_id),
                        "",
                        _nanoseconds(record.observed_time_unix_nano) if moment == 0 else moment,
                        0,
                        False,
                        attributes,
                    )


_SIMPLE_VALUES = ("stringValue", "boolValue", "bytesValue")


def _plain(value: Any) -> Any:
    """Any attribute value, the same as the protobuf reader makes of it."""
    if not isinstance(value, dict):
        return None
    if "intValue" in value:
        return _integer(value["intValue"])
    if "doubleValue" in value:
        return _double(value["doubleValue"])
    if "arrayValue" in value:
        return [_plain(each) for each in _members(value["arrayValue"])]
    if "kvlistValue" in value:
        members = _members(value["kvlistValue"])
        return {str(each.get("key")): _plain(each.get("value")) for each in members}
    return next((value[name] for name in _SIMPLE_VALUES if name in value), None)


def _members(composite: Any) -> list[dict[str, Any]]:
    held = composite.get("values") if isinstance(composite, dict) else None
    return [each for each in held if isinstance(each, dict)] if isinstance(held, list) else []


def _all(attributes: list[_AnyAttribute] | None) -> dict[str, Any]:
    return {each.key: _plain(each.value) for each in attributes or ()}


def points(body: bytes) -> Iterator[Point]:
    """The token counts of an ``ExportMetricsServiceRequest``. Raises ``MalformedBody``."""
    for of_resource in _decoded(_metrics, body).resource_metrics or ():
        held = of_resource.resource
        resource = _all(None if held is None else held.attributes)
        for of_scope in of_resource.scope_metrics or ():
            scope = (of_scope.scope.name if of_scope.scope else None) or ""
            for metric in of_scope.metrics or ():
                if metric.name in metrics.METRICS:
                    yield from _points_of(metric, resource, scope)


def _points_of(metric: _Metric, resource: dict[str, Any], scope: str) -> Iterator[Point]:
    data = metric.sum or metric.histogram or metric.exponential_histogram
    if data is None:
        return
    for point in data.data_points or ():
        if type(point.flags) is int and point.flags & _NO_VALUE_FLAG:
            continue
        counted = point.as_double if point.as_int is None else _integer(point.as_int)
        yield Point(
            resource,
            scope,
            metric.name,
            _all(point.attributes),
            _temporality(data.aggregation_temporality),
            _nanoseconds(point.start_time_unix_nano),
            _nanoseconds(point.time_unix_nano),
            counted if metric.sum is not None else point.sum,
        )


def _temporality(value: Any) -> int:
    return value if value in (1, 2) else metrics.TEMPORALITY_NAMES.get(str(value)[:48], 0)
