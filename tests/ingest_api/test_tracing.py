"""Spans of requests, at a real collector's address."""

from __future__ import annotations

import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from ingest_api.service import are_traces_wanted
from tests.ingest_api.running import ROOT, Running, event, free_port

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Collector:
    """Receives spans over OTLP/HTTP."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.resources: list[dict[str, str]] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = zlib.decompress(body, 31)
                collector.take(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, request: ExportTraceServiceRequest) -> None:
        for resource in request.resource_spans:
            about = {a.key: a.value.string_value for a in resource.resource.attributes}
            self.resources.append(about)
            for scope in resource.scope_spans:
                self.spans += scope.spans


@pytest.fixture
def collector() -> Iterator[Collector]:
    receiving = Collector()
    yield receiving
    receiving.server.shutdown()


def attributes(span: Span) -> dict[str, Any]:
    return {
        a.key: getattr(a.value, a.value.WhichOneof("value") or "string_value")
        for a in span.attributes
    }


def test_every_request_is_a_span_of_its_callers_trace(tmp_path: Path, collector: Collector) -> None:
    running = Running(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    key = running.key("acme")
    running.start()
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
    items = [event("e1", user_id="ada@example.org"), event("bad", input_tokens=-1)]
    address = "/v1/events?who=ada@example.org"
    answer = running.post(address, key, json=items, headers=headers)
    assert answer.status_code == 207
    assert running.client.get("/ada@example.org").status_code == 404
    running.close()
    (span,) = [s for s in collector.spans if s.name == "POST /v1/events"]
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
    assert span.kind == Span.SPAN_KIND_SERVER
    assert span.end_time_unix_nano > span.start_time_unix_nano
    assert attributes(span) == {
        "http.request.method": "POST",
        "http.response.status_code": 207,
        "http.request.body.size": len(answer.request.content),
        "http.route": "/v1/events",
        "url.path": "/v1/events",
        "ecomind.request_id": answer.headers["ecomind-request-id"],
        "ecomind.accepted": 1,
        "ecomind.rejected": 1,
    }
    other = next(s for s in collector.spans if s.name == "GET other")
    assert other.trace_id.hex() != TRACE
    assert "url.path" not in attributes(other)
    assert collector.resources[0]["service.name"] == "ecomind-ingest"
    told = "".join(str(s) for s in collector.spans)
    for secret in ("ada@", key, "acme"):
        assert secret not in told


def test_trouble_of_ours_is_an_error_of_the_span(tmp_path: Path, collector: Collector) -> None:
    traces = f"{collector.url}/v1/traces"
    running = Running(
        tmp_path,
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=traces,
        OTEL_SERVICE_NAME="intake",
        ECOMIND_MIN_FREE_BYTES=str(2**60),
    )
    key = running.key("acme")
    running.start()
    assert running.post("/v1/events", key, json=event("x")).status_code == 503
    assert running.post("/v1/events", "none", json=event("x")).status_code == 401
    running.close()
    by_status = {attributes(s)["http.response.status_code"]: s for s in collector.spans}
    assert by_status[503].status.code == Status.STATUS_CODE_ERROR
    assert by_status[401].status.code == Status.STATUS_CODE_UNSET
    assert collector.resources[0]["service.name"] == "intake"


def test_a_collector_that_is_gone_delays_nothing(tmp_path: Path) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    running = Running(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=nowhere)
    key = running.key("acme")
    running.start()
    for number in range(20):
        assert running.post("/v1/events", key, json=event(f"e{number}")).status_code == 202
    assert running.stop() == 0
    running.close()


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "console, otlp"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "True"}, False),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://c:4318"}, False),
    ],
)
def test_the_standard_variables_decide(environment: dict[str, str], wanted: bool) -> None:
    assert are_traces_wanted(environment) is wanted


def test_without_traces_the_sdk_is_not_even_imported() -> None:
    code = (
        "import sys, ingest_api.operation, ingest_api.worker\n"
        "print([m for m in sys.modules if m.startswith('opentelemetry.sdk')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
