"""A span for every request, for OpenTelemetry.

Belongs here: what the span of a request holds. Does not belong here: when traces are wanted
(``service`` imports this module only then), or where they go, which the standard ``OTEL_*``
variables say.

A span is made after its answer, with the time the request began, so that nothing of it stands
between a request and its answer.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from threading import Thread
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ecomind.settings import Settings
from ingest_api.rsgi import Exchange
from ingest_api.startup import version_text

_CLOSE_S = 3.0
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "OPTIONS", "DELETE", "PATCH"})
_PARENT = ("traceparent", "tracestate")


class Tracing:
    """Tells an exporter of every answered request."""

    def __init__(self, settings: Settings) -> None:
        """Export as the environment says; ``OTEL_SERVICE_NAME`` names the service."""
        about = {SERVICE_NAME: "ecomind-ingest"} if "OTEL_SERVICE_NAME" not in os.environ else {}
        about |= {SERVICE_VERSION: version_text(), SERVICE_INSTANCE_ID: settings.node}
        resource = Resource.create(about)
        # Closed by ``close``, within bounds; at exit it would wait for an absent collector.
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("ingest_api", version_text())
        self._propagator = TraceContextTextMapPropagator()

    def __call__(self, exchange: Exchange, status: int, seconds: float) -> None:
        """Make the span of an answered request."""
        method = exchange.scope.method
        known = method if method in _METHODS else "_OTHER"
        ended_ns = time.time_ns()
        span = self._tracer.start_span(
            f"{known} {exchange.route}",
            context=self._propagator.extract(_parent(exchange)),
            kind=SpanKind.SERVER,
            attributes=_attributes(exchange, known, status),
            start_time=ended_ns - int(seconds * 1e9),
        )
        if status >= 500:
            span.set_status(StatusCode.ERROR)
        span.end(ended_ns)

    def close(self) -> None:
        """Export what is left, for at most a few seconds."""
        closing = Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(_CLOSE_S)


def _parent(exchange: Exchange) -> dict[str, str]:
    headers = exchange.scope.headers
    return {name: value for name in _PARENT if (value := headers.get(name)) is not None}


def _attributes(exchange: Exchange, method: str, status: int) -> Mapping[str, Any]:
    """Routes of ours only: an address as it was asked for may hold anything."""
    attributes: dict[str, Any] = {
        "http.request.method": method,
        "http.response.status_code": status,
        "http.request.body.size": exchange.body_bytes,
        "ecomind.request_id": f"req_{exchange.sortable_id}",
    }
    if exchange.route != "other":
        attributes["http.route"] = attributes["url.path"] = exchange.route
    if exchange.outcome is not None:
        attributes["ecomind.accepted"] = exchange.outcome.accepted
        attributes["ecomind.rejected"] = exchange.outcome.rejected
    if status >= 500:
        attributes["error.type"] = str(status)
    return attributes
