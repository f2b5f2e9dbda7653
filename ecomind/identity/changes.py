"""The one seam through which the control store is read and changed.

Belongs here: transactions, the lock of an organisation, and the audit entry that every change
takes with it. Does not belong here: what may be changed (the stores), or how entries are chained
(``audit_chain``). A connection opened elsewhere cannot write (``database``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import Engine, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ecomind.identity.audit_chain import DONE, REFUSED, Fact, Happening, append
from ecomind.identity.database import writing
from ecomind.identity.errors import Conflict, Forbidden, NotFound
from ecomind.identity.principal import Actor
from ecomind.identity.tables import OrganizationRow

INSTALLATION = "-"
"""In the place of an organisation: what concerns the installation, such as a person."""

BOOKKEEPING = frozenset({"import_session", "import_part", "api_key_use", "job_progress"})
"""Tables in which services note their own progress, which no one decides and nothing audits."""


class Action(StrEnum):
    """Everything that changes the control store, and the one refusal to."""

    ORGANIZATION_CREATE = "organization.create"
    ORGANIZATION_RENAME = "organization.rename"
    ORGANIZATION_CONFIGURE = "organization.configure"
    ORGANIZATION_SUSPEND = "organization.suspend"
    ORGANIZATION_RESUME = "organization.resume"
    ORGANIZATION_DELETE = "organization.delete"
    TEAM_CREATE = "team.create"
    TEAM_CHANGE = "team.change"
    TEAM_DELETE = "team.delete"
    USER_CREATE = "user.create"
    USER_CHANGE = "user.change"
    USER_DELETE = "user.delete"
    PERSON_CREATE = "person.create"
    PERSON_CHANGE = "person.change"
    PERSON_BIND = "person.bind"
    PERSON_DISABLE = "person.disable"
    PERSON_ENABLE = "person.enable"
    MEMBER_SET = "member.set"
    MEMBER_JOIN = "member.join"
    MEMBER_REMOVE = "member.remove"
    KEY_CREATE = "key.create"
    KEY_ROTATE = "key.rotate"
    KEY_REVOKE = "key.revoke"
    ALERT_SET = "alert.set"
    ALERT_DELETE = "alert.delete"
    SCHEDULE_SET = "schedule.set"
    SCHEDULE_DELETE = "schedule.delete"
    OVERRIDE_RECORD = "override.record"
    OVERRIDE_WITHDRAW = "override.withdraw"
    PERIOD_FREEZE = "period.freeze"
    JOB_REQUEST = "job.request"
    JOB_START = "job.start"
    JOB_FINISH = "job.finish"
    JOB_EXPIRE = "job.expire"
    AUDIT_PRUNE = "audit.prune"
    SIGN_IN_CODE = "person.sign_in_code"
    SIGN_IN = "session.begin"
    SIGN_OUT = "session.end"
    DENIED = "access.denied"


_WITHOUT_ORGANIZATION = frozenset({Action.ORGANIZATION_CREATE, Action.AUDIT_PRUNE})


@dataclass(slots=True)
class Change:
    """A change under way; ``facts`` may grow, ``is_made`` is unset if there was nothing to do."""

    session: Session
    target: str
    facts: dict[str, Fact] = field(default_factory=dict)
    is_made: bool = True


class Changes:
    """Reading and changing the control store on behalf of an actor."""

    def __init__(self, engine: Engine, actor: Actor, joined: Session | None = None) -> None:
        """Work on ``engine``, in the transaction of ``joined`` if there is one."""
        self.engine = engine
        self.actor = actor
        self._joined = joined

    def by(self, actor: Actor) -> Changes:
        """The same, on behalf of someone else."""
        return Changes(self.engine, actor, self._joined)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session for reading; within ``together``, the one that is under way."""
        if self._joined is not None:
            yield self._joined
        else:
            with Session(self.engine) as session:
                yield session

    @contextmanager
    def make(
        self,
        action: Action,
        org_id: str,
        target: str,
        *,
        refused: str | None = None,
        **facts: Fact,
    ) -> Iterator[Change]:
        """Change something of an organisation, which is locked, and record that it was.

        Everything within is one transaction with the entry: both are there or neither. Names of
        people and secrets are no ``facts``: an entry cannot be erased.
        Raises ``NotFound`` when there is no such organisation and, with ``refused``, ``Conflict``
        saying so when the database refuses the rows.
        """
        try:
            with self._transaction(org_id) as session:
                if action not in _WITHOUT_ORGANIZATION:
                    _require(session, org_id)
                change = Change(session, target, dict(facts))
                try:
                    with session.begin_nested():
                        yield change
                except IntegrityError as error:
                    if refused is None:
                        raise
                    raise Conflict(refused) from error
                if change.is_made:
                    what = Happening(action.value, change.target, facts=change.facts)
                    append(session, org_id, self.actor, what)
        except Forbidden as refusal:
            refusal.asked = refusal.asked or f"{action.value} {target}"
            self._record_refusal(org_id, refusal)
            raise

    @contextmanager
    def together(self, org_id: str) -> Iterator[Changes]:
        """All changes made through what this yields, or none of them, and what is read between."""
        try:
            with self._transaction(org_id) as session:
                yield Changes(self.engine, self.actor, session)
        except Forbidden as refusal:
            self._record_refusal(org_id, refusal)
            raise

    @contextmanager
    def note(self) -> Iterator[Session]:
        """Services' own notes, which nobody decided (``BOOKKEEPING``): no entry, no lock."""
        with (
            writing(self.engine, BOOKKEEPING) as connection,
            Session(connection, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    def record(
        self, action: Action, org_id: str, target: str, outcome: str = DONE, **facts: Fact
    ) -> None:
        """Record what changes nothing in the store, such as a sign-in."""
        with self._transaction(org_id) as session:
            append(session, org_id, self.actor, Happening(action.value, target, outcome, facts))

    def _record_refusal(self, org_id: str, refusal: Forbidden) -> None:
        """Record a denial once what it was part of is undone; ``together`` comes to it last."""
        if self._joined is None:
            self.record(Action.DENIED, org_id, refusal.asked, REFUSED, reason=str(refusal))

    @contextmanager
    def _transaction(self, org_id: str) -> Iterator[Session]:
        if self._joined is not None:
            _lock(self._joined, org_id)
            yield self._joined
            return
        with (
            writing(self.engine) as connection,
            Session(connection, expire_on_commit=False) as session,
            session.begin(),
        ):
            _lock(session, org_id)
            yield session


def _lock(session: Session, org_id: str) -> None:
    """Hold an organisation until the transaction ends, also one that is still to be made.

    On SQLite, a transaction that may write holds the whole file from its start.
    """
    if session.connection().dialect.name == "postgresql":
        key = func.hashtextextended(f"ecomind organization {org_id}", 0)
        session.execute(select(func.pg_advisory_xact_lock(key)))


def _require(session: Session, org_id: str) -> None:
    if org_id == INSTALLATION:
        return
    row = session.get(OrganizationRow, org_id)
    if row is None or row.deleted_at is not None:
        raise NotFound(f"there is no organisation {org_id}")
