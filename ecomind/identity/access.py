"""The one place where a request is refused for what its credential may not do.

Belongs here: deciding by the permission table, and recording refusals. Does not belong here: the
table (``permissions``) or checking credentials (``doorkeeper``).
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

from ecomind.identity.audit_chain import REFUSED
from ecomind.identity.changes import Action, Changes
from ecomind.identity.errors import Forbidden, SignInTooOld
from ecomind.identity.permissions import Scope
from ecomind.identity.principal import Actor, Principal, Subject

FRESH_FOR = timedelta(minutes=10)
"""How young a person's sign-in must be for what cannot be undone: keys, erasure."""
WINDOW_S = 60.0
PER_WINDOW = 20
"""Refusals of one person or key recorded in a window; those beyond are counted, not listed."""
PER_WINDOW_MACHINE = 1
"""The same for a key that sends events, which may ask thousands of times a second."""

_SUBJECTS_MAX = 10_000


class Gate:
    """Decides and records; one instance serves many threads."""

    def __init__(self, changes: Changes) -> None:
        """Record through ``changes``."""
        self._changes = changes
        self._lock = threading.Lock()
        self._windows: dict[tuple[str, str], list[float]] = {}

    def authorize(self, principal: Principal, scope: Scope, org_id: str | None = None) -> None:
        """Let pass who holds a scope in an organisation (by default their own).

        Otherwise raises ``Forbidden``, and the refusal is in the organisation's audit log; floods
        are shortened to their number.
        """
        asked_of = principal.org_id if org_id is None else org_id
        if principal.org_id == asked_of and principal.may(scope):
            return
        reason = _reason(principal, scope, asked_of)
        self._record(principal, scope.value, reason)
        raise Forbidden(reason)

    def require_fresh(self, principal: Principal, asked: str) -> None:
        """Let pass keys, and people whose sign-in is younger than `FRESH_FOR`.

        Otherwise raises ``SignInTooOld``, and the refusal is in the organisation's audit log.
        """
        if principal.kind is Subject.KEY:
            return
        signed_in = principal.signed_in_at
        if signed_in is not None and datetime.now(UTC) - signed_in <= FRESH_FOR:
            return
        minutes = int(FRESH_FOR.total_seconds()) // 60
        reason = f"this takes a sign-in of the last {minutes} minutes: sign in again"
        self._record(principal, asked, reason)
        raise SignInTooOld(reason)

    def _record(self, principal: Principal, asked: str, reason: str) -> None:
        unlisted = self._unlisted(principal, reason)
        if unlisted is None:
            return
        facts: dict[str, str | int] = {"reason": reason}
        if unlisted:
            facts["unlisted_before"] = unlisted
        self._changes.by(Actor.of(principal)).record(
            Action.DENIED, principal.org_id, asked, REFUSED, **facts
        )

    def _unlisted(self, principal: Principal, reason: str) -> int | None:
        """How many refusals like it were left out before this one; None: leave this out, too."""
        limit = PER_WINDOW_MACHINE if principal.is_machine else PER_WINDOW
        now = time.monotonic()
        with self._lock:
            if len(self._windows) >= _SUBJECTS_MAX:
                self._windows.clear()
            window = self._windows.setdefault((principal.subject_id, reason), [now, 0, 0])
            if now >= window[0] + WINDOW_S:
                window[0], window[1] = now, 0
            if window[1] >= limit:
                window[2] += 1
                return None
            window[1] += 1
            unlisted, window[2] = int(window[2]), 0
            return unlisted


def _reason(principal: Principal, scope: Scope, org_id: str) -> str:
    what = f"this {principal.kind.value}"
    if principal.org_id != org_id:
        return f"{what} belongs to another organisation"
    if principal.is_suspended:
        return f"the organisation {org_id} is suspended"
    return f"{what} has the role {principal.role.value} and not the right {scope.value}"
