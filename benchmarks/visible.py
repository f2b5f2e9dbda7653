"""From acknowledgement to the published snapshot: how long until an event can be seen?

    python -m benchmarks.visible --events 20

A real ``ecomind up`` on free ports receives single events at random moments. Each carries a
team of its own, so that its arrival in the team mart of the current snapshot can be told. Once
alone, and once beside a stream of other events that keeps refreshes running back to back.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from benchmarks.measure import Cell, emit, percentile, show
from ecomind.identity import Role, open_store
from ecomind.settings import ENVIRONMENT_PREFIX, PROJECT_ROOT, Settings
from ecomind.warehouse.snapshot import POINTER, current_snapshot

ORG_ID = "bench"
ALONE, BESIDE_A_STREAM = "alone", "beside-a-stream"
_PORTS = ("INGEST_PORT", "INGEST_METRICS_PORT", "DASHBOARD_PORT", "DAGSTER_PORT", "PLATFORM_PORT")
_READY_TIMEOUT_S = 300.0
_STOP_TIMEOUT_S = 90.0
_LOOK_S = 0.1
_STREAM_BATCH, _STREAM_PAUSE_S = 50, 1.0


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@contextmanager
def _up(home: Path) -> Iterator[tuple[Settings, httpx.Client]]:
    """A running installation and a client with an ingest key; stopped at the end."""
    ports = dict(zip(_PORTS, _free_ports(len(_PORTS)), strict=True))
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(ENVIRONMENT_PREFIX)}
    environment = {f"{ENVIRONMENT_PREFIX}{name}": str(port) for name, port in ports.items()}
    environment |= {f"{ENVIRONMENT_PREFIX}HOME": str(home), f"{ENVIRONMENT_PREFIX}NODE": ORG_ID}
    settings = Settings(home=home, node=ORG_ID)
    store = open_store(settings)
    store.organizations.create(ORG_ID, "Benchmark")
    key, _ = store.keys.create(ORG_ID, Role.INGEST, "benchmark")
    log = home / "up.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("ecomind")), "up"],
            cwd=PROJECT_ROOT,
            env={**inherited, **environment},
            stdout=output,
            stderr=output,
        )
    client = httpx.Client(
        base_url=f"http://127.0.0.1:{ports['INGEST_PORT']}",
        headers={"authorization": f"Bearer {key}"},
        timeout=30,
    )
    try:
        _wait_ready(process, log)
        yield settings, client
    finally:
        client.close()
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_ready(process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _READY_TIMEOUT_S
    while "Ready." not in (words := log.read_text(encoding="utf-8", errors="replace")):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"`ecomind up` did not become ready:\n{words[-3000:]}")
        time.sleep(0.2)


def _event(event_id: str, team_id: str) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "occurred_at": datetime.now(UTC).isoformat(),
        "team_id": team_id,
        "provider": "openai",
        "model": "gpt-4o",
        "input_tokens": 1000,
        "output_tokens": 100,
    }


class Watcher(threading.Thread):
    """Looks at every new snapshot and notes when each probe is first seen."""

    def __init__(self, settings: Settings) -> None:
        """Watch the served folder of ``settings``."""
        super().__init__(daemon=True)
        self.settings = settings
        self.seen: dict[str, float] = {}
        self.snapshots = 0
        self.stopped = threading.Event()

    def run(self) -> None:
        """Look until stopped."""
        pointed = ""
        while not self.stopped.wait(_LOOK_S):
            now = (self.settings.served_dir / POINTER).read_text(encoding="utf-8")
            if now == pointed:
                continue
            pointed = now
            self.snapshots += 1
            with current_snapshot(self.settings).connect() as connection:
                found = connection.execute(
                    "select team_id from mart.team_footprint_daily"
                    " where org_id = ? and team_id like 'probe-%' and events = 1",
                    [ORG_ID],
                ).fetchall()
            moment = time.monotonic()
            for (team_id,) in found:
                self.seen.setdefault(team_id, moment)


def _stream(client: httpx.Client, stopped: threading.Event, sent: list[int]) -> None:
    number = 0
    while not stopped.wait(_STREAM_PAUSE_S):
        lines = [
            json.dumps(_event(f"stream-{number + offset}", f"team-{offset % 5}"))
            for offset in range(_STREAM_BATCH)
        ]
        body, headers = "\n".join(lines).encode(), {"content-type": "application/x-ndjson"}
        client.post("/v1/events", content=body, headers=headers).raise_for_status()
        number += _STREAM_BATCH
        sent.append(_STREAM_BATCH)


@dataclass(frozen=True, slots=True)
class Pace:
    """How many probes, the mean seconds between them, and how long to wait for the last."""

    count: int
    gap_s: float
    timeout_s: float


def _probe(
    settings: Settings, client: httpx.Client, name: str, pace: Pace
) -> tuple[list[float], int]:
    """Seconds from acknowledgement to visibility of each probe, and snapshots meanwhile."""
    watcher, chance = Watcher(settings), random.Random(name)
    watcher.start()
    acknowledged: dict[str, float] = {}
    for number in range(pace.count):
        team_id = f"probe-{name}-{number}"
        client.post("/v1/events", json=_event(team_id, team_id)).raise_for_status()
        acknowledged[team_id] = time.monotonic()
        time.sleep(chance.uniform(0, 2 * pace.gap_s))
    deadline = time.monotonic() + pace.timeout_s
    while acknowledged.keys() - watcher.seen.keys() and time.monotonic() < deadline:
        time.sleep(_LOOK_S)
    watcher.stopped.set()
    watcher.join()
    missing = acknowledged.keys() - watcher.seen.keys()
    if missing:
        raise RuntimeError(f"{len(missing)} events were not seen in {pace.timeout_s} s")
    return [watcher.seen[t] - at for t, at in acknowledged.items()], watcher.snapshots


def _run(settings: Settings, client: httpx.Client, name: str, pace: Pace) -> dict[str, Cell]:
    stopped, sent = threading.Event(), list[int]()
    stream = threading.Thread(target=_stream, args=(client, stopped, sent), daemon=True)
    if name != ALONE:
        stream.start()
    began = time.monotonic()
    waits, snapshots = _probe(settings, client, name, pace)
    stopped.set()
    return {
        "probes": pace.count,
        "p50_s": percentile(waits, 0.5),
        "p95_s": percentile(waits, 0.95),
        "max_s": max(waits),
        "snapshots": snapshots,
        "other_events": sum(sent),
        "seconds": time.monotonic() - began,
    }


def measure(pace: Pace) -> dict[str, dict[str, Cell]]:
    """Both runs: alone, and beside a stream."""
    with (
        tempfile.TemporaryDirectory(prefix="ecomind-benchmark-") as folder,
        _up(Path(folder)) as (settings, client),
    ):
        return {name: _run(settings, client, name, pace) for name in (ALONE, BESIDE_A_STREAM)}


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--events", type=int, default=20, help="probes of each run")
    parser.add_argument("--gap", type=float, default=10.0, help="mean seconds between probes")
    parser.add_argument("--timeout", type=float, default=300.0, help="longest wait in seconds")
    arguments = parser.parse_args()
    results = measure(Pace(arguments.events, arguments.gap, arguments.timeout))
    columns = list(next(iter(results.values())))
    show(
        "seconds from acknowledgement to the published snapshot",
        ["run", *columns],
        [[name, *result.values()] for name, result in results.items()],
    )
    emit("visible", {"runs": results})
    return 0


if __name__ == "__main__":
    sys.exit(main())
