"""From the headers of a request to the organisation that sent it.

Belongs here: where a key may stand in a request, and remembering keys for a few seconds.
Does not belong here: what makes a key valid (``ecomind.identity``).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Protocol

from ecomind.identity import Forbidden, Principal, Scope, Tombstones, pseudonym
from ecomind.identity.principal import Network
from ingest_api.headers import Headers
from ingest_api.limits import UNLIMITED, Allowance, Limits

STALENESS_S = 5.0
"""How long a revoked key may still be accepted, in seconds."""

UNKNOWN_S = 30.0
"""How long a text that is no key is remembered as such; a new key's text was never sent before."""

_KEYS_MAX = 10_000
_PSEUDONYMS_MAX = 100_000


class Identities(Protocol):
    """The part of ``ecomind.identity.IdentityStore`` that receiving needs."""

    def authenticate(self, key_text: str) -> Principal | None:
        """The principal of a key, or None."""

    def pseudonym_secret(self, org_id: str) -> bytes:
        """Key of the organisation's pseudonyms."""

    def tombstones(self, org_id: str) -> Tombstones:
        """Who was erased."""

    def countable_days(self, org_id: str) -> int | None:
        """How old an event may be to be counted still, in days."""

    def browser_origins(self) -> frozenset[str]:
        """Every origin that an active key of a browser names."""

    def authorize(self, principal: Principal, scope: Scope) -> None:
        """Raise ``Forbidden``, which is recorded, unless a principal holds a scope."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """The sender of a request, with what judging its events needs at hand.

    ``origins`` are set for the keys that browsers hold, and are all they may be used from. A key
    of one project sends for no other.
    """

    org_id: str
    key_id: str
    may_import: bool
    pseudonymise: Callable[[str], str]
    """The organisation's pseudonym of an id, or what stands for somebody erased."""
    scopes: frozenset[Scope]
    allowance: Allowance = UNLIMITED
    origins: frozenset[str] | None = None
    events_per_min: int | None = None
    project_id: str | None = None
    networks: tuple[Network, ...] = ()
    principal: Principal | None = None
    pseudonymise_reference: Callable[[str], str] | None = None
    """The same for usage reports; None: as in events."""
    countable_days: int | None = None
    """Age of events, in days, above which they could not be counted any more; None: any can."""


def key_text(headers: Headers) -> str | None:
    """The API key of a request: bearer token, ``X-API-Key``, ``Api-Key`` or Basic password."""
    api_key = headers.get("x-api-key") or headers.get("api-key")
    if api_key:
        return api_key
    scheme, _, value = (headers.get("authorization") or "").partition(" ")
    scheme, value = scheme.lower(), value.strip()
    if scheme == "bearer":
        return value or None
    if scheme == "basic":
        try:
            user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return password or user or None
    return None


@dataclass(frozen=True, slots=True)
class _Pseudonymisers:
    """An organisation's, and by whose marks they know the erased."""

    marks: frozenset[str]
    of_events: Callable[[str], str]
    of_references: Callable[[str], str]

    @classmethod
    def of(cls, org_id: str, secret: bytes, erased: Tombstones) -> _Pseudonymisers:
        """Make those of an organisation; they remember what they made."""
        marks = erased.marks(org_id)

        def of_events(value: str) -> str:
            found = pseudonym(secret, value)
            return erased.name(org_id, found) if marks else found

        def of_references(value: str) -> str:
            found = pseudonym(secret, value)
            return erased.reference(org_id, found) if marks else found

        return cls(marks, lru_cache(_PSEUDONYMS_MAX)(of_events), of_references)


class KeyRing:
    """Remembers who a key belongs to for ``STALENESS_S``, and texts that are none a while longer.

    The two are kept apart: who sends thousands of made-up keys crowds out no known one.
    """

    def __init__(self, identities: Identities, limits: Limits) -> None:
        """Look keys up in ``identities``, in threads; ``limits`` says how much they may send."""
        self._identities = identities
        self._limits = limits
        self._known: dict[str, tuple[float, Tenant]] = {}
        self._unknown: dict[str, float] = {}
        self._looking_up: dict[str, asyncio.Task[Tenant | None]] = {}
        self._origins: frozenset[str] = frozenset()
        self._origins_until = 0.0
        self._pseudonymisers: dict[str, _Pseudonymisers] = {}

    async def tenant(self, key: str) -> Tenant | None:
        """The tenant of a key's text, or None. Raises what the store raises."""
        known = self._known.get(key)
        if known is not None and time.monotonic() < known[0]:
            return known[1]
        if time.monotonic() < self._unknown.get(key, 0.0):
            return None
        task = self._looking_up.get(key)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._look_up(key))
            self._looking_up[key] = task
        return await asyncio.shield(task)

    async def record_refusal(self, principal: Principal, scope: Scope) -> None:
        """Have it recorded that a scope was asked for in vain. Raises what the store raises."""
        with suppress(Forbidden):
            await asyncio.to_thread(self._identities.authorize, principal, scope)

    async def browser_origins(self) -> frozenset[str]:
        """Every origin that some browser's key names. Raises what the store raises."""
        if time.monotonic() >= self._origins_until:
            until = time.monotonic() + STALENESS_S
            self._origins = await asyncio.to_thread(self._identities.browser_origins)
            self._origins_until = until
        return self._origins

    async def _look_up(self, key: str) -> Tenant | None:
        asked_at = time.monotonic()
        try:
            tenant = await asyncio.to_thread(self._from_store, key)
        finally:
            del self._looking_up[key]
        if tenant is None:
            self._known.pop(key, None)
            _make_room(self._unknown)
            self._unknown[key] = asked_at + UNKNOWN_S
            return None
        allowance = self._limits.allowance(tenant.org_id, tenant.key_id, tenant.events_per_min)
        tenant = replace(tenant, allowance=allowance)
        _make_room(self._known)
        self._known[key] = (asked_at + STALENESS_S, tenant)
        return tenant

    def _from_store(self, key: str) -> Tenant | None:
        principal = self._identities.authenticate(key)
        if principal is None:
            return None
        org_id = principal.org_id
        pseudonymisers = self._pseudonymisers_of(org_id)
        return Tenant(
            org_id,
            principal.subject_id,
            principal.may(Scope.INGEST_IMPORT),
            pseudonymisers.of_events,
            principal.scopes,
            origins=principal.origins,
            events_per_min=principal.events_per_min,
            project_id=principal.project_id,
            networks=principal.networks,
            principal=principal,
            pseudonymise_reference=pseudonymisers.of_references,
            countable_days=self._identities.countable_days(org_id),
        )

    def _pseudonymisers_of(self, org_id: str) -> _Pseudonymisers:
        """Those of an organisation, made anew when somebody was erased."""
        erased = self._identities.tombstones(org_id)
        known = self._pseudonymisers.get(org_id)
        if known is None or known.marks != erased.marks(org_id):
            secret = self._identities.pseudonym_secret(org_id)
            known = self._pseudonymisers[org_id] = _Pseudonymisers.of(org_id, secret, erased)
        return known


def _make_room(remembered: dict[str, Any]) -> None:
    if len(remembered) >= _KEYS_MAX:
        remembered.clear()
