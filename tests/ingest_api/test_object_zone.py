"""Sealing to object storage: what was acknowledged waits for a storage that is away."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ecomind.contract.event import EVENTS, OUTCOMES
from ecomind.landing_zone import LandedFile, StorageTrouble, list_landed, open_zone
from ecomind.settings import Settings
from ingest_api.landing import seal
from ingest_api.landing.seal import Sealer
from ingest_api.landing.segment import waiting
from tests.ingest_api.running import FAST, ROOT, Running, event
from tests.ingest_api.test_seal import event_record, reject_record, write_segment
from tests.support.object_storage import SECRET_KEY, URL, ObjectStorage, object_storage


@pytest.fixture
def storage() -> Iterator[ObjectStorage]:
    with object_storage() as running:
        yield running


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, node="n1", landing_url=URL)


def landed(settings: Settings) -> list[LandedFile]:
    return list_landed(open_zone(settings), EVENTS.name).files


def event_ids(settings: Settings) -> Counter[str]:
    zone = open_zone(settings)
    found: Counter[str] = Counter()
    for file in landed(settings):
        data = zone.read(file.location)
        assert data is not None
        found.update(pq.read_table(pa.BufferReader(data)).column("event_id").to_pylist())
    return found


def test_a_segment_lands_as_objects(settings: Settings, storage: ObjectStorage) -> None:
    write_segment(settings, event_record("a") + event_record("b") + reject_record(1))
    assert Sealer(settings).seal_waiting() == 1
    assert event_ids(settings) == {"a": 1, "b": 1}
    assert [name.split("/")[0] for name in storage.names()] == ["events", "outcomes", "rejects"]
    assert waiting(settings.wal_dir) == []
    assert not settings.landing_dir.exists()


def test_a_storage_that_is_away_keeps_the_segments(
    settings: Settings, storage: ObjectStorage
) -> None:
    sealer = Sealer(settings)
    write_segment(settings, event_record("a"))
    sealer.seal_waiting()
    storage.stop()
    for number in range(3):
        write_segment(settings, event_record(f"later-{number}"))
    for _ in range(2):
        with pytest.raises(StorageTrouble):
            sealer.seal_waiting()
    assert len(waiting(settings.wal_dir)) == 3
    storage.start()
    assert sealer.seal_waiting() == 3
    assert event_ids(settings) == {"a": 1, "later-0": 1, "later-1": 1, "later-2": 1}
    assert [file.name.sequence for file in landed(settings)] == [1, 2, 3, 4]


def test_sealing_waits_with_growing_pauses_and_never_crashes(
    settings: Settings, storage: ObjectStorage
) -> None:
    write_segment(settings, event_record("a"))
    storage.stop()
    pauses: list[float] = []

    def asked_to_stop(pause_s: float) -> bool:
        pauses.append(pause_s)
        if len(pauses) == 4:
            storage.start()
        return not waiting(settings.wal_dir)

    seal.run(Sealer(settings), asked_to_stop)
    assert pauses == [0.25, 2.0, 4.0, 8.0, 0.25]
    assert event_ids(settings) == {"a": 1}


def test_a_stop_while_the_storage_is_away_leaves_the_segment_to_the_next_start(
    settings: Settings, storage: ObjectStorage
) -> None:
    write_segment(settings, event_record("a"))
    storage.stop()
    seal.run(Sealer(settings), lambda _: True)
    assert len(waiting(settings.wal_dir)) == 1
    storage.start()
    seal.run(Sealer(settings), lambda _: True)
    assert event_ids(settings) == {"a": 1}


def test_events_are_accepted_while_the_storage_is_away(
    tmp_path: Path, storage: ObjectStorage
) -> None:
    service = Running(tmp_path, **FAST, ECOMIND_LANDING_URL=URL)
    key = service.key("acme")
    service.start()
    try:
        storage.stop()
        first = service.sealer_pid()
        for number in range(5):
            response = service.post("/v1/events", key, json=event(f"away-{number}"))
            assert response.status_code == 202
            time.sleep(0.4)
        receipt = f"/v1/receipts/{response.json()['receipt_id']}"
        headers = {"authorization": f"Bearer {key}"}
        asked = service.client.get(receipt, headers=headers)
        assert asked.status_code == 503
        assert asked.json()["detail"] == "the log or the landing zone cannot be read"
        assert list((tmp_path / "wal").glob("*.ready"))
        assert service.sealer_pid() == first
        deadline = time.monotonic() + 30
        while "sealing waits, segments are kept" not in service.output.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        storage.start()
        deadline = time.monotonic() + 60
        while service.client.get(receipt, headers=headers).json().get("state") != "landed":
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert service.stop() == 0
    finally:
        service.close()
    settings = Settings(home=tmp_path, node="testnode", landing_url=URL)
    assert event_ids(settings) == {f"away-{number}": 1 for number in range(5)}
    assert SECRET_KEY not in service.output.read_text()


def test_the_backlog_has_a_limit(tmp_path: Path, storage: ObjectStorage) -> None:
    service = Running(tmp_path, **FAST, ECOMIND_LANDING_URL=URL, ECOMIND_MAX_UNSEALED_SEGMENTS="2")
    key = service.key("acme")
    service.start()
    try:
        storage.stop()
        accepted, number = set(), 0
        deadline = time.monotonic() + 30
        while True:
            assert time.monotonic() < deadline
            response = service.post("/v1/events", key, json=event(f"e{number}"))
            if response.status_code != 202:
                break
            accepted.add(f"e{number}")
            number += 1
            time.sleep(0.3)
        assert response.status_code == 503
        assert response.json()["reason"] == "sealer_behind"
        assert int(response.headers["retry-after"]) > 0
        assert service.client.get("/readyz").status_code == 503
        storage.start()
        while service.post("/v1/events", key, json=event("after")).status_code != 202:
            assert time.monotonic() < deadline + 30
            time.sleep(0.2)
        assert service.stop() == 0
    finally:
        service.close()
    settings = Settings(home=tmp_path, node="testnode", landing_url=URL)
    assert set(event_ids(settings)) == accepted | {"after"}


SEALER_THAT_STOPS = """
import sys, time
from pathlib import Path
from ecomind.landing_zone.objects import ObjectZone
from ingest_api.landing import seal
put, stop_after = ObjectZone.put, int(sys.argv[1])
done = []
def stopping(self, location, data):
    put(self, location, data)
    done.append(location)
    if len(done) == stop_after:
        Path(sys.argv[2]).touch()
        time.sleep(60)
