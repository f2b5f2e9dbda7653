"""People who sign in, and what they are in which organisation.

Belongs here: persons and memberships. Does not belong here: checking what an identity provider
says of them, or the users whose events are counted (``directory``).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ecomind.identity.changes import INSTALLATION, Action, Change, Changes
from ecomind.identity.checks import check_email, check_name
from ecomind.identity.errors import Conflict, Forbidden, IdentityError, NotFound
from ecomind.identity.jobs import being_erased
from ecomind.identity.permissions import MEMBERS, Role, granted, may_manage
from ecomind.identity.principal import Actor, Principal, Subject
from ecomind.identity.tables import MembershipRow, OrganizationRow, PersonRow
from ecomind.identity.tombstones import mark_of


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who signs in; ``subject`` is None until an invited person first does."""

    person_id: str
    issuer: str
    subject: str | None
    email: str | None
    display_name: str
    created_at: datetime
    disabled_at: datetime | None
    signed_out_at: datetime | None = None
    """Sign-ins from before it are over."""


@dataclass(frozen=True, slots=True)
class Membership:
    """What a person is in an organisation; ``user_id`` is the pseudonym of their own rows.

    Somebody invited may be known here already, from an organisation that is no concern of the one
    that invites. It goes on calling them ``invited_as``, what it called them itself, and learns
    more when they have come: ``joined_at``. Without an invitation, the operator made them a member.
    """

    org_id: str
    role: Role
    user_id: str | None
    created_at: datetime
    person: Person
    invited_as: str | None = None
    joined_at: datetime | None = None

    @property
    def display_name(self) -> str:
        """What the organisation calls them."""
        return self.person.display_name if self.invited_as is None else self.invited_as

    @property
    def has_come(self) -> bool:
        """Whether they have signed in, as far as it is the organisation's to know."""
        is_open = self.invited_as is None or self.joined_at is not None
        return is_open and self.person.subject is not None


