"""The control store: organisations, teams, users, keys and alert rules.

Belongs here: reading and changing these, and opening the store. Does not belong here: what a role
may do (``permissions``), factors and frozen months (``overrides``, ``freezes``), or anything of
the warehouse.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, create_engine, event, select
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from ecomind.identity.errors import IdentityError
from ecomind.identity.freezes import FreezeStore
from ecomind.identity.imports import ImportStore
from ecomind.identity.keys import KeyText
from ecomind.identity.migrations import add_missing_columns
from ecomind.identity.overrides import OverrideStore
from ecomind.identity.permissions import PERMISSIONS, Role, Scope
from ecomind.identity.secrets_file import installation_secret
from ecomind.identity.tables import (
    AlertRuleRow,
    ApiKeyRow,
    Base,
    OrganizationRow,
    TeamRow,
    UserRow,
)
from ecomind.settings import Settings

ALERT_METRICS = ("energy_mid_kwh", "co2e_total_location_mid_kg", "water_mid_l", "rejected_share")
_IDENTIFIER = re.compile(r"^[a-z0-9][a-z0-9_.-]{0,63}$")
_ORIGIN = re.compile(r"^[a-z][a-z0-9+.-]{1,31}://[a-z0-9.-]{1,253}(:\d{1,5})?$")
_BROWSER_EVENTS_PER_MIN = 60
_DUMMY_DIGEST = "0" * 64


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking: an organisation's key and what it may do."""

    org_id: str
    org_name: str
    key_id: str
    role: Role
    scopes: frozenset[Scope] = field(default_factory=frozenset)
    origins: frozenset[str] | None = None
    """Where a browser's key may be used from; None for all other keys."""
    events_per_min: int | None = None
    """The key's own limit; None is the installation's."""

    def may(self, scope: Scope) -> bool:
        """Whether this principal holds a scope."""
        return scope in self.scopes


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


def _check_origins(role: Role, origins: Sequence[str]) -> None:
    if (role is Role.BROWSER) != bool(origins):
        raise IdentityError("a key of the role browser names its origins, and no other key does")
    for origin in origins:
        if not _ORIGIN.match(origin):
            raise IdentityError(
                f"{origin} is not an origin such as https://app.example.org or"
                " chrome-extension://abcdefghijklmnop, in lower case and without a path"
            )


def _check_identifier(what: str, value: str) -> None:
    if not _IDENTIFIER.match(value):
        rule = (
            "lower-case letters, digits, '.', '_' and '-', at most 64, starting with one of a-z0-9"
        )
        raise IdentityError(f"{what} may hold {rule}")


