"""The write-ahead log: an answer of 2xx waits here until its bytes are on the disk.

Belongs here: group commit, rotation, and refusing what cannot be made durable. Does not belong
here: what the bytes mean, HTTP, or sealing.

A commit is write, ``fdatasync``, resolve. Whatever arrives meanwhile is the next group, so a slow
disk makes larger groups instead of longer queues; requests that are there already are read before a
group is committed. A thread commits, so that a slow disk keeps nobody else waiting; while the disk
is fast, the event loop commits by itself, as handing a group to a thread and back costs more than
the flush. Segments are opened and rotated by the thread alone.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any

from ecomind.settings import Settings
from ingest_api.landing.files import DISK_FULL, make_folder
from ingest_api.landing.segment import OpenSegment, backlog
from ingest_api.meters import LogMeters

_LOOK_EVERY_S = 0.5
_LOOK_SHARE = 0.02
"""Most of the event loop's time that looking at the folder may take."""
_GATHER_S = 0.005
"""A group waits for more at most so long, and only while every turn of the event loop brings it."""
_FAST_S = 0.002
"""A commit the event loop may wait for."""
_REMEMBERED_SHARE = 0.9
"""A slow commit is remembered as a little faster with every one after it."""


class NotDurable(Exception):
    """Nothing of the request was stored; ``reason`` is stable, ``retry_after_s`` is advice."""

    def __init__(self, reason: str, retry_after_s: int) -> None:
        """Say why, and when trying again makes sense (seconds)."""
        super().__init__(reason)
        self.reason = reason
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class LogOptions:
    """Where segments live and the log's limits (bytes, seconds)."""

    folder: Path
    max_segment_bytes: int
    max_segment_age_s: float
    max_pending_bytes: int
    min_free_bytes: int
    max_unsealed_segments: int = sys.maxsize
    max_unsealed_bytes: int = sys.maxsize

    @classmethod
    def of(cls, settings: Settings) -> LogOptions:
        """The options in the settings."""
        return cls(
            settings.wal_dir,
            settings.seal_max_bytes,
            settings.seal_max_age_s,
            settings.log_max_pending_bytes,
            settings.min_free_bytes,
            settings.max_unsealed_segments,
            settings.max_unsealed_bytes,
        )


class _GroupFuture(asyncio.Future[None]):
    """Shared by all requests of a group, so one that is cancelled must not cancel it."""

    def cancel(self, msg: Any | None = None) -> bool:
        return False


class _Group:
    __slots__ = ("_begun_at", "_seen", "frames", "future", "size")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.frames: list[bytes] = []
        self.size = 0
        self._seen = 0
        self._begun_at = time.monotonic()
        self.future = _GroupFuture(loop=loop)

    def is_growing(self) -> bool:
        """Whether something was added since the last time this was asked."""
        seen, self._seen = self._seen, len(self.frames)
        return self._seen > seen and time.monotonic() - self._begun_at < _GATHER_S


