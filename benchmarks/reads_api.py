"""Thirty-two clients of the platform API on a mart of ten million rows, while loads never pause.

    python -m benchmarks.reads_api --rows 10000000 --clients 32 --seconds 120

A real ``python -m platform_api`` answers; each client keeps a connection, asks one of the
questions below of a random organisation, thinks for 150 ms and asks again. Once alone, once
beside a writer that loads, builds and publishes without a pause.
"""

from __future__ import annotations

import argparse
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import duckdb
import httpx

from benchmarks.installation import Installation, installation
from benchmarks.measure import Cell, emit, percentile, show
from benchmarks.readers import FILE_EVENTS, Writer
from benchmarks.synthetic import ORGANIZATIONS_COUNT, Load, write_files
from ecomind.identity import Role, open_store
from ecomind.settings import ENVIRONMENT_PREFIX, PROJECT_ROOT

THINK_S = 0.15
MART = "mart.user_footprint_daily"
ALONE, BESIDE_LOADS = "alone", "beside loads"
START_S = 60.0

Keys = dict[tuple[str, Role], str]
"""Texts of keys by organisation and role."""


@dataclass(slots=True)
class Told:
    """What the clients of one measurement saw: waits in ms by question."""

    waits_ms: dict[str, list[float]] = field(default_factory=dict)
    snapshots: set[str] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)
    guard: threading.Lock = field(default_factory=threading.Lock)

    def note(self, question: str, wait_ms: float, answer: httpx.Response) -> None:
        """Add one answer."""
        with self.guard:
            self.waits_ms.setdefault(question, []).append(wait_ms)
            if answer.status_code != httpx.codes.OK:
                self.errors.append(f"{question}: {answer.status_code} {answer.text[:200]}")
            else:
                self.snapshots.add(answer.json()["snapshot_id"])


def questions(load: Load) -> dict[str, tuple[Role, str]]:
    """What is asked, by whom: the day's totals, a month by group, a page of people."""
    end = load.last_day.date()
    month = f"start={end - timedelta(days=29)}&end={end}"
    year = f"start={end - timedelta(days=364)}&end={end}"
    daily = "/v1/aggregate/daily?group_by="
    return {
        "today": (Role.VIEWER, "/v1/today"),
        "a year of the organisation": (Role.VIEWER, f"{daily}org&{year}"),
        "a month by model": (Role.VIEWER, f"{daily}model&{month}"),
        "a month by team, small ones folded": (Role.VIEWER, f"{daily}team&{month}"),
        "a month of people, first 1,000": (Role.ADMIN, f"{daily}user&{month}"),
        "a year of people, first 1,000": (Role.ADMIN, f"{daily}user&{year}"),
        "one figure explained": (Role.ADMIN, f"/v1/footprint/explain?date={end}"),
    }


