"""Who calls: from a request to a principal that holds a scope.

Belongs here: reading the credential of a request and refusing it as a problem document. Does not
belong here: what makes a credential valid or what a role may do (``ecomind.identity``).
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Request, Security
from fastapi.security import HTTPBearer
from sqlalchemy.exc import SQLAlchemyError

from ecomind.identity import IdentityError, IdentityStore, Principal, Scope
from ecomind.identity.credentials import NotAuthenticated, OtherOrganization, principal_of
from platform_api.problems import Refused

ORGANIZATION = "ecomind-organization"
"""Header that names the organisation, for people who are in several."""
_CHALLENGE = {"www-authenticate": 'Bearer realm="EcoMind"'}
_DOCUMENTED = HTTPBearer(
    auto_error=False,
    scheme_name="credential",
    description="An API key (`eco_live_...`). Its organisation is the only one it sees.",
)


def sentence(error: Exception) -> str:
    """The words of an error as a sentence."""
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


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


def demand(principal: Principal, *any_of: Scope) -> None:
    """Check that a principal holds one of some scopes. Raises ``Refused``."""
    if any(principal.may(scope) for scope in any_of):
        return
    names = " or ".join(scope.value for scope in any_of)
    raise Refused("insufficient-scope", f"This takes {names}, which the credential lacks.")


def _check_origin(principal: Principal, origin: str | None) -> None:
    """A browser's key is for the pages and extensions it names.

    An extension sends no origin with a request that only reads, so none is accepted here.
    """
    if principal.origins is not None and origin is not None and origin not in principal.origins:
        raise Refused("origin-not-allowed")


class Holding:
    """A dependency: the principal of a request, which holds one of some scopes."""

    def __init__(self, *any_of: Scope) -> None:
        """Demand one of ``any_of``."""
        self.any_of = any_of

    def __call__(
        self, request: Request, _documented: Annotated[Any, Security(_DOCUMENTED)] = None
    ) -> Principal:
        """The principal. Raises ``Refused``."""
        principal = caller_of(request, request.app.state.service.store)
        _check_origin(principal, request.headers.get("origin"))
        demand(principal, *self.any_of)
        return principal
