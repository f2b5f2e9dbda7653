"""The control store: everything that is known about organisations, people and keys.

Belongs here: putting its parts together and opening it. Does not belong here: their rules, or
anything of the warehouse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from ecomind.identity import migrations
from ecomind.identity.access import Gate
from ecomind.identity.audit import AuditStore
from ecomind.identity.changes import Changes
from ecomind.identity.database import open_engine, writing
from ecomind.identity.directory import DirectoryStore, pseudonym
from ecomind.identity.doorkeeper import Doorkeeper
from ecomind.identity.errors import IdentityError
from ecomind.identity.freezes import FreezeStore
from ecomind.identity.imports import ImportStore
from ecomind.identity.jobs import JobStore
from ecomind.identity.key_store import KeyStore
from ecomind.identity.organizations import OrganizationStore
from ecomind.identity.overrides import OverrideStore
from ecomind.identity.people import PeopleStore
from ecomind.identity.permissions import Scope
from ecomind.identity.principal import Actor, Principal
from ecomind.identity.rules import RuleStore
from ecomind.identity.secrets_file import installation_secret
from ecomind.identity.tombstones import Tombstones
from ecomind.settings import Settings

if TYPE_CHECKING:
    from ecomind.identity.sessions import Issuers, Sessions
    from ecomind.identity.sign_in_codes import SignInCodeStore
LOADED_WITHIN_DAYS = 2
"""How long an accepted event may take until it is loaded, whatever stands still meanwhile."""


class IdentityStore:
    """Reads and changes the control store for one actor; an instance may serve many threads."""

    def __init__(
        self,
        changes: Changes,
        pepper: bytes,
        doorkeeper: Doorkeeper,
        gate: Gate,
        issuers: Callable[[], Issuers],
    ) -> None:
        """Compose the parts; ``open_store`` does it."""
        self._changes = changes
        self._issuers = issuers
        self._pepper = pepper
        self._doorkeeper = doorkeeper
        self._gate = gate
        self.organizations = OrganizationStore(changes)
        self.directory = DirectoryStore(changes)
        self.people = PeopleStore(changes)
        self.keys = KeyStore(changes, pepper)
        self.rules = RuleStore(changes)
        self.overrides = OverrideStore(changes)
        self.freezes = FreezeStore(changes)
        self.imports = ImportStore(changes)
        self.jobs = JobStore(changes)
        self.audit = AuditStore(changes)

    @property
    def changes(self) -> Changes:
        """The seam itself, to record what changes nothing in the store, such as a sign-in."""
        return self._changes

    def acting(self, actor: Actor | Principal) -> IdentityStore:
        """The same store, on behalf of someone else; cheap."""
        by = Actor.of(actor) if isinstance(actor, Principal) else actor
        return self._on(self._changes.by(by))

    @contextmanager
    def together(self, org_id: str) -> Iterator[IdentityStore]:
        """A store whose changes are all made or none; the organisation is locked meanwhile.

        What it reads is what it changes, so a condition checked in it still holds when it ends.
        """
        with self._changes.together(org_id) as changes:
            yield self._on(changes)

    def authenticate(self, key_text: str) -> Principal | None:
        """The principal of a key's text, or None when unknown, revoked or expired."""
        return self._doorkeeper.authenticate(key_text)

    # Signatures take libraries that most commands and the ingest API never need.
    @property
    def sessions(self) -> Sessions:
        """The sign-ins of people."""
        from ecomind.identity.sessions import Sessions  # noqa: PLC0415

        return Sessions(self._changes, self.people, self.sign_in_codes, self._issuers())

    @property
    def sign_in_codes(self) -> SignInCodeStore:
        """The one-time codes of the local identity."""
        from ecomind.identity.sign_in_codes import SignInCodeStore  # noqa: PLC0415

        return SignInCodeStore(self._changes, self._pepper)

    def authorize(self, principal: Principal, scope: Scope, org_id: str | None = None) -> None:
        """Let pass who holds a scope in an organisation, by default their own.

        Otherwise raises ``Forbidden`` with one sentence, and the refusal is audited.
        """
        self._gate.authorize(principal, scope, org_id)

    def require_fresh(self, principal: Principal, asked: str) -> None:
        """Let pass keys, and people who showed who they are in the last minutes.

        Otherwise raises ``SignInTooOld``, and the refusal is audited; ``asked`` says of what.
        """
        self._gate.require_fresh(principal, asked)

    def browser_origins(self) -> frozenset[str]:
        """Every origin that an active key of a browser names."""
        return self._doorkeeper.browser_origins()

    def pseudonym_secret(self, org_id: str) -> bytes:
        """Key of the organisation's pseudonyms. Raises ``NotFound``."""
        return bytes.fromhex(self.organizations.row(org_id).pseudonym_secret)

    def pseudonym(self, org_id: str, value: str) -> str:
        """The organisation's keyed pseudonym of an identifier."""
        return pseudonym(self.pseudonym_secret(org_id), value)

    def stored_ids(self, org_id: str, user_ref: str, *, keeps_raw: bool) -> list[str]:
        """Under which ids somebody is stored whose calls are sent with ``user_ref``.

        ``keeps_raw``: the installation stores ids as they are sent, but for addresses.
        """
        raw = [user_ref] if keeps_raw and "@" not in user_ref else []
        return [*raw, self.pseudonym(org_id, user_ref)]

    def tombstones(self, org_id: str | None = None) -> Tombstones:
        """Who was erased, of one organisation or of all."""
        return self.jobs.tombstones(org_id)

    def countable_days(self, org_id: str) -> int | None:
        """How old an event may be to be counted still, in days; None where raw is kept for good.

        Less than raw is kept for, so that it is loaded before its hour is closed.
        """
        kept = self.organizations.get(org_id).preferences.raw_days
        return None if kept is None else kept - LOADED_WITHIN_DAYS

    def settle(self) -> None:
        """Let nothing that was deleted stay in a file beside the database; SQLite only.

        Best effort: while somebody reads, it waits for a while and leaves the rest to the next.
        """
        if self._changes.engine.dialect.name == "sqlite":
            with writing(self._changes.engine) as connection:
                raw = connection.connection.driver_connection
                if raw is not None:
                    raw.execute("pragma wal_checkpoint(truncate)").fetchall()

    def note_key_uses(self) -> None:
        """Write down which keys were used since the last minute; services do when they end."""
        self._doorkeeper.write_uses()

    def close(self) -> None:
        """Give back the connections; for whoever opens a store often."""
        self._changes.engine.dispose()

    def _on(self, changes: Changes) -> IdentityStore:
        return IdentityStore(changes, self._pepper, self._doorkeeper, self._gate, self._issuers)


