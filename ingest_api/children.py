"""The processes a service keeps running: the sealer, and workers where there are several.

Belongs here: starting, watching, asking and stopping them. Does not belong here: what they do.

All of them end by themselves when their standard input does, so nothing outlives a service that
was killed.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable

import msgspec

from ingest_api.meters import Totals

_log = logging.getLogger("ingest_api")
_SEAL_REST_S = 60.0
_DRAIN_REST_S = 15.0
_ANSWER_S = 2.0
_PAUSE_MAX_S = 30.0
_LINE_MAX_BYTES = 2**20


class Child:
    """A child process that is started again whenever it ends, until it is stopped."""

    name = "child"
    arguments: tuple[str, ...] = ()

    def __init__(self) -> None:
        """Nothing runs until ``keep_running``."""
        self.process: Process | None = None
        self.starts = 0
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
            try:
                self.process = await self._start()
            except OSError as error:  # No memory or no room for another process, for now.
                _log.error("the %s cannot be started: %s", self.name, error.strerror)
            else:
                if self._is_stopping:  # Asked while it was being started.
                    self.ask_to_stop()
                code = await self._accompany(self.process)
                if self._is_stopping:
                    return
                _log.error("the %s ended with code %s and is started again", self.name, code)
            has_lasted = time.monotonic() - started_at > _PAUSE_MAX_S
            pause_s = 0.1 if has_lasted else min(pause_s * 2, _PAUSE_MAX_S)
            await asyncio.sleep(pause_s)

    async def _start(self, stdout: int | None = None) -> Process:
        self.starts += 1
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", *self.arguments),
            stdin=PIPE,
            stdout=stdout,
            limit=_LINE_MAX_BYTES,
            start_new_session=True,  # An interrupt from the terminal is for the service alone.
        )

    async def _accompany(self, process: Process) -> int:
        return await process.wait()

    def ask_to_stop(self) -> None:
        """Let the child finish what it does; it is not started again."""
        self._is_stopping = True
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()


class SealerProcess(Child):
    """The one sealer of a service."""

    name = "sealer"
    arguments = ("ingest_api.landing.seal", "--with-parent")

    async def stop(self) -> None:
        """Let the child seal what is left and end; one that died meanwhile is made up for."""
        self.ask_to_stop()
        if self.process is not None:
            await self._finish(self.process)
        if self.process is None or self.process.returncode not in (0, None):
            self.process = await self._start()
            self.ask_to_stop()
            await self._finish(self.process)

    async def _finish(self, process: Process) -> None:
        try:
            await asyncio.wait_for(process.wait(), _SEAL_REST_S)
        except TimeoutError:
            _log.warning("the sealer goes on without us; the next start waits for it")


class Word(msgspec.Struct, omit_defaults=True):
    """A line a worker says on its standard output."""

    is_ready: bool = False
    failed: str | None = None
    """Why its log must not go on."""
    state: str | None = None
    """Whether it accepts, or why not; with ``totals``, the answer to ``ASK``."""
    totals: Totals | None = None


_decode = msgspec.json.Decoder(Word).decode
ASK = b"totals\n"
SEALER_UP, SEALER_DOWN = b"sealer up\n", b"sealer down\n"


class WorkerProcess(Child):
    """One of the workers that share the port."""

    def __init__(self, number: int, on_failed: Callable[[str], None]) -> None:
        """``on_failed`` is told why a worker's log must not go on."""
        super().__init__()
        self.name = f"worker {number}"
        self.arguments = ("ingest_api.worker", str(number))
        self.ready = asyncio.Event()
        self.state = "starting"
        self._on_failed = on_failed
        self._now = Totals()
        self._before = Totals()
        self._answered = asyncio.Event()

    async def _start(self, stdout: int | None = PIPE) -> Process:
        return await super()._start(stdout)

    async def _accompany(self, process: Process) -> int:
        assert process.stdout is not None  # noqa: S101 - started with a pipe.
        try:
            async for line in process.stdout:
                self._hear(line)
        finally:
            self.state = "gone"
            # What a worker counted stays counted, or rates would jump when it ends.
            self._before.add(self._now.without_gauges())
            self._now = Totals()
            self._answered.set()
        return await process.wait()

    def _hear(self, line: bytes) -> None:
        try:
            word = _decode(line)
        except msgspec.DecodeError:
            _log.error("%s says what nobody understands", self.name)
            return
        if word.is_ready:
            self.state = "accepting"
            self.ready.set()
        if word.failed is not None:
            self._on_failed(word.failed)
        if word.totals is not None and word.state is not None:
            self._now, self.state = word.totals, word.state
            self._answered.set()

    def tell(self, line: bytes) -> None:
        """Send the worker a line, if it is there."""
        if self.is_running and self.process is not None and self.process.stdin is not None:
            self.process.stdin.write(line)

    async def look(self) -> None:
        """Bring state and totals up to date; a worker that does not answer keeps the last ones."""
        if not self.is_running:
            return
        self._answered.clear()
        self.tell(ASK)
        try:
            await asyncio.wait_for(self._answered.wait(), _ANSWER_S)
        except TimeoutError:
            self.state = "silent"

    @property
    def totals(self) -> Totals:
        """What this worker and those before it have counted, as of the last look."""
        together = Totals()
        together.add(self._before)
        together.add(self._now)
        return together

    async def stop(self) -> None:
        """Let the worker answer what is under way and end."""
        self.ask_to_stop()
        if self.process is None:
            return
        try:
            await asyncio.wait_for(self.process.wait(), _DRAIN_REST_S)
        except TimeoutError:
            # Whatever it was busy with was not acknowledged; its segment is recovered.
            _log.error("%s does not end and is killed", self.name)
            self.process.kill()
