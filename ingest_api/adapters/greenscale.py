"""What LiteLLM's Greenscale callback sends: one call's model, tokens, time and latency.

It has no id: two calls that agree in everything, to the second, are one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ecomind.contract.codec import Problem
from ingest_api.adapters.base import Adapter, Document, json_document
from ingest_api.adapters.reading import (
    NOT_AN_OBJECT,
    digest,
    member,
    milliseconds,
    one_or_more,
    present,
    tags,
    text,
    urn,
)


def call(item: object) -> dict[str, Any] | Problem:
    """The call of one item."""
    if not isinstance(item, dict):
        return NOT_AN_OBJECT
    application = text(item.get("application"))
    listed = item.get("tags")
    pairs = listed if isinstance(listed, list) else ()
    return present(
        event_id=f"gs_{digest(item)}",
        source=urn("greenscale", application or "sdk"),
        occurred_at=item.get("timestamp"),
        project_id=text(item.get("project")),
        service=application,
        provider="unknown",
        request_model=text(item.get("modelId")),
        operation="chat",
        input_tokens=item.get("inputTokenCount"),
        output_tokens=item.get("outputTokenCount"),
        usage_source="gateway_reported",
        duration_ms=milliseconds(item.get("invocationLatency")),
        tags=tags((member(pair, "key"), member(pair, "value")) for pair in pairs),
    )


def parse(document: Document) -> Sequence[object]:
    """The calls of a JSON document."""
    return document.each(one_or_more(json_document(document.body)), call)


ADAPTER = Adapter("greenscale", ("application/json",), parse)
