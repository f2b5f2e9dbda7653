"""The write-ahead log: durable or refused, never in between."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ingest_api.landing import frame
from ingest_api.landing import log as module
from ingest_api.landing.log import EventLog, LogOptions, NotDurable
from ingest_api.landing.segment import backlog, waiting

Steps = Callable[[EventLog, list[str]], Awaitable[None]]


@pytest.fixture(autouse=True, params=[0.0, 60.0], ids=["thread", "loop"])
def fast_s(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> float:
    """Up to which commit the event loop commits by itself: never, or once there is a segment."""
    limit: float = request.param
    monkeypatch.setattr(module, "_FAST_S", limit)
    return limit


def run(folder: Path, steps: Steps, **limits: float) -> list[str]:
    """Run steps against a log; returns the failures it reported."""
    failures: list[str] = []
    options = {
        "max_segment_bytes": 2**20,
        "max_segment_age_s": 60.0,
        "max_pending_bytes": 2**20,
        "min_free_bytes": 0,
        **limits,
    }

    async def main() -> None:
        log = EventLog(LogOptions(folder=folder, **options), failures.append)  # type: ignore[arg-type]
        await steps(log, failures)
        await log.close()

    asyncio.run(main())
    return failures


def stored(folder: Path) -> list[bytes]:
    """Payloads of all segments of a log that was closed."""
    return [
        payload for segment in waiting(folder)
        for payload in frame.read(segment.path.read_bytes()).rows[frame.EVENT]
    ]  # fmt: skip


def record(number: int) -> bytes:
    return frame.encode(frame.EVENT, b'{"n":%d}' % number)


@pytest.fixture
def syncs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A descriptor for each flush."""
    done: list[int] = []
    real = os.fdatasync

    def counted(descriptor: int) -> None:
        done.append(descriptor)
        real(descriptor)

    monkeypatch.setattr(os, "fdatasync", counted)
    return done


def test_what_is_acknowledged_is_in_the_file_at_that_moment(tmp_path: Path) -> None:
    async def steps(log: EventLog, _: list[str]) -> None:
        for number in range(5):
            await log.append(record(number))
            (open_file,) = tmp_path.glob("*.open")
            assert frame.read(open_file.read_bytes()).rows[frame.EVENT][-1] == b'{"n":%d}' % number

    run(tmp_path, steps)
    assert len(stored(tmp_path)) == 5


def test_many_writers_share_groups_and_all_are_stored(tmp_path: Path, syncs: list[int]) -> None:
    async def steps(log: EventLog, _: list[str]) -> None:
        await asyncio.gather(*(log.append(record(n)) for n in range(500)))

    run(tmp_path, steps)
    assert len(stored(tmp_path)) == 500
    assert 1 <= len(syncs) < 50


@pytest.mark.parametrize(("gather_s", "is_one_group"), [(60.0, True), (0.0, False)])
def test_a_group_waits_while_every_turn_of_the_loop_brings_more(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    syncs: list[int],
    gather_s: float,
    is_one_group: bool,
) -> None:
    """But not for ever: after its time, what comes later is the next group."""

    async def steps(log: EventLog, _: list[str]) -> None:
        await log.append(record(0))  # Opens the segment.
        monkeypatch.setattr(module, "_GATHER_S", gather_s)
        syncs.clear()
        groups = []
        for number in range(20):
            groups.append(log.append(record(number)))
            await asyncio.sleep(0)
        await asyncio.gather(*groups)

    run(tmp_path, steps)
    assert len(stored(tmp_path)) == 21
    assert (len(syncs) == 1) == is_one_group


