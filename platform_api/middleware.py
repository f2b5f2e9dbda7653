"""What happens to every request, whatever its address.

Belongs here: request ids, the headers every answer carries, the bound on requests under way, CORS
of the one address browsers may read, and the log line of a failure. Does not belong here: who may
do what.
"""

from __future__ import annotations

import logging
import secrets
import traceback
from collections.abc import Awaitable, Callable

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from platform_api.problems import Refused, answer

UNDER_WAY_MAX = 256
"""Requests answered or waiting for a thread; one more is refused."""
BODY_MAX_BYTES = 64 * 1024
FROM_BROWSERS = "/v1/today"
"""The one address that a browser's key may read, so the one with CORS."""

_log = logging.getLogger("platform_api")
_SAFE = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}
_CORS_ALLOWED = "authorization, ecomind-organization, if-none-match"
_CORS_EXPOSED = "ecomind-request-id, etag"
REMEMBERED_S = 600


def request_id_of(scope: Scope) -> str:
    """The id of a request."""
    found: str = scope.setdefault("state", {}).get("request_id", "")
    return found


class Frame:
    """The outermost layer: ids, safe headers, the bound, and mistakes nobody foresaw."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap ``app``."""
        self._app = app
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})["request_id"] = f"req_{secrets.token_hex(14)}"
        has_begun = False

        async def send_with_headers(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                headers = MutableHeaders(scope=message)
                headers["ecomind-request-id"] = request_id_of(scope)
                for name, value in _SAFE.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        self._under_way += 1
        try:
            refused = self._refused_unread(scope)
            if refused is not None:
                await answer(refused, request_id_of(scope))(scope, receive, send_with_headers)
                return
            await self._app(scope, _bounded(receive), send_with_headers)
        except Exception as error:
            _log_mistake(scope, error)
            if has_begun:
                raise
            refusal = answer(Refused("internal-error"), request_id_of(scope))
            await refusal(scope, receive, send_with_headers)
        finally:
            self._under_way -= 1

    def _refused_unread(self, scope: Scope) -> Refused | None:
        """Why a request is not looked at, if it is not."""
        if self._under_way > UNDER_WAY_MAX:
            return Refused("overloaded")
        told = Headers(scope=scope).get("content-length", "0")
        is_large = told.isdecimal() and int(told[:20]) > BODY_MAX_BYTES
        return Refused("body-too-large") if is_large else None


def _bounded(receive: Receive) -> Receive:
    """Receiving, up to the largest body; also of a body that does not say how large it is."""
    received = 0

    async def receive_bounded() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > BODY_MAX_BYTES:
            raise HTTPException(413)
        return message

    return receive_bounded


def _log_mistake(scope: Scope, error: Exception) -> None:
    """Where a mistake happened; its words might quote data, so they stay out."""
    where = "".join(traceback.format_tb(error.__traceback__))
    _log.error(
        "request %s %s failed with %s at\n%s",
        request_id_of(scope),
        scope["method"],
        type(error).__name__,
        where,
    )


class BrowserAccess:
    """CORS of `FROM_BROWSERS`: pages of origins that some browser's key names may read it."""

    def __init__(self, app: ASGIApp, origins: Callable[[], frozenset[str]]) -> None:
        """Wrap ``app``; ``origins`` asks for all origins named by active keys."""
        self._app, self._origins = app, origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight, or let the origin read the answer."""
        origin = Headers(scope=scope).get("origin") if scope["type"] == "http" else None
        if origin is None or scope["path"] != FROM_BROWSERS:
            await self._app(scope, receive, send)
            return
        is_known = origin in await run_in_threadpool(self._origins)
        is_preflight = scope["method"] == "OPTIONS" and "access-control-request-method" in Headers(
            scope=scope
        )
        if is_preflight and is_known:
            await _preflight(origin, send)
            return
        await self._app(scope, receive, _readable(origin, send) if is_known else send)


async def _preflight(origin: str, send: Send) -> None:
    headers = {
        "access-control-allow-origin": origin,
        "access-control-allow-methods": "GET",
        "access-control-allow-headers": _CORS_ALLOWED,
        "access-control-max-age": str(REMEMBERED_S),
        "vary": "Origin",
    }
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 204, "headers": raw})
    await send({"type": "http.response.body", "body": b""})


def _readable(origin: str, send: Send) -> Callable[[Message], Awaitable[None]]:
    async def send_readable(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["access-control-allow-origin"] = origin
            headers["access-control-expose-headers"] = _CORS_EXPOSED
            headers["cross-origin-resource-policy"] = "cross-origin"
            headers.add_vary_header("Origin")
        await send(message)

    return send_readable
