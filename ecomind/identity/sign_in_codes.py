"""One-time codes: how a person of the local identity shows who they are.

Belongs here: making a code and taking it back, once. Does not belong here: what a sign-in is then
worth (``sessions``).

A code has 125 random bits and is stored as a keyed hash only. Each person has at most one; a new
one ends the one before.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, or_, select

from ecomind.identity.changes import INSTALLATION, Action, Changes
from ecomind.identity.errors import IdentityError, NotFound, TokenRefused
from ecomind.identity.local_identity import LOCAL_ISSUER
from ecomind.identity.people import Person, person_of
from ecomind.identity.principal import Actor, Subject
from ecomind.identity.tables import PersonRow, SignInCodeRow

VALID = timedelta(hours=1)
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letters that look like digits."""
_MISREAD = str.maketrans("OIL", "011", "- \t\r\n")
_LENGTH, _GROUP = 25, 5
_REFUSED = "this code is unknown, was used already or has expired"


@dataclass(frozen=True, slots=True)
class SignInCode:
    """A code as the person gets it."""

    text: str = field(repr=False)
    expires_at: datetime


class SignInCodeStore:
    """The one-time codes of the control store."""

    def __init__(self, changes: Changes, pepper: bytes) -> None:
        """Read and change through ``changes``; ``pepper`` keys the stored hashes."""
        self._changes = changes
        self._pepper = pepper

    def create(self, person_id: str, valid: timedelta = VALID) -> SignInCode:
        """A new code for a person of the local identity. Raises ``NotFound``."""
        text = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
        expires_at = datetime.now(UTC) + valid
        with self._changes.make(Action.SIGN_IN_CODE, INSTALLATION, f"person/{person_id}") as change:
            session = change.session
            person = session.get(PersonRow, person_id)
            if person is None:
                raise NotFound(f"there is no person {person_id}")
            if person.issuer != LOCAL_ISSUER:
                raise IdentityError("this person signs in with the identity provider, not a code")
            if person.disabled_at is not None:
                raise IdentityError("this person is disabled: enable them first")
            is_theirs = SignInCodeRow.person_id == person_id
            is_over = SignInCodeRow.expires_at <= datetime.now(UTC)
            session.execute(delete(SignInCodeRow).where(or_(is_theirs, is_over)))
            session.add(
                SignInCodeRow(
                    person_id=person_id, code_digest=self._digest(text), expires_at=expires_at
                )
            )
        parts = (text[at : at + _GROUP] for at in range(0, _LENGTH, _GROUP))
        return SignInCode("-".join(parts), expires_at)

    def redeem(self, text: str) -> Person:
        """Whose code it is; it opens nothing after that. Raises ``TokenRefused``."""
        plain = text.upper().translate(_MISREAD)
        query = select(SignInCodeRow).where(SignInCodeRow.code_digest == self._digest(plain))
        with self._changes.read() as session:
            found = session.scalars(query).one_or_none()
        if len(plain) != _LENGTH or found is None or found.expires_at <= datetime.now(UTC):
            raise TokenRefused(_REFUSED)
        themselves = Actor(f"{Subject.PERSON.value}:{found.person_id}")
        with self._changes.by(themselves).make(
            Action.SIGN_IN, INSTALLATION, f"person/{found.person_id}", issuer=LOCAL_ISSUER
        ) as change:
            # Asked again under the lock: of two who come with it, one gets in.
            row = change.session.scalars(query).one_or_none()
            person = None if row is None else change.session.get(PersonRow, row.person_id)
            if row is None or person is None or person.disabled_at is not None:
                raise TokenRefused(_REFUSED)
            change.session.delete(row)
            return person_of(person)

    def _digest(self, plain: str) -> str:
        told = f"sign-in code {plain}".encode()
        return hmac.new(self._pepper, told, hashlib.sha256).hexdigest()