ObjectZone.put = stopping
seal.main(["--once"])
"""


@pytest.mark.parametrize("puts", [1, 2, 3])
def test_a_sealer_killed_between_put_and_removal_lands_once(
    settings: Settings, storage: ObjectStorage, tmp_path: Path, puts: int
) -> None:
    """Rejects, events, outcomes: killed after each of the three puts."""
    write_segment(settings, event_record("a") + reject_record(1))
    arrived = tmp_path / "arrived"
    process = subprocess.Popen(
        [sys.executable, "-c", SEALER_THAT_STOPS, str(puts), str(arrived)],
        cwd=ROOT,
        env={
            **storage.environment,
            "PATH": "",
            "PYTHONPATH": str(ROOT),
            "ECOMIND_HOME": str(tmp_path),
            "ECOMIND_NODE": "n1",
            "ECOMIND_LANDING_URL": URL,
        },
    )
    while not arrived.exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait()
    before = storage.names()
    assert len(before) == puts
    assert len(waiting(settings.wal_dir)) == 1
    Sealer(settings).seal_waiting()
    assert set(before) <= set(storage.names())
    assert len(storage.names()) == 3
    assert event_ids(settings) == {"a": 1}
    assert waiting(settings.wal_dir) == []


def test_two_machines_land_beside_each_other(tmp_path: Path, storage: ObjectStorage) -> None:
    """Each with its own write-ahead log and sequence, at the same time."""
    nodes = [Settings(home=tmp_path / n, node=n, landing_url=URL) for n in ("alpha", "beta")]
    for settings in nodes:
        for number in range(5):
            write_segment(settings, event_record(f"{settings.node}-{number}"))
    threads = [threading.Thread(target=lambda s=s: Sealer(s).seal_waiting()) for s in nodes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = [file.name for file in landed(nodes[0])]
    assert [(name.node, name.sequence) for name in names] == [
        (node, sequence) for node in ("alpha", "beta") for sequence in range(1, 6)
    ]
    assert set(event_ids(nodes[1]).values()) == {1}
    outcomes = list_landed(open_zone(nodes[0]), OUTCOMES.name).files
    assert len(outcomes) == 10
