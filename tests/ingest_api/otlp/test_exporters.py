"""OpenTelemetry's real exporters post to the running service, and what they send lands right."""

from __future__ import annotations

import gzip
import importlib
import logging
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.rpc.status_pb2 import Status
from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.common.http import Compression
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Status as SpanStatus
from opentelemetry.trace import StatusCode

from tests.ingest_api.otlp.wire import json_of
from tests.ingest_api.running import FAST, Running, landed_rows, wait_for_rows

RESOURCE = Resource({"service.name": "answer-api", "deployment.environment.name": "prod"})
PATHS = ("/v1/traces", "/otlp/v1/traces", "/api/public/otel/v1/traces")
LATEST = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-5-mini",
    "gen_ai.usage.input_tokens": 1834,
    "gen_ai.usage.output_tokens": 412,
    "gen_ai.usage.cache_read.input_tokens": 1024,
    "gen_ai.input.messages": "CANARY",
}


def exporter_of(package: str, module: str, name: str, **options: Any) -> Any:
    """An exporter of the protobuf or of the JSON package; the latter is not a dependency."""
    path = f"opentelemetry.exporter.otlp.{package}.http.{module}"
    if package == "json":
        pytest.importorskip(path, reason="opentelemetry-exporter-otlp-json-http not installed")
    return getattr(importlib.import_module(path), name)(**options)


def options(service: Running, key: str, path: str) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {key}"}
    return {"endpoint": service.url + path, "headers": headers, "compression": Compression.GZIP}


def finished(*calls: dict[str, Any], has_failed: bool = False) -> list[ReadableSpan]:
    """Spans of the real SDK, ended but not exported."""
    memory = InMemorySpanExporter()
    provider = TracerProvider(resource=RESOURCE)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("opentelemetry.instrumentation.openai_v2", "2.4b0")
    for attributes in calls:
        with tracer.start_as_current_span("chat", attributes=attributes) as span:
            span.add_event("gen_ai.choice", {"message": "CANARY"})
            if has_failed:
                span.set_status(SpanStatus(StatusCode.ERROR, "CANARY"))
    return list(memory.get_finished_spans())


def event_id(span: ReadableSpan) -> str:
    context = span.get_span_context()
    assert context is not None
    return f"{context.trace_id:032x}-{context.span_id:016x}"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("package", ["proto", "json"])
def test_spans_of_the_sdk_land_as_calls(
    service: Running, key: str, package: str, path: str
) -> None:
    exporter = exporter_of(
        package, "trace_exporter", "OTLPSpanExporter", **options(service, key, path)
    )
    agent = {**LATEST, "gen_ai.operation.name": "invoke_agent"}
    spans = finished(LATEST, agent, {"http.request.method": "GET"})
    assert exporter.export(spans) is SpanExportResult.SUCCESS
    row = wait_for_rows(service.home, "events", {event_id(spans[0])})[event_id(spans[0])]
    assert row["source"] == "urn:otel:answer-api:opentelemetry.instrumentation.openai_v2"
    assert (row["service"], row["environment"]) == ("answer-api", "prod")
    assert (row["provider"], row["request_model"]) == ("openai", "gpt-5-mini")
    assert (row["input_tokens"], row["output_tokens"]) == (1834, 412)
    assert row["cache_read_input_tokens"] == 1024
    assert row["status"] == "success"
    assert row["duration_ms"] > 0
    assert abs(row["occurred_at"].timestamp() - (spans[0].start_time or 0) / 1e9) < 1e-3
    assert row["adapter"].startswith("otlp_traces_")
    landed = {row["event_id"] for row in landed_rows(service.home, "events")}
    assert not {event_id(span) for span in spans[1:]} & landed