class PeopleStore:
    """The persons and memberships of the control store."""

    def __init__(self, changes: Changes) -> None:
        """Read and change through ``changes``."""
        self._changes = changes

    def add(
        self,
        issuer: str,
        display_name: str,
        *,
        subject: str | None = None,
        email: str | None = None,
    ) -> str:
        """Add a person by who the issuer says they are, or invite one by address; the id.

        Raises ``Conflict`` when they are known to the issuer already.
        """
        check_name("a person's name", display_name)
        if email is not None:
            check_email(email)
        if not issuer or not (subject or email):
            raise IdentityError("a person has an issuer, and a subject there or an address")
        person_id = f"p_{secrets.token_hex(8)}"
        with self._changes.make(
            Action.PERSON_CREATE, INSTALLATION, f"person/{person_id}", issuer=issuer
        ) as change:
            session = change.session
            if subject is not None and _by_subject(session, issuer, subject) is not None:
                raise Conflict("this person exists already")
            if subject is None and email is not None and _by_email(session, issuer, email):
                raise Conflict(f"{email} is invited or a person already")
            session.add(
                PersonRow(
                    person_id=person_id,
                    issuer=issuer,
                    subject=subject,
                    email=email,
                    display_name=display_name,
                    created_at=datetime.now(UTC),
                )
            )
        return person_id

    def find(self, issuer: str, subject: str) -> Person | None:
        """The person an issuer knows by a subject."""
        with self._changes.read() as session:
            row = _by_subject(session, issuer, subject)
            return None if row is None else person_of(row)

    def invited(self, issuer: str, email: str) -> Person | None:
        """The person invited by an address who has not signed in yet."""
        with self._changes.read() as session:
            rows = [row for row in _by_email(session, issuer, email) if row.subject is None]
            return person_of(rows[0]) if rows else None

    def by_email(self, issuer: str, email: str) -> Person | None:
        """The one person with an address at an issuer."""
        with self._changes.read() as session:
            rows = _by_email(session, issuer, email)
            return person_of(rows[0]) if len(rows) == 1 else None

    def bind(self, person_id: str, subject: str) -> None:
        """Bind an invited person to who they turned out to be; the address is verified by then.

        Raises ``Conflict`` when they are bound already or the subject is someone else.
        """
        with self._changes.make(Action.PERSON_BIND, INSTALLATION, f"person/{person_id}") as change:
            row = _required(change, person_id)
            if row.subject is not None or _by_subject(change.session, row.issuer, subject):
                raise Conflict("this invitation was taken up already")
            row.subject = subject

    def change(self, person_id: str, *, display_name: str, email: str | None) -> None:
        """Change a person's name and address. Raises ``NotFound``."""
        check_name("a person's name", display_name)
        if email is not None:
            check_email(email)
        with self._changes.make(
            Action.PERSON_CHANGE, INSTALLATION, f"person/{person_id}"
        ) as change:
            row = _required(change, person_id)
            change.is_made = (row.display_name, row.email) != (display_name, email)
            row.display_name, row.email = display_name, email

    def disable(self, person_id: str) -> None:
        """Let a person in nowhere any more, from their next request on. Raises ``NotFound``."""
        with self._changes.make(
            Action.PERSON_DISABLE, INSTALLATION, f"person/{person_id}"
        ) as change:
            row = _required(change, person_id)
            change.is_made = row.disabled_at is None
            row.disabled_at = row.disabled_at or datetime.now(UTC)

    def enable(self, person_id: str) -> None:
        """Let a disabled person in again. Raises ``NotFound``."""
        with self._changes.make(
            Action.PERSON_ENABLE, INSTALLATION, f"person/{person_id}"
        ) as change:
            row = _required(change, person_id)
            change.is_made = row.disabled_at is not None
            row.disabled_at = None

    def sign_out(self, person_id: str) -> None:
        """End all sign-ins of a person so far, everywhere. Raises ``NotFound``."""
        with self._changes.make(Action.SIGN_OUT, INSTALLATION, f"person/{person_id}") as change:
            _required(change, person_id).signed_out_at = datetime.now(UTC)

    def invite(  # noqa: PLR0913 - who, and as what.
        self,
        org_id: str,
        issuer: str,
        email: str,
        *,
        display_name: str,
        role: Role,
        user_id: str | None = None,
    ) -> str:
        """Make whoever an issuer knows by an address a member; the person's id.

        What comes of it looks the same whether or not they are known to other organisations.
        Raises as `add` and `set_member`, and ``Conflict`` for a member.
        """
        check_name("a person's name", display_name)
        known = self.by_email(issuer, email)
        if known is None:
            person_id = self.add(issuer, display_name, email=email)
        else:
            person_id = known.person_id
            if any(each.org_id == org_id for each in self.memberships(person_id)):
                raise Conflict("this person is a member already")
        self.set_member(org_id, person_id, role, user_id, invited_as=display_name)
        return person_id

    def set_member(
        self,
        org_id: str,
        person_id: str,
        role: Role,
        user_id: str | None = None,
        *,
        invited_as: str | None = None,
    ) -> None:
        """Make a person a member, or change what they are.

        ``user_id`` says which pseudonym's rows are their own, ``invited_as`` what the
        organisation calls a new member. Raises ``Forbidden`` when the actor
        may not touch owners, ``Conflict`` when no owner would be left, ``NotFound``.
        """
        if role not in MEMBERS:
            listed = ", ".join(role.value for role in MEMBERS)
            raise IdentityError(f"a person's role is one of {listed}")
        with self._changes.make(
            Action.MEMBER_SET, org_id, f"person/{person_id}", role_given=role.value
        ) as change:
            session = change.session
            if user_id is not None:  # By the mark: the pseudonym may have to be erased one day.
                secret = session.get_one(OrganizationRow, org_id).pseudonym_secret
                change.facts["user"] = mark_of(bytes.fromhex(secret), user_id)
            _required(change, person_id)
            row = session.get(MembershipRow, (org_id, person_id))
            self._check_may_manage(role, None if row is None else Role(row.role))
            if row is None:
                row = MembershipRow(
                    org_id=org_id,
                    person_id=person_id,
                    created_at=datetime.now(UTC),
                    invited_as=invited_as,
                )
                session.add(row)
            elif row.role == Role.OWNER and role is not Role.OWNER:
                _check_owner_left(session, org_id)
            change.is_made = (row.role, row.user_id) != (role.value, user_id)
            row.role, row.user_id = role.value, user_id

    def remove_member(self, org_id: str, person_id: str) -> None:
        """End a membership; it holds from the person's next request on.

        Raises ``NotFound``, ``Forbidden``, or ``Conflict`` for the last owner.
        """
        with self._changes.make(Action.MEMBER_REMOVE, org_id, f"person/{person_id}") as change:
            row = change.session.get(MembershipRow, (org_id, person_id))
            if row is None:
                raise NotFound(f"{person_id} is no member of {org_id}")
            self._check_may_manage(Role(row.role))
            if row.role == Role.OWNER:
                _check_owner_left(change.session, org_id)
            change.session.delete(row)

    def listed(self) -> list[Person]:
        """Everybody, oldest first."""
        query = select(PersonRow).order_by(PersonRow.created_at, PersonRow.person_id)
        with self._changes.read() as session:
            return [person_of(row) for row in session.scalars(query)]

    def members(self, org_id: str) -> list[Membership]:
        """Members of an organisation, oldest first."""
        return self._memberships(MembershipRow.org_id == org_id)

    def memberships(self, person_id: str) -> list[Membership]:
        """Every membership of a person in an organisation that was not deleted."""
        return self._memberships(MembershipRow.person_id == person_id)

    def principal(self, person_id: str, org_id: str) -> Principal | None:
        """What a person may do in an organisation now; None when disabled or no member.

        For those who come themselves: the first time is noted as theirs to have come.
        """
        principal, is_new = self._principal(person_id, org_id)
        if principal is not None and is_new:
            self._join(org_id, person_id)
        return principal

    def _principal(self, person_id: str, org_id: str) -> tuple[Principal | None, bool]:
        """What a person may do, and whether they were invited and come for the first time."""
        with self._changes.read() as session:
            person = session.get(PersonRow, person_id)
            row = session.get(MembershipRow, (org_id, person_id))
            organization = session.get(OrganizationRow, org_id)
            if person is None or person.disabled_at is not None or row is None:
                return None, False
            if organization is None or organization.deleted_at is not None:
                return None, False
            is_suspended = organization.suspended_at is not None
            role = Role(row.role)
            scopes = granted(role, sees_people=organization.analysts_see_people)
            is_new = row.invited_as is not None and row.joined_at is None
            principal = Principal(
                org_id,
                organization.name,
                person_id,
                role,
                frozenset() if is_suspended else scopes,
                kind=Subject.PERSON,
                user_id=row.user_id,
                is_suspended=is_suspended,
                hidden_people=being_erased(session, org_id),
            )
            return principal, is_new

    def _join(self, org_id: str, person_id: str) -> None:
        actor = Actor(f"{Subject.PERSON.value}:{person_id}")
        with self._changes.by(actor).make(
            Action.MEMBER_JOIN, org_id, f"person/{person_id}"
        ) as change:
            row = change.session.get(MembershipRow, (org_id, person_id))
            change.is_made = row is not None and row.joined_at is None
            if row is not None:  # Ended since it was read, perhaps; of two at once, one joins.
                row.joined_at = row.joined_at or datetime.now(UTC)

    def _memberships(self, condition: object) -> list[Membership]:
        query = (
            select(MembershipRow, PersonRow)
            .join(PersonRow, PersonRow.person_id == MembershipRow.person_id)
            .join(OrganizationRow, OrganizationRow.org_id == MembershipRow.org_id)
            .where(condition, OrganizationRow.deleted_at.is_(None))  # type: ignore[arg-type]
            .order_by(MembershipRow.created_at, MembershipRow.person_id)
        )
        with self._changes.read() as session:
            return [
                Membership(
                    row.org_id,
                    Role(row.role),
                    row.user_id,
                    row.created_at,
                    person_of(person),
                    row.invited_as,
                    row.joined_at,
                )
                for row, person in session.execute(query)
            ]

    def _check_may_manage(self, *roles: Role | None) -> None:
        actor = self._changes.actor
        if not all(may_manage(actor.role, role) for role in roles if role is not None):
            raise Forbidden("only an owner makes, changes or removes an owner")


