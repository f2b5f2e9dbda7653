"""Pages of providers' usage reports: counted for many calls, so buckets and never calls.

Belongs here: OpenAI's organization usage and Anthropic's usage reports, page by page as their
APIs answer. Does not belong here: fetching the pages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from ecomind.contract.codec import Problem
from ingest_api.adapters import usage
from ingest_api.adapters.base import (
    Adapter,
    Bucket,
    Document,
    MalformedBody,
    TooManyItems,
    json_document,
)
from ingest_api.adapters.reading import NOT_AN_OBJECT, member, moment, present, text

_OPENAI_OPERATIONS: Mapping[str, str] = {
    "organization.usage.completions.result": "chat",
    "organization.usage.embeddings.result": "embeddings",
    "organization.usage.moderations.result": "moderation",
    "organization.usage.images.result": "image_generation",
    "organization.usage.audio_speeches.result": "audio_speech",
    "organization.usage.audio_transcriptions.result": "audio_transcription",
}
_ANTHROPIC_TOKENS = ("uncached_input_tokens", "output_tokens")
_CACHE_WRITES = ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")

Result = Callable[[Mapping[str, Any], Mapping[str, Any]], object]


def _pages(value: object) -> Iterator[object]:
    for page in value if isinstance(value, list) else (value,):
        buckets = member(page, "data")
        if not isinstance(buckets, list):
            raise MalformedBody("the body is not a page of a usage report")
        yield from buckets


def _parsed(document: Document, read: Result) -> Sequence[object]:
    items: list[object] = []
    for bucket in _pages(json_document(document.body)):
        if len(items) > document.items_max:
            raise TooManyItems
        results = member(bucket, "results")
        if not isinstance(bucket, dict) or not isinstance(results, list):
            items.append(NOT_AN_OBJECT)
            continue
        items += document.each(results, partial(_result, bucket, read))
    return items


def _result(bucket: Mapping[str, Any], read: Result, result: object) -> object:
    return read(bucket, result) if isinstance(result, dict) else NOT_AN_OBJECT


def _openai(bucket: Mapping[str, Any], result: Mapping[str, Any]) -> object:
    kind = result.get("object")
    operation = _OPENAI_OPERATIONS.get(kind) if isinstance(kind, str) else None
    if operation is None:
        return Problem("unsupported_type", "", "the result is not of a usage report of model calls")
    return Bucket(
        present(
            connector="openai_usage",
            bucket_start=moment(bucket.get("start_time")),
            bucket_end=moment(bucket.get("end_time")),
            provider="openai",
            model=text(result.get("model")),
            operation=operation,
            project_ref=text(result.get("project_id")),
            api_key_ref=text(result.get("api_key_id")),
            user_ref=text(result.get("user_id")),
            service_tier=text(result.get("service_tier")),
            batch=result.get("batch"),
            request_count=result.get("num_model_requests"),
            input_tokens=result.get("input_tokens"),
            cache_read_input_tokens=result.get("input_cached_tokens"),
            cache_write_input_tokens=result.get("input_cache_write_tokens"),
            output_tokens=result.get("output_tokens"),
        )
    )


def _anthropic(bucket: Mapping[str, Any], result: Mapping[str, Any]) -> object:
    if all(result.get(name) is None for name in _ANTHROPIC_TOKENS):
        return Problem("unsupported_type", "", "the result counts no tokens")
    read = result.get("cache_read_input_tokens")
    written = [member(result, "cache_creation", name) for name in _CACHE_WRITES]
    write = usage.with_cache(0, *written) if any(part is not None for part in written) else None
    tier = text(result.get("service_tier"))
    return Bucket(
        present(
            connector="anthropic_usage",
            bucket_start=bucket.get("starting_at"),
            bucket_end=bucket.get("ending_at"),
            provider="anthropic",
            model=text(result.get("model")),
            operation="chat",
            service=text(result.get("product")),
            project_ref=text(result.get("workspace_id")),
            api_key_ref=text(result.get("api_key_id")),
            user_ref=text(result.get("account_id")),
            service_tier=tier,
            batch=None if tier is None else tier == "batch",
            inference_geo=text(result.get("inference_geo")),
            request_count=result.get("requests"),
            input_tokens=usage.with_cache(result.get("uncached_input_tokens"), read, write),
            cache_read_input_tokens=read,
            cache_write_input_tokens=write,
            output_tokens=result.get("output_tokens"),
        )
    )


def parse_openai(document: Document) -> Sequence[object]:
    """The buckets of a page of OpenAI's organization usage."""
    return _parsed(document, _openai)


def parse_anthropic(document: Document) -> Sequence[object]:
    """The buckets of a page of an Anthropic usage report."""
    return _parsed(document, _anthropic)


OPENAI = Adapter("openai_usage", ("application/json",), parse_openai)
ANTHROPIC = Adapter("anthropic_usage", ("application/json",), parse_anthropic)