def test_standard_variables_are_all_it_takes(
    service: Running, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", service.url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"authorization=Bearer%20{key}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    spans = finished(LATEST)
    exporter = exporter_of("proto", "trace_exporter", "OTLPSpanExporter")
    assert exporter.export(spans) is SpanExportResult.SUCCESS
    wait_for_rows(service.home, "events", {event_id(spans[0])})


def test_a_failed_call_is_one_and_says_so(service: Running, key: str) -> None:
    exporter = exporter_of(
        "proto", "trace_exporter", "OTLPSpanExporter", **options(service, key, PATHS[0])
    )
    spans = finished({k: v for k, v in LATEST.items() if "usage" not in k}, has_failed=True)
    assert exporter.export(spans) is SpanExportResult.SUCCESS
    row = wait_for_rows(service.home, "events", {event_id(spans[0])})[event_id(spans[0])]
    assert (row["status"], row["usage_source"], row["input_tokens"]) == ("error", "missing", None)


def test_json_as_javascript_writes_it_lands_as_calls(service: Running, key: str) -> None:
    spans = finished(LATEST)
    body = gzip.compress(json_of(encode_spans(spans)))
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    response = service.post("/v1/traces", key, content=body, headers=headers)
    assert (response.status_code, response.content) == (200, b"{}")
    assert response.headers["content-type"] == "application/json"
    row = wait_for_rows(service.home, "events", {event_id(spans[0])})[event_id(spans[0])]
    assert (row["adapter"], row["input_tokens"]) == ("otlp_traces_json", 1834)


@pytest.mark.parametrize("package", ["proto", "json"])
def test_log_records_of_the_sdk_land_as_calls(service: Running, key: str, package: str) -> None:
    exporter = exporter_of(
        package, "_log_exporter", "OTLPLogExporter", **options(service, key, "/v1/logs")
    )
    provider = LoggerProvider(resource=RESOURCE)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    tracer = TracerProvider(resource=RESOURCE).get_tracer("t")
    with tracer.start_as_current_span("call") as span:
        for name in ("gen_ai.client.inference.operation.details", "gen_ai.choice"):
            provider.get_logger("opentelemetry.util.genai").emit(
                LogRecord(
                    timestamp=time.time_ns(), event_name=name, body="CANARY", attributes=LATEST
                )
            )
    provider.shutdown()
    name = event_id(span)  # type: ignore[arg-type]
    rows = wait_for_rows(service.home, "events", {name})
    assert rows[name]["source"] == "urn:otel:answer-api:opentelemetry.util.genai"
    assert (rows[name]["input_tokens"], rows[name]["duration_ms"]) == (1834, None)
    landed = [row["event_id"] for row in landed_rows(service.home, "events")]
    assert landed.count(name) == 1


@pytest.mark.parametrize("package", ["proto", "json"])
def test_metrics_of_the_sdk_land_as_buckets(service: Running, key: str, package: str) -> None:
    exporter = exporter_of(
        package,
        "metric_exporter",
        "OTLPMetricExporter",
        preferred_temporality={Counter: AggregationTemporality.DELTA},
        **options(service, key, "/v1/metrics"),
    )
    name = f"metrics-{package}"
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
    provider = MeterProvider([reader], resource=Resource({"service.name": name}))
    meter = provider.get_meter("opentelemetry.util.genai")
    shared = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
              "gen_ai.request.model": "gpt-5-mini"}  # fmt: skip
    counter = meter.create_counter("gen_ai.client.inference.usage.input_tokens", unit="{token}")
    counter.add(100, {**shared, "gen_ai.token.modality": "text"})
    counter.add(7, {**shared, "gen_ai.token.modality": "image"})
    histogram = meter.create_histogram("gen_ai.client.token.usage", unit="{token}")
    for count in (10, 20):
        histogram.record(count, {**shared, "gen_ai.token.type": "output"})
    meter.create_histogram("gen_ai.client.operation.duration").record(1.5, shared)
    provider.shutdown()
    rows = wait_for_buckets(service.home, name, 3)
    assert sorted(row["input_tokens"] or 0 for row in rows) == [0, 7, 100]
    assert len({row["series_id"] for row in rows}) == 3
    output = next(row for row in rows if row["output_tokens"] is not None)
    assert (output["output_tokens"], output["temporality"]) == (30, "cumulative")
    for row in rows:
        assert row["connector"] == "otlp_metrics"
        assert (row["provider"], row["model"]) == ("openai", "gpt-5-mini")
        assert row["bucket_start"] < row["bucket_end"]
        assert row["temporality"] == ("delta" if row["input_tokens"] else "cumulative")
    assert isinstance(histogram, Histogram)


def wait_for_buckets(home: Path, name: str, count: int) -> list[dict[str, Any]]:
    deadline = time.monotonic() + 20
    while True:
        rows = [row for row in landed_rows(home, "buckets") if row["service"] == name]
        if len(rows) >= count:
            return rows
        assert time.monotonic() < deadline, rows
        time.sleep(0.1)


