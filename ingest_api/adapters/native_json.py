"""Native events as JSON: one object, an array, or ``{"events": [...]}``."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ingest_api.adapters.base import UNREADABLE, Adapter, MalformedBody, why_unreadable

_decode = msgspec.json.Decoder().decode


def _document(body: bytes) -> object:
    try:
        return _decode(body)
    except UNREADABLE as error:
        raise MalformedBody(why_unreadable(error)) from None


def parse(body: bytes) -> Sequence[object]:
    """The items of a JSON document."""
    document = _document(body)
    if isinstance(document, list):
        return document
    if isinstance(document, dict):
        events = document.get("events")
        return events if isinstance(events, list) else (document,)
    raise MalformedBody("the body is neither an object nor an array of objects")


def parse_one(body: bytes) -> Sequence[object]:
    """The one item of a JSON document."""
    document = _document(body)
    if not isinstance(document, dict):
        raise MalformedBody("the body is not one event object; send several to /v1/events")
    return (document,)


ADAPTER = Adapter("native_json", ("application/json",), parse)
SINGLE = Adapter("native_json", ("application/json",), parse_one)
