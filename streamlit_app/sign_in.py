"""The page that takes a one-time code and gives the browser a session.

Belongs here: the page, and the cookie that scripts cannot read; a Streamlit page could set none.
Does not belong here: what a code or session is worth (``ecomind.identity``).
"""

from __future__ import annotations

import base64
import hashlib
import html
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ecomind.identity import IdentityError, IdentityStore
from ecomind.identity.errors import TokenRefused
from ecomind.settings import Settings

COOKIE = "ecomind_session"
PATH = "/sign-in"
LOGOUT = "/auth/logout"
"""Where Streamlit takes its own cookies away."""
BODY_MAX_BYTES = 4096

_STYLE = """
:root { color-scheme: light dark }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 26rem; margin: 12vh auto; padding: 0 1rem }
body { background: light-dark(#ffffff, #111816); color: light-dark(#1a2421, #e8efec) }
h1 { margin: 0 0 0.5rem } label { display: block; font-weight: 600; margin: 1.5rem 0 0.25rem }
input, button { font: inherit; box-sizing: border-box; width: 100%; padding: 0.6rem 0.75rem }
input, button { border-radius: 0.5rem; border: 1px solid light-dark(#8a9a92, #6b7f75) }
input { font-family: ui-monospace, monospace; background: transparent; color: inherit }
button { margin-top: 0.75rem; font-weight: 600; cursor: pointer; border: 0 }
button { background: light-dark(#00664f, #3fc9a2); color: light-dark(#ffffff, #0c1210) }
a { color: light-dark(#00594a, #6fdcbf) } p { margin: 0.75rem 0 } small { display: block }
[role=alert] { padding: 0.6rem 0.75rem; border-radius: 0.5rem; border: 1px solid #c0392b }
"""
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in to EcoMind</title><link rel="icon" href="data:,"><style>{style}</style></head>
<body><main><h1>Sign in to EcoMind</h1>{notice}
<form method="post" action="{path}">
<label for="code">One-time code</label>
<input id="code" name="code" required autofocus autocomplete="one-time-code" spellcheck="false"
 autocapitalize="characters" placeholder="XXXXX-XXXXX-XXXXX-XXXXX-XXXXX" maxlength="64">
<button type="submit">Sign in</button></form>
<p><small>Whoever runs EcoMind makes a code with <code>ecomind person sign-in-code NAME</code>.
It works once. You stay signed in for 12 hours.</small></p>
<p><a href="/">Other ways to sign in</a></p></main></body></html>
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "content-security-policy": (
        f"default-src 'none'; img-src data:; style-src 'sha256-{_STYLE_HASH}'; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}


def routes(settings: Settings, store: IdentityStore) -> list[Route]:
    """The page, and where its form is sent."""

    async def show(_request: Request) -> Response:
        return _page()

    async def take(request: Request) -> Response:
        if not _is_own(request, settings):
            return _page("Open this page itself and enter the code here.", 403)
        code = await _code(request)
        if code is None:
            return _page("The form could not be read: enter the code again.", 400)
        try:
            session = await run_in_threadpool(store.sessions.redeem, code)
        except TokenRefused as error:
            return _page(f"{str(error).capitalize()}.", 403)
        except IdentityError:
            return _page("Signing in is not possible now: try again later.", 503)
        response = RedirectResponse("/", 303, headers={"cache-control": "no-store"})
        response.set_cookie(
            COOKIE,
            session.token,
            max_age=int((session.expires_at - datetime.now(UTC)).total_seconds()),
            httponly=True,
            secure=settings.resolved_dashboard_url.startswith("https://"),
            samesite="strict",
        )
        return response

    return [Route(PATH, show, methods=["GET"]), Route(PATH, take, methods=["POST"])]


class LocalLogout:
    """Takes our cookie away where Streamlit takes away its own."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap ``app``."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or scope["path"] != LOGOUT:
            await self._app(scope, receive, send)
            return
        gone = Response()
        gone.delete_cookie(COOKIE, httponly=True, samesite="strict")

        async def send_without(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.append("set-cookie", gone.headers["set-cookie"])
            await send(message)

        await self._app(scope, receive, send_without)


def _page(notice: str = "", status: int = 200) -> Response:
    said = f'<p role="alert">{html.escape(notice)}</p>' if notice else ""
    return HTMLResponse(
        _PAGE.format(style=_STYLE, notice=said, path=PATH), status, headers=_HEADERS
    )


def _is_own(request: Request, settings: Settings) -> bool:
    """Whether the form was sent from our page: nobody is to sign others in as themselves."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    ours = (request.headers.get("host"), urlsplit(settings.resolved_dashboard_url).netloc)
    return origin is None or urlsplit(origin).netloc in ours


async def _code(request: Request) -> str | None:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > BODY_MAX_BYTES:
            return None
    try:
        return parse_qs(body.decode("ascii"), max_num_fields=4).get("code", [""])[0]
    except ValueError:
        return None
