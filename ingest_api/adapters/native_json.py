"""Native events as JSON: one object, an array, or ``{"events": [...]}``."""

from __future__ import annotations

from collections.abc import Sequence

from ecomind.contract.plain import plain_events
from ingest_api.adapters.base import (
    Adapter,
    Document,
    MalformedBody,
    check_values,
    json_document,
)


def parse(document: Document) -> Sequence[object]:
    """The items of a JSON document."""
    check_values(document.body)
    plain = plain_events(document.body)
    if plain is not None:
        return plain
    value = json_document(document.body)
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        events = value.get("events")
        return events if isinstance(events, list) else (value,)
    raise MalformedBody("the body is neither an object nor an array of objects")


def parse_one(document: Document) -> Sequence[object]:
    """The one item of a JSON document."""
    if document.body[:1] == b"{":
        plain = plain_events(document.body)
        if plain is not None:
            return plain
    value = json_document(document.body)
    if not isinstance(value, dict):
        raise MalformedBody("the body is not one event object; send several to /v1/events")
    return (value,)


ADAPTER = Adapter("native_json", ("application/json",), parse, is_foreign=False)
SINGLE = Adapter("native_json", ("application/json",), parse_one, is_foreign=False)