class IdentityStore:
    """Reads and changes the control store; one instance may serve many threads.

    ``overrides`` and ``freezes`` hold the organisations' own factors and frozen months,
    ``imports`` their bulk imports.
    """

    def __init__(self, engine: Engine, pepper: bytes) -> None:
        """Open a store on ``engine``; ``pepper`` keys the stored hashes of secrets."""
        self._engine = engine
        self._pepper = pepper
        Base.metadata.create_all(engine)
        add_missing_columns(engine)
        self.overrides = OverrideStore(engine)
        self.freezes = FreezeStore(engine)
        self.imports = ImportStore(engine)

    def close(self) -> None:
        """Give back the connections; for whoever opens a store often."""
        self._engine.dispose()

    @contextmanager
    def _change(self, refused: str) -> Iterator[Session]:
        try:
            with Session(self._engine) as session, session.begin():
                yield session
        except IntegrityError as error:
            raise IdentityError(refused) from error

    def create_organization(self, org_id: str, name: str) -> None:
        """Add an organisation. Raises ``IdentityError`` when it exists."""
        _check_identifier("an organisation's id", org_id)
        row = OrganizationRow(
            org_id=org_id,
            name=name,
            pseudonym_secret=secrets.token_hex(32),
            created_at=datetime.now(UTC),
        )
        with self._change(f"the organisation {org_id} already exists") as session:
            session.add(row)

    def create_team(self, org_id: str, team_id: str, name: str) -> None:
        """Add a team. Raises ``IdentityError`` when it exists or its organisation does not."""
        _check_identifier("a team's id", team_id)
        refused = f"the team {team_id} exists already, or there is no organisation {org_id}"
        with self._change(refused) as session:
            session.add(TeamRow(org_id=org_id, team_id=team_id, name=name))

    def create_user(
        self, org_id: str, user_ref: str, display_name: str, team_id: str | None = None
    ) -> str:
        """Add a person by the id their events are sent with; returns the pseudonym.

        Raises ``IdentityError`` when the person exists or the team does not.
        """
        user_id = self.pseudonym(org_id, user_ref)
        row = UserRow(org_id=org_id, user_id=user_id, display_name=display_name, team_id=team_id)
        refused = f"this user of {org_id} exists already, or there is no team {team_id}"
        with self._change(refused) as session:
            session.add(row)
        return user_id

    def create_key(  # noqa: PLR0913 - what a key is made of.
        self,
        org_id: str,
        role: Role,
        name: str,
        expires_at: datetime | None = None,
        *,
        origins: Sequence[str] = (),
        events_per_min: int | None = None,
    ) -> tuple[str, KeyInfo]:
        """Make a key; its text is returned once and never stored.

        ``origins`` are needed for the role browser, and only for it. ``events_per_min`` is the
        key's own limit; a browser's key has one. Raises ``IdentityError`` when the organisation
        does not exist or an origin is none.
        """
        _check_origins(role, origins)
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
        )
        self._organization(org_id)
        with self._change(f"there is no organisation {org_id}") as session:
            session.add(row)
            info = _key_info(row)
        return str(key), info

    def revoke_key(self, key_id: str) -> None:
        """End a key now; revoking twice is harmless. Raises ``IdentityError`` if unknown."""
        with self._change("") as session:
            row = session.get(ApiKeyRow, key_id)
            if row is None:
                raise IdentityError(f"there is no key {key_id}")
            row.revoked_at = row.revoked_at or datetime.now(UTC)

    def list_keys(self, org_id: str | None = None) -> list[KeyInfo]:
        """Keys of one organisation or of all, oldest first."""
        query = select(ApiKeyRow).order_by(ApiKeyRow.created_at)
        if org_id is not None:
            query = query.where(ApiKeyRow.org_id == org_id)
        with Session(self._engine) as session:
            return [_key_info(row) for row in session.scalars(query)]

    def authenticate(self, key_text: str) -> Principal | None:
        """The principal of a key's text, or None when unknown, revoked or expired."""
        key = KeyText.parse(key_text)
        if key is None:
            return None
        with Session(self._engine) as session:
            row = session.get(ApiKeyRow, key.key_id)
            stored = _DUMMY_DIGEST if row is None else row.secret_digest
            # Compared even for unknown keys, so that both cost the same.
            matches = hmac.compare_digest(stored, key.digest(self._pepper))
            if row is None or not matches or not _is_active(row):
                return None
            organization = session.get_one(OrganizationRow, row.org_id)
            role = Role(row.role)
            if key.is_public != (role is Role.BROWSER):
                return None
            return Principal(
                row.org_id,
                organization.name,
                row.key_id,
                role,
                PERMISSIONS[role],
                frozenset((row.origins or "").split()) if key.is_public else None,
                row.events_per_min,
            )

    def browser_origins(self) -> frozenset[str]:
        """Every origin that an active key of a browser names."""
        query = select(ApiKeyRow).where(ApiKeyRow.role == Role.BROWSER.value)
        with Session(self._engine) as session:
            rows = [row for row in session.scalars(query) if _is_active(row)]
            return frozenset(origin for row in rows for origin in (row.origins or "").split())

    def set_alert_rule(self, org_id: str, rule_id: str, metric: str, threshold: float) -> None:
        """Create or change a daily threshold (in the metric's unit).

        Raises ``IdentityError`` for an unknown metric or organisation or a negative threshold.
        """
        _check_identifier("a rule's id", rule_id)
        if metric not in ALERT_METRICS:
            raise IdentityError(f"a rule watches one of {', '.join(ALERT_METRICS)}")
        if not threshold >= 0:
            raise IdentityError("a threshold is a number of at least 0")
        self._organization(org_id)
        with self._change(f"there is no organisation {org_id}") as session:
            row = session.get(AlertRuleRow, (org_id, rule_id))
            if row is None:
                row = AlertRuleRow(org_id=org_id, rule_id=rule_id, created_at=datetime.now(UTC))
                session.add(row)
            row.metric, row.threshold = metric, threshold

    def _organization(self, org_id: str) -> OrganizationRow:
        with Session(self._engine) as session:
            row = session.get(OrganizationRow, org_id)
        if row is None:
            raise IdentityError(f"there is no organisation {org_id}")
        return row

    def pseudonym_secret(self, org_id: str) -> bytes:
        """Key of the organisation's pseudonyms. Raises ``IdentityError`` if unknown."""
        return bytes.fromhex(self._organization(org_id).pseudonym_secret)

    def pseudonym(self, org_id: str, value: str) -> str:
        """The organisation's keyed pseudonym of an identifier."""
        return pseudonym(self.pseudonym_secret(org_id), value)

    def organizations(self) -> list[dict[str, Any]]:
        """Organisations without their secrets, for the warehouse."""
        columns = (OrganizationRow.org_id, OrganizationRow.name, OrganizationRow.created_at)
        return self._rows(select(*columns).order_by(OrganizationRow.org_id))

    def teams(self) -> list[dict[str, Any]]:
        """Teams of all organisations, for the warehouse."""
        columns = (TeamRow.org_id, TeamRow.team_id, TeamRow.name)
        return self._rows(select(*columns).order_by(TeamRow.org_id, TeamRow.team_id))

    def users(self) -> list[dict[str, Any]]:
        """Users of all organisations, for the warehouse."""
        columns = (UserRow.org_id, UserRow.user_id, UserRow.display_name, UserRow.team_id)
        return self._rows(select(*columns).order_by(UserRow.org_id, UserRow.user_id))

    def alert_rules(self) -> list[dict[str, Any]]:
        """Alert rules of all organisations, for the warehouse."""
        columns = (
            AlertRuleRow.org_id,
            AlertRuleRow.rule_id,
            AlertRuleRow.metric,
            AlertRuleRow.threshold,
            AlertRuleRow.created_at,
        )
        return self._rows(select(*columns).order_by(AlertRuleRow.org_id, AlertRuleRow.rule_id))

    def _rows(self, query: Any) -> list[dict[str, Any]]:
        with Session(self._engine) as session:
            return [dict(row) for row in session.execute(query).mappings()]


