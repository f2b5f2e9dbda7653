"""From what a request says of its sender to who that is.

Belongs here: the one function that turns an ``Authorization`` header into a principal, whatever
kind of credential it holds, and what is said when it cannot. Does not belong here: what the
principal may do (``permissions``), how a key is checked (``doorkeeper``), or HTTP.
"""

from __future__ import annotations

import base64
import binascii
from typing import Protocol

from ecomind.errors import EcoMindError
from ecomind.identity.errors import TokenRefused
from ecomind.identity.principal import Principal


class OpensSessions(Protocol):
    """The part of the sessions that is needed here."""

    def principal(self, token: str, organization: str | None) -> Principal:
        """The principal of a person's token."""


class Authenticates(Protocol):
    """The part of the control store that is needed here."""

    def authenticate(self, key_text: str) -> Principal | None:
        """The principal of a key, or None."""

    @property
    def sessions(self) -> OpensSessions:
        """The sign-ins of people."""


class NotAuthenticated(EcoMindError):
    """Nobody we know sent this; says why in one sentence that tells nothing of any key."""


class OtherOrganization(EcoMindError):
    """The sender is known, but not of the organisation the request names."""


def is_token(credential: str) -> bool:
    """Whether a credential has the form of a person's token; keys have no dots."""
    return credential.count(".") == 2


def credential_of(authorization: str) -> str | None:
    """The credential in an ``Authorization`` header: a Bearer token or a Basic password."""
    scheme, _space, credentials = authorization.strip().partition(" ")
    credentials = credentials.strip()
    if scheme.lower() == "bearer":
        return credentials or None
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(credentials, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None
    _user, colon, password = decoded.partition(":")
    return password if colon and password else None


def principal_of(
    store: Authenticates, authorization: str | None, organization: str | None = None
) -> Principal:
    """Who sent a request with this ``Authorization`` header.

    ``organization`` is the one the request names, if it names one; a key has its own, a person
    who is in several names one. Raises ``NotAuthenticated`` without a valid credential,
    ``OtherOrganization``, and ``IssuerUnavailable`` when a token cannot be checked now.
    """
    credential = credential_of(authorization or "")
    if credential is None:
        raise NotAuthenticated("send a key as a Bearer token, or with HTTP Basic as the password")
    if is_token(credential):
        try:
            return store.sessions.principal(credential, organization)
        except TokenRefused as error:
            raise NotAuthenticated(str(error)) from error
    principal = store.authenticate(credential)
    if principal is None:
        raise NotAuthenticated("this key is unknown, revoked or expired")
    if organization not in (None, principal.org_id):
        raise OtherOrganization("the credential is of another organisation than the request names")
    return principal
