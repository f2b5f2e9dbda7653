"""API keys: making, rotating, revoking and listing them.

Belongs here: their rules and rows. Does not belong here: the text of a key (``keys``) or opening
the door with one (``doorkeeper``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from ecomind.identity.changes import Action, Change, Changes
from ecomind.identity.checks import check_name, check_origins, parse_networks
from ecomind.identity.errors import Conflict, Forbidden, IdentityError, NotFound
from ecomind.identity.keys import KeyText
from ecomind.identity.permissions import (
    Role,
    Scope,
    are_extensions,
    granted,
    may_manage,
    parse_scopes,
)
from ecomind.identity.tables import ApiKeyRow, KeyUseRow

GRACE = timedelta(hours=24)
"""How long the secret before a rotation opens, unless said otherwise."""

PROJECT_LENGTH = 128
_BROWSER_EVENTS_PER_MIN = 60


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What may be shown of a key."""

    key_id: str
    org_id: str
    name: str
    role: Role
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    origins: tuple[str, ...] = ()
    scopes: frozenset[Scope] | None = None
    """Scopes of a key narrower than its role; None: all of the role."""
    networks: tuple[str, ...] = ()
    events_per_min: int | None = None
    project_id: str | None = None
    created_by: str | None = None
    last_used_at: datetime | None = None
    """To the minute."""
    rotated_at: datetime | None = None
    previous_until: datetime | None = None
    """Until when the secret before the rotation opens."""

    def state(self, now: datetime) -> str:
        """``active``, ``revoked`` or ``expired``."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "active"


class KeyStore:
    """The API keys of the control store."""

    def __init__(self, changes: Changes, pepper: bytes) -> None:
        """Read and change through ``changes``; ``pepper`` keys the stored hashes."""
        self._changes = changes
        self._pepper = pepper

    def create(  # noqa: PLR0913 - what a key is made of.
        self,
        org_id: str,
        role: Role,
        name: str,
        expires_at: datetime | None = None,
        *,
        origins: Sequence[str] = (),
        events_per_min: int | None = None,
        scopes: Sequence[str] | None = None,
        networks: Sequence[str] = (),
        project_id: str | None = None,
    ) -> tuple[str, KeyInfo]:
        """Make a key; its text is returned once and never stored.

        ``origins`` are needed for the role browser, and only for it. ``events_per_min`` is the
        key's own limit; a browser's key has one. ``scopes`` narrow its role, ``networks`` (CIDR)
        say where it may be used from, ``project_id`` which one project its events are of. Raises
        ``NotFound`` when there is no such organisation, ``IdentityError`` when a part is wrong,
        ``Forbidden`` when the actor may not give as much.
        """
        check_name("a key's name", name)
        if project_id is not None and not (project_id and len(project_id) <= PROJECT_LENGTH):
            raise IdentityError(f"a project's id has 1 to {PROJECT_LENGTH} characters")
        check_origins(role, origins)
        parse_networks(networks)
        only = None if scopes is None else parse_scopes(role, scopes)
        key = KeyText.new(is_public=role is Role.BROWSER)
        if role is Role.BROWSER and events_per_min is None:
            events_per_min = _BROWSER_EVENTS_PER_MIN
        row = ApiKeyRow(
            key_id=key.key_id,
            org_id=org_id,
            name=name,
            role=role.value,
            secret_digest=key.digest(self._pepper),
            created_at=datetime.now(UTC),
            expires_at=expires_at,
            revoked_at=None,
            origins=" ".join(origins) or None,
            events_per_min=events_per_min,
            scopes=None if only is None else " ".join(sorted(only)),
            networks=" ".join(networks) or None,
            project_id=project_id,
            created_by=self._changes.actor.name,
        )
        target = f"key/{key.key_id}"
        with self._changes.make(Action.KEY_CREATE, org_id, target, **_facts(row)) as change:
            self._check_may_give(
                role, granted(role, is_extension=are_extensions(origins), only=only)
            )
            change.session.add(row)
        return str(key), _info(row, None)

    def rotate(self, org_id: str, key_id: str, grace: timedelta = GRACE) -> tuple[str, KeyInfo]:
        """Give a key a new secret; its text is returned once. The one before opens for a while.

        At most two secrets open: the one before the one before ends now. Raises ``NotFound``,
        or ``Conflict`` when the key is revoked or expired.
        """
        if grace < timedelta(0):
            raise IdentityError("the secret before ends after the rotation, not before it")
        now = datetime.now(UTC)
        with self._changes.make(Action.KEY_ROTATE, org_id, f"key/{key_id}") as change:
            row = self._of(change, org_id, key_id)
            if not is_active(row, now):
                raise Conflict(f"the key {key_id} is revoked or expired: make another")
            key = KeyText(key_id, KeyText.new().secret, is_public=row.role == Role.BROWSER)
            row.previous_digest, row.previous_until = row.secret_digest, now + grace
            row.secret_digest, row.rotated_at = key.digest(self._pepper), now
            change.facts["previous_until"] = row.previous_until.isoformat()
            info = _info(row, None)
        return str(key), info

    def revoke(self, org_id: str, key_id: str) -> None:
        """End a key now, all its secrets; revoking twice is harmless. Raises ``NotFound``."""
        with self._changes.make(Action.KEY_REVOKE, org_id, f"key/{key_id}") as change:
            row = self._of(change, org_id, key_id)
            change.is_made = row.revoked_at is None
            row.revoked_at = row.revoked_at or datetime.now(UTC)

    def get(self, org_id: str, key_id: str) -> KeyInfo:
        """One key. Raises ``NotFound``, also when it is another organisation's."""
        for info in self._select(ApiKeyRow.org_id == org_id, ApiKeyRow.key_id == key_id):
            return info
        raise NotFound(f"there is no key {key_id}")

    def find(self, key_id: str) -> KeyInfo:
        """One key of whichever organisation, for the operator. Raises ``NotFound``."""
        for info in self._select(ApiKeyRow.key_id == key_id):
            return info
        raise NotFound(f"there is no key {key_id}")

    def listed(self, org_id: str | None = None) -> list[KeyInfo]:
        """Keys of one organisation or of all, oldest first."""
        return self._select(*([] if org_id is None else [ApiKeyRow.org_id == org_id]))

    def _select(self, *conditions: Any) -> list[KeyInfo]:
        query = (
            select(ApiKeyRow, KeyUseRow.last_used_at)
            .outerjoin(KeyUseRow, KeyUseRow.key_id == ApiKeyRow.key_id)
            .where(*conditions)
            .order_by(ApiKeyRow.created_at, ApiKeyRow.key_id)
        )
        with self._changes.read() as session:
            return [_info(row, used) for row, used in session.execute(query)]

    def _of(self, change: Change, org_id: str, key_id: str) -> ApiKeyRow:
        row = change.session.get(ApiKeyRow, key_id)
        if row is None or row.org_id != org_id:
            raise NotFound(f"there is no key {key_id}")
        if not may_manage(self._changes.actor.role, Role(row.role)):
            raise Forbidden("only an owner changes an owner's key")
        return row

    def _check_may_give(self, role: Role, scopes: frozenset[Scope]) -> None:
        actor = self._changes.actor
        if not may_manage(actor.role, role):
            raise Forbidden("only an owner makes an owner's key")
        if actor.scopes is not None and not scopes <= actor.scopes:
            raise Forbidden("a key that is narrower than its role makes none that may do more")


def is_active(row: ApiKeyRow, now: datetime) -> bool:
    """Whether a key is neither revoked nor expired."""
    expired = row.expires_at is not None and row.expires_at <= now
    return row.revoked_at is None and not expired


def _facts(row: ApiKeyRow) -> dict[str, Any]:
    return {
        "role_given": row.role,
        "name": row.name,
        "scopes": row.scopes,
        "networks": row.networks,
        "origins": row.origins,
        "project": row.project_id,
        "expires_at": None if row.expires_at is None else row.expires_at.isoformat(),
    }


def _info(row: ApiKeyRow, last_used_at: datetime | None) -> KeyInfo:
    only = None if row.scopes is None else frozenset(Scope(name) for name in row.scopes.split())
    return KeyInfo(
        key_id=row.key_id,
        org_id=row.org_id,
        name=row.name,
        role=Role(row.role),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        origins=tuple((row.origins or "").split()),
        scopes=only,
        networks=tuple((row.networks or "").split()),
        events_per_min=row.events_per_min,
        project_id=row.project_id,
        created_by=row.created_by,
        last_used_at=last_used_at,
        rotated_at=row.rotated_at,
        previous_until=row.previous_until,
    )
