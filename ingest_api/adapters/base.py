"""What every adapter is.

Belongs here: the shape shared by all formats. Does not belong here: any one format, or the
contract's rules (an adapter reads, ``ecomind.contract.codec`` judges).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ingest_api.headers import Headers

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are not JSON it can hold."""

_COUNTED_FROM_BYTES, _CONTAINERS_MAX, _COMMAS_MAX = 2**20, 1_000_000, 4_000_000
"""Parsed, a JSON document of the allowed size could otherwise take a gigabyte; 5,000 OTLP spans of
fifty attributes hold half a million objects."""

_decode = msgspec.json.Decoder().decode


class MalformedBody(Exception):
    """The body as a whole cannot be read; says why without quoting it."""


class TooManyItems(Exception):
    """The body holds more items than one request may; none of them was read."""


class Document(msgspec.Struct, frozen=True):
    """What a format reads: the body, decompressed, and the headers of its request.

    ``items_max``: how many items a request may hold; more need not be read.
    """

    body: bytes
    headers: Headers
    items_max: int = 5000

    def each(self, items: Sequence[object], read: Callable[[Any], object]) -> list[object]:
        """What ``read`` makes of the items, without those it makes nothing of.

        Raises ``TooManyItems`` before a long list can hold up everybody else.
        """
        if len(items) > self.items_max:
            raise TooManyItems
        return [found for found in map(read, items) if found is not None]


@dataclass(frozen=True, slots=True)
class Bucket:
    """An item that is a usage bucket (``ecomind.contract.bucket``), not a call."""

    fields: Mapping[str, Any]


class Named(list[object]):
    """Items whose format answers by other names than event ids.

    ``names``: per item, how its sender named what became of it; ``passed``: names of what owns
    no usage and is no item. Both are for the answer alone and are never stored.
    """

    def __init__(self) -> None:
        """Nothing yet."""
        super().__init__()
        self.names: list[list[str]] = []
        self.passed: list[str] = []


@dataclass(frozen=True, slots=True)
class Adapter:
    """A format: its name in landed rows, its media types and its reader.

    ``parse`` returns the document's items in order: a mapping of contract fields is a call, a
    ``Bucket`` is counted usage, a ``Problem`` stands for an item that could not be read. What owns
    no usage (an agent's span around its calls) is no item. Instead of all these, the items may be
    calls read together as ``PlainEvent`` (``ecomind.contract.plain``). Raises ``MalformedBody``
    when there is nothing to tell apart, and may raise ``TooManyItems``. ``is_foreign``: its senders
    never chose our limits.
    """

    name: str
    media_types: tuple[str, ...]
    parse: Callable[[Document], Sequence[object]]
    is_foreign: bool = True


def json_document(body: bytes) -> Any:
    """The JSON value of a body. Raises ``MalformedBody``."""
    check_values(body)
    try:
        return _decode(body)
    except UNREADABLE as error:
        raise MalformedBody(why_unreadable(error)) from None


def check_values(body: bytes) -> None:
    """Raises ``MalformedBody`` when a JSON document holds more values than may be in memory."""
    if len(body) < _COUNTED_FROM_BYTES:
        return
    containers = body.count(b"[") + body.count(b"{")
    if containers > _CONTAINERS_MAX or body.count(b",") > _COMMAS_MAX:
        raise MalformedBody("the JSON holds too many values; send fewer events at a time")


def why_unreadable(error: Exception) -> str:
    """A sentence about bytes that are not JSON; never holds any of them."""
    if isinstance(error, RecursionError):
        return "the JSON is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return f"the body is not UTF-8 (byte {error.start})"
    return str(error)
