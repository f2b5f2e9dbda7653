"""The internal port: metrics and health, for those who operate the service.

Belongs here: what is answered there. Does not belong here: anything of an organisation. The port
asks for no key, so it listens on loopback unless it is told otherwise.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server

from ecomind.settings import Settings
from ingest_api.meters import Totals
from ingest_api.metrics import Standing, exposition, look_at_machine
from ingest_api.replies import Refused, Reply, json_reply, problem
from ingest_api.rsgi import Protocol_, Scope

_log = logging.getLogger("ingest_api")


class Watched(Protocol):
    """A service as its operators see it, in one process or in several."""

    async def look(self) -> None:
        """Bring everything below up to date."""

    @property
    def totals(self) -> Totals:
        """What all its processes have counted."""

    @property
    def standing(self) -> Standing:
        """How its processes stand."""

    @property
    def why_not_ready(self) -> str | None:
        """Why no event is accepted now, or None."""


class InternalPort:
    """The RSGI application of the internal port."""

    def __init__(self, settings: Settings, watched: Watched) -> None:
        """Show ``watched``."""
        self._settings = settings
        self._watched = watched

    def server(self) -> Server:
        """A server for it."""
        return Server(
            self,
            address=self._settings.ingest_metrics_host,
            port=self._settings.ingest_metrics_port,
            interface=Interfaces.RSGI,
            http=HTTPModes.http1,
            websockets=False,
            log_enabled=False,
        )

    async def __rsgi__(self, scope: Scope, protocol: Protocol_) -> None:
        """Answer one request."""
        try:
            reply = await self._reply(scope)
        except Refused as refused:
            reply = problem(refused, scope.path)
        except Exception as error:
            _log.error("%s could not be answered: %s", scope.path, type(error).__name__)
            reply = problem(Refused("internal-error"), scope.path)
        protocol.response_bytes(reply.status, reply.headers, reply.body)

    async def _reply(self, scope: Scope) -> Reply:
        if scope.path not in ("/metrics", "/livez", "/readyz"):
            raise Refused("not-found")
        if scope.method not in ("GET", "HEAD"):
            raise Refused("method-not-allowed", headers=(("allow", "GET, HEAD"),))
        if scope.path == "/livez":
            return json_reply(200, {"status": "alive"})
        await self._watched.look()
        if scope.path == "/metrics":
            return await self._metrics(scope.headers.get("accept") or "")
        reason = self._watched.why_not_ready
        if reason is not None:
            raise Refused("not-durable", reason=reason, retry_after_s=2)
        return json_reply(200, {"status": "ready"})

    async def _metrics(self, accept: str) -> Reply:
        machine = await asyncio.to_thread(look_at_machine, self._settings)
        watched = self._watched
        body, media_type = exposition(
            self._settings, watched.totals, machine, watched.standing, accept
        )
        return Reply(200, body, [("content-type", media_type)])
