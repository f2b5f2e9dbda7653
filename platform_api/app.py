"""The application: every address of the platform, and the auditor's pages below it.

Belongs here: putting routes, refusals and layers together. Does not belong here: what any address
answers.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from ecomind.identity import Conflict, Forbidden, IdentityError, IdentityStore, NotFound
from ecomind.identity.access import FRESH_FOR
from ecomind.identity.errors import SignInTooOld
from ecomind.settings import Settings
from ecomind.warehouse.held import SnapshotGone, Snapshots
from ecomind.warehouse.snapshot import NoSnapshot
from platform_api import openapi
from platform_api.administration import (
    alerts,
    audits,
    factors,
    keys,
    members,
    organizations,
    privacy,
    report_requests,
    teams,
    users,
)
from platform_api.callers import sentence
from platform_api.documents import documents_app
from platform_api.middleware import BrowserAccess, Frame, request_id_of
from platform_api.problems import Refused, answer
from platform_api.reads import daily, explain, health, reports, today
from platform_api.service import Service
from platform_api.validation import refused_of

THREADS = 16
"""Requests that may read or write at the same time; others wait for one of these threads."""
VERSIONED = "/v1/"

ROUTERS = (
    today.router,
    daily.router,
    explain.router,
    report_requests.router,
    reports.router,
    organizations.router,
    teams.router,
    users.router,
    members.router,
    keys.router,
    factors.router,
    alerts.router,
    audits.router,
    privacy.router,
    health.router,
)


def _problem(request: Request, refused: Refused) -> Response:
    return answer(refused, request_id_of(request.scope))


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)  # noqa: S101 - registered for this class only.
    return _problem(request, error)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    return _problem(request, refused_of(error.errors()))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    names = {404: "not-found", 405: "method-not-allowed", 413: "body-too-large"}
    name = names.get(error.status_code, "malformed-body")
    return _problem(request, Refused(name, headers=error.headers))


async def _forbidden(request: Request, error: Exception) -> Response:
    return _problem(request, Refused("insufficient-scope", sentence(error)))


async def _too_old(request: Request, error: Exception) -> Response:
    # RFC 9470: a client that can sign people in does so again, and repeats the request.
    challenge = (
        'Bearer realm="EcoMind", error="insufficient_user_authentication",'
        f" max_age={int(FRESH_FOR.total_seconds())}"
    )
    headers = {"www-authenticate": challenge}
    return _problem(request, Refused("sign-in-too-old", sentence(error), headers=headers))


async def _no_such_thing(request: Request, _error: Exception) -> Response:
    return _problem(request, Refused("not-found"))


async def _conflict(request: Request, error: Exception) -> Response:
    return _problem(request, Refused("conflict", sentence(error)))


async def _against_a_rule(request: Request, error: Exception) -> Response:
    assert isinstance(error, IdentityError)  # noqa: S101
    found = [{"pointer": f"#/{error.member}", "detail": str(error)}] if error.member else []
    return _problem(request, Refused("invalid-document", sentence(error), errors=found))


async def _store_trouble(request: Request, _error: Exception) -> Response:
    return _problem(request, Refused("identity-unavailable"))


async def _gone(request: Request, _error: Exception) -> Response:
    return _problem(request, Refused("snapshot-gone"))


async def _nothing_published(request: Request, error: Exception) -> Response:
    return _problem(request, Refused("nothing-published", sentence(error)))


def _fallback(documents: ASGIApp) -> ASGIApp:
    """The auditor's pages at every address that is not versioned."""

    async def answer_other(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(VERSIONED):
            refusal = answer(Refused("not-found"), request_id_of(scope))
            await refusal(scope, receive, send)
            return
        await documents(scope, receive, send)

    return answer_other


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    yield
    await anyio.to_thread.run_sync(service.store.note_key_uses)
    service.snapshots.close()


def _addresses() -> FastAPI:
    """Every address, without a service that answers there."""
    app = FastAPI(
        title="EcoMind platform",
        lifespan=_lifespan,
        openapi_url=None,
        docs_url=None,  # Those pages fetch their scripts from elsewhere.
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        exception_handlers={
            Refused: _refused,
            RequestValidationError: _invalid,
            HTTPException: _http,
            SignInTooOld: _too_old,
            Forbidden: _forbidden,
            NotFound: _no_such_thing,
            Conflict: _conflict,
            IdentityError: _against_a_rule,
            OperationalError: _store_trouble,
            SnapshotGone: _gone,
            NoSnapshot: _nothing_published,
        },
        generate_unique_id_function=lambda route: route.name,
    )
    for router in ROUTERS:
        app.include_router(router)
    app.add_api_route(
        "/openapi.json",
        _document(app),
        name="openapi",
        summary="This document",
        tags=["health"],
    )
    return app


def api(service: Service) -> FastAPI:
    """The FastAPI application without its outer layers; its routes are all there are."""
    app = _addresses()
    app.state.service = service
    app.router.default = _fallback(documents_app(service))
    return app


def document() -> dict[str, Any]:
    """The OpenAPI document, for those who need no running service."""
    return openapi.document(_addresses())


def _document(app: FastAPI) -> Callable[[], dict[str, Any]]:
    told: dict[str, Any] = {}

    def openapi_document() -> dict[str, Any]:
        if not told:
            told.update(openapi.document(app))
        return told

    return openapi_document


def create_app(settings: Settings, store: IdentityStore) -> ASGIApp:
    """The application over the installation of ``settings``."""
    service = Service(settings, store, Snapshots(settings))
    return Frame(BrowserAccess(api(service), store.browser_origins))
