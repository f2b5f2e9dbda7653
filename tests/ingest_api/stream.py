"""Clients that send events without a pause and remember what was acknowledged."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.ingest_api.running import Running, event


class Client(threading.Thread):
    """Sends requests one after the other; what is not acknowledged is sent again.

    Each request holds ``batch`` events. Its last request may be left unanswered: ``unanswered``.
    """

    def __init__(self, port: int, key: str, name: str, batch: int = 1) -> None:
        super().__init__(name=name, daemon=True)
        self.port, self.batch = port, batch
        self.headers = {"x-api-key": key, "content-type": "application/json"}
        self.acknowledged: list[str] = []
        self.unanswered: list[str] = []
        self.unexpected: list[int] = []
        self.refusals: list[tuple[str, str | None]] = []
        """Reason and Retry-After of each 503."""
        self.stop = threading.Event()

    def run(self) -> None:
        number = 0
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        while not self.stop.is_set():
            self.unanswered = [f"{self.name}-{number}-{n}" for n in range(self.batch)]
            try:
                body = json.dumps([event(event_id) for event_id in self.unanswered])
                connection.request("POST", "/v1/events", body, self.headers)
                response = connection.getresponse()
                answer = response.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                time.sleep(0.02)
                continue
            if response.status == 202:
                self.acknowledged += self.unanswered
                number += 1
            elif response.status == 503:
                reason = json.loads(answer).get("reason", "")
                self.refusals.append((reason, response.getheader("retry-after")))
                time.sleep(0.005)
            else:
                self.unexpected.append(response.status)
                number += 1


@contextmanager
def streaming(service: Running, key: str, count: int = 4, batch: int = 1) -> Iterator[list[Client]]:
    """Clients at work; at the end they have stopped."""
    clients = [Client(service.port, key, f"c{n}", batch) for n in range(count)]
    for client in clients:
        client.start()
    try:
        yield clients
    finally:
        for client in clients:
            client.stop.set()
        for client in clients:
            client.join(30)


def acknowledged(clients: list[Client]) -> set[str]:
    return {event_id for client in clients for event_id in client.acknowledged}


def wait_until_more(clients: list[Client], more: int = 50, seconds: float = 30) -> None:
    """Until so many more events were acknowledged."""
    goal = len(acknowledged(clients)) + more
    deadline = time.monotonic() + seconds
    while len(acknowledged(clients)) < goal:
        assert time.monotonic() < deadline, "nothing is acknowledged any more"
        time.sleep(0.02)