def control_engine(settings: Settings) -> Engine:
    """An engine on the control store's database, whose folder exists."""
    settings.home.mkdir(parents=True, exist_ok=True)
    return open_engine(settings.resolved_control_url)


@contextmanager
def told_if_unreachable(engine: Engine) -> Iterator[None]:
    """Say in one sentence that the database cannot be opened."""
    try:
        yield
    except OperationalError as error:
        where = engine.url.render_as_string(hide_password=True)
        raise IdentityError(f"the control store {where} cannot be opened") from error


def open_store(settings: Settings, actor: Actor | None = None) -> IdentityStore:
    """Open the control store for an actor, by default whoever runs the command.

    It is made on first use and brought up to date when it is of an earlier version. Raises
    ``IdentityError`` when it cannot be opened or is of a later version.
    """
    engine = control_engine(settings)
    pepper = installation_secret(settings.secrets_dir, "key-pepper")
    with told_if_unreachable(engine):
        migrations.upgrade(engine)
    changes = Changes(engine, actor or Actor.command_line())

    @cache
    def issuers() -> Issuers:
        from ecomind.identity.sessions import known_issuers  # noqa: PLC0415

        return known_issuers(settings)

    return IdentityStore(changes, pepper, Doorkeeper(changes, pepper), Gate(changes), issuers)
