"""What became of a request's items.

Belongs here: the counts and results that every dialect words in its own way. Does not belong
here: any wording, or how the items were judged.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

_MICROSECONDS_A_SECOND, _MICROSECONDS_A_MILLISECOND = 1_000_000, 1_000


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]


class Result(msgspec.Struct, gc=False, omit_defaults=True):
    """What became of an item, as the native answer shows it.

    ``result`` is accepted, duplicate or rejected; errors are ``{"code", "pointer", "detail"}``,
    warnings ``{"code", "field"}``.
    """

    index: int
    event_id: str | None
    result: str
    rejection_id: str | msgspec.UnsetType = msgspec.UNSET
    errors: tuple[dict[str, str], ...] = ()
    warnings: tuple[dict[str, str], ...] = ()


class Outcome(msgspec.Struct):
    """Items accepted, repeated within the request, and rejected; ``results`` in their order."""

    sortable_id: str
    received_us: int
    """Server clock, microseconds since the epoch."""
    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0
    results: list[Result] = msgspec.field(default_factory=list)
    names: list[list[str]] = msgspec.field(default_factory=list)
    passed: list[str] = msgspec.field(default_factory=list)
    """The sender's own names of the items, and of what was no item (``adapters.base.Named``)."""
    is_all_of_others: bool = True
    """Whether every rejected item claimed another organisation."""

    @property
    def receipt_id(self) -> str:
        """Receipt of the request."""
        return f"rcp_{self.sortable_id}"

    @property
    def received_text(self) -> str:
        """When the request was accepted, RFC 3339 in UTC with milliseconds."""
        seconds, microseconds = divmod(self.received_us, _MICROSECONDS_A_SECOND)
        return f"{_second(seconds)}.{microseconds // _MICROSECONDS_A_MILLISECOND:03d}Z"

    @property
    def errors(self) -> list[dict[str, Any]]:
        """Every reason of every rejected item, with the item's place."""
        return [
            {
                "index": result.index,
                "event_id": result.event_id,
                "rejection_id": result.rejection_id,
                **error,
            }
            for result in self.results
            for error in result.errors
        ]
