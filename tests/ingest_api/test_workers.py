"""Several workers as one service."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest

from ingest_api.credentials import STALENESS_S
from tests.ingest_api.running import FAST, ROOT, Running, event, landed_rows
from tests.ingest_api.test_metrics import Samples
from tests.ingest_api.test_service import BROKEN_DISK


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    service = Running(tmp_path / "home", ECOMIND_INGEST_WORKERS="3", **FAST)
    yield service
    service.close()


def samples(running: Running) -> Samples:
    return Samples(running.internal("/metrics").text)


def wait_until(holds: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def all_up(running: Running, workers: int = 3) -> bool:
    return samples(running)("workers_up") == workers


def send(running: Running, key: str, name: str) -> int:
    """Send one event over a connection of its own, which any worker may get."""
    headers = {"authorization": f"Bearer {key}"}
    try:
        return httpx.post(
            f"{running.url}/v1/events", json=event(name), headers=headers, timeout=30
        ).status_code
    except httpx.TransportError:
        return 0


def test_all_workers_answer_and_their_numbers_are_one(running: Running) -> None:
    key = running.key("acme")
    running.start()
    wait_until(lambda: all_up(running))
    names = [f"e{n}" for n in range(120)]
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda name: send(running, key, name), names)) == {202}
    seen = samples(running)
    assert seen("items_accepted_total") == 120
    assert seen("requests_total", route="/v1/events", status="202") == 120
    assert seen("workers") == 3
    busy = [pid for pid in running.children("worker") if has_written(pid, running.home)]
    assert len(busy) > 1, "the kernel gave one worker every connection"
    assert running.client.get("/health").json()["sealer"] == {"running": True}
    assert running.stop() == 0
    assert sorted(row["event_id"] for row in landed_rows(running.home, "events")) == sorted(names)
    lines = running.output.read_text().splitlines()
    assert lines == [f"EcoMind ingest is ready on {running.url}"]


def has_written(pid: int, home: Path) -> bool:
    """Whether a worker's own segments are among those made; their names hold its process."""
    made = {path.name for path in (home / "wal").iterdir()}
    made |= {path.name for path in (home / "landing").rglob("*.parquet")}
    return any(f"_{pid}_" in name for name in made)


def test_a_killed_worker_is_replaced_and_nothing_acknowledged_is_lost(running: Running) -> None:
    key = running.key("acme")
    running.start()
    wait_until(lambda: all_up(running))
    before = set(running.children("worker"))
    accepted = []
    for number in range(150):
        if send(running, key, f"e{number}") == 202:
            accepted.append(f"e{number}")
        if number == 50:
            os.kill(min(before), signal.SIGKILL)
    wait_until(lambda: all_up(running))
    after = set(running.children("worker"))
    assert len(after - before) == 1
    assert samples(running)("worker_starts_total") == 4
    assert running.internal("/readyz").status_code == 200
    assert len(accepted) > 100
    assert running.stop() == 0
    landed = {row["event_id"] for row in landed_rows(running.home, "events")}
    assert set(accepted) <= landed


def test_stopping_answers_what_is_under_way_at_every_worker(running: Running) -> None:
    key = running.key("acme")
    running.start()
    wait_until(lambda: all_up(running))
    accepted: list[str] = []

    def stream(sender: int) -> None:
        for number in range(10_000):
            status = send(running, key, name := f"s{sender}-{number}")
            if status == 202:
                accepted.append(name)
            elif status in (0, 503):
                return
            else:
                raise AssertionError(status)

    with ThreadPoolExecutor(6) as pool:
        streams = [pool.submit(stream, sender) for sender in range(6)]
        wait_until(lambda: len(accepted) > 60)
        assert running.stop() == 0
        for ended in streams:
            ended.result(60)
    landed = {row["event_id"] for row in landed_rows(running.home, "events")}
    assert set(accepted) <= landed


def test_a_revoked_key_ends_on_every_worker_within_its_staleness(running: Running) -> None:
    key, kept = running.key("acme"), running.key("acme")
    running.start()
    wait_until(lambda: all_up(running))
    names = [f"e{n}" for n in range(60)]
    with ThreadPoolExecutor(8) as pool:
        for sent in (key, kept):
            assert set(pool.map(lambda name, sent=sent: send(running, sent, name), names)) == {202}
        info = running.store.keys.listed("acme")[0]
        running.store.keys.revoke("acme", info.key_id)
        time.sleep(STALENESS_S)
        assert set(pool.map(lambda name: send(running, key, name), names)) == {401}
        assert set(pool.map(lambda name: send(running, kept, name), names)) == {202}
    assert running.stop() == 0
    used = [info.last_used_at is not None for info in running.store.keys.listed("acme")]
    assert used == [True, True]


def test_workers_end_with_a_supervisor_that_was_killed(running: Running) -> None:
    running.start()
    wait_until(lambda: all_up(running))
    children = [psutil.Process(pid) for pid in running.children("worker")]
    running.kill()
    _, alive = psutil.wait_procs(children, 30)
    assert not alive


def test_a_failed_sync_in_one_worker_stops_all(tmp_path: Path) -> None:
    (tmp_path / "fault").mkdir()
    (tmp_path / "fault" / "sitecustomize.py").write_text(BROKEN_DISK)
    service = Running(
        tmp_path / "home", ECOMIND_INGEST_WORKERS="2", BROKEN_DISK=str(tmp_path / "broken")
    )
    service.environment["PYTHONPATH"] = f"{tmp_path / 'fault'}:{ROOT}"
    key = service.key("acme")
    service.start()
    wait_until(lambda: all_up(service, 2))
    assert service.post("/v1/events", key, json=event("stored")).status_code == 202
    (tmp_path / "broken").touch()
    refused = service.post("/v1/events", key, json=event("refused"))
    assert (refused.status_code, refused.json()["reason"]) == (503, "fsync_error")
    assert service.process is not None
    assert service.process.wait(60) == 1
    assert "a worker's log failed (fsync_error)" in service.output.read_text()
    assert [row["event_id"] for row in landed_rows(service.home, "events")] == ["stored"]
    service.close()