@pytest.mark.parametrize("encoding", ["json", "protobuf"])
def test_rejected_spans_are_told_and_final(service: Running, key: str, encoding: str) -> None:
    bad = {**LATEST, "gen_ai.usage.input_tokens": "CANARY"}
    few = {**LATEST, "gen_ai.usage.input_tokens": 10}
    spans = finished(LATEST, bad, few)
    response = posted(service, key, encoding, spans)
    assert response.status_code == 200
    if encoding == "json":
        told = response.json()["partialSuccess"]
        assert told["rejectedSpans"] == "2"
        message = told["errorMessage"]
    else:
        parsed = ExportTraceServiceResponse.FromString(response.content)
        assert parsed.partial_success.rejected_spans == 2
        message = parsed.partial_success.error_message
    pattern = (
        r"2 of 3 items not stored: bad_token_count /input_tokens \(1\), "
        r"subset_exceeds_total /cache_read_input_tokens \(1\); receipt rcp_[0-9a-f]{28}"
    )
    assert re.fullmatch(pattern, message)
    wait_for_rows(service.home, "events", {event_id(spans[0])})
    rejects = wait_for_rows(service.home, "rejects", {event_id(spans[1]), event_id(spans[2])})
    assert rejects[event_id(spans[1])]["pointer"] == "/input_tokens"
    assert "CANARY" not in str(rejects)


def posted(service: Running, key: str | None, encoding: str, spans: Any) -> httpx.Response:
    message = encode_spans(spans)
    body = json_of(message) if encoding == "json" else message.SerializeToString()
    media_type = "application/json" if encoding == "json" else "application/x-protobuf"
    return service.post("/v1/traces", key, content=body, headers={"content-type": media_type})


@pytest.mark.parametrize("encoding", ["json", "protobuf"])
def test_when_all_is_rejected_it_is_still_final(service: Running, key: str, encoding: str) -> None:
    response = posted(service, key, encoding, finished({**LATEST, "gen_ai.usage.input_tokens": -1}))
    assert response.status_code == 200
    assert b"bad_token_count /input_tokens (1)" in response.content


@pytest.mark.parametrize("path", ["/v1/traces", "/v1/logs", "/v1/metrics"])
def test_empty_requests_are_fine(service: Running, key: str, path: str) -> None:
    for media_type, body in (("application/json", b"{}"), ("application/x-protobuf", b"")):
        headers = {"content-type": media_type}
        response = service.post(path, key, content=body, headers=headers)
        assert (response.status_code, response.content) == (200, body)
        assert response.headers["content-type"] == media_type


def test_errors_are_status_messages_in_the_encoding_of_the_request(
    service: Running, key: str
) -> None:
    for status, code, sender, body in (
        (400, 3, key, b"\xff"), (401, 16, None, b""), (413, 8, key, b"x" * 1_000_001),
    ):  # fmt: skip
        for media_type in ("application/json", "application/x-protobuf"):
            headers = {"content-type": media_type}
            response = service.post("/v1/traces", sender, content=body, headers=headers)
            assert response.status_code == status
            assert response.headers["content-type"] == media_type
            if media_type == "application/json":
                assert response.json()["code"] == code
            else:
                assert Status.FromString(response.content).code == code
    wrong = service.post("/v1/traces", key, content=b"", headers={"content-type": "text/plain"})
    assert (wrong.status_code, wrong.json()["code"]) == (415, 3)
    assert service.client.get("/v1/traces").json()["code"] == 12
    assert service.client.post("/v1development/profiles").status_code == 404


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Running]:
    """A service whose disk is below its watermark."""
    service = Running(tmp_path, **{**FAST, "ECOMIND_MIN_FREE_BYTES": str(2**60)})
    yield service.start()
    service.close()


def test_the_exporter_comes_back_after_a_503(
    full: Running, caplog: pytest.LogCaptureFixture
) -> None:
    key = full.key("acme")
    spans = finished(LATEST)
    refused = posted(full, key, "protobuf", spans)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "3")
    assert Status.FromString(refused.content).code == 14
    exporter = exporter_of(
        "proto", "trace_exporter", "OTLPSpanExporter", timeout=60, **options(full, key, PATHS[0])
    )
    results: list[SpanExportResult] = []
    thread = threading.Thread(target=lambda: results.append(exporter.export(spans)))
    with caplog.at_level(logging.WARNING):
        thread.start()
        deadline = time.monotonic() + 20
        while "retrying" not in caplog.text:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        full.stop()
        full.environment["ECOMIND_MIN_FREE_BYTES"] = "0"
        full.start()
        thread.join(60)
    assert results == [SpanExportResult.SUCCESS]
    full.stop()
    landed = [row["event_id"] for row in landed_rows(full.home, "events")]
    assert landed == [event_id(spans[0])]