def pseudonym(secret: bytes, value: str) -> str:
    """Keyed pseudonym: ``u_`` and 128 bits of HMAC-SHA-256, hex."""
    return "u_" + hmac.new(secret, value.encode(), hashlib.sha256).hexdigest()[:32]


def _is_active(row: ApiKeyRow) -> bool:
    expired = row.expires_at is not None and row.expires_at <= datetime.now(UTC)
    return row.revoked_at is None and not expired


def _key_info(row: ApiKeyRow) -> KeyInfo:
    return KeyInfo(
        key_id=row.key_id,
        org_id=row.org_id,
        name=row.name,
        role=Role(row.role),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        origins=tuple((row.origins or "").split()),
    )


def _enforce_foreign_keys(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("pragma foreign_keys=on")
    cursor.execute("pragma journal_mode=wal")
    cursor.close()


def open_store(settings: Settings) -> IdentityStore:
    """Open the control store, creating an empty one on first use.

    Raises ``IdentityError`` when it cannot be opened.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    pepper = installation_secret(settings.secrets_dir, "key-pepper")
    engine = create_engine(settings.resolved_control_url, pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _enforce_foreign_keys)
    try:
        return IdentityStore(engine, pepper)
    except OperationalError as error:
        where = engine.url.render_as_string(hide_password=True)
        raise IdentityError(f"the control store {where} cannot be opened") from error
