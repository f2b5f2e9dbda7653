"""Samples of every format with a marker wherever a sender could put content.

A format without a sample here fails the tests that walk through ``ingest_api.routes``: add its
sample to ``SAMPLES``.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ingest_api.adapters.base import Adapter
from ingest_api.routes import BY_PATH
from tests.ingest_api.otlp import wire
from tests.ingest_api.samples import fresh, fresh_sample, sample

MARKER = "CANARY7f3a9c51"
_MESSAGES = [{"role": "user", "content": MARKER}]
_CONTENT: Mapping[str, Any] = {
    "prompt": MARKER,
    "messages": _MESSAGES,
    "input": _MESSAGES,
    "output": {"role": "assistant", "content": MARKER},
    "content": MARKER,
    "response": {"choices": [{"message": {"content": MARKER}}]},
    "completion": MARKER,
    "text": MARKER,
    "system": MARKER,
    "choices": [{"message": {"content": MARKER, "tool_calls": [{"arguments": MARKER}]}}],
    "error_str": MARKER,
    "error_information": {"error_class": "Error", "error_message": MARKER, "traceback": MARKER},
    "statusMessage": MARKER,
    "comment": MARKER,
    "title": MARKER,
    "metadata": {"note": MARKER},
    "inputBodyJson": {"messages": _MESSAGES},
    "outputBodyJson": {"content": MARKER},
    "inputBodyS3Path": MARKER,
    "requester_ip_address": MARKER,
    "model_parameters": {"tools": [{"description": MARKER}], "user": MARKER},
    "vector_store_request_metadata": [{"query": MARKER}],
    "nobody_knows_this": {"deep": [[MARKER]]},
}
_BUSINESS_LABELS = ("tags", "requestMetadata")
_COUNTS = ("usageDetails",)
"""Whose every member is a count by its name."""
_ATTRIBUTES: Mapping[str, Any] = {
    "gen_ai.input.messages": MARKER,
    "gen_ai.output.messages": MARKER,
    "gen_ai.system_instructions": MARKER,
    "gen_ai.tool.definitions": MARKER,
    "gen_ai.tool.call.arguments": MARKER,
    "gen_ai.tool.call.result": MARKER,
    "gen_ai.prompt": MARKER,
    "gen_ai.prompt.0.content": MARKER,
    "gen_ai.completion": MARKER,
    "gen_ai.completion.0.content": MARKER,
    "llm.input_messages.0.message.content": MARKER,
    "llm.prompts": [MARKER],
    "input.value": MARKER,
    "output.value": MARKER,
    "ai.prompt": MARKER,
    "ai.response.text": MARKER,
    "traceloop.entity.input": MARKER,
    "traceloop.entity.output": MARKER,
    "langfuse.observation.input": MARKER,
    "exception.message": MARKER,
    "exception.stacktrace": MARKER,
    "url.full": f"https://example.com/?q={MARKER}",
    "nobody.knows.this": MARKER,
}


def _with_content(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_content(each) for each in value]
    if not isinstance(value, dict):
        return value
    held = {
        name: each if name in (*_BUSINESS_LABELS, *_COUNTS) else _with_content(each)
        for name, each in value.items()
    }
    return {**copy.deepcopy(dict(_CONTENT)), **held}


def _with_attributes(value: Any) -> Any:
    """OTLP: attributes, span events, statuses and bodies that hold content."""
    if isinstance(value, list):
        return [_with_attributes(each) for each in value]
    if not isinstance(value, dict):
        return value
    held = {name: _with_attributes(each) for name, each in value.items()}
    if "attributes" in held:
        held["attributes"] += wire.attributes(_ATTRIBUTES)
    if "spanId" in held and "startTimeUnixNano" in held:
        held["status"] = {**held.get("status", {}), "message": MARKER}
        held["name"] = MARKER
        exception = {"name": MARKER, "attributes": wire.attributes(_ATTRIBUTES)}
        held["events"] = [{"timeUnixNano": held["startTimeUnixNano"], **exception}]
    if "body" in held:
        held["body"] = {"kvlistValue": {"values": wire.attributes(_ATTRIBUTES)}}
    if "unit" in held:
        held["description"] = MARKER
    return held


def _spoiled(value: Any) -> Any:
    """The same with the marker in place of every count."""
    if isinstance(value, list):
        return [_spoiled(each) for each in value]
    if isinstance(value, dict) and set(value) & {"intValue", "doubleValue"}:
        return {"stringValue": MARKER}
    if isinstance(value, dict):
        return {name: _spoiled(each) for name, each in value.items()}
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9:
        return MARKER
    return value


def _spoiled_attributes(value: Any) -> Any:
    """The same for OTLP that must stay OTLP: the marker in place of every attribute's number."""
    if isinstance(value, list):
        return [_spoiled_attributes(each) for each in value]
    if not isinstance(value, dict):
        return value
    if set(value) & {"intValue", "doubleValue"}:
        return {"stringValue": MARKER}
    return {name: _spoiled_attributes(each) for name, each in value.items()}