def _required(change: Change, person_id: str) -> PersonRow:
    row = change.session.get(PersonRow, person_id)
    if row is None:
        raise NotFound(f"there is no person {person_id}")
    return row


def _check_owner_left(session: Session, org_id: str) -> None:
    owners = select(func.count()).where(
        MembershipRow.org_id == org_id, MembershipRow.role == Role.OWNER.value
    )
    if session.scalar(owners) == 1:
        raise Conflict(f"this is the last owner of {org_id}: make another one first")


def _by_subject(session: Session, issuer: str, subject: str) -> PersonRow | None:
    query = select(PersonRow).where(PersonRow.issuer == issuer, PersonRow.subject == subject)
    return session.scalars(query).one_or_none()


def _by_email(session: Session, issuer: str, email: str) -> list[PersonRow]:
    query = select(PersonRow).where(
        PersonRow.issuer == issuer, func.lower(PersonRow.email) == email.lower()
    )
    return list(session.scalars(query.order_by(PersonRow.created_at, PersonRow.person_id)))


def person_of(row: PersonRow) -> Person:
    """What a row says."""
    return Person(
        row.person_id,
        row.issuer,
        row.subject,
        row.email,
        row.display_name,
        row.created_at,
        row.disabled_at,
        row.signed_out_at,
    )
