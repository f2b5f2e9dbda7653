"""From a person's token to who they are and what they may do, asked anew each time.

Belongs here: whose tokens are accepted for what, and who in the control store they stand for.
Does not belong here: checking signatures and times (``tokens``), or what a role may do
(``permissions``). Organisations and roles are never taken from a token.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ecomind.identity.changes import INSTALLATION, Action, Changes
from ecomind.identity.credentials import OtherOrganization
from ecomind.identity.errors import Conflict, TokenRefused
from ecomind.identity.issuers import RemoteKeys
from ecomind.identity.local_identity import LOCAL_ISSUER, SESSION_S, LocalIssuer, Session
from ecomind.identity.people import Membership, PeopleStore, Person
from ecomind.identity.principal import Actor, Principal, Subject
from ecomind.identity.secrets_file import installation_secret
from ecomind.identity.sign_in_codes import SignInCodeStore
from ecomind.identity.tokens import Claims, Expected, issuer_of, verify
from ecomind.settings import Settings


@dataclass(frozen=True, slots=True)
class Issuers:
    """Whose tokens count: this installation's, and those of the identity provider, if any."""

    local: LocalIssuer
    for_api: Expected | None
    """Tokens a program sends; their audience is the API."""
    for_dashboard: Expected | None
    """ID tokens of the dashboard's own sign-in; their audience is the client."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """That a person showed who they are, when, and until when that holds."""

    person_id: str
    issuer: str
    subject: str
    issued_at: datetime
    signed_in_at: datetime
    ends_at: datetime


def known_issuers(settings: Settings) -> Issuers:
    """The issuers of an installation; nothing is fetched yet."""
    local = LocalIssuer(installation_secret(settings.secrets_dir, "session-key"))
    issuer, client_id = settings.oidc_issuer, settings.oidc_client_id
    if not issuer:
        return Issuers(local, None, None)
    keys = RemoteKeys(issuer)
    dashboard = Expected(issuer, client_id, keys, client_id)
    return Issuers(
        local, replace(dashboard, audience=settings.oidc_audience or client_id), dashboard
    )


class Sessions:
    """Sign-ins of people; cheap to make."""

    def __init__(
        self, changes: Changes, people: PeopleStore, codes: SignInCodeStore, issuers: Issuers
    ) -> None:
        """Look people up in ``people``; accept tokens of ``issuers``."""
        self._changes = changes
        self._people = people
        self._codes = codes
        self._issuers = issuers

    def redeem(self, code: str) -> Session:
        """Exchange a one-time code for a session. Raises ``TokenRefused``."""
        person = self._codes.redeem(code)
        if person.subject is None:
            raise TokenRefused("this person was never given a name to sign in with")
        return self._issuers.local.session(person.subject)

    def principal(self, token: str, organization: str | None = None) -> Principal:
        """What the sender of a token may do now, in the organisation the request names.

        Raises ``TokenRefused``, ``OtherOrganization`` and ``IssuerUnavailable``.
        """
        return self.principal_in(self.sign_in(token), organization)

    def sign_in(self, token: str) -> SignIn:
        """Who a token sent to the API, or a local session, stands for. Raises as `principal`."""
        issuer = issuer_of(token)
        if issuer == LOCAL_ISSUER:
            return self._accepted(verify(token, self._issuers.local.expected))
        if self._issuers.for_api is None or issuer != self._issuers.for_api.issuer:
            raise TokenRefused("the token is of an issuer that is not trusted here")
        return self._accepted(verify(token, self._issuers.for_api))

    def sign_in_with_id_token(self, token: str) -> SignIn:
        """Who the dashboard's sign-in with the identity provider stands for.

        The token was taken from the provider while it was valid, which is minutes; the sign-in
        it stands for lasts as long as a local session. Raises as `principal`.
        """
        if self._issuers.for_dashboard is None:
            raise TokenRefused("no identity provider is configured")
        claims = verify(token, self._issuers.for_dashboard, session_s=SESSION_S)
        ends_at = claims.issued_at + timedelta(seconds=SESSION_S)
        return self._accepted(replace(claims, expires_at=ends_at))

    def still_holds(self, sign_in: SignIn) -> bool:
        """Whether a person is still who they were, and was not disabled or signed out since."""
        person = self._people.find(sign_in.issuer, sign_in.subject)
        return person is not None and _why_not(person, sign_in.issued_at) is None

    def memberships(self, sign_in: SignIn) -> list[Membership]:
        """Where a signed-in person is a member, oldest first."""
        return self._people.memberships(sign_in.person_id)

    def principal_in(self, sign_in: SignIn, organization: str | None = None) -> Principal:
        """What a signed-in person may do now. Raises ``OtherOrganization``.

        Without ``organization``, in the only one they are in.
        """
        org_id = organization or self._only(sign_in)
        principal = self._people.principal(sign_in.person_id, org_id)
        if principal is None:
            raise OtherOrganization("you are not a member of the organisation that is asked for")
        return replace(principal, signed_in_at=sign_in.signed_in_at)

    def _only(self, sign_in: SignIn) -> str:
        names = [membership.org_id for membership in self.memberships(sign_in)]
        if not names:
            raise OtherOrganization("you are not a member of any organisation")
        if len(names) > 1:
            listed = ", ".join(sorted(names))
            raise OtherOrganization(f"you are in several organisations: name one of {listed}")
        return names[0]

    def _accepted(self, claims: Claims) -> SignIn:
        person = self._people.find(claims.issuer, claims.subject) or self._invited(claims)
        if person is None:
            raise TokenRefused("nobody here goes by this sign-in: an administrator must invite you")
        refusal = _why_not(person, claims.issued_at)
        if refusal is not None:
            raise TokenRefused(refusal)
        return SignIn(
            person.person_id,
            claims.issuer,
            claims.subject,
            claims.issued_at,
            claims.signed_in_at,
            claims.expires_at,
        )

    def _invited(self, claims: Claims) -> Person | None:
        """Who was invited by the address the issuer vouches for; from now on, by their subject."""
        if claims.verified_email is None:
            return None
        person = self._people.invited(claims.issuer, claims.verified_email)
        if person is None or _why_not(person, claims.issued_at) is not None:
            return person
        actor = Actor(f"{Subject.PERSON.value}:{person.person_id}")
        people = PeopleStore(self._changes.by(actor))
        with suppress(Conflict):  # Of two requests at once, the other one has done it.
            people.bind(person.person_id, claims.subject)
        return self._people.find(claims.issuer, claims.subject)

    def note_sign_in(self, sign_in: SignIn) -> None:
        """Record in the audit log that a person came in; local codes record it themselves."""
        actor = Actor(f"{Subject.PERSON.value}:{sign_in.person_id}")
        self._changes.by(actor).record(
            Action.SIGN_IN, INSTALLATION, f"person/{sign_in.person_id}", issuer=sign_in.issuer
        )


def _why_not(person: Person, issued_at: datetime) -> str | None:
    if person.disabled_at is not None:
        return "this person was disabled"
    if person.signed_out_at is not None and issued_at < person.signed_out_at:
        return "this person was signed out since"
    return None
