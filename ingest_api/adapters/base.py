"""What every adapter is.

Belongs here: the shape shared by all formats. Does not belong here: any one format, or the
contract's rules (an adapter reads, ``ecomind.contract.codec`` judges).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are not JSON it can hold."""


class MalformedBody(Exception):
    """The body as a whole cannot be read; says why without quoting it."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """A format: its name in landed rows, its media types and its reader.

    ``parse`` returns the body's items in order; an item that could not be read is a
    ``Problem`` in its place. Raises ``MalformedBody`` when there is nothing to tell apart.
    """

    name: str
    media_types: tuple[str, ...]
    parse: Callable[[bytes], Sequence[object]]


def why_unreadable(error: Exception) -> str:
    """A sentence about bytes that are not JSON; never holds any of them."""
    if isinstance(error, RecursionError):
        return "the JSON is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return f"the body is not UTF-8 (byte {error.start})"
    return str(error)
