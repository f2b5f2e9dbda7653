"""The thin HTTP side: routes, headers and body sizes, over granian's RSGI.

Belongs here: what is said in HTTP and nothing else. Does not belong here: events.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol

from granian.rsgi import ProtocolClosed, ProtocolError  # type: ignore[attr-defined]

from ecomind.settings import Settings
from ingest_api.adapters import BY_MEDIA_TYPE, Adapter, native_json
from ingest_api.credentials import Headers, KeyRing, Tenant, key_text
from ingest_api.ids import sortable
from ingest_api.intake import Intake, Request
from ingest_api.landing.log import NotDurable
from ingest_api.replies import Reply, json_reply, problem

_log = logging.getLogger("ingest_api")
_SINGLE = {"application/json": native_json.SINGLE}
_ADAPTERS = {"/v1/ingest": _SINGLE, "/v1/events": BY_MEDIA_TYPE}
_DURABILITY = ("ecomind-durability", "fsync")


class Scope(Protocol):
    """The part of RSGI's HTTP scope that is read."""

    method: str
    path: str
    headers: Headers


class Protocol_(Protocol):
    """The part of RSGI's HTTP protocol that is used."""

    def __call__(self) -> Awaitable[bytes]:
        """The whole body."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The body in pieces."""

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Answer."""


class Gate(Protocol):
    """Decides whether bytes may come in now (``landing.log.EventLog``)."""

    def admit(self, size: int) -> None:
        """Raise ``NotDurable`` when ``size`` more bytes cannot be stored."""


class _Refused(Exception):
    """A request answered before its body was judged."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


class Application:
    """The RSGI application; ``health`` tells the service's state, without data of anybody."""

    def __init__(
        self,
        settings: Settings,
        keys: KeyRing,
        gate: Gate,
        intake: Intake,
        health: Callable[[], dict[str, Any]],
    ) -> None:
        """Wire the parts together."""
        self._max_body_bytes = settings.max_body_bytes
        self._keys = keys
        self._gate = gate
        self._intake = intake
        self._health = health
        self._held_bytes = 0
        self.requests_under_way = 0
        self.is_draining = False

    async def __rsgi__(self, scope: Scope, protocol: Protocol_) -> None:
        """Answer one request."""
        sortable_id = sortable()
        self.requests_under_way += 1
        try:
            reply = await self._reply(scope, protocol, sortable_id)
        finally:
            self.requests_under_way -= 1
        headers = [*reply.headers, ("ecomind-request-id", f"req_{sortable_id}"), _DURABILITY]
        protocol.response_bytes(reply.status, headers, reply.body)

    async def _reply(self, scope: Scope, protocol: Protocol_, sortable_id: str) -> Reply:
        instance = f"{scope.path}#req_{sortable_id}"
        try:
            adapters = _ADAPTERS.get(scope.path)
            if adapters is None:
                return self._state(scope, instance)
            return await self._receive(scope, protocol, adapters, sortable_id, instance)
        except _Refused as refused:
            return refused.reply
        except NotDurable as error:
            members: dict[str, Any] = {"reason": error.reason, "retry_after_s": error.retry_after_s}
            return problem("not-durable", instance, **members)
        except (ProtocolClosed, ProtocolError):  # Nobody is left to read this answer.
            return problem("malformed-body", instance, detail="the body ended early")
        except Exception as error:  # A bug: told apart from trouble, without quoting the request.
            where = "".join(traceback.format_tb(error.__traceback__))
            _log.error("req_%s failed with %s at\n%s", sortable_id, type(error).__name__, where)
            return problem("internal-error", instance)

    async def _receive(
        self,
        scope: Scope,
        protocol: Protocol_,
        adapters: dict[str, Adapter],
        sortable_id: str,
        instance: str,
    ) -> Reply:
        if scope.method != "POST":
            allow = ("allow", "POST")
            return problem("method-not-allowed", instance, headers=(allow,))
        if self.is_draining:
            raise NotDurable("draining", 2)
        headers = scope.headers
        tenant = await self._tenant(headers, instance)
        adapter = _adapter(headers, adapters, instance)
        size = self._announced_size(headers, instance)
        self._gate.admit(self._held_bytes + (size or 0))
        # Bytes in memory but not yet in the log also count against its limit.
        self._held_bytes += size or 0
        try:
            body = await (protocol() if size is not None else self._streamed(protocol, instance))
            minting = scope.path == "/v1/ingest"
            return await self._intake.receive(
                Request(adapter, body, tenant, scope.path, sortable_id, minting)
            )
        finally:
            self._held_bytes -= size or 0

    async def _tenant(self, headers: Headers, instance: str) -> Tenant:
        key = key_text(headers)
        try:
            tenant = None if key is None else await self._keys.tenant(key)
        except Exception as error:
            _log.error("keys cannot be checked: %s", type(error).__name__)
            raise _Refused(problem("identity-unavailable", instance, retry_after_s=5)) from None
        if tenant is None:
            challenge = ("www-authenticate", "Bearer")
            raise _Refused(problem("invalid-credential", instance, headers=(challenge,)))
        if not tenant.may_write:
            members: dict[str, Any] = {"required_scope": "ingest:write", "key_id": tenant.key_id}
            raise _Refused(problem("insufficient-scope", instance, **members))
        return tenant

    def _too_large(self, instance: str) -> _Refused:
        limit = self._max_body_bytes
        return _Refused(problem("body-too-large", instance, stage="wire", limit_bytes=limit))

    def _announced_size(self, headers: Headers, instance: str) -> int | None:
        announced = headers.get("content-length")
        if announced is None:
            return None
        size = int(announced)
        if size > self._max_body_bytes:
            raise self._too_large(instance)
        return size

    async def _streamed(self, protocol: Protocol_, instance: str) -> bytes:
        body = bytearray()
        async for piece in protocol:
            body += piece
            if len(body) > self._max_body_bytes:
                raise self._too_large(instance)
        return bytes(body)

    def _state(self, scope: Scope, instance: str) -> Reply:
        if scope.path not in ("/livez", "/readyz", "/health"):
            return problem("not-found", instance)
        if scope.method not in ("GET", "HEAD"):
            allow = ("allow", "GET, HEAD")
            return problem("method-not-allowed", instance, headers=(allow,))
        if scope.path == "/livez":
            return json_reply(200, {"status": "alive"})
        if scope.path == "/health":
            return json_reply(200, self._health())
        if self.is_draining:
            raise NotDurable("draining", 2)
        self._gate.admit(0)
        return json_reply(200, {"status": "ready"})


def _adapter(headers: Headers, adapters: dict[str, Adapter], instance: str) -> Adapter:
    content_type = headers.get("content-type") or "application/json"
    adapter = adapters.get(content_type)
    if adapter is None:
        essence, _, parameters = content_type.partition(";")
        adapter = adapters.get(essence.strip().lower())
        charset = parameters.strip().lower().replace('"', "")
        if adapter is None or charset not in ("", "charset=utf-8", "charset=us-ascii"):
            supported = sorted(adapters)
            raise _Refused(problem("unsupported-media-type", instance, supported=supported))
    encoding = headers.get("content-encoding")
    if encoding is not None and encoding.lower() != "identity":
        accepted = ("accept-encoding", "identity")
        raise _Refused(problem("unsupported-encoding", instance, headers=(accepted,)))
    return adapter