def _lines(value: Any) -> bytes:
    return "\n".join(json.dumps(each) for each in value).encode()


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


@dataclass(frozen=True)
class Sample:
    """A format's sample; ``write`` makes a body of its JSON."""

    load: Callable[[], Any]
    write: Callable[[Any], bytes] = _json
    headers: Callable[[], Mapping[str, str]] = dict
    plant: Callable[[Any], Any] = _with_content
    spoil: Callable[[Any], Any] = _spoiled


def _of(name: str, **members: Any) -> Sample:
    return Sample(lambda: fresh_sample(name), **members)


def _otlp(signal: str, name: str, is_json: bool) -> Sample:
    def load() -> Any:
        return fresh_sample(name)

    if is_json:
        return Sample(load, plant=lambda value: _with_content(_with_attributes(value)))
    return Sample(
        load,
        write=lambda value: wire.protobuf_of(signal, value),
        plant=_with_attributes,
        spoil=_spoiled_attributes,
    )


def _fresh_lines() -> Any:
    return fresh([json.loads(line) for line in sample("native_batch.ndjson").splitlines()])


def _binary_headers() -> Mapping[str, str]:
    headers = fresh_sample("cloudevents_binary.http.json")["headers"]
    del headers["authorization"]
    return {**headers, "ce-nobodyknowsthis": MARKER, "ce-prompt": MARKER}


SAMPLES: Mapping[str, Sample] = {
    "native_json": _of("native_event.json"),
    "native_ndjson": Sample(_fresh_lines, write=_lines),
    "cloudevents": _of("cloudevents_structured.json"),
    "cloudevents_batch": _of("cloudevents_batch.json"),
    "cloudevents_binary": Sample(
        lambda: fresh_sample("cloudevents_binary.http.json")["body"], headers=_binary_headers
    ),
    "openmeter": _of("litellm_openmeter_cloudevent.json"),
    "litellm": _of("litellm_generic_api.json"),
    "greenscale": _of("greenscale_callback.json"),
    "langfuse": _of("langfuse_ingestion_batch.json"),
    "helicone": _of("helicone_async_log.json"),
    "bedrock": _of("bedrock_invocation_log.json"),
    "cursor": _of("cursor_filtered_usage_events.json"),
    "openai_usage": _of("openai_usage_completions_page.json"),
    "anthropic_usage": _of("anthropic_usage_report_messages_page.json"),
    "otlp_traces_json": _otlp("traces", "otlp_traces_latest.json", True),
    "otlp_traces_protobuf": _otlp("traces", "otlp_traces_latest.json", False),
    "otlp_logs_json": _otlp("logs", "otlp_logs_inference_details.json", True),
    "otlp_logs_protobuf": _otlp("logs", "otlp_logs_inference_details.json", False),
    "otlp_metrics_json": _otlp("metrics", "otlp_metrics_latest.json", True),
    "otlp_metrics_protobuf": _otlp("metrics", "otlp_metrics_latest.json", False),
}


@dataclass(frozen=True)
class Post:
    """A request to make; ``is_good``: its items are to be accepted."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    adapter: Adapter
    is_good: bool


def _bodies(adapter: Adapter, media_type: str) -> Iterator[tuple[bytes, bool]]:
    known = SAMPLES[adapter.name]
    planted = known.plant(known.load())
    written = json.dumps(planted).replace("must-be-hashed", MARKER.lower())
    planted = json.loads(written)
    is_lines = "ndjson" in media_type or "jsonl" in media_type
    each = planted if isinstance(planted, list) else [planted]
    good = _lines(each) if is_lines else known.write(planted)
    spoiled = known.spoil(planted)
    yield good, True
    yield _lines(known.spoil(each)) if is_lines else known.write(spoiled), False
    yield good[: len(good) * 2 // 3], False
    yield good[:-1] + b", " + json.dumps(MARKER).encode(), False


def posts() -> Iterator[Post]:
    """Requests with planted content to every address, in every format it takes."""
    for path, route in BY_PATH.items():
        for found in route.all_formats:
            adapter = found.adapter
            for media_type in adapter.media_types or ("application/json",):
                for body, is_good in _bodies(adapter, media_type):
                    headers = {"content-type": media_type, **SAMPLES[adapter.name].headers()}
                    yield Post(path, headers, body, adapter, is_good)
