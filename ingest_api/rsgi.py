"""The thin HTTP side: routes, headers and body sizes, over granian's RSGI.

Belongs here: what is said in HTTP and nothing else. Does not belong here: events.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from granian.rsgi import ProtocolClosed, ProtocolError  # type: ignore[attr-defined]

from ecomind.identity import Scope as KeyScope
from ecomind.identity.principal import within
from ecomind.settings import Settings
from ingest_api import cors, encodings
from ingest_api.adapters.base import Document
from ingest_api.bodies import Arriving, Bodies, Gate
from ingest_api.credentials import KeyRing, Tenant, key_text
from ingest_api.desk import table
from ingest_api.desk.base import Call, Desk
from ingest_api.dialects.base import Dialect
from ingest_api.dialects.native import NATIVE
from ingest_api.handshake import handshake
from ingest_api.headers import Headers
from ingest_api.ids import sortable
from ingest_api.intake import Request
from ingest_api.landing.log import NotDurable
from ingest_api.meters import Meters
from ingest_api.outcome import Outcome
from ingest_api.replies import Refused, Reply, json_reply
from ingest_api.routes import BY_PATH, Format, Route

T = TypeVar("T")
_log = logging.getLogger("ingest_api")
_DURABILITY = ("ecomind-durability", "fsync")
_POST_ONLY = (("allow", "POST"),)
_STATES = frozenset({"/livez", "/readyz", "/health"})
_WRITE = (KeyScope.INGEST_WRITE,)


class Scope(Protocol):
    """The part of RSGI's HTTP scope that is read."""

    method: str
    path: str
    query_string: str
    client: str
    """Address and port of the peer."""
    headers: Headers


