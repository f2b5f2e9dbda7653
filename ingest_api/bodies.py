"""Bodies as they arrive: bounded in size, in time and in the memory they hold together.

Belongs here: when bytes of a request may take up memory. Does not belong here: what they mean,
or how compression is undone (``encodings``).

Only bytes that arrived count against the log's limit: a client that announces much and sends
nothing must not take the place of others.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol

from ecomind.settings import Settings
from ingest_api import encodings
from ingest_api.replies import Refused

_EXPECTED_BYTES = 16 * 2**20
"""So much may be announced and awaited in one piece; beyond it, bodies are read piece by piece,
which costs more but counts only what is there."""

_IN_THREAD_BYTES = 65_536
"""Compressed bodies from this size on are decompressed beside the event loop."""

_DECOMPRESSING_AT_ONCE = 2
"""Each may yield up to the limit of a decompressed body before that is counted."""

_SWEEP_S = 1.0


class Arriving(Protocol):
    """The part of RSGI's HTTP protocol that reads."""

    def __call__(self) -> Awaitable[bytes]:
        """The whole body."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The body in pieces."""


class Gate(Protocol):
    """Decides whether bytes may come in now (``landing.log.EventLog``)."""

    def admit(self, size: int) -> None:
        """Raise ``NotDurable`` when ``size`` more bytes cannot be stored."""


class Bodies:
    """Reads bodies within the limits of the settings."""

    def __init__(self, settings: Settings, gate: Gate) -> None:
        """Count what is in memory against ``gate``."""
        self._gate = gate
        self._max_bytes = settings.max_body_bytes
        self._max_decoded_bytes = settings.max_decoded_bytes
        self._timeout_s = settings.body_timeout_s
        self._decompressing = asyncio.Semaphore(_DECOMPRESSING_AT_ONCE)
        self._expected_bytes = 0
        self._held_bytes = 0
        self._due: dict[asyncio.Task[Any], float] = {}
        self._late: set[asyncio.Task[Any]] = set()
        self._is_sweeping = False

    async def read(self, arriving: Arriving, announced: str | None) -> bytes:
        """A body; ``announced`` is its Content-Length. Tell ``release`` when it is done with.

        Raises ``Refused`` or ``NotDurable``.
        """
        size = None if announced is None else int(announced)
        if size is not None and size > self._max_bytes:
            raise self._too_large()
        self._gate.admit(self._held_bytes + (size or 0))
        if size is not None and self._expected_bytes + size <= _EXPECTED_BYTES:
            return await self._in_one_piece(arriving, size)
        return await self._in_pieces(arriving)

    def release(self, body: bytes) -> None:
        """The body is in the log, or will never be."""
        self._held_bytes -= len(body)

    async def decompressed(self, body: bytes, make: Callable[[], Any]) -> bytes:
        """A body without its compression, to be released in its stead, whatever happens."""
        arguments = (body, make, self._max_decoded_bytes)
        try:
            if len(body) < _IN_THREAD_BYTES:
                whole = encodings.decoded(*arguments)
            else:
                async with self._decompressing:
                    self._gate.admit(self._held_bytes)
                    whole = await asyncio.to_thread(encodings.decoded, *arguments)
            self._held_bytes += len(whole)
            return whole
        finally:
            self._held_bytes -= len(body)

    async def _in_one_piece(self, arriving: Arriving, size: int) -> bytes:
        # One timer for all instead of one each, which would cost more than the reading.
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None  # noqa: S101 (granian runs every request as a task)
        self._due[task] = loop.time() + self._timeout_s
        if not self._is_sweeping:
            self._is_sweeping = True
            loop.call_later(_SWEEP_S, self._sweep, loop)
        self._expected_bytes += size
        try:
            body = await arriving()
            self._held_bytes += len(body)
            return body
        except asyncio.CancelledError:
            if task not in self._late:
                raise
            task.uncancel()
            raise self._too_slow() from None
        finally:
            self._expected_bytes -= size
            del self._due[task]
            self._late.discard(task)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for task, due in self._due.items():  # In the order in which they are due.
            if due > now:
                break
            if task not in self._late:
                self._late.add(task)
                task.cancel()
        self._is_sweeping = bool(self._due)
        if self._is_sweeping:
            loop.call_later(_SWEEP_S, self._sweep, loop)

    async def _in_pieces(self, arriving: Arriving) -> bytes:
        body = bytearray()
        is_whole = False
        try:
            async with asyncio.timeout(self._timeout_s):
                async for piece in arriving:
                    body += piece
                    self._held_bytes += len(piece)
                    if len(body) > self._max_bytes:
                        raise self._too_large()
                    self._gate.admit(self._held_bytes)
            is_whole = True
            return bytes(body)
        except TimeoutError:
            raise self._too_slow() from None
        finally:
            if not is_whole:
                self._held_bytes -= len(body)

    def _too_large(self) -> Refused:
        return Refused("body-too-large", stage="wire", limit_bytes=self._max_bytes)

    def _too_slow(self) -> Refused:
        return Refused("body-timeout", limit_s=self._timeout_s)