def grow(ours: Installation, rows: int) -> int:
    """Fill the mart of people with copies of its rows under other names and earlier days."""
    with duckdb.connect(ours.settings.marts_database) as connection:
        connection.execute("set TimeZone = 'UTC'; set preserve_insertion_order = false")
        [(have, span)] = connection.execute(
            f"select count(*), max(usage_date) - min(usage_date) + 1 from {MART}"
        ).fetchall()
        connection.execute(f"create temp table seen as select * from {MART}")
        for number in range(1, max(0, -(-(rows - have) // have)) + 1):
            earlier = f"cast(usage_date - {span * (1 + number % 12)} as date) as usage_date"
            connection.execute(
                f"insert into {MART} select * replace"
                f" ({earlier}, user_id || '_{number}' as user_id) from seen"
            )
        connection.execute("checkpoint")
        [(count,)] = connection.execute(f"select count(*) from {MART}").fetchall()
        return int(count)


@contextmanager
def serving(ours: Installation) -> Iterator[str]:
    """The platform as a process of its own; yields its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = {**ours.environment, f"{ENVIRONMENT_PREFIX}PLATFORM_PORT": str(port)}
    with (ours.settings.logs_dir / "platform.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "platform_api"],
            cwd=PROJECT_ROOT,
            env=environment,
            stdout=log,
            stderr=log,
        )
    url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + START_S
    try:
        while True:
            try:
                httpx.get(f"{url}/readyz").raise_for_status()
                break
            except httpx.TransportError:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)


def keys(ours: Installation) -> Keys:
    """A key of each role that asks, of every organisation."""
    store, made = open_store(ours.settings), {}
    for number in range(ORGANIZATIONS_COUNT):
        org_id = f"org{number:02d}"
        store.organizations.create(org_id, org_id)
        for role in (Role.VIEWER, Role.ADMIN):
            made[org_id, role] = store.keys.create(org_id, role, "benchmark")[0]
    store.close()
    return made


@dataclass(frozen=True, slots=True)
class Asking:
    """Where and as whom clients ask, and until when (monotonic seconds)."""

    url: str
    load: Load
    made: Keys
    deadline: float


def ask_until(asking: Asking, number: int, told: Told) -> None:
    """One client."""
    chance, asked = random.Random(number), questions(asking.load)
    with httpx.Client(base_url=asking.url, timeout=60) as client:
        while time.monotonic() < asking.deadline:
            name = chance.choice(list(asked))
            role, path = asked[name]
            key = asking.made[f"org{chance.randrange(ORGANIZATIONS_COUNT):02d}", role]
            began = time.perf_counter()
            try:
                answer = client.get(path, headers={"authorization": f"Bearer {key}"})
            except httpx.TransportError as error:
                with told.guard:
                    told.errors.append(f"{name}: {type(error).__name__}")
            else:
                told.note(name, 1000 * (time.perf_counter() - began), answer)
            time.sleep(THINK_S)


def measure(url: str, load: Load, made: Keys, clients: int, seconds: float) -> Told:
    """Let clients ask for so many seconds."""
    told, asking = Told(), Asking(url, load, made, time.monotonic() + seconds)
    threads = [
        threading.Thread(target=ask_until, args=(asking, number, told)) for number in range(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


def report(case: str, told: Told) -> dict[str, object]:
    """Print a table of one case; its figures."""
    every = [wait for waits in told.waits_ms.values() for wait in waits]
    rows: list[list[Cell]] = [
        [name, len(waits), percentile(waits, 0.5), percentile(waits, 0.95)]
        for name, waits in [*told.waits_ms.items(), ("all", every)]
    ]
    show(case, ["question", "answers", "median ms", "p95 ms"], rows)
    for error in sorted(set(told.errors))[:5]:
        print(error)
    return {
        "answers": len(every),
        "errors": len(told.errors),
        "snapshots_seen": len(told.snapshots),
        "median_ms": percentile(every, 0.5),
        "p95_ms": percentile(every, 0.95),
        "questions": {str(row[0]): {"median_ms": row[2], "p95_ms": row[3]} for row in rows[:-1]},
    }


def run(rows: int, clients: int, seconds: float, events: int) -> bool:
    """Measure both cases; whether there was no error."""
    load, cases = Load(events, file_events=FILE_EVENTS), {}
    with installation() as ours:
        print(f"landing and loading {events:,} events", file=sys.stderr)
        ours.prepare()
        write_files(ours.settings.landing_dir, load)
        ours.load()
        ours.build()
        print(f"growing {MART} to {rows:,} rows", file=sys.stderr)
        rows = grow(ours, rows)
        ours.publish()
        made = keys(ours)
        with serving(ours) as url:
            measure(url, load, made, 2, 2.0)  # Warms nothing but the client's own code.
            cases[ALONE] = report(ALONE, measure(url, load, made, clients, seconds))
            writer = Writer(ours, load)
            writer.start()
            cases[BESIDE_LOADS] = report(BESIDE_LOADS, measure(url, load, made, clients, seconds))
            writer.stopped.set()
            writer.join()
        if writer.failure:
            raise writer.failure
    emit("reads_api", {"rows": rows, "clients": clients, "seconds": seconds,
                       "refreshes": writer.refreshes, "cases": cases})  # fmt: skip
    return not any(case["errors"] for case in cases.values())


def main() -> int:
    """Read the arguments and run; 1 when an answer was an error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--events", type=int, default=200_000, help="events loaded beforehand")
    given = parser.parse_args()
    return int(not run(given.rows, given.clients, given.seconds, given.events))


if __name__ == "__main__":
    sys.exit(main())
