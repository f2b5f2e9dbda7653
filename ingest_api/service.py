"""The ingest service: one process that answers, and a child that seals.

Belongs here: starting, watching and stopping the parts. Does not belong here: what they do.
The sealer is its own process so that compressing Parquet never delays an answer, and so that
either can be killed without harm to the other.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server
from pydantic import ValidationError

from ecomind.identity import IdentityError, IdentityStore, open_store
from ecomind.settings import Settings, get_settings
from ingest_api.credentials import KeyRing
from ingest_api.desk.base import Desk
from ingest_api.intake import Intake
from ingest_api.landing.files import make_folder, try_lock
from ingest_api.landing.log import EventLog, LogOptions, NotDurable
from ingest_api.landing.segment import backlog, remove_unnamed
from ingest_api.limits import Limits
from ingest_api.rsgi import Application

_log = logging.getLogger("ingest_api")
_DRAIN_S = 5.0
_CLOSE_S = 2.0
_SEAL_REST_S = 60.0
_SEALER_REST_MAX_S = 30.0
_BACKLOG = 2048
_BACKPRESSURE = 4096


class CannotStart(Exception):
    """Why the service does not start, in one sentence."""


def _version() -> str:
    try:
        return version("ecomind")
    except PackageNotFoundError:
        return "unknown"


def _check_port_is_free(host: str, port: int) -> None:
    # The server's own socket may share its port with others; this one may not.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            why = error.strerror or "it cannot be bound"
            message = f"cannot listen on {host}:{port}: {why.lower()}; set ECOMIND_INGEST_PORT"
            raise CannotStart(message) from error


def _hold_wal_folder(settings: Settings) -> int:
    try:
        make_folder(settings.wal_dir)
        lock = try_lock(settings.wal_dir / "ingest.lock")
    except OSError as error:
        why = (error.strerror or "").lower()
        raise CannotStart(f"cannot use {settings.wal_dir}: {why}") from error
    if lock is None:
        raise CannotStart(f"another ingest service is at work in {settings.wal_dir}")
    remove_unnamed(settings.wal_dir)
    return lock


class SealerProcess:
    """Keeps one sealer child running."""

    def __init__(self) -> None:
        """Nothing runs until ``keep_running``."""
        self.process: asyncio.subprocess.Process | None = None
        self._is_stopping = False

    @property
    def is_running(self) -> bool:
        """Whether the child is alive now."""
        return self.process is not None and self.process.returncode is None

    async def keep_running(self) -> None:
        """Start the child, and again whenever it ends, with growing pauses if it ends at once."""
        pause_s = 0.1
        while not self._is_stopping:
            started_at = time.monotonic()
            self.process = await self._start()
            code = await self.process.wait()
            if self._is_stopping:
                return
            _log.error("the sealer ended with code %s and is started again", code)
            has_lasted = time.monotonic() - started_at > _SEALER_REST_MAX_S
            pause_s = 0.1 if has_lasted else min(pause_s * 2, _SEALER_REST_MAX_S)
            await asyncio.sleep(pause_s)

    async def _start(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ingest_api.landing.seal", "--with-parent"),
            stdin=asyncio.subprocess.PIPE,
            start_new_session=True,  # An interrupt from the terminal is for the service alone.
        )

    async def stop(self) -> None:
        """Let the child seal what is left and end; one that died meanwhile is made up for."""
        self._is_stopping = True
        if self.process is not None:
            await self._finish(self.process)
        if self.process is None or self.process.returncode not in (0, None):
            self.process = await self._start()
            await self._finish(self.process)

    async def _finish(self, process: asyncio.subprocess.Process) -> None:
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _SEAL_REST_S)
        except TimeoutError:
            _log.warning("the sealer goes on without us; the next start waits for it")


class Service:
    """The parts of a running service."""

    def __init__(self, settings: Settings, store: IdentityStore) -> None:
        """Wire them; must be called in the event loop."""
        self._settings = settings
        self._stop = asyncio.Event()
        self._exit_code = 0
        self.log = EventLog(LogOptions.of(settings), self._on_log_failure)
        self.sealer = SealerProcess()
        self.application = Application(
            settings,
            KeyRing(store, Limits(settings)),
            self.log,
            Desk(settings, store, Intake(settings, self.log)),
            self.health,
        )

    def _on_log_failure(self, reason: str) -> None:
        _log.critical("the event log failed (%s): the service stops accepting and exits", reason)
        self._exit_code = 1
        self._stop.set()

    def request_stop(self) -> None:
        """Begin a graceful stop."""
        self._stop.set()

    def health(self) -> dict[str, Any]:
        """Version, node and the state of the log; nothing of any organisation."""
        try:
            self.log.admit(0)
            state = "draining" if self.application.is_draining else "accepting"
        except NotDurable as error:
            state = error.reason
        segments, segment_bytes = backlog(self._settings.wal_dir)
        return {
            "version": _version(),
            "node": self._settings.node,
            "log": {
                "state": state,
                "pending_bytes": self.log.pending_bytes,
                "unsealed_segments": segments,
                "unsealed_bytes": segment_bytes,
            },
            "sealer": {"running": self.sealer.is_running},
        }

    async def run(self, on_ready: Callable[[], None]) -> int:
        """Serve until stopped; returns the exit code. ``on_ready`` is called once it answers."""
        server = _server(self._settings, self.application)
        serving = asyncio.create_task(server.serve())
        sealing = asyncio.create_task(self.sealer.keep_running())
        stopping = asyncio.create_task(self._stop.wait())
        await _wait_for_answer(self._settings, serving)
        gc.freeze()  # What start-up made lives on: collecting garbage need not look at it again.
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
        await self.sealer.stop()
        sealing.cancel()
        return self._exit_code

    async def _drain(self) -> None:
        self.application.is_draining = True
        until = time.monotonic() + _DRAIN_S
        while self.application.requests_under_way and time.monotonic() < until:
            await asyncio.sleep(0.01)


def _server(settings: Settings, application: Application) -> Server:
    return Server(
        application,
        address=settings.host,
        port=settings.ingest_port,
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        websockets=False,
        backlog=_BACKLOG,
        backpressure=_BACKPRESSURE,
        log_enabled=False,
    )


async def _wait_for_answer(settings: Settings, serving: asyncio.Task[None]) -> None:
    while not serving.done():
        try:
            _, writer = await asyncio.open_connection(settings.host, settings.ingest_port)
        except OSError:
            await asyncio.sleep(0.02)
            continue
        writer.close()
        return


async def _serve(settings: Settings, store: IdentityStore) -> int:
    service = Service(settings, store)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, service.request_stop)

    def tell() -> None:
        address = f"http://{settings.host}:{settings.ingest_port}"
        sys.stdout.write(f"EcoMind ingest is ready on {address}\n")
        sys.stdout.flush()

    return await service.run(tell)


def main() -> int:
    """Run the service until SIGTERM or SIGINT; returns the exit code."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    logging.Formatter.converter = time.gmtime
    try:
        settings = get_settings()
        _hold_wal_folder(settings)
        _check_port_is_free(settings.host, settings.ingest_port)
        store = open_store(settings)
    except ValidationError as error:
        names = ", ".join(f"ECOMIND_{'_'.join(map(str, e['loc'])).upper()}" for e in error.errors())
        sys.stderr.write(f"these settings are not valid: {names}\n")
        return 2
    except (CannotStart, IdentityError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(settings, store))