class Protocol_(Arriving, Protocol):
    """The part of RSGI's HTTP protocol that is used."""

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Answer."""


class Exchange:
    """One request and what is known of it so far."""

    __slots__ = (
        "body_bytes", "outcome", "protocol", "route", "scope", "sortable_id", "started_at", "tenant"
    )  # fmt: skip

    def __init__(self, scope: Scope, protocol: Protocol_) -> None:
        """Give the request its id; ``route`` is the address as it may be logged and counted."""
        self.scope = scope
        self.protocol = protocol
        self.sortable_id = sortable()
        self.started_at = time.perf_counter()
        self.route = "other"
        self.tenant: Tenant | None = None
        self.outcome: Outcome | None = None
        self.body_bytes = 0

    @property
    def instance(self) -> str:
        """Path and id of the request, for problem documents."""
        return f"{self.scope.path}#req_{self.sortable_id}"


class Application:
    """The RSGI application; ``health`` tells the service's state, without data of anybody.

    ``watchers`` are told of every answer: the exchange, its status and how long it took (s).
    """

    def __init__(
        self,
        settings: Settings,
        keys: KeyRing,
        gate: Gate,
        desk: Desk,
        health: Callable[[], dict[str, Any]],
    ) -> None:
        """Wire the parts together."""
        self._bodies = Bodies(settings, gate)
        self._keys = keys
        self._gate = gate
        self._intake = desk.intake
        self._max_batch_events = settings.max_batch_events
        self._desk = desk
        self._health = health
        self.meters = Meters()
        self.watchers: list[Callable[[Exchange, int, float], None]] = []
        self.requests_under_way = 0
        self.is_draining = False

    async def __rsgi__(self, scope: Scope, protocol: Protocol_) -> None:
        """Answer one request."""
        exchange = Exchange(scope, protocol)
        self.requests_under_way += 1
        try:
            reply = await self._reply(exchange)
        finally:
            self.requests_under_way -= 1
        headers = [
            *reply.headers,
            ("ecomind-request-id", f"req_{exchange.sortable_id}"),
            _DURABILITY,
        ]
        if exchange.tenant is not None:
            exchange.tenant.allowance.describe(headers)
            if exchange.tenant.origins is not None:
                headers += cors.readable(scope.headers.get("origin") or "null")
        protocol.response_bytes(reply.status, headers, reply.body)
        seconds = time.perf_counter() - exchange.started_at
        self.meters.answered(exchange.route, reply.status, seconds)
        for watch in self.watchers:
            watch(exchange, reply.status, seconds)

    async def _reply(self, exchange: Exchange) -> Reply:
        scope = exchange.scope
        route = BY_PATH.get(scope.path)
        if route is None:
            dialect, found = NATIVE, None
        else:
            exchange.route = route.path
            found = route.format_of(scope.headers)
            dialect = (found or route.default).dialect
        try:
            if route is None:
                return await self._beside_intake(exchange)
            if scope.method == "OPTIONS":
                return await self._permission(scope, route)
            return dialect.judged(await self._receive(exchange, route, found))
        except Exception as error:
            return _refusal(dialect, _as_refused(error, exchange), exchange)

    async def _receive(self, exchange: Exchange, route: Route, found: Format | None) -> Outcome:
        scope = exchange.scope
        if scope.method != "POST":
            raise Refused("method-not-allowed", headers=_POST_ONLY)
        if self.is_draining:
            raise NotDurable("draining", 2)
        tenant = exchange.tenant = await self._tenant(scope, _WRITE)
        tenant.allowance.check()
        if found is None:
            raise Refused("unsupported-media-type", supported=sorted(route.formats))

        def receive(document: Document) -> Awaitable[Outcome]:
            request = Request(
                found.adapter, document, tenant, exchange.sortable_id, route.mints_event_ids
            )
            return self._intake.receive(request)

        outcome = exchange.outcome = await self._with_body(exchange, receive)
        self.meters.judged(found.adapter.name, outcome)
        return outcome

    async def _beside_intake(self, exchange: Exchange) -> Reply:
        scope = exchange.scope
        if scope.path in _STATES:
            return self._state(exchange)
        endpoint, groups = table.find(scope.method, scope.path)
        exchange.route = endpoint.path
        if endpoint.scopes:
            exchange.tenant = await self._tenant(scope, endpoint.scopes)
        values = endpoint.values(groups, scope.query_string)

        def judged(adapter: str, outcome: Outcome) -> None:
            exchange.outcome = outcome
            self.meters.judged(adapter, outcome)

        def handle(document: Document) -> Awaitable[Reply]:
            call = Call(exchange.tenant, values, document, exchange.sortable_id, judged)
            return endpoint.handle(self._desk, call)

        if endpoint.body is None:
            return await handle(Document(b"", scope.headers))
        if self.is_draining:
            raise NotDurable("draining", 2)
        if exchange.tenant is not None:
            exchange.tenant.allowance.check()
        return await self._with_body(exchange, handle)

    async def _with_body(self, exchange: Exchange, use: Callable[[Document], Awaitable[T]]) -> T:
        """What ``use`` makes of the body; its bytes count against the log's limit until then."""
        headers = exchange.scope.headers
        make = encodings.decoder(headers.get("content-encoding"))
        body = await self._bodies.read(exchange.protocol, headers.get("content-length"))
        exchange.body_bytes = len(body)
        self.meters.body_bytes += len(body)
        if make is not None:
            body = await self._bodies.decompressed(body, make)
        try:
            return await use(Document(body, headers, self._max_batch_events))
        finally:
            self._bodies.release(body)

    async def _permission(self, scope: Scope, route: Route) -> Reply:
        """The answer to those who ask before they send: browsers, and webhooks of CloudEvents."""
        granted = None if route.binary is None else handshake(scope.headers)
        if granted is not None:
            return granted
        origin = cors.asks(scope.headers)
        if origin is None:
            raise Refused("method-not-allowed", headers=_POST_ONLY)
        if origin not in await self._origins():
            raise Refused("origin-not-allowed")
        return cors.preflight(origin)

    async def _origins(self) -> frozenset[str]:
        try:
            return await self._keys.browser_origins()
        except Exception as error:
            raise _unidentifiable(error) from None

    async def _refuse(self, tenant: Tenant, scopes: tuple[KeyScope, ...]) -> None:
        """Refuse who lacks a scope, which the audit log then tells."""
        principal = tenant.principal
        if principal is not None:
            try:
                await self._keys.record_refusal(principal, scopes[0])
            except Exception as error:
                raise _unidentifiable(error) from None
            if principal.is_suspended:
                raise Refused("org-suspended", key_id=tenant.key_id)
        required = " or ".join(scope.value for scope in scopes)
        raise Refused("insufficient-scope", required_scope=required, key_id=tenant.key_id)

    async def _tenant(self, scope: Scope, scopes: tuple[KeyScope, ...]) -> Tenant:
        """Who asks, if it holds any of the scopes."""
        headers = scope.headers
        key = key_text(headers)
        try:
            tenant = None if key is None else await self._keys.tenant(key)
        except Exception as error:
            raise _unidentifiable(error) from None
        if tenant is None:
            raise Refused("invalid-credential", headers=(("www-authenticate", "Bearer"),))
        if tenant.scopes.isdisjoint(scopes):
            await self._refuse(tenant, scopes)
        if tenant.networks and not within(tenant.networks, _address(scope.client)):
            raise Refused("network-not-allowed", key_id=tenant.key_id)
        if tenant.origins is not None and headers.get("origin") not in tenant.origins:
            raise Refused("origin-not-allowed", key_id=tenant.key_id)
        return tenant

    def _state(self, exchange: Exchange) -> Reply:
        scope = exchange.scope
        exchange.route = scope.path
        if scope.method not in ("GET", "HEAD"):
            raise Refused("method-not-allowed", headers=(("allow", "GET, HEAD"),))
        if scope.path == "/livez":
            return json_reply(200, {"status": "alive"})
        if scope.path == "/health":
            return json_reply(200, self._health())
        if self.is_draining:
            raise NotDurable("draining", 2)
        self._gate.admit(0)
        return json_reply(200, {"status": "ready"})


def _address(client: str) -> str:
    """The IP address of ``address:port``; IPv6 stands in brackets or bare."""
    return client.rpartition(":")[0].strip("[]")


def _unidentifiable(error: Exception) -> Refused:
    _log.error("keys cannot be checked: %s", type(error).__name__)
    return Refused("identity-unavailable", retry_after_s=5)


def _as_refused(error: Exception, exchange: Exchange) -> Refused:
    """What is told of a request of which nothing was stored, whatever ended it."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, NotDurable):
        return Refused("not-durable", reason=error.reason, retry_after_s=error.retry_after_s)
    if isinstance(error, (ProtocolClosed, ProtocolError)):  # Nobody is left to read this answer.
        return Refused("malformed-body", detail="the body ended early")
    # A bug: told apart from trouble, without quoting the request.
    where = "".join(traceback.format_tb(error.__traceback__))
    told = {"request_id": f"req_{exchange.sortable_id}", "where": where}
    _log.error("a request failed with %s", type(error).__name__, extra=told)
    return Refused("internal-error")


def _refusal(dialect: Dialect, refused: Refused, exchange: Exchange) -> Reply:
    if dialect.statuses:
        refused.status = dialect.statuses.get(refused.status, refused.status)
    return dialect.refused(refused, exchange.instance)
