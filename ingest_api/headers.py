"""What is read of a request's headers, whichever server received them."""

from __future__ import annotations

from typing import Protocol


class Headers(Protocol):
    """Request headers, looked up by lower-case name."""

    def get(self, key: str, default: str | None = None, /) -> str | None:
        """The first value of a header."""
