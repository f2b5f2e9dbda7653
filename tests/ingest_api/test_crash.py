"""Killing the service and the sealer at random moments loses nothing acknowledged.

``ECOMIND_KILL_ROUNDS`` sets how often (6 by default).
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from pathlib import Path

from ecomind.contract.landing import LandedName
from tests.ingest_api.running import Running, landed_files, landed_rows
from tests.ingest_api.stream import Client, acknowledged, streaming

ROUNDS = int(os.environ.get("ECOMIND_KILL_ROUNDS", "6"))
CLIENTS = 4


def test_nothing_acknowledged_is_lost_and_nothing_lands_twice(tmp_path: Path) -> None:
    service = Running(tmp_path, ECOMIND_SEAL_MAX_AGE_S="0.2", ECOMIND_SEAL_MAX_BYTES="100000")
    key = service.key("acme")
    chance = random.Random()
    service.start()
    with streaming(service, key, CLIENTS) as clients:
        for round_number in range(ROUNDS):
            time.sleep(chance.uniform(0.2, 0.9))
            if round_number % 3 != 0:
                service.kill_sealer()
                time.sleep(chance.uniform(0, 0.3))
            service.kill()
            service.start()
        time.sleep(0.3)
    assert service.stop() == 0
    check(tmp_path, clients)


def check(home: Path, clients: list[Client]) -> None:
    assert [status for client in clients for status in client.unexpected] == []
    sure = acknowledged(clients)
    landed = Counter(row["event_id"] for row in landed_rows(home, "events"))
    assert len(sure) > 100
    assert sure - set(landed) == set()
    # A client sends again only what was under way at a kill: nothing else may be there twice.
    assert sum(landed.values()) - len(landed) <= CLIENTS * (ROUNDS + 1)
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
