"""Do sealing and compaction keep up, and does memory stay flat, at 10,000 events a second?

    python -m benchmarks.soak --seconds 600

Requests are due at fixed moments whether or not earlier ones were answered (open loop), and
waiting counts from the moment a request was due. Small files are merged beside it, as the load
would do it.
"""

from __future__ import annotations

import argparse
import http.client
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil

from benchmarks.ingest_service import IngestService, ingest_service, landed_files, landed_rows
from benchmarks.measure import Cell, emit, percentile, show
from ecomind.settings import PROJECT_ROOT
from ingest_api.landing.segment import backlog, oldest_created_at

LOOK_S = 1.0
FLAT_MB_PER_MIN = 1.0
"""Growth of resident memory beyond which it does not count as flat."""
BACKLOG_MAX_BYTES = 3 * 32 * 2**20
"""Three full segments: one being written, one being sealed, one waiting."""
_COMPACT = (
    "from ecomind.settings import Settings; from orchestration.compaction import compact_unloaded;"
    " print(compact_unloaded(Settings()))"
)


class Sender(threading.Thread):
    """One connection that sends its share of the requests, each at its moment."""

    def __init__(self, service: IngestService, number: int, moments: Sequence[float], batch: int):
        """``moments`` are seconds of the monotonic clock."""
        super().__init__(daemon=True)
        self.port, self.key, self.number = service.port, service.key, number
        self.moments, self.batch = moments, batch
        self.waits_ms: list[float] = []
        self.acknowledged = 0
        self.refused = 0

    def _body(self, request: int) -> bytes:
        occurred_at = datetime.now(UTC).isoformat()
        rest = (
            f'","occurred_at":"{occurred_at}","provider":"openai","request_model":"gpt-4o",'
            '"user_id":"u-4711","team_id":"search","region":"westeurope","input_tokens":1200,'
            '"output_tokens":350}'
        )
        events = (f'{{"event_id":"s{self.number}-{request}-{n}{rest}' for n in range(self.batch))
        return f"[{','.join(events)}]".encode()

    def run(self) -> None:
        """Send everything; what is refused is not sent again."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"x-api-key": self.key, "content-type": "application/json"}
        for request, moment in enumerate(self.moments):
            time.sleep(max(0.0, moment - time.monotonic()))
            connection.request("POST", "/v1/events", self._body(request), headers)
            response = connection.getresponse()
            response.read()
            self.waits_ms.append(1000 * (time.monotonic() - moment))
            if response.status == 202:
                self.acknowledged += self.batch
            else:
                self.refused += self.batch


@dataclass(slots=True)
class Looks:
    """What was seen once a second: minutes since the start, MB, segments, bytes, seconds."""

    minutes: list[float] = field(default_factory=list)
    service_mb: list[float] = field(default_factory=list)
    sealer_mb: list[float] = field(default_factory=list)
    waiting_bytes: list[int] = field(default_factory=list)
    waiting_segments: list[int] = field(default_factory=list)
    unlanded_s: list[float] = field(default_factory=list)

    def look(self, service: IngestService, minutes: float) -> None:
        """Take one look; one that meets a process starting or ending is left out."""
        sealer = service.sealer()
        if sealer is None:
            return
        with suppress(psutil.Error):
            sealer_mb = sealer.memory_info().rss / 2**20
            processes = [each for each in service.processes() if each.pid != sealer.pid]
            self.service_mb.append(sum(each.memory_info().rss for each in processes) / 2**20)
            self.sealer_mb.append(sealer_mb)
            self.minutes.append(minutes)
            segments, size = backlog(service.settings.wal_dir)
            self.waiting_segments.append(segments)
            self.waiting_bytes.append(size)
            oldest = oldest_created_at(service.settings.wal_dir)
            age = 0.0 if oldest is None else (datetime.now(UTC) - oldest).total_seconds()
            self.unlanded_s.append(age)

    def slope(self, values: Sequence[float]) -> float:
        """Growth per minute after the first third, by least squares."""
        begin = len(values) // 3
        if len(values) - begin < 2:
            return 0.0
        return statistics.linear_regression(self.minutes[begin:], values[begin:]).slope


class Compacting(threading.Thread):
    """Merges small files now and then, each time in a process of its own."""

    def __init__(self, service: IngestService, every_s: float) -> None:
        """Begin after ``every_s`` seconds."""
        super().__init__(daemon=True)
        self.service, self.every_s = service, every_s
        self.stopped = threading.Event()
        self.seconds: list[float] = []
        self.failure = ""

    def run(self) -> None:
        """Merge until stopped."""
        while not self.stopped.wait(self.every_s):
            began = time.monotonic()
            done = subprocess.run(
                [sys.executable, "-c", _COMPACT],
                cwd=PROJECT_ROOT,
                env=self.service.environment,
                capture_output=True,
                text=True,
                check=False,
            )
            self.seconds.append(time.monotonic() - began)
            if done.returncode:
                self.failure = done.stderr[-1000:]


def _moments(seconds: int, rate: int, batch: int, senders: int) -> list[list[float]]:
    start, gap = time.monotonic() + 1, batch / rate
    due = [start + n * gap for n in range(seconds * rate // batch)]
    return [due[number::senders] for number in range(senders)]


def soak(seconds: int, rate: int, batch: int, connections: int, compact_every_s: float) -> bool:
    """Send for so many seconds, look, and tell; whether all was held."""
    home = Path(tempfile.mkdtemp(prefix="ecomind-benchmark-"))
    looks = Looks()
    try:
        with ingest_service(home, COMPACT_MIN_FILES="16") as service:
            shares = _moments(seconds, rate, batch, connections)
            senders = [Sender(service, n, share, batch) for n, share in enumerate(shares)]
            compacting = Compacting(service, compact_every_s)
            began = time.monotonic()
            for thread in (*senders, compacting):
                thread.start()
            while any(sender.is_alive() for sender in senders):
                looks.look(service, (time.monotonic() - began) / 60)
                time.sleep(LOOK_S)
            compacting.stopped.set()
            compacting.join()
            last_batch_at = time.monotonic()
            while backlog(service.settings.wal_dir)[0] and time.monotonic() < last_batch_at + 120:
                time.sleep(0.05)
            drained_s = time.monotonic() - last_batch_at
            service.stop()
            landed = landed_rows(service.settings)
            files = len(landed_files(service.settings))
        if compacting.failure:
            raise RuntimeError(compacting.failure)
    finally:
        shutil.rmtree(home)
    acknowledged = sum(sender.acknowledged for sender in senders)
    waits = [wait for sender in senders for wait in sender.waits_ms]
    result: dict[str, Cell] = {
        "seconds": seconds,
        "due events/s": rate,
        "acknowledged events/s": acknowledged / seconds,
        "refused": sum(sender.refused for sender in senders),
        "lost": acknowledged - landed,
        "p50 ms from due": percentile(waits, 0.5),
        "p95 ms from due": percentile(waits, 0.95),
        "p99 ms from due": percentile(waits, 0.99),
        "files": files,
        "merges": len(compacting.seconds),
        "longest merge s": max(compacting.seconds, default=0.0),
        "oldest event not landed, median s": statistics.median(looks.unlanded_s),
        "oldest event not landed, longest s": max(looks.unlanded_s),
        "most segments waiting": max(looks.waiting_segments),
        "most MB waiting": max(looks.waiting_bytes) / 2**20,
        "drained after s": drained_s,
        "service MB at the end": looks.service_mb[-1],
        "service MB per minute": looks.slope(looks.service_mb),
        "sealer MB at the end": looks.sealer_mb[-1],
        "sealer MB per minute": looks.slope(looks.sealer_mb),
    }
    show("a steady stream", ["what", "figure"], list(result.items()))
    growth = max(looks.slope(looks.service_mb), looks.slope(looks.sealer_mb))
    held = {
        "nothing refused or lost": not result["refused"] and result["lost"] == 0,
        "the backlog stays flat": max(looks.waiting_bytes) <= BACKLOG_MAX_BYTES,
        # In less than some minutes a slope tells of the start, not of a leak.
        "memory stays flat": growth <= FLAT_MB_PER_MIN or seconds < 300,
    }
    show("aims", ["what", "held"], [[what, "yes" if ok else "NO"] for what, ok in held.items()])
    emit("soak", {**result, "held": held})
    return all(held.values())


def main() -> int:
    """Read the arguments and run; 1 when an aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--rate", type=int, default=10_000, help="events per second")
    parser.add_argument("--batch", type=int, default=100, help="events per request")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--compact-every", type=float, default=60.0, help="seconds")
    told = parser.parse_args()
    held = soak(told.seconds, told.rate, told.batch, told.connections, told.compact_every)
    return int(not held)


if __name__ == "__main__":
    sys.exit(main())
