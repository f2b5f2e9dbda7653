"""Helicone's log of one call: what was sent to a provider and what it answered.

Both bodies hold content; of them only the model, the id and the usage are taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from ecomind.contract.codec import Problem
from ingest_api.adapters import hosts, usage
from ingest_api.adapters.base import Adapter, Document, json_document
from ingest_api.adapters.reading import (
    NOT_AN_OBJECT,
    digest,
    elapsed_ms,
    event_id,
    member,
    moment,
    one_or_more,
    present,
    tags,
    text,
)

_PROPERTY = "helicone-property-"
_SOURCE = "urn:helicone:async"


def _moment(timing: object) -> datetime | None:
    seconds, millis = member(timing, "seconds"), member(timing, "milliseconds")
    start = moment(seconds)
    if start is None or not usage.is_count(millis) or millis >= 1000:
        return start
    return start + timedelta(milliseconds=millis)


def call(log: object) -> dict[str, Any] | Problem:
    """The call of one log."""
    if not isinstance(log, dict):
        return NOT_AN_OBJECT
    sent, answered = member(log, "providerRequest"), member(log, "providerResponse")
    meta = member(sent, "meta")
    named = {name.lower(): value for name, value in meta.items()} if isinstance(meta, dict) else {}
    answer_id = text(member(answered, "json", "id"))
    timing = log.get("timing")
    start, end = _moment(member(timing, "startTime")), _moment(member(timing, "endTime"))
    first = member(timing, "timeToFirstToken")
    status = member(answered, "status")
    is_http = usage.is_count(status) and 100 <= status < 600
    model = text(member(sent, "json", "model"))
    answering = text(member(answered, "json", "model"))
    host = hosts.host_of(member(sent, "url"))
    counts = usage.of_answer(member(answered, "json", "usage"))
    known = [answer_id, str(start), str(end), model, answering, str(counts)]
    return present(
        event_id=event_id(text(named.get("helicone-request-id"))) or f"hl_{digest(known)}",
        source=_SOURCE,
        occurred_at=start,
        user_id=text(named.get("helicone-user-id")),
        conversation_id=text(named.get("helicone-session-id")),
        provider=hosts.provider_of(host) or "unknown",
        request_model=model,
        response_model=answering,
        operation="chat",
        status="error" if is_http and status >= 400 else "success",
        http_status=status if is_http else None,
        stream=True if member(sent, "json", "stream") is True else None,
        usage_source="gateway_reported" if counts else "missing",
        duration_ms=elapsed_ms(start, end),
        ttft_ms=first if usage.is_count(first) and first < 86_400_000 else None,
        server_address=host if host is not None and "." in host else None,
        provider_response_id=answer_id,
        tags=tags(
            (name.removeprefix(_PROPERTY), value)
            for name, value in named.items()
            if name.startswith(_PROPERTY)
        ),
        **counts,
        **hosts.place(host, model),
    )


def parse(document: Document) -> Sequence[object]:
    """The calls of a JSON document."""
    return document.each(one_or_more(json_document(document.body)), call)


ADAPTER = Adapter("helicone", ("application/json",), parse)
