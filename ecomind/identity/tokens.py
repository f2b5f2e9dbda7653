"""What a signed token says of a person, once it was checked.

Belongs here: signature, issuer, audience and times of JSON Web Tokens, the same for every issuer.
Does not belong here: fetching an issuer's keys (``issuers``), who the person is in the control
store or what they may do (``sessions``).
"""

from __future__ import annotations

import base64
import json
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from joserfc import jwt
from joserfc.errors import ClaimError, ExpiredTokenError, JoseError, SecurityWarning
from joserfc.jwk import Key
from joserfc.jws import JWSRegistry
from joserfc.jwt import JWTClaimsRegistry

from ecomind.identity.errors import TokenRefused

ALGORITHMS = ("RS256", "ES256", "EdDSA", "Ed25519")
"""Signatures accepted; all are made with a private key that only the issuer has."""
LEEWAY_S = 30
"""How far the clocks of issuer and verifier may lie apart."""
TOKEN_MAX_CHARACTERS = 16 * 1024
_SIGNATURES = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
"""Headers that say nothing we need are let pass, as RFC 7515 wants; critical ones are not."""
_TIME_MAX_S = 2**33
"""Some day after the year 2200; what is later is no time anyone meant."""

# joserfc prefers the newer name Ed25519; issuers still write EdDSA.
warnings.filterwarnings("ignore", "EdDSA is deprecated", SecurityWarning)


class Keys(Protocol):
    """Public keys of an issuer."""

    def find(self, kid: str | None) -> Key:
        """The key of an id. Raises ``TokenRefused`` or ``IssuerUnavailable``."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say to be accepted."""

    issuer: str
    audience: str
    keys: Keys
    client_id: str
    """The application the token must have been made for, where it names one."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What an accepted token says; nothing of organisations or roles is taken from it."""

    issuer: str
    subject: str
    issued_at: datetime
    expires_at: datetime
    signed_in_at: datetime
    """When the person last showed who they are; without that claim, when the token was made."""
    verified_email: str | None


def issuer_of(token: str) -> str | None:
    """Who a token says it is from: not checked, only to choose whose keys to check it with."""
    if len(token) > TOKEN_MAX_CHARACTERS or token.count(".") != 2:
        return None
    payload = token.split(".")[1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, RecursionError):
        return None
    issuer = claims.get("iss") if isinstance(claims, dict) else None
    return issuer if isinstance(issuer, str) else None


def verify(token: str, expected: Expected, *, session_s: float | None = None) -> Claims:
    """What a token says. Raises ``TokenRefused`` or ``IssuerUnavailable``.

    With ``session_s``, a token counts until that many seconds after it was made, whether it has
    expired or not: it then stands for a sign-in that was completed while it had not.
    """
    if len(token) > TOKEN_MAX_CHARACTERS:
        raise TokenRefused("the token is too long")
    try:
        # The key is looked up by the token's header; the algorithm must fit both it and the list.
        found = jwt.decode(
            token,
            lambda part: expected.keys.find(part.headers().get("kid")),
            registry=_SIGNATURES,
        )
        claims = found.claims
        _check(claims, expected, session_s)
    except ExpiredTokenError as error:
        raise TokenRefused("the token has expired") from error
    except ClaimError as error:
        raise TokenRefused(f"the token's claim {error.claim} is missing or not valid") from error
    except JoseError as error:
        raise TokenRefused(f"the token is not valid ({error.error})") from error
    except (ValueError, TypeError, RecursionError) as error:
        raise TokenRefused("the token cannot be read") from error
    return _claims(claims)


def _check(claims: dict[str, Any], expected: Expected, session_s: float | None) -> None:
    held = claims if session_s is None else {**claims, "exp": _session_end(claims, session_s)}
    JWTClaimsRegistry(
        leeway=LEEWAY_S,
        iss={"essential": True, "value": expected.issuer},
        aud={"essential": True, "value": expected.audience},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
    ).validate(held)
    _check_party(claims, expected)


def _session_end(claims: dict[str, Any], session_s: float) -> float:
    return _moment(claims, "iat").timestamp() + session_s


def _moment(claims: dict[str, Any], name: str) -> datetime:
    value = claims.get(name)
    # A NaN fails the comparison, too.
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _TIME_MAX_S:
        return datetime.fromtimestamp(value, UTC)
    raise TokenRefused(f"the token's {name} is not a time")


def _check_party(claims: dict[str, Any], expected: Expected) -> None:
    """A token made for another application is not ours, even when its audience is."""
    for name in ("azp", "client_id"):
        party = claims.get(name)
        if party is not None and party != expected.client_id:
            raise TokenRefused("the token was made for another application")
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if several and claims.get("azp") is None and claims.get("client_id") is None:
        raise TokenRefused("the token has several audiences and does not say whose it is")


def _claims(claims: dict[str, Any]) -> Claims:
    issued = _moment(claims, "iat")
    signed_in = _moment(claims, "auth_time") if "auth_time" in claims else issued
    email = claims.get("email")
    is_verified = claims.get("email_verified") is True and isinstance(email, str)
    return Claims(
        claims["iss"],
        claims["sub"],
        issued,
        _moment(claims, "exp"),
        min(signed_in, datetime.now(UTC)),
        email if is_verified else None,
    )
