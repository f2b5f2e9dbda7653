"""Who calls: from a request to a principal that holds a scope.

Belongs here: reading the credential of a request and refusing it as a problem document. Does not
belong here: what makes a credential valid or what a role may do (``ecomind.identity``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

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
        known: dict[Holding, Principal] = request.scope["state"].setdefault("admitted", {})
        if self not in known:
            known[self] = self._admitted(request)
        return known[self]

    def _admitted(self, request: Request) -> Principal:
        store: IdentityStore = request.app.state.service.store
        principal = caller_of(request, store)
        _check_place(principal, request)
        store.authorize(principal, self.scope)
        if self.freshly is not None:
            store.require_fresh(principal, self.freshly)
        _check_media(request)
        return principal


class _Guarded(APIRoute):
    """A route that asks who calls before it reads a body.

    The framework reads the body first, so whoever may not be here would be told what is wrong
    with it, and have it parsed.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's handler, behind the route's guards."""
        handle = super().get_route_handler()
        guards = [each.call for each in self.dependant.dependencies
                  if isinstance(each.call, Holding)]  # fmt: skip
        if self.body_field is None:
            return handle

        async def handle_guarded(request: Request) -> Response:
            for guard in guards:
                await run_in_threadpool(guard, request)
            return await handle(request)

        return handle_guarded


def guarded(tag: str) -> APIRouter:
    """A router for addresses of one kind."""
    return APIRouter(tags=[tag], route_class=_Guarded)
