"""From spans and log records to AI calls.

Belongs here: which operations own usage, and the rules that make one meaning of many
conventions. Does not belong here: reading bytes, or the names (``names``).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import msgspec

from ecomind.contract.codec import EPOCH
from ingest_api.adapters import langfuse
from ingest_api.adapters.base import UNREADABLE
from ingest_api.adapters.hosts import host_of
from ingest_api.adapters.otlp import names
from ingest_api.adapters.otlp.shape import Operation, Origin

_DAY_MS = 86_400_000
_NAME_PART = 128
_SOURCE_MAX = 256
_UNSET_TRACE, _UNSET_SPAN = "0" * 32, "0" * 16
_THRESHOLD = re.compile(r"(?:^|,)\s*ot=(?:[^,]*;)?th:([0-9a-f]{1,14})(?=[;,\s]|$)")
_ALL_TRACES = 1 << 56
_HEX_DIGITS = 14
_URL_MAX = 2048
_USAGE_MAX = 8192


def items(operations: Iterable[Operation]) -> Iterator[object]:
    """The calls among operations, as contract fields."""
    origin, shared = None, {}
    for operation in operations:
        kind = _owned(operation.attributes)
        if kind is not None:
            if operation.origin is not origin:
                origin, shared = operation.origin, _of_origin(operation.origin)
            yield _call(operation, kind, shared)


def _owned(attributes: Mapping[str, Any]) -> str | None:
    """The contract's operation when these attributes are of one that owns usage."""
    if not attributes:
        return None
    for name, kinds in names.OPERATIONS.items():
        if name in attributes:
            return kinds.get(str(attributes[name])[:64].lower())
    if names.AGENT in attributes:
        return None
    held = {entry[0] for entry in map(names.RANKED.get, attributes) if entry is not None}
    has_model = "request_model" in held or "response_model" in held
    return "chat" if has_model and ("input_tokens" in held or "output_tokens" in held) else None


def _call(operation: Operation, kind: str, shared: Mapping[str, Any]) -> dict[str, Any]:
    attributes, origin = operation.attributes, operation.origin
    call = {**shared, **fields(attributes)}
    call["provider"] = names.provider_name(call.get("provider"))
    call["operation"] = kind
    is_error = operation.is_error or "error_type" in call
    call["status"] = "error" if is_error else "success"
    _add_usage(call, origin.scope, attributes)
    region = origin.resource.get(names.CLOUD_REGION)
    # The region of a resource is the caller's: that of the model only where both are one.
    if region and is_self_hosted(call["provider"], origin.scope):
        call["region"], call["region_source"] = region, "configured"
    _add_times(call, operation)
    server = _server(attributes)
    if server is not None:
        call["server_address"] = server
    weight = sample_weight(operation.trace_state)
    if weight is not None:
        call["sample_weight"] = weight
    _add_ids(call, operation)
    return call


