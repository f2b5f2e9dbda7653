"""Who calls: from a request to a principal that holds a scope.

Belongs here: reading the credential of a request and refusing it as a problem document. Does not
belong here: what makes a credential valid or what a role may do (``ecomind.identity``).
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import Request, Security
from fastapi.security import HTTPBearer
from sqlalchemy.exc import SQLAlchemyError

from ecomind.identity import IdentityError, IdentityStore, Principal, Scope
from ecomind.identity.credentials import NotAuthenticated, OtherOrganization, principal_of
from platform_api.problems import Refused

ORGANIZATION = "ecomind-organization"
"""Header that names the organisation, for people who are in several."""
_PLAIN_START = re.compile(r"(an?|only|send|the|there|this|what) ")
_CHALLENGE = {"www-authenticate": 'Bearer realm="EcoMind"'}
_DOCUMENTED = HTTPBearer(
    auto_error=False,
    scheme_name="credential",
    description="An API key (`eco_live_...`), whose organisation is the only one it sees, or a "
    "person's token from the identity provider.",
)


def sentence(error: Exception) -> str:
    """The words of an error as a sentence; a name it begins with stays as it is."""
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}." if _PLAIN_START.match(text) else f"{text}."


def caller_of(
    request: Request, store: IdentityStore, challenge: dict[str, str] | None = None
) -> Principal:
    """Who sent a request. Raises ``Refused``."""
    headers = request.headers
    try:
        return principal_of(store, headers.get("authorization"), headers.get(ORGANIZATION))
    except NotAuthenticated as error:
        raise Refused(
            "invalid-credential", sentence(error), headers=challenge or _CHALLENGE
        ) from error
    except OtherOrganization as error:
        raise Refused("tenant-mismatch", sentence(error)) from error
    except (SQLAlchemyError, IdentityError) as error:
        raise Refused("identity-unavailable") from error


def _check_place(principal: Principal, request: Request) -> None:
    """A key may be bound to origins (a browser's) or to networks.

    An extension sends no origin with a request that only reads, so none is accepted here.
    """
    origin = request.headers.get("origin")
    if principal.origins is not None and origin is not None and origin not in principal.origins:
        raise Refused("origin-not-allowed")
    if not principal.admits(request.client.host if request.client else ""):
        raise Refused("address-not-allowed")


def _check_media(request: Request) -> None:
    """A body is JSON; said here, as the framework would only find its members missing."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    has_body = request.headers.get("content-length", "0") != "0"
    if (has_body or "transfer-encoding" in request.headers) and media != "application/json":
        raise Refused("unsupported-media-type", "Send application/json.")


class Holding:
    """A dependency: the principal of a request, which holds a scope."""

    def __init__(self, scope: Scope, *, freshly: str | None = None) -> None:
        """Demand ``scope``; of people, for what ``freshly`` names, a fresh sign-in, too."""
        self.scope = scope
        self.freshly = freshly

    def __call__(
        self, request: Request, _documented: Annotated[Any, Security(_DOCUMENTED)] = None
    ) -> Principal:
        """The principal. Raises ``Refused``, or ``Forbidden``, which is recorded."""
        store: IdentityStore = request.app.state.service.store
        principal = caller_of(request, store)
        _check_place(principal, request)
        store.authorize(principal, self.scope)
        if self.freshly is not None:
            store.require_fresh(principal, self.freshly)
        _check_media(request)
        return principal