class EventLog:
    """A write-ahead log; every method but the thread's own runs in the event loop."""

    def __init__(self, options: LogOptions, on_failure: Callable[[str], None]) -> None:
        """``on_failure`` is called once, in the event loop, when the log must not go on."""
        self._options = options
        self._on_failure = on_failure
        self.meters = LogMeters()
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[_Group | None] = SimpleQueue()
        self._segment_in_use = Lock()
        self._slowest_s = 0.0
        self._next: _Group | None = None
        self._is_committing = False
        self._pending_bytes = 0
        self._failure: str | None = None
        self._disk_is_low = False
        self._sealer_is_behind = False
        self._next_look = 0.0
        self._segment: OpenSegment | None = None
        make_folder(options.folder)
        self._identity = self._folder_identity()
        self._thread = Thread(target=self._commit_groups, name="committer", daemon=True)
        self._thread.start()

    @property
    def pending_bytes(self) -> int:
        """Bytes waiting for the disk."""
        return self._pending_bytes

    def admit(self, size: int) -> None:
        """Check that ``size`` more bytes could be stored; raises ``NotDurable`` if not."""
        if self._failure is not None:
            raise NotDurable(self._failure, 30)
        if self._pending_bytes + size > self._options.max_pending_bytes:
            raise NotDurable("commit_queue_full", 1)
        if time.monotonic() >= self._next_look:
            self._look_at_folder()
        if self._disk_is_low:
            raise NotDurable("disk_watermark", 30)
        if self._sealer_is_behind:
            raise NotDurable("sealer_behind", 5)

    def _folder_identity(self) -> tuple[int, int]:
        status = self._options.folder.stat()
        return status.st_dev, status.st_ino

    def _look_at_folder(self) -> None:
        began = time.monotonic()
        self._next_look = began + _LOOK_EVERY_S
        try:
            disk, identity = os.statvfs(self._options.folder), self._folder_identity()
        except OSError:
            identity = None
        if identity != self._identity:
            # The lock went with the folder: what is in its place now may be another's.
            self._fail("folder_lost")
            raise NotDurable("folder_lost", 30)
        self._disk_is_low = disk.f_bavail * disk.f_frsize < self._options.min_free_bytes
        segments, size = backlog(self._options.folder)
        self._sealer_is_behind = (
            segments > self._options.max_unsealed_segments
            or size > self._options.max_unsealed_bytes
        )
        # Ten thousand segments take a while to look at: then look less often.
        took = time.monotonic() - began
        self._next_look = began + max(_LOOK_EVERY_S, took / _LOOK_SHARE)

    def append(self, frames: bytes) -> asyncio.Future[None]:
        """Store whole records; the future is done when they are on the disk.

        The future raises ``NotDurable`` when nothing of them was stored.
        """
        group = self._next
        if group is None:
            group = self._next = _Group(self._loop)
            if not self._is_committing:
                self._loop.call_soon(self._hand_over)
        group.frames.append(frames)
        group.size += len(frames)
        self._pending_bytes += len(frames)
        return group.future

    def _hand_over(self) -> None:
        group = self._next
        if group is None or self._is_committing:
            return
        if group.is_growing():
            # A flush costs the same for few and for many.
            self._loop.call_soon(self._hand_over)
            return
        self._next = None
        self._is_committing = True
        if not self._try_to_commit_here(group):
            self._queue.put(group)

    def _try_to_commit_here(self, group: _Group) -> bool:
        """Commit in the event loop, if the disk is fast and the thread has opened a segment.

        Returns whether it did; a commit that failed is one, too.
        """
        if self._slowest_s >= _FAST_S or not self._segment_in_use.acquire(blocking=False):
            return False
        try:
            if self._segment is None:
                return False
            error = self._timed_commit(group)
            if self._segment is not None and self._is_due(self._segment):
                self._queue.put(_Group(self._loop))  # Nothing to commit; the thread will rotate.
        finally:
            self._segment_in_use.release()
        self._resolve(group, error)
        return True

    def _resolve(self, group: _Group, error: NotDurable | None) -> None:
        self._pending_bytes -= group.size
        self._is_committing = False
        if error is None:
            group.future.set_result(None)
        else:
            group.future.set_exception(error)
        self._hand_over()

    def _fail(self, reason: str) -> None:
        if self._failure is None:
            self._failure = reason
            self._on_failure(reason)

    def _commit_groups(self) -> None:
        while True:
            try:
                group = self._queue.get(timeout=self._until_rotation_s())
            except Empty:
                with self._segment_in_use:
                    self._rotate()
                continue
            if group is None:
                self._rotate()
                return
            if group.frames:
                with self._segment_in_use:
                    error = self._timed_commit(group)
                # Before rotating, which flushes on its own account.
                self._loop.call_soon_threadsafe(self._resolve, group, error)
            segment = self._segment
            if segment is not None and self._is_due(segment):
                with self._segment_in_use:
                    self._rotate()

    def _timed_commit(self, group: _Group) -> NotDurable | None:
        started_at = time.perf_counter()
        error = self._commit(group)
        seconds = time.perf_counter() - started_at
        self._slowest_s = max(seconds, self._slowest_s * _REMEMBERED_SHARE)
        if error is None:
            self.meters.committed(len(group.frames), group.size, seconds)
        else:
            self.meters.failed(error.reason)
        return error

    def _commit(self, group: _Group) -> NotDurable | None:
        if self._failure is not None:
            return NotDurable(self._failure, 30)
        try:
            if self._segment is None:
                self._segment = OpenSegment(self._options.folder)
            self._segment.append(b"".join(group.frames))
        except OSError as error:
            return self._refuse(error)
        try:
            self._segment.sync(group.size)
        except OSError:
            # What the kernel kept of the failed pages is unknown: never sync this file again.
            return self._give_up("fsync_error")
        return None

    def _refuse(self, error: OSError) -> NotDurable:
        if error.errno not in DISK_FULL:
            return self._give_up("write_error")
        try:
            if self._segment is not None:
                self._segment.cut()
        except OSError:
            return self._give_up("write_error")
        return NotDurable("disk_full", 30)

    def _give_up(self, reason: str) -> NotDurable:
        segment, self._segment = self._segment, None
        if segment is not None:
            try:
                segment.cut()
            except OSError:
                # Left as it is: whole records in it are landed, as after a crash.
                reason = f"{reason}_uncut"
            segment.abandon()
        self._loop.call_soon_threadsafe(self._fail, reason)
        return NotDurable(reason, 30)

    def _until_rotation_s(self) -> float | None:
        segment = self._segment
        if segment is None:
            return None
        age = time.monotonic() - segment.opened_at
        return max(0.0, self._options.max_segment_age_s - age)

    def _is_due(self, segment: OpenSegment) -> bool:
        if segment.size >= self._options.max_segment_bytes:
            return True
        return time.monotonic() - segment.opened_at >= self._options.max_segment_age_s

    def _rotate(self) -> None:
        segment, self._segment = self._segment, None
        if segment is None:
            return
        try:
            segment.finish()
        except OSError:
            self._loop.call_soon_threadsafe(self._fail, "rotation_error")

    async def close(self) -> None:
        """Commit what waits, hand the last segment to the sealer and end the thread."""
        while self._next is not None or self._is_committing:
            await asyncio.sleep(0.001)
        self._queue.put(None)
        await self._loop.run_in_executor(None, self._thread.join)