def fields(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The contract fields that attributes hold, by the first name of each."""
    found: dict[str, Any] = {}
    ranks: dict[str, int] = {}
    for name, value in attributes.items():
        entry = names.RANKED.get(name)
        if entry is not None and value is not None:
            field, rank = entry
            if rank <= ranks.get(field, rank):
                found[field], ranks[field] = value, rank
    return found


def _add_usage(call: dict[str, Any], scope: str, attributes: Mapping[str, Any]) -> None:
    if names.LANGFUSE_USAGE in attributes and "input_tokens" not in call:
        call.update(_langfuse_usage(attributes[names.LANGFUSE_USAGE]))
    read, written = call.get("cache_read_input_tokens"), call.get("cache_write_input_tokens")
    fresh = call.get("input_tokens")
    cached = (read if type(read) is int else 0) + (written if type(written) is int else 0)
    if (
        type(fresh) is int
        and fresh >= 0
        and cached > 0
        and _is_anthropic(call)
        and (fresh < cached or _leaves_out_cache(scope, attributes))
    ):
        call["input_tokens"] = fresh + cached
    for name, field in names.BESIDE.items():
        beside = attributes.get(name)
        if type(beside) is int and type(call.get(field)) is int:
            call[field] += beside
    is_counted = "input_tokens" in call and (
        "output_tokens" in call or call["operation"] == "embeddings"
    )
    if not is_counted:
        call["usage_source"] = "missing"
    elif scope in names.GATEWAY_SCOPES:
        call["usage_source"] = "gateway_reported"
    else:
        call["usage_source"] = "provider_reported"


def _langfuse_usage(details: object) -> dict[str, Any]:
    """The counts that Langfuse's SDKs put on a span as the text of a JSON object."""
    if not isinstance(details, str) or len(details) > _USAGE_MAX:
        return {}
    try:
        return langfuse.counts_of({"usageDetails": msgspec.json.decode(details)})
    except UNREADABLE:
        return {}


def _is_anthropic(call: Mapping[str, Any]) -> bool:
    if call["provider"] == "anthropic":
        return True
    model = call.get("response_model") or call.get("request_model")
    return isinstance(model, str) and "claude" in model.lower()


def _leaves_out_cache(scope: str, attributes: Mapping[str, Any]) -> bool:
    return scope in names.CACHE_EXCLUDED and names.VERCEL_FRESH_TOKENS not in attributes


def _of_origin(origin: Origin) -> dict[str, Any]:
    """The fields that all calls of an origin share, those of the call itself come first."""
    service = service_name(origin.resource)
    given = fields(origin.resource)
    shared = {name: given[name] for name in names.RESOURCE_FIELDS if name in given}
    shared["source"] = source_urn(service, origin.scope)
    if service is not None:
        shared["service"] = service
    return shared


def is_self_hosted(provider: str, scope: str) -> bool:
    """Whether the model ran on the machines of the resource that reports it."""
    return provider in names.SELF_HOSTED or scope.startswith(names.SELF_HOSTED_SCOPES)


def service_name(resource: Mapping[str, Any]) -> str | None:
    """The service of a resource."""
    name = resource.get(names.SERVICE)
    return name if isinstance(name, str) and name else None


def source_urn(service: str | None, scope: str) -> str:
    """Who produced an event: the service and the instrumentation."""
    return _source_urn(
        (service or "unknown_service")[:_NAME_PART], (scope or "unknown")[:_NAME_PART]
    )


@lru_cache(4096)
def _source_urn(service: str, scope: str) -> str:
    quoted = (quote(part, safe="/@+,;=()$!*'", errors="replace") for part in (service, scope))
    urn = ":".join(("urn:otel", *quoted))
    if len(urn) <= _SOURCE_MAX:
        return urn
    return f"urn:otel:sha256:{hashlib.sha256(urn.encode()).hexdigest()}"


def moment(nanoseconds: int | None) -> datetime | str | None:
    """A time for the contract: None when absent, the empty text when it is none."""
    if nanoseconds == 0:
        return None
    try:
        return EPOCH + timedelta(microseconds=(nanoseconds or 10**40) // 1000)
    except OverflowError:
        return ""


def _add_times(call: dict[str, Any], operation: Operation) -> None:
    start, end = operation.start_ns, operation.end_ns
    call["occurred_at"] = moment(start)
    if start and end:
        duration_ms = (end - start) / 1e6
        # A clock that was set back tells nothing about the call, which still happened.
        if 0 <= duration_ms <= _DAY_MS:
            call["duration_ms"] = duration_ms
    first_ms = _first_chunk_ms(operation.attributes)
    if first_ms is not None and 0 <= first_ms <= _DAY_MS:
        call["ttft_ms"] = first_ms


def _first_chunk_ms(attributes: Mapping[str, Any]) -> float | None:
    for name, factor in names.FIRST_CHUNK_MS:
        value = attributes.get(name)
        if isinstance(value, (int, float)):
            return value * factor
    return None


def _server(attributes: Mapping[str, Any]) -> str | None:
    """The host of the API, without port, path or user."""
    value = attributes.get(names.SERVER) or attributes.get(names.API_BASE)
    return _host(value) if isinstance(value, str) and len(value) <= _URL_MAX else None


_host = lru_cache(1024)(host_of)


def sample_weight(trace_state: str) -> float | None:
    """The reciprocal of the sampling probability that a W3C tracestate tells, if it does."""
    found = _THRESHOLD.search(trace_state) if trace_state else None
    if found is None:
        return None
    threshold = int(found[1].ljust(_HEX_DIGITS, "0"), 16)
    return _ALL_TRACES / (_ALL_TRACES - threshold)


def _add_ids(call: dict[str, Any], operation: Operation) -> None:
    trace_id, span_id = operation.trace_id, operation.span_id
    if operation.end_ns == 0 and not trace_id.strip("0") and not span_id.strip("0"):
        # A log record outside of any span. The same record sent again gets the same id.
        digest = hashlib.sha256(msgspec.json.encode(call, order="sorted")).hexdigest()
        call["event_id"] = f"log-{digest[:32]}"
        return
    # An id of zeros is none; the empty text is told as invalid where None would be as absent.
    call["trace_id"] = "" if trace_id == _UNSET_TRACE else trace_id
    call["span_id"] = "" if span_id == _UNSET_SPAN else span_id
    is_valid = len(trace_id) == len(_UNSET_TRACE) and len(span_id) == len(_UNSET_SPAN)
    if is_valid and call["trace_id"] and call["span_id"]:
        call["event_id"] = f"{trace_id}-{span_id}"
