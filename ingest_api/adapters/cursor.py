"""Cursor's filtered usage events: a page of its Admin API, or the array in it.

They have no id: one is made of time, person, model and counts. Cursor counts cache reads and
writes apart from the other input.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from ecomind.contract.codec import Problem
from ingest_api.adapters import usage
from ingest_api.adapters.base import Adapter, Document, json_document
from ingest_api.adapters.reading import (
    NOT_AN_OBJECT,
    amount,
    member,
    moment,
    one_or_more,
    present,
    text,
)

_SOURCE = "urn:cursor:admin-api"


def _id(event: dict[str, Any]) -> str:
    parts = [event.get(name) for name in ("timestamp", "userEmail", "model", "tokenUsage")]
    written = json.dumps(parts, sort_keys=True)
    return f"cu_{hashlib.sha256(written.encode()).hexdigest()[:32]}"


def _moment(milliseconds: object) -> Any:
    known = text(milliseconds)
    if known is None or not known.isdecimal() or len(known) > 14:
        return milliseconds
    return moment(int(known) / 1000)


def call(event: object) -> dict[str, Any] | Problem:
    """The call of one event."""
    if not isinstance(event, dict):
        return NOT_AN_OBJECT
    counts = event.get("tokenUsage")
    read, write = member(counts, "cacheReadTokens"), member(counts, "cacheWriteTokens")
    cents = amount(member(counts, "totalCents"))
    total = usage.with_cache(member(counts, "inputTokens"), read, write)
    return present(
        event_id=_id(event),
        source=_SOURCE,
        occurred_at=_moment(event.get("timestamp")),
        user_id=text(event.get("userEmail")),
        provider="unknown",
        request_model=text(event.get("model")),
        operation="chat",
        input_tokens=total,
        output_tokens=member(counts, "outputTokens"),
        cache_read_input_tokens=read,
        cache_write_input_tokens=write,
        usage_source="missing" if total is None else "provider_reported",
        cost_amount=None if cents is None else round(cents / 100, 6),
        cost_currency=None if cents is None else "USD",
    )


def parse(document: Document) -> Sequence[object]:
    """The calls of a page or an array."""
    return document.each(one_or_more(json_document(document.body), "usageEvents"), call)


ADAPTER = Adapter("cursor", ("application/json",), parse)
