"""LiteLLM's generic API callback: its StandardLoggingPayload, one, an array, or NDJSON.

The proxy says ``application/json`` of all three. ``messages`` and ``response`` are in every
payload and never taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ecomind.contract.codec import Problem
from ingest_api.adapters import hosts, usage
from ingest_api.adapters.base import Adapter, Document
from ingest_api.adapters.reading import (
    NOT_AN_OBJECT,
    amount,
    digest,
    document_or_lines,
    elapsed_ms,
    event_id,
    member,
    milliseconds,
    moment,
    present,
    tags,
    text,
    urn,
)

_PROVIDERS: Mapping[str, str] = {
    "anthropic_text": "anthropic",
    "azure": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "azure_text": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "bedrock_converse": "aws.bedrock",
    "codestral": "mistral_ai",
    "cohere_chat": "cohere",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "moonshot": "moonshot_ai",
    "text-completion-codestral": "mistral_ai",
    "text-completion-openai": "openai",
    "vertex_ai": "gcp.vertex_ai",
    "vertex_ai_beta": "gcp.vertex_ai",
    "watsonx": "ibm.watsonx.ai",
    "watsonx_text": "ibm.watsonx.ai",
    "xai": "x_ai",
}
_OPERATIONS: Mapping[str, str] = {
    "anthropic_messages": "chat",
    "completion": "chat",
    "embedding": "embeddings",
    "generate_content": "generate_content",
    "generate_content_stream": "generate_content",
    "image_edit": "image_generation",
    "image_generation": "image_generation",
    "moderation": "moderation",
    "ocr": "ocr",
    "rerank": "rerank",
    "responses": "chat",
    "speech": "audio_speech",
    "text_completion": "text_completion",
    "transcription": "audio_transcription",
    "create_video": "video_generation",
    "video_generation": "video_generation",
}
_NOT_OF_A_PROVIDER = re.compile(r"[^a-z0-9_.-]+")
_NOBODY = ("default_user_id", "litellm-internal-health-check")
"""What the proxy calls a user it does not know."""


def provider_name(name: object) -> str:
    """LiteLLM's name of a provider as in OpenTelemetry's gen_ai.provider.name."""
    known = _NOT_OF_A_PROVIDER.sub("_", (text(name) or "").strip().lower()).lstrip("_.-")[:64]
    return _PROVIDERS.get(known, known) or "unknown"


def _operation(call_type: object) -> str | None:
    name = (text(call_type) or "completion").removeprefix("_")
    return _OPERATIONS.get(name) or _OPERATIONS.get(name.removeprefix("a"))


def _without_provider(model: object, provider: object) -> str | None:
    name = text(model)
    return None if name is None else name.removeprefix(f"{text(provider) or ''}/")


def _user(payload: object) -> str | None:
    named = (member(payload, "metadata", "user_api_key_user_id"), member(payload, "end_user"))
    known = text(*(None if name in _NOBODY else name for name in named if _is_text(name)))
    return known or text(member(payload, "metadata", "user_api_key_user_email"))


def _is_text(name: object) -> bool:
    return isinstance(name, str)


def _request_tags(request_tags: object) -> Iterator[tuple[str, str]]:
    for tag in request_tags if isinstance(request_tags, list) else ():
        if isinstance(tag, str) and not tag.lower().startswith("user-agent:"):
            name, _, value = tag.partition(":")
            yield name, value.strip() or "true"


def _id(payload: object, is_failure: bool) -> str | None:
    call_id = text(member(payload, "litellm_call_id"))
    attempt = digest([str(member(payload, "id")), str(member(payload, "startTime"))])
    if call_id is not None and is_failure:
        # Tries of one call share its id: one that failed must not stand for the one that did not.
        return event_id(f"{call_id}.{attempt[:8]}")
    if call_id is not None:
        return event_id(call_id)
    answer_id = text(member(payload, "id"))
    return None if answer_id is None else event_id(f"{answer_id}.{attempt[:8]}")


def _status(payload: object) -> dict[str, Any]:
    if member(payload, "status") == "failure":
        code = text(member(payload, "error_information", "error_code")) or ""
        return present(
            status="error",
            error_type=text(member(payload, "error_information", "error_class")),
            http_status=int(code) if code in _HTTP_STATUSES else None,
        )
    return {"status": "cache_hit" if member(payload, "cache_hit") is True else "success"}


_HTTP_STATUSES = frozenset(map(str, range(100, 600)))


def _usage(payload: object) -> dict[str, Any]:
    counts = usage.of_answer(member(payload, "metadata", "usage_object"))
    total, answered = member(payload, "prompt_tokens"), member(payload, "completion_tokens")
    told = present(input_tokens=total, output_tokens=answered)
    return usage.consistent({**counts, **told})


def call(payload: object) -> dict[str, Any] | Problem | None:
    """The call of one payload; None for requests that no model answers, such as listing files."""
    if not isinstance(payload, dict):
        return payload if isinstance(payload, Problem) else NOT_AN_OBJECT
    operation = _operation(payload.get("call_type"))
    if operation is None:
        if not usage.is_count(payload.get("total_tokens")) or not payload["total_tokens"]:
            return None
        operation = "other"
    provider = payload.get("custom_llm_provider")
    model = _without_provider(payload.get("model"), provider)
    start, end = moment(payload.get("startTime")), moment(payload.get("endTime"))
    duration_ms = elapsed_ms(start, end)
    ttft_ms = elapsed_ms(start, moment(payload.get("completionStartTime")))
    asked = text(payload.get("api_base"), member(payload, "hidden_params", "api_base"))
    host = hosts.host_of(asked)
    cost = amount(payload.get("response_cost"))
    response_time = amount(payload.get("response_time"), 86_400)
    if response_time is not None:
        duration_ms = milliseconds(response_time * 1000)
    status = _status(payload)
    key_hash = text(member(payload, "metadata", "user_api_key_hash"))
    is_first_token_known = ttft_ms is not None and duration_ms is not None and ttft_ms < duration_ms
    return present(
        event_id=_id(payload, status["status"] == "error"),
        source=urn("litellm", (key_hash or "sdk")[:12]),
        occurred_at=start,
        project_id=text(member(payload, "metadata", "user_api_key_project_id")),
        team_id=text(member(payload, "metadata", "user_api_key_team_id")),
        user_id=_user(payload),
        provider=provider_name(provider),
        request_model=_without_provider(payload.get("model_group"), provider) or model,
        response_model=model,
        operation=operation,
        stream=payload.get("stream") if isinstance(payload.get("stream"), bool) else None,
        usage_source="gateway_reported",
        duration_ms=duration_ms,
        ttft_ms=ttft_ms if is_first_token_known else None,
        server_address=host,
        cost_amount=cost,
        cost_currency=None if cost is None else "USD",
        provider_response_id=text(payload.get("id")),
        gateway_call_id=text(payload.get("litellm_call_id")),
        tags=tags(_request_tags(payload.get("request_tags"))),
        **status,
        **_usage(payload),
        **hosts.place(host, model),
    )


def parse(document: Document) -> Sequence[object]:
    """The calls of the payloads."""
    return document.each(document_or_lines(document.body), call)


ADAPTER = Adapter(
    "litellm",
    ("application/json", "application/x-ndjson", "application/ndjson", "application/jsonl"),
    parse,
)