def test_a_slow_disk_keeps_nobody_waiting_but_those_who_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fast_s: float
) -> None:
    committed_by: list[threading.Thread] = []
    real, slow_s = os.fdatasync, 0.0

    def slow(descriptor: int) -> None:
        committed_by.append(threading.current_thread())
        time.sleep(slow_s)
        real(descriptor)

    async def steps(log: EventLog, _: list[str]) -> None:
        nonlocal slow_s
        await log.append(record(0))  # Opens the segment, which is the thread's.
        monkeypatch.setattr(os, "fdatasync", slow)
        await log.append(record(1))
        limit = min(fast_s, log._slowest_s + 0.05)  # Whatever this disk is at now is fast.
        monkeypatch.setattr(module, "_FAST_S", limit)
        slow_s = limit + 0.05
        for number in range(2, 5):
            await log.append(record(number))

    run(tmp_path, steps)
    main = threading.main_thread()
    in_loop = [thread is main for thread in committed_by]
    # The first slow one is found out by waiting for it.
    assert in_loop == ([True, True, False, False] if fast_s else [False] * 4)
    assert len(stored(tmp_path)) == 5


def test_a_cancelled_request_does_not_disturb_its_group(tmp_path: Path) -> None:
    async def steps(log: EventLog, _: list[str]) -> None:
        async def one(number: int) -> None:
            await log.append(record(number))

        tasks = [asyncio.create_task(one(n)) for n in range(3)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(result) for result in done] == [
            type(None), asyncio.CancelledError, type(None),
        ]  # fmt: skip

    run(tmp_path, steps)
    assert len(stored(tmp_path)) == 3


def test_an_idle_segment_with_records_rotates_by_age(tmp_path: Path) -> None:
    async def steps(log: EventLog, _: list[str]) -> None:
        await log.append(record(1))
        deadline = time.monotonic() + 10
        while not list(tmp_path.glob("*.ready")):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        assert not list(tmp_path.glob("*.open"))

    run(tmp_path, steps, max_segment_age_s=0.1)


def test_a_segment_rotates_by_size(tmp_path: Path) -> None:
    async def steps(log: EventLog, _: list[str]) -> None:
        for number in range(30):
            await log.append(record(number))

    run(tmp_path, steps, max_segment_bytes=100)
    assert len(waiting(tmp_path)) > 1  # The thread rotates when it comes to it.
    assert [p for p in stored(tmp_path)] == [b'{"n":%d}' % n for n in range(30)]


def test_a_full_queue_refuses_before_anything_is_stored(tmp_path: Path) -> None:
    async def steps(log: EventLog, _: list[str]) -> None:
        waiting_future = log.append(b"x" * 900)
        with pytest.raises(NotDurable, match="commit_queue_full"):
            log.admit(200)
        await waiting_future
        log.admit(200)

    run(tmp_path, steps, max_pending_bytes=1000)


def test_the_disk_watermark_refuses(tmp_path: Path) -> None:
    async def steps(log: EventLog, _: list[str]) -> None:
        with pytest.raises(NotDurable, match="disk_watermark"):
            log.admit(1)

    run(tmp_path, steps, min_free_bytes=2**62)


def test_after_a_failed_sync_nothing_is_accepted_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    async def steps(log: EventLog, failures: list[str]) -> None:
        await log.append(record(1))
        monkeypatch.setattr(os, "fdatasync", broken)
        with pytest.raises(NotDurable, match="fsync_error"):
            await log.append(record(2))
        monkeypatch.undo()
        with pytest.raises(NotDurable, match="fsync_error"):
            log.admit(1)
        with pytest.raises(NotDurable, match="fsync_error"):
            await log.append(record(3))
        assert failures == ["fsync_error"]

    assert run(tmp_path, steps) == ["fsync_error"]
    assert stored(tmp_path) == [b'{"n":1}']


def test_a_full_disk_is_refused_and_recovers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write

    def half(descriptor: int, data: bytes) -> int:
        if len(data) <= 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data[: len(data) - 5])

    async def steps(log: EventLog, failures: list[str]) -> None:
        await log.append(record(1))
        monkeypatch.setattr(os, "write", half)
        with pytest.raises(NotDurable, match="disk_full"):
            await log.append(record(2))
        monkeypatch.undo()
        await log.append(record(3))
        assert failures == []

    run(tmp_path, steps)
    assert stored(tmp_path) == [b'{"n":1}', b'{"n":3}']
    assert backlog(tmp_path)[0] == 1
