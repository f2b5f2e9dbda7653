"""Who may read: the key of a request and whether it may audit.

Belongs here: reading credentials from a request and refusing it. Does not belong here: what
a role may do, or how keys are stored (``ecomind.identity``).
"""

from __future__ import annotations

import base64
import binascii

from starlette.requests import Request
from starlette.responses import Response

from ecomind.identity import IdentityStore, Scope
from platform_api.problems import problem

CHALLENGE = {"www-authenticate": 'Basic realm="EcoMind auditor pages", charset="UTF-8"'}


def key_of(authorization: str) -> str | None:
    """The key in an ``Authorization`` header: a Bearer token or a Basic password."""
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


def authorise(request: Request, store: IdentityStore) -> Response | None:
    """None when the request may read the auditor's pages, otherwise the refusal."""
    key = key_of(request.headers.get("authorization", ""))
    if key is None:
        return problem(
            401,
            "Send a key: with HTTP Basic as the password, or as a Bearer token.",
            CHALLENGE,
        )
    principal = store.authenticate(key)
    if principal is None:
        return problem(401, "This key is not valid.", CHALLENGE)
    if not principal.may(Scope.AUDIT_READ):
        return problem(403, f"This key lacks {Scope.AUDIT_READ.value}: ask for an analyst's key.")
    return None
