"""Killing the service and the sealer at random moments loses nothing acknowledged.

``ECOMIND_KILL_ROUNDS`` sets how often (6 by default).
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ecomind.contract.landing import LandedName
from ecomind.landing_zone import LandedFile, list_landed, open_zone
from ecomind.settings import Settings
from tests.ingest_api.compacting import merge_all
from tests.ingest_api.running import ROOT, Running, landed_files, landed_rows
from tests.ingest_api.stream import Client, acknowledged, streaming

ROUNDS = int(os.environ.get("ECOMIND_KILL_ROUNDS", "6"))
CLIENTS = 4


@pytest.mark.parametrize("per_request", [1, 120])
def test_nothing_acknowledged_is_lost_and_nothing_lands_twice(
    tmp_path: Path, per_request: int
) -> None:
    """Few events of a request are logged as objects, many as values."""
    service = Running(tmp_path, ECOMIND_SEAL_MAX_AGE_S="0.2", ECOMIND_SEAL_MAX_BYTES="100000")
    key = service.key("acme")
    chance = random.Random()
    service.start()
    with streaming(service, key, CLIENTS, per_request) as clients:
        for round_number in range(ROUNDS):
            time.sleep(chance.uniform(0.2, 0.9))
            if round_number % 3 != 0:
                service.kill_sealer()
                time.sleep(chance.uniform(0, 0.3))
            service.kill()
            service.start()
        time.sleep(0.3)
    assert service.stop() == 0
    check(tmp_path, clients, per_request)


def check(home: Path, clients: list[Client], per_request: int) -> None:
    assert [status for client in clients for status in client.unexpected] == []
    sure = acknowledged(clients)
    landed = Counter(row["event_id"] for row in landed_rows(home, "events"))
    assert len(sure) > 100
    assert sure - set(landed) == set()
    # A client sends again only what was under way at a kill: nothing else may be there twice.
    assert sum(landed.values()) - len(landed) <= CLIENTS * (ROUNDS + 1) * per_request
    for table in ("events", "outcomes"):
        names = [LandedName.parse(path.name) for path in landed_files(home, table)]
        segments = Counter(name.segment for name in names if name)
        assert set(segments.values()) == {1}
        sequences = Counter(name.sequence for name in names if name)
        assert set(sequences.values()) == {1}
    counted = sum(row["events_count"] for row in landed_rows(home, "outcomes"))
    assert counted == sum(landed.values())
    left = [path.name for path in (home / "wal").iterdir()]
    assert sorted(left) == ["ingest.lock", "sealer.lock", "sequence-testnode"]


def test_killed_merging_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    """Small files are merged while they land; merging, sealing and the service are killed."""
    service = Running(tmp_path, ECOMIND_SEAL_MAX_AGE_S="0.1", ECOMIND_SEAL_MAX_BYTES="20000")
    key = service.key("acme")
    chance = random.Random()
    service.start()
    with streaming(service, key, CLIENTS) as clients:
        for round_number in range(ROUNDS):
            merging = subprocess.Popen(
                [sys.executable, "-m", "tests.ingest_api.compacting"],
                cwd=ROOT, env=service.environment, stdout=subprocess.PIPE,
            )  # fmt: skip
            assert merging.stdout is not None and merging.stdout.readline() == b"merging\n"
            time.sleep(chance.uniform(0, 1.5))
            if round_number == ROUNDS - 1:
                wait_until_merged(service.settings)  # Else the kills may all have come too early.
            merging.kill()
            merging.communicate()
            assert merging.returncode == -signal.SIGKILL
            if round_number % 3 == 1:
                service.kill_sealer()
            if round_number % 3 == 2:
                service.kill()
                service.start()
    assert service.stop() == 0
    check_rows(service.settings, clients)
    merge_all(service.settings)
    check_rows(service.settings, clients)
    assert list_landed(open_zone(service.settings), "events").superseded == []


def wait_until_merged(settings: Settings) -> None:
    deadline = time.monotonic() + 60
    while not any(file.name.merged_from for file in listed(settings)):
        assert time.monotonic() < deadline, "nothing is merged"
        time.sleep(0.05)


def listed(settings: Settings, table: str = "events") -> list[LandedFile]:
    return list_landed(open_zone(settings), table).files


def check_rows(settings: Settings, clients: list[Client]) -> None:
    rows = [row for file in listed(settings)
            for row in pq.read_table(settings.landing_dir / file.location).to_pylist()]  # fmt: skip
    landed, sure = Counter(row["event_id"] for row in rows), acknowledged(clients)
    assert len(sure) > 100
    assert sure - set(landed) == set()
    assert sum(landed.values()) - len(landed) <= CLIENTS * (ROUNDS + 1)
    counted = sum(
        row["events_count"] for file in listed(settings, "outcomes")
        for row in pq.read_table(settings.landing_dir / file.location).to_pylist()
    )  # fmt: skip
    assert counted == len(rows)
