"""What a tab of the dashboard is signed in with, and asking again whether it still holds.

Belongs here: keys, and sign-ins of people. Does not belong here: drawing anything, or where a
browser keeps what it shows (``session``, ``sign_in``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

from ecomind.identity import IdentityStore, Principal
from ecomind.identity.credentials import OtherOrganization
from ecomind.identity.sessions import SignIn


class Credential(Protocol):
    """What a tab shows the control store."""

    @property
    def ended(self) -> str:
        """What is said when it no longer holds."""

    def principal(self, store: IdentityStore) -> Principal | None:
        """What it allows now; None when it no longer holds."""

    def organizations(self, store: IdentityStore) -> dict[str, str]:
        """The organisations it opens, by id, with their names."""

    def choosing(self, org_id: str) -> Credential:
        """The same, for another organisation it opens."""


@dataclass(frozen=True, slots=True)
class Key:
    """An access key; it has one organisation."""

    text: str = field(repr=False)
    ended = "Your key is no longer valid. Sign in with another one."

    def principal(self, store: IdentityStore) -> Principal | None:
        """What the key allows now."""
        return store.authenticate(self.text)

    def organizations(self, store: IdentityStore) -> dict[str, str]:
        """The key's one organisation needs no choice."""
        return {}

    def choosing(self, org_id: str) -> Key:
        """A key has no other organisation."""
        return self


@dataclass(frozen=True, slots=True)
class PersonSignIn:
    """A person who showed who they are; ``org_id`` is the organisation they look at."""

    sign_in: SignIn
    org_id: str | None = None
    ended = "Your sign-in has ended, or you are no longer a member. Sign in again."

    def principal(self, store: IdentityStore) -> Principal | None:
        """What they may do now: person and membership are asked for each time."""
        if datetime.now(UTC) >= self.sign_in.ends_at or not store.sessions.still_holds(
            self.sign_in
        ):
            return None
        org_id = self.org_id or next(iter(self.organizations(store)), None)
        if org_id is None:
            return None
        try:
            return store.sessions.principal_in(self.sign_in, org_id)
        except OtherOrganization:
            return None

    def organizations(self, store: IdentityStore) -> dict[str, str]:
        """Where they are a member, by name."""
        found = [
            store.organizations.get(membership.org_id)
            for membership in store.sessions.memberships(self.sign_in)
        ]
        return {each.org_id: each.name for each in sorted(found, key=lambda each: each.name)}

    def choosing(self, org_id: str) -> PersonSignIn:
        """The same person, looking at another organisation."""
        return replace(self, org_id=org_id)
