"""The auditor's pages: dbt docs and Data Docs as static files, behind a key.

Belongs here: finding and answering pages. Does not belong here: building them (orchestration), or
the addresses of the API (``app``).

A browser signs in with HTTP Basic (any user name, the key as password), a program with a
Bearer token. Nothing redirects, so no address leaves the place it was asked for.
"""

from __future__ import annotations

import mimetypes
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ecomind.identity import Forbidden, IdentityStore
from ecomind.identity import Scope as Right
from platform_api.callers import caller_of, sentence
from platform_api.middleware import request_id_of
from platform_api.problems import Refused, answer
from platform_api.service import Service

COLLECTIONS = {
    "dbt": ("Definitions and lineage", "Every table and column, from the raw events to the marts."),
    "data": ("Acceptance checks", "What was checked on the published snapshot, and the outcome."),
}
CHALLENGE = {"www-authenticate": 'Basic realm="EcoMind auditor pages", charset="UTF-8"'}
HEADERS = {
    # dbt docs and Data Docs carry their scripts and styles inside the page; the pages may
    # reach nothing beyond this server.
    "content-security-policy": (
        "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
        "connect-src 'self' data: blob:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
INDEX = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>EcoMind, auditor's pages</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 42rem }}
body {{ margin: 4rem auto; padding: 0 1rem }}
h1 {{ color: light-dark(#0b6b57, #56c596) }}
ul {{ list-style: none; padding: 0 }} p {{ margin: 0 }}
li {{ margin: 1rem 0; padding: 1rem 1.25rem; border-radius: 0.5rem }}
li {{ border: 1px solid light-dark(#d7dfdb, #33433b) }}
a {{ color: light-dark(#0b6b57, #56c596); font-weight: 600 }}
</style></head>
<body><h1>EcoMind, auditor's pages</h1><ul>{items}</ul></body></html>
"""
NOT_BUILT = "not built yet: they appear after the next successful load"


class SecurityHeaders:
    """Adds the security headers to every response."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap ``app``."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request with the headers added."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        await self.app(scope, receive, send_with_headers)


class Documents:
    """The pages below one folder, for principals that may audit."""

    def __init__(self, folder: Path, store: IdentityStore) -> None:
        """Serve ``folder`` to keys of ``store``."""
        self._folder = folder
        self._store = store

    async def index(self, request: Request) -> Response:
        """The list of collections."""
        await run_in_threadpool(self._admit, request)
        return HTMLResponse(INDEX.format(items="".join(map(self._item, COLLECTIONS))))

    async def document(self, request: Request) -> Response:
        """One file; a folder answers with its ``index.html``."""
        await run_in_threadpool(self._admit, request)
        collection, path = request.path_params["collection"], request.path_params["path"]
        return await run_in_threadpool(self._file, collection, path)

    def _admit(self, request: Request) -> None:
        """Check that the sender may audit. Raises ``Refused``."""
        principal = caller_of(request, self._store, CHALLENGE)
        try:
            self._store.authorize(principal, Right.AUDIT_READ)
        except Forbidden as error:
            raise Refused("insufficient-scope", sentence(error)) from error

    def _item(self, collection: str) -> str:
        title, text = COLLECTIONS[collection]
        if not self._is_built(collection):
            return f"<li><strong>{title}</strong><p>{text} These pages are {NOT_BUILT}.</p></li>"
        return f'<li><a href="/{collection}/index.html">{title}</a><p>{text}</p></li>'

    def _is_built(self, collection: str) -> bool:
        return (self._folder / collection / "index.html").is_file()

    def _file(self, collection: str, path: str) -> Response:
        if collection not in COLLECTIONS:
            raise Refused("not-found", "There is no such page.")
        if not self._is_built(collection):
            raise Refused("not-found", f"These pages are {NOT_BUILT}.")
        file = _inside(self._folder / collection, path or "index.html")
        if file is None:
            raise Refused("not-found", "There is no such page.")
        media_type, _encoding = mimetypes.guess_type(file.name)
        return FileResponse(file, media_type=media_type or "application/octet-stream")


def _inside(folder: Path, path: str) -> Path | None:
    """The file of a path below ``folder``; None when missing, hidden or outside.

    Links are followed before the check, so a link that leads outside is refused too.
    """
    if "\0" in path or "\\" in path or any(part.startswith(".") for part in path.split("/")):
        return None
    try:
        root = folder.resolve(strict=True)
        file = (root / path).resolve(strict=True)
    except (OSError, RuntimeError):
        return None
    if file.is_dir():
        file = file / "index.html"
    return file if file.is_relative_to(root) and file.is_file() else None


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)  # noqa: S101 - registered for this class only.
    return answer(error, request_id_of(request.scope))


async def _not_found(request: Request, _error: Exception) -> Response:
    return answer(Refused("not-found"), request_id_of(request.scope))


async def _not_allowed(request: Request, _error: Exception) -> Response:
    refused = Refused("method-not-allowed", headers={"allow": "GET, HEAD"})
    return answer(refused, request_id_of(request.scope))


def documents_app(service: Service) -> ASGIApp:
    """The application that serves the auditor's pages; no state beyond their folder."""
    documents = Documents(service.settings.documents_dir, service.store)
    app = Starlette(
        routes=[
            Route("/", documents.index, methods=["GET"]),
            Route("/{collection}/{path:path}", documents.document, methods=["GET"]),
        ],
        exception_handlers={Refused: _refused, 404: _not_found, 405: _not_allowed},
    )
    app.router.redirect_slashes = False
    return SecurityHeaders(app)
