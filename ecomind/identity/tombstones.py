"""Erased pseudonyms: what stays so that they are known when they come again.

Belongs here: the mark that stands for a pseudonym once it is erased, and recognising one. Does not
belong here: storing marks (``jobs``), or erasing anything.

A mark is keyed with the organisation's secret. Whoever meets the pseudonym again can recognise it;
nobody can read it from the mark.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

ERASED = "erased"
"""In the place of every erased pseudonym."""

ERASED_REFERENCE = "erased-"
"""Before the mark, in the place of an erased person in usage reports."""


def mark_of(secret: bytes, user_id: str) -> str:
    """What stands for a pseudonym in the audit log and on its tombstone: 128 bits, hex."""
    return hmac.new(secret, b"person\0" + user_id.encode(), hashlib.sha256).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Buried:
    """The erased of one organisation: its secret, and their marks."""

    secret: bytes = field(repr=False)
    marks: frozenset[str]


class Tombstones:
    """The erased of some organisations."""

    def __init__(self, organizations: Mapping[str, Buried]) -> None:
        """Only organisations that erased somebody count."""
        self._organizations = {
            org_id: buried for org_id, buried in organizations.items() if buried.marks
        }

    def __bool__(self) -> bool:
        """Whether anybody was erased."""
        return bool(self._organizations)

    @property
    def organizations(self) -> frozenset[str]:
        """Organisations that erased somebody."""
        return frozenset(self._organizations)

    def marks(self, org_id: str) -> frozenset[str]:
        """The marks of an organisation's erased."""
        buried = self._organizations.get(org_id)
        return buried.marks if buried else frozenset()

    def holds(self, org_id: str, user_id: str) -> bool:
        """Whether a pseudonym of an organisation was erased."""
        buried = self._organizations.get(org_id)
        return buried is not None and mark_of(buried.secret, user_id) in buried.marks

    def name(self, org_id: str, user_id: str) -> str:
        """The pseudonym, or what stands for it if it was erased."""
        return ERASED if self.holds(org_id, user_id) else user_id

    def reference(self, org_id: str, user_id: str) -> str:
        """The same for usage reports, where a corrected report must replace the one before it.

        Reports of several erased people must therefore stay apart, so each keeps a mark.
        """
        buried = self._organizations.get(org_id)
        if buried is None:
            return user_id
        mark = mark_of(buried.secret, user_id)
        return ERASED_REFERENCE + mark if mark in buried.marks else user_id
