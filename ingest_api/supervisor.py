"""Several workers as one service.

Belongs here: starting, watching and stopping workers, and adding up what they say. Does not
belong here: answering (``service``) or the sealer's work.

The workers share the port: the kernel spreads connections over them. Each has its own log and
segments in the same folder; one sealer seals them all. When one worker's log fails, all stop:
they write to the same disk, and none of them may trust it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from ecomind.settings import Settings
from ingest_api.children import SEALER_DOWN, SEALER_UP, SealerProcess, WorkerProcess
from ingest_api.meters import Totals, added
from ingest_api.metrics import Standing
from ingest_api.service import ACCEPTING

_log = logging.getLogger("ingest_api")
_TELL_EVERY_S = 1.0


class Supervisor:
    """A service of several workers."""

    def __init__(self, settings: Settings, sealer: SealerProcess) -> None:
        """Nothing runs until ``run``; must be called in the event loop."""
        numbers = range(1, settings.ingest_workers + 1)
        self._workers = [WorkerProcess(number, self._on_failed) for number in numbers]
        self._sealer = sealer
        self._stop = asyncio.Event()
        self._failed: str | None = None

    def _on_failed(self, reason: str) -> None:
        if self._failed is None:
            self._failed = reason
            _log.critical("a worker's log failed (%s): all workers stop and exit", reason)
        self._stop.set()

    def request_stop(self) -> None:
        """Begin a graceful stop."""
        self._stop.set()

    async def run(self, on_ready: Callable[[], None]) -> int:
        """Serve until stopped; returns the exit code. ``on_ready``: all workers answer."""
        keeping = [asyncio.create_task(worker.keep_running()) for worker in self._workers]
        telling = asyncio.create_task(self._tell_of_sealer())
        stopping = asyncio.create_task(self._stop.wait())
        ready = asyncio.create_task(self._wait_for_all())
        await asyncio.wait({ready, stopping, *keeping}, return_when=asyncio.FIRST_COMPLETED)
        if ready.done() and not self._stop.is_set():
            on_ready()
        await asyncio.wait({stopping, *keeping}, return_when=asyncio.FIRST_COMPLETED)
        is_unexpected = not self._stop.is_set()
        if is_unexpected:
            _log.critical("a worker cannot be kept running")
        self._stop.set()
        await asyncio.gather(*(worker.stop() for worker in self._workers))
        for task in (*keeping, telling, ready):
            task.cancel()
        return 1 if self._failed is not None or is_unexpected else 0

    async def _wait_for_all(self) -> None:
        for worker in self._workers:
            await worker.ready.wait()

    async def _tell_of_sealer(self) -> None:
        while True:
            for worker in self._workers:
                worker.tell(SEALER_UP if self._sealer.is_running else SEALER_DOWN)
            await asyncio.sleep(_TELL_EVERY_S)

    async def look(self) -> None:
        """Ask every worker how it stands."""
        await asyncio.gather(*(worker.look() for worker in self._workers))

    @property
    def totals(self) -> Totals:
        """What all workers have counted, those that ended included."""
        return added(worker.totals for worker in self._workers)

    @property
    def standing(self) -> Standing:
        """How the processes stood at the last look."""
        return Standing(
            is_ready=self.why_not_ready is None,
            workers=len(self._workers),
            workers_up=sum(worker.state == ACCEPTING for worker in self._workers),
            worker_starts=sum(worker.starts for worker in self._workers),
            is_sealer_up=self._sealer.is_running,
            sealer_starts=self._sealer.starts,
        )

    @property
    def why_not_ready(self) -> str | None:
        """Why no worker accepts, or None while one does."""
        if self._failed is not None:
            return self._failed
        if self._stop.is_set():
            return "draining"
        states = [worker.state for worker in self._workers]
        return None if ACCEPTING in states else states[0]
