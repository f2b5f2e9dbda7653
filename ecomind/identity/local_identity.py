"""The identity provider that every installation is for itself, where no other one is configured.

Belongs here: its name, the sessions it signs, and the key they are signed and checked with. Does
not belong here: one-time codes (``sign_in_codes``), or checking tokens (``tokens``): a local
session is checked like any other issuer's token.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt
from joserfc.jwk import OKPKey

from ecomind.identity.issuers import OwnKeys
from ecomind.identity.tokens import Expected

LOCAL_ISSUER = "urn:ecomind:local"
AUDIENCE = "ecomind"
SESSION_S = 12 * 3600
"""How long a sign-in lasts, at most; of people of every issuer."""
_ALGORITHM = "Ed25519"


@dataclass(frozen=True, slots=True)
class Session:
    """A local sign-in as its holder gets it; the token is a secret."""

    token: str = field(repr=False)
    expires_at: datetime


class LocalIssuer:
    """Signs sessions with the installation's own key."""

    def __init__(self, secret: bytes) -> None:
        """``secret`` is the private key: 32 bytes that never leave the installation."""
        self._key = OKPKey.import_key(Ed25519PrivateKey.from_private_bytes(secret))
        self._key.ensure_kid()

    @property
    def expected(self) -> Expected:
        """What its tokens must say."""
        return Expected(LOCAL_ISSUER, AUDIENCE, OwnKeys(self._key), AUDIENCE)

    def session(self, subject: str) -> Session:
        """A session for someone who has just shown who they are."""
        now = int(time.time())
        ends = now + SESSION_S
        claims: dict[str, str | int] = {
            "iss": LOCAL_ISSUER,
            "sub": subject,
            "aud": AUDIENCE,
            "iat": now,
            "nbf": now,
            "exp": ends,
            "auth_time": now,
            "jti": secrets.token_urlsafe(12),
        }
        header = {"alg": _ALGORITHM, "kid": self._key.kid}
        token = jwt.encode(header, claims, self._key, [_ALGORITHM])
        return Session(token, datetime.fromtimestamp(ends, UTC))
