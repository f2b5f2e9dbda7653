"""Eight readers of the published snapshot while loads, builds and publications never pause.

    python -m benchmarks.readers --seconds 300 --readers 8

Each reader is a process that asks three questions of a dashboard through the same door as the
dashboard, thinks for 150 ms and asks again, always of the snapshot that is current then.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import random
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from benchmarks.installation import Installation, installation
from benchmarks.measure import emit, percentile, show
from benchmarks.synthetic import ORGANIZATIONS_COUNT, Load, events_select, land_select, write_files
from ecomind.errors import EcoMindError
from ecomind.identity import PERMISSIONS, Principal, Role
from ecomind.settings import Settings
from ecomind.warehouse.reader import OrgReader
from ecomind.warehouse.snapshot import SnapshotRef, current_snapshot

THINK_S = 0.15
FILE_EVENTS = 5000


@dataclass(slots=True)
class Told:
    """What one reader saw."""

    waits_ms: list[float] = field(default_factory=list)
    snapshots: set[str] = field(default_factory=set)
    lock_errors: int = 0
    other_errors: int = 0
    inconsistencies: int = 0
    example: str = ""


def _ask(snapshot: SnapshotRef, principal: Principal, load: Load) -> tuple[float, float]:
    """Three questions of a dashboard; the organisation's events and kWh as its mart has them."""
    reader = OrgReader(snapshot, principal)
    end = load.last_day.date()
    daily = reader.mart("org_footprint_daily")
    reader.mart("model_footprint_daily", end - timedelta(days=30), end)
    reader.mart("region_footprint_daily", end - timedelta(days=7), end)
    return _total(daily, "events"), _total(daily, "energy_mid_kwh")


def _total(table: pa.Table, column: str) -> float:
    return math.fsum(value for value in table.column(column).to_pylist() if value is not None)


def _is_whole(snapshot: SnapshotRef, org_id: str, events: float, energy_kwh: float) -> bool:
    """Whether the base in the same snapshot holds the same totals."""
    with snapshot.connect() as connection:
        row = connection.execute(
            "select coalesce(sum(events), 0), coalesce(sum(energy_mid_kwh), 0)"
            " from intermediate.usage_footprint_daily where org_id = ?",
            [org_id],
        ).fetchone()
    assert row is not None
    return row[0] == events and math.isclose(row[1], energy_kwh, rel_tol=1e-9)


def read_until(home: Path, number: int, seconds: float, results: Any) -> None:
    """Read for so many seconds and put what was seen into ``results``."""
    settings, load, chance, told = Settings(home=home), Load(1), random.Random(number), Told()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        org_id = f"org{chance.randrange(ORGANIZATIONS_COUNT):02d}"
        admin = Principal(org_id, org_id, "bench", Role.ADMIN, PERMISSIONS[Role.ADMIN])
        try:
            began = time.perf_counter()
            snapshot = current_snapshot(settings)
            events, energy_kwh = _ask(snapshot, admin, load)
            told.waits_ms.append(1000 * (time.perf_counter() - began))
            told.inconsistencies += not _is_whole(snapshot, org_id, events, energy_kwh)
            told.snapshots.add(snapshot.snapshot_id)
        except (duckdb.Error, EcoMindError, OSError) as error:
            told.example = f"{type(error).__name__}: {error}"[:200]
            if "lock" in str(error).lower():
                told.lock_errors += 1
            else:
                told.other_errors += 1
        time.sleep(THINK_S)
    results.put(told)


class Writer(threading.Thread):
    """Lands, loads, builds and publishes without a pause, each step in its own process."""

    def __init__(self, ours: Installation, load: Load) -> None:
        """Go on after the files of ``load``."""
        super().__init__(daemon=True)
        self.ours, self.load = ours, load
        self.refreshes = 0
        self.failure: Exception | None = None
        self.stopped = threading.Event()

    def run(self) -> None:
        """Refresh until stopped."""
        sequence = self.load.files_count
        try:
            while not self.stopped.is_set():
                sequence += 1
                first = sequence * FILE_EVENTS
                select = events_select(self.load, first, first + FILE_EVENTS)
                with duckdb.connect() as connection:
                    connection.execute("set TimeZone = 'UTC'; set threads = 1")
                    land_select(connection, self.ours.settings.landing_dir, sequence, select)
                self.ours.load()
                self.ours.build()
                self.ours.publish()
                self.refreshes += 1
        except Exception as error:  # Told by the main thread.
            self.failure = error


def measure(seconds: float, readers: int, events: int) -> list[Told]:
    """Run readers and the writer; what each reader saw, with the number of refreshes printed."""
    load = Load(events, file_events=FILE_EVENTS)
    context = multiprocessing.get_context("spawn")
    with installation() as ours:
        print(f"landing and loading {events:,} events", file=sys.stderr)
        ours.prepare()
        write_files(ours.settings.landing_dir, load)
        for step in (ours.load, ours.build, ours.publish):
            step()
        results = context.Queue()
        processes = [
            context.Process(target=read_until, args=(ours.settings.home, n, seconds, results))
            for n in range(readers)
        ]
        writer = Writer(ours, load)
        writer.start()
        for process in processes:
            process.start()
        told = [results.get(timeout=seconds + 120) for _ in processes]
        for process in processes:
            process.join()
        writer.stopped.set()
        writer.join()
        if writer.failure:
            raise writer.failure
    _report(told, seconds, writer.refreshes, events)
    return told


def _report(told: list[Told], seconds: float, refreshes: int, events: int) -> None:
    waits = [wait for one in told for wait in one.waits_ms]
    result = {
        "readers": len(told),
        "seconds": seconds,
        "events": events,
        "refreshes": refreshes,
        "snapshots_seen": len(set().union(*(one.snapshots for one in told))),
        "reads": 3 * len(waits),
        "lock_errors": sum(one.lock_errors for one in told),
        "other_errors": sum(one.other_errors for one in told),
        "inconsistencies": sum(one.inconsistencies for one in told),
        "page_p50_ms": percentile(waits, 0.5),
        "page_p95_ms": percentile(waits, 0.95),
    }
    show("readers beside a writer that never pauses", ["what", "figure"], list(result.items()))
    for one in told:
        if one.example:
            print(one.example)
    emit("readers", result)


def main() -> int:
    """Read the arguments and run; 1 when a reader saw an error or an inconsistency."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--readers", type=int, default=8)
    parser.add_argument("--events", type=int, default=500_000, help="events loaded beforehand")
    arguments = parser.parse_args()
    told = measure(arguments.seconds, arguments.readers, arguments.events)
    return int(any(one.lock_errors + one.other_errors + one.inconsistencies for one in told))


if __name__ == "__main__":
    sys.exit(main())
