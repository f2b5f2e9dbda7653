"""Killing the service and the sealer at random moments loses nothing acknowledged.

``ECOMIND_KILL_ROUNDS`` sets how often (6 by default).
"""

from __future__ import annotations

import http.client
import json
import os
import random
import threading
import time
from collections import Counter
from pathlib import Path

from ecomind.contract.landing import LandedName
from tests.ingest_api.running import Running, event, landed_files, landed_rows

ROUNDS = int(os.environ.get("ECOMIND_KILL_ROUNDS", "6"))
CLIENTS = 4


class Client(threading.Thread):
    """Sends events one after the other; what is not acknowledged is sent again."""

    def __init__(self, port: int, key: str, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self.port = port
        self.headers = {"x-api-key": key, "content-type": "application/json"}
        self.acknowledged: list[str] = []
        self.unexpected: list[int] = []
        self.stop = threading.Event()

    def run(self) -> None:
        number = 0
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        while not self.stop.is_set():
            event_id = f"{self.name}-{number}"
            try:
                body = json.dumps(event(event_id))
                connection.request("POST", "/v1/events", body, self.headers)
                status = connection.getresponse()
                status.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                time.sleep(0.02)
                continue
            if status.status == 202:
                self.acknowledged.append(event_id)
                number += 1
            elif status.status != 503:
                self.unexpected.append(status.status)
                number += 1


def test_nothing_acknowledged_is_lost_and_nothing_lands_twice(tmp_path: Path) -> None:
    service = Running(tmp_path, ECOMIND_SEAL_MAX_AGE_S="0.2", ECOMIND_SEAL_MAX_BYTES="100000")
    key = service.key("acme")
    chance = random.Random()
    clients = [Client(service.port, key, f"c{n}") for n in range(CLIENTS)]
    service.start()
    for client in clients:
        client.start()
    for round_number in range(ROUNDS):
        time.sleep(chance.uniform(0.2, 0.9))
        if round_number % 3 != 0:
            service.kill_sealer()
            time.sleep(chance.uniform(0, 0.3))
        service.kill()
        service.start()
    time.sleep(0.3)
    for client in clients:
        client.stop.set()
    for client in clients:
        client.join(30)
    assert service.stop() == 0
    check(tmp_path, clients)


def check(home: Path, clients: list[Client]) -> None:
    assert [status for client in clients for status in client.unexpected] == []
    acknowledged = {event_id for client in clients for event_id in client.acknowledged}
    landed = Counter(row["event_id"] for row in landed_rows(home, "events"))
    assert len(acknowledged) > 100
    assert acknowledged - set(landed) == set()
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
