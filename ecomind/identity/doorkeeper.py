"""From the text of a key to who is asking.

Belongs here: checking keys, and noting that they were used. Does not belong here: what they may
do (``permissions``), or making them (``key_store``).
"""

from __future__ import annotations

import hmac
import logging
import threading
import time
from datetime import UTC, datetime

from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from ecomind.identity.changes import Changes
from ecomind.identity.checks import parse_networks
from ecomind.identity.jobs import being_erased
from ecomind.identity.key_store import is_active
from ecomind.identity.keys import KeyText
from ecomind.identity.permissions import Role, Scope, are_extensions, granted
from ecomind.identity.principal import Principal
from ecomind.identity.tables import ApiKeyRow, KeyUseRow, OrganizationRow

USE_NOTED_EVERY_S = 60.0
"""How often a process writes down which keys were used."""

_NO_DIGEST = "0" * 64
_logger = logging.getLogger(__name__)


class Doorkeeper:
    """Checks keys; one instance serves many threads."""

    def __init__(self, changes: Changes, pepper: bytes) -> None:
        """Look keys up through ``changes``; ``pepper`` keys the stored hashes."""
        self._changes = changes
        self._pepper = pepper
        self._used: dict[str, datetime] = {}
        self._lock = threading.Lock()
        self._write_at = time.monotonic() + USE_NOTED_EVERY_S

    def authenticate(self, key_text: str) -> Principal | None:
        """The principal of a key's text, or None when unknown, revoked or expired."""
        key = KeyText.parse(key_text)
        if key is None:
            return None
        now = datetime.now(UTC)
        with self._changes.read() as session:
            found = session.execute(
                select(ApiKeyRow, OrganizationRow)
                .join(OrganizationRow, OrganizationRow.org_id == ApiKeyRow.org_id)
                .where(ApiKeyRow.key_id == key.key_id)
            ).one_or_none()
            row, organization = (None, None) if found is None else found
            # Both secrets are compared, even those of unknown keys, so that all cost the same.
            given = key.digest(self._pepper)
            matches = hmac.compare_digest(row.secret_digest if row else _NO_DIGEST, given)
            previous = row.previous_digest if row and row.previous_digest else _NO_DIGEST
            matches_previous = hmac.compare_digest(previous, given)
            if row is None or organization is None or not is_active(row, now):
                return None
            in_grace = row.previous_until is not None and row.previous_until > now
            if not (matches or (matches_previous and in_grace)):
                return None
            if key.is_public != (row.role == Role.BROWSER) or organization.deleted_at is not None:
                return None
            principal = _principal(row, organization, being_erased(session, row.org_id))
        self._note_use(row.key_id, now)
        return principal

    def browser_origins(self) -> frozenset[str]:
        """Every origin that an active key of a browser names."""
        query = select(ApiKeyRow).where(ApiKeyRow.role == Role.BROWSER.value)
        now = datetime.now(UTC)
        with self._changes.read() as session:
            rows = [row for row in session.scalars(query) if is_active(row, now)]
            return frozenset(origin for row in rows for origin in (row.origins or "").split())

    def _note_use(self, key_id: str, now: datetime) -> None:
        with self._lock:
            self._used[key_id] = now
            if time.monotonic() < self._write_at:
                return
            self._write_at = time.monotonic() + USE_NOTED_EVERY_S
        # Who asks need not wait for the write, which another writer may hold up for seconds.
        threading.Thread(target=self.write_uses, name="key-uses", daemon=True).start()

    def write_uses(self) -> None:
        """Write down now which keys were used since the last time."""
        with self._lock:
            used, self._used = self._used, {}
        try:
            self._write(used)
        except DBAPIError as error:
            # A key opens also where this cannot be written.
            _logger.warning("when keys were used last was not noted: %s", error.orig)

    def _write(self, used: dict[str, datetime]) -> None:
        for key_id, at in sorted(used.items()):
            minute = at.replace(second=0, microsecond=0)
            changed = update(KeyUseRow).where(KeyUseRow.key_id == key_id)
            try:
                with self._changes.note() as session:
                    found = session.execute(
                        changed.values(last_used_at=minute).returning(KeyUseRow.key_id)
                    ).first()
                    if found is None:
                        session.add(KeyUseRow(key_id=key_id, last_used_at=minute))
            except IntegrityError:
                continue  # Another process noted the key's first use in the same moment.


def _principal(
    row: ApiKeyRow, organization: OrganizationRow, hidden_people: frozenset[str]
) -> Principal:
    role = Role(row.role)
    only = None if row.scopes is None else [Scope(name) for name in row.scopes.split()]
    is_suspended = organization.suspended_at is not None
    origins = frozenset((row.origins or "").split())
    scopes = granted(
        role,
        sees_people=organization.analysts_see_people,
        is_extension=are_extensions(origins),
        only=only,
    )
    return Principal(
        row.org_id,
        organization.name,
        row.key_id,
        role,
        frozenset() if is_suspended else scopes,
        origins if role is Role.BROWSER else None,
        row.events_per_min,
        is_narrowed=only is not None,
        is_suspended=is_suspended,
        networks=parse_networks((row.networks or "").split()),
        project_id=row.project_id,
        hidden_people=hidden_people,
    )
