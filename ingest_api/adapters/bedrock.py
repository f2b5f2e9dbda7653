"""Amazon Bedrock's model invocation log: records as JSON, NDJSON or ``{"records": [...]}``.

``inputBodyJson`` and ``outputBodyJson`` hold content and are never taken. Bedrock counts cache
reads and writes apart from the other input.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ecomind.contract.codec import Problem
from ingest_api.adapters import hosts, usage
from ingest_api.adapters.base import Adapter, Document
from ingest_api.adapters.reading import (
    NOT_AN_OBJECT,
    document_or_lines,
    event_id,
    member,
    present,
    tags,
    text,
    urn,
)

_SCHEMA = "ModelInvocationLog"
_STREAMED = ("ConverseStream", "InvokeModelWithResponseStream")


def _caller(arn: object) -> dict[str, str]:
    """Role of the caller as its service; an IAM user is a person."""
    resource = (text(arn) or "").rpartition(":")[2].split("/")
    if len(resource) > 1 and resource[0] in ("assumed-role", "role") and resource[1]:
        return {"service": resource[1]}
    if len(resource) > 1 and resource[0] == "user" and resource[-1]:
        return {"user_id": resource[-1]}
    return {}


def _place(record: dict[str, Any], model: str | None) -> dict[str, str]:
    region = text(record.get("inferenceRegion"))
    if region is None and hosts.geography_of_model(model) is None:
        region = text(record.get("region"))
    if region is not None:
        return {"region": region, "region_source": "provider_reported"}
    return hosts.place(None, model)


def call(record: object) -> dict[str, Any] | Problem:
    """The call of one record."""
    if not isinstance(record, dict):
        return record if isinstance(record, Problem) else NOT_AN_OBJECT
    if record.get("schemaType") != _SCHEMA:
        return Problem("unsupported_type", "", f"the record's schemaType is not {_SCHEMA}")
    model_id = text(record.get("modelId"))
    model = None if model_id is None else model_id.rpartition("/")[2] or model_id
    request_id, metadata = text(record.get("requestId")), record.get("requestMetadata")
    operation = text(record.get("operation")) or ""
    read = member(record, "input", "cacheReadInputTokenCount")
    write = member(record, "input", "cacheWriteInputTokenCount")
    error = text(record.get("errorCode"))
    return present(
        event_id=event_id(request_id),
        source=urn("aws", "bedrock", text(record.get("accountId")) or "unknown"),
        occurred_at=record.get("timestamp"),
        provider="aws.bedrock",
        request_model=model,
        operation="embeddings" if "embed" in (model or "") else "chat",
        status=None if error is None else "error",
        error_type=error,
        stream=True if operation in _STREAMED else None,
        input_tokens=usage.with_cache(member(record, "input", "inputTokenCount"), read, write),
        output_tokens=member(record, "output", "outputTokenCount"),
        cache_read_input_tokens=read,
        cache_write_input_tokens=write,
        usage_source="provider_reported",
        provider_response_id=request_id,
        tags=tags(metadata.items() if isinstance(metadata, dict) else ()),
        **_caller(member(record, "identity", "arn")),
        **_place(record, model),
    )


def parse(document: Document) -> Sequence[object]:
    """The calls of the records."""
    return document.each(document_or_lines(document.body, "records"), call)


ADAPTER = Adapter(
    "bedrock",
    ("application/json", "application/x-ndjson", "application/ndjson", "application/jsonl"),
    parse,
)
