"""A whole ingest service: what answers, the sealer beside it, and the internal port.

Belongs here: putting these together for one worker or several, from start to exit code. Does
not belong here: what any of them does. The sealer is its own process so that compressing Parquet
never delays an answer, and so that either can be killed without harm to the other.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from typing import Protocol

import uvloop
from pydantic import ValidationError

from ecomind.identity import Actor, IdentityError, IdentityStore, open_store
from ecomind.settings import Settings, get_settings
from ingest_api import logs, startup
from ingest_api.children import SealerProcess
from ingest_api.internal import InternalPort, Watched
from ingest_api.meters import Totals
from ingest_api.metrics import Standing
from ingest_api.service import ACCEPTING, Service
from ingest_api.supervisor import Supervisor

_CLOSE_S = 2.0


class Front(Watched, Protocol):
    """What answers: one process or several."""

    def request_stop(self) -> None:
        """Begin a graceful stop."""

    async def run(self, on_ready: Callable[[], None]) -> int:
        """Serve until stopped; returns the exit code."""


class Alone:
    """A service of one process."""

    def __init__(self, settings: Settings, store: IdentityStore, sealer: SealerProcess) -> None:
        """Wire it; must be called in the event loop."""
        self._service = Service(settings, store, lambda: sealer.is_running)
        self._sealer = sealer
        self.request_stop = self._service.request_stop
        self.run = self._service.run

    async def look(self) -> None:
        """Nothing to ask: it is this process."""

    @property
    def totals(self) -> Totals:
        """What this process has counted."""
        return self._service.totals

    @property
    def standing(self) -> Standing:
        """How its processes stand."""
        is_ready = self.why_not_ready is None
        return Standing(
            is_ready=is_ready,
            workers=1,
            workers_up=int(is_ready),
            worker_starts=1,
            is_sealer_up=self._sealer.is_running,
            sealer_starts=self._sealer.starts,
        )

    @property
    def why_not_ready(self) -> str | None:
        """Why no event is accepted now, or None."""
        state = self._service.state
        return None if state == ACCEPTING else state


async def _operate(settings: Settings, store: IdentityStore) -> int:
    sealer = SealerProcess()
    front: Front
    if settings.ingest_workers == 1:
        front = Alone(settings, store, sealer)
    else:
        store.close()  # The workers have their own.
        front = Supervisor(settings, sealer)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, front.request_stop)

    def tell() -> None:
        sys.stdout.write(f"EcoMind ingest is ready on {settings.ingest_url}\n")
        sys.stdout.flush()

    sealing = asyncio.create_task(sealer.keep_running())
    internal = InternalPort(settings, front).server() if settings.ingest_metrics_port else None
    showing = None if internal is None else asyncio.create_task(internal.serve())
    exit_code = await front.run(tell)
    await sealer.stop()
    sealing.cancel()
    if internal is not None and showing is not None:
        internal.stop()  # type: ignore[no-untyped-call]
        await asyncio.wait({showing}, timeout=_CLOSE_S)
    return exit_code


def main() -> int:
    """Run the service until SIGTERM or SIGINT; returns the exit code."""
    try:
        settings = get_settings()
        logs.configure("ingest", says_requests=settings.ingest_access_log)
        startup.hold_wal_folder(settings)
        startup.check_ports(settings)
        startup.check_certificate(settings)
        store = open_store(settings, Actor.system("ingest"))
    except ValidationError as error:
        names = ", ".join(f"ECOMIND_{'_'.join(map(str, e['loc'])).upper()}" for e in error.errors())
        sys.stderr.write(f"these settings are not valid: {names}\n")
        return 2
    except (startup.CannotStart, IdentityError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_operate(settings, store))
