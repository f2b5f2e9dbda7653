"""The part of the service that answers: one process of it, alone or among several workers.

Belongs here: wiring, starting, draining and closing that part. Does not belong here: the
processes beside it (``children``), or what the parts do.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from ecomind.identity import IdentityStore
from ecomind.settings import Settings
from ingest_api.access import log_request
from ingest_api.credentials import KeyRing
from ingest_api.desk.base import Desk
from ingest_api.http_server import make_server, wait_for_answer
from ingest_api.intake import Intake
from ingest_api.landing.log import EventLog, LogOptions, NotDurable
from ingest_api.landing.segment import backlog
from ingest_api.limits import Limits
from ingest_api.meters import Totals
from ingest_api.rsgi import Application
from ingest_api.startup import version_text

_log = logging.getLogger("ingest_api")
_DRAIN_S = 5.0
_CLOSE_S = 2.0
_NEW_OBJECTS_MAX = 20_000
"""Requests leave few cycles behind; looking for them twenty times a second costs a twentieth."""
ACCEPTING = "accepting"


class Service:
    """The parts that answer; ``on_failed`` is told why the log must not go on."""

    def __init__(
        self,
        settings: Settings,
        store: IdentityStore,
        is_sealer_running: Callable[[], bool],
        on_failed: Callable[[str], None] = lambda reason: None,
    ) -> None:
        """Wire them; must be called in the event loop."""
        self._is_sealer_running = is_sealer_running
        self._on_failed = on_failed
        self._settings = settings
        self._stop = asyncio.Event()
        self._exit_code = 0
        self.log = EventLog(LogOptions.of(settings), self._on_log_failure)
        self._note_key_uses = store.note_key_uses
        self.application = Application(
            settings,
            KeyRing(store, Limits(settings)),
            self.log,
            Desk(settings, store, Intake(settings, self.log)),
            self.health,
        )
        if settings.ingest_access_log:
            self.application.watchers.append(log_request)
        self._stop_tracing: Callable[[], None] = lambda: None
        if are_traces_wanted(os.environ):
            from ingest_api.tracing import Tracing  # noqa: PLC0415 - a second, if unwanted.

            tracing = Tracing(settings)
            self.application.watchers.append(tracing)
            self._stop_tracing = tracing.close

    def _on_log_failure(self, reason: str) -> None:
        _log.critical("the event log failed (%s): the service stops accepting and exits", reason)
        self._exit_code = 1
        self._on_failed(reason)
        self._stop.set()

    def request_stop(self) -> None:
        """Begin a graceful stop."""
        self._stop.set()

    @property
    def state(self) -> str:
        """``ACCEPTING``, or why not."""
        try:
            self.log.admit(0)
        except NotDurable as error:
            return error.reason
        return "draining" if self.application.is_draining else ACCEPTING

    @property
    def totals(self) -> Totals:
        """What this process has counted."""
        application = self.application
        return application.meters.totals(
            self.log.meters, self.log.pending_bytes, application.requests_under_way
        )

    def health(self) -> dict[str, Any]:
        """Version, node and the state of the log; nothing of any organisation."""
        segments, segment_bytes = backlog(self._settings.wal_dir)
        return {
            "version": version_text(),
            "node": self._settings.node,
            "log": {
                "state": self.state,
                "pending_bytes": self.log.pending_bytes,
                "unsealed_segments": segments,
                "unsealed_bytes": segment_bytes,
            },
            "sealer": {"running": self._is_sealer_running()},
        }

    async def run(self, on_ready: Callable[[], None]) -> int:
        """Serve until stopped; returns the exit code. ``on_ready`` is called once it answers."""
        server = make_server(self._settings, self.application)
        serving = asyncio.create_task(server.serve())
        stopping = asyncio.create_task(self._stop.wait())
        await wait_for_answer(self._settings, serving)
        gc.freeze()  # What start-up made lives on: collecting garbage need not look at it again.
        gc.set_threshold(_NEW_OBJECTS_MAX)
        if not serving.done():
            on_ready()
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not stopping.done():
            _log.critical("the HTTP server ended unexpectedly")
            self._exit_code = 1
        await self._drain()
        server.stop()  # type: ignore[no-untyped-call]
        # Connections that never finish their request must not keep the log from closing.
        await asyncio.wait({serving}, timeout=_CLOSE_S)
        await self.log.close()
        await asyncio.to_thread(self._note_key_uses)
        self._stop_tracing()
        return self._exit_code

    async def _drain(self) -> None:
        self.application.is_draining = True
        until = time.monotonic() + _DRAIN_S
        while self.application.requests_under_way and time.monotonic() < until:
            await asyncio.sleep(0.01)


def are_traces_wanted(environment: Mapping[str, str]) -> bool:
    """Whether the standard ``OTEL_*`` variables ask for traces over OTLP."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporters = environment.get("OTEL_TRACES_EXPORTER", "")
    if exporters.strip():
        return "otlp" in (name.strip() for name in exporters.split(","))
    names = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return any(environment.get(name) for name in names)
