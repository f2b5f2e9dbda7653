"""How many events per second does the ingest API acknowledge, and how fast?

    python -m benchmarks.ingest --rounds 5 --seconds 10

The real service as its own process: keys checked, events validated, answers after the flush,
segments sealed to Parquet meanwhile. The generator (wrk) runs on the same cores.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from benchmarks.ingest_service import ingest_service, landed_rows
from benchmarks.measure import Cell, emit, show
from ecomind.settings import PROJECT_ROOT

SCRIPT = PROJECT_ROOT / "benchmarks" / "ingest.lua"
MINIMUM_SINGLE_PER_S, MAXIMUM_P95_MS, MINIMUM_RATIO = 12_000, 30.0, 0.75
MINIMUM_BATCH_PER_S = 250_000
TARGET_P95_MS = 500.0
"""The aim of the original project, at 100 users."""


@dataclass(frozen=True, slots=True)
class Case:
    """A way to send: connections, events per request, and what is changed in the service."""

    name: str
    connections: int
    events: int
    layer: str = ""


SINGLE = Case("single events, 100 connections", 100, 1)
NULL = Case("the same, log switched off", 100, 1, "null")
BATCH = Case("500 per request, 16 connections", 16, 500)
CASES = (
    SINGLE,
    NULL,
    BATCH,
    Case("single events, 500 connections", 500, 1),
    Case("100 connections, flush 5 ms slower", 100, 1, "slow:5"),
    Case("500 connections, flush 5 ms slower", 500, 1, "slow:5"),
)


@dataclass(frozen=True, slots=True)
class Figures:
    """One run: acknowledged events per second, milliseconds, CPU microseconds per event, cores.

    ``other_cores`` were busy with other programs, ``stolen_cores`` were not given to this machine
    by its host. ``refused_share``: requests answered 503 because the sealer was too far behind.
    """

    events_per_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    cpu_us: float
    other_cores: float
    stolen_cores: float
    refused_share: float


def _busy_s() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.system + times.nice + times.irq + times.softirq)


def run(case: Case, seconds: int, number: int) -> Figures:
    """Send for so many seconds to a fresh service. Raises ``RuntimeError`` when it breaks."""
    home = Path(tempfile.mkdtemp(prefix="ecomind-benchmark-"))
    moment = datetime.now(UTC).isoformat()
    try:
        with ingest_service(home, case.layer) as service:
            command = ["wrk", "-t1", f"-c{case.connections}", "-s", str(SCRIPT)]
            script = ["--", service.key, str(case.events), moment, f"r{number}"]
            warm = [*command, "-d1s", service.url, *script[:-1], f"w{number}"]
            subprocess.run(warm, check=True, capture_output=True)
            busy_s, cpu_s, stolen_s = _busy_s(), service.cpu_s(), psutil.cpu_times().steal
            before = psutil.Process().cpu_times()
            done = subprocess.run(
                [*command, f"-d{seconds}s", service.url, *script],
                check=True,
                capture_output=True,
                text=True,
            )
            after = psutil.Process().cpu_times()
            cpu_s = service.cpu_s() - cpu_s
            told = json.loads(done.stdout.splitlines()[-1])
            wrk_s = sum(after[2:4]) - sum(before[2:4])
            other_s = _busy_s() - busy_s - cpu_s - wrk_s
            stolen_s = psutil.cpu_times().steal - stolen_s
            service.stop()
        acknowledged = told["requests"] - told["refused"]
        events = acknowledged * case.events
        if told["broken"] or not acknowledged:
            raise RuntimeError(f"{case.name}: {told}")
        if case.layer != "null" and landed_rows(service.settings) < events:
            raise RuntimeError(f"{case.name}: {landed_rows(service.settings)} of {events} landed")
    finally:
        shutil.rmtree(home)
    return Figures(
        events / told["seconds"],
        told["p50_ms"],
        told["p95_ms"],
        told["p99_ms"],
        1e6 * cpu_s / events,
        max(0.0, other_s / told["seconds"]),
        stolen_s / told["seconds"],
        told["refused"] / told["requests"],
    )


def _median(runs: list[Figures]) -> Figures:
    names = Figures.__slots__
    return Figures(*(statistics.median(getattr(each, name) for each in runs) for name in names))


def measure(cases: tuple[Case, ...], rounds: int, seconds: int) -> dict[Case, list[Figures]]:
    """Interleaved rounds, so that a busy moment does not hit one case alone."""
    runs: dict[Case, list[Figures]] = {case: [] for case in cases}
    for number in range(rounds):
        for case in cases:
            print(f"round {number + 1}: {case.name}", file=sys.stderr)
            runs[case].append(run(case, seconds, number))
    return runs


def _ratio(runs: list[Figures], of: list[Figures]) -> float:
    """Geometric mean over the rounds: both of a round were measured within the same minute."""
    pairs = zip(runs, of, strict=True)
    return statistics.geometric_mean(one.events_per_s / other.events_per_s for one, other in pairs)


def _report(runs: dict[Case, list[Figures]], rounds: int, seconds: int) -> bool:
    medians = {case: _median(each) for case, each in runs.items()}
    columns = [
        "case",
        "events/s",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "CPU us/event",
        "other cores",
        "stolen cores",
        "refused",
    ]
    rows: list[list[Cell]] = [
        [case.name, *(getattr(figures, name) for name in Figures.__slots__)]
        for case, figures in medians.items()
    ]
    show(f"ingest, medians of {rounds} rounds of {seconds} s", columns, rows)
    aims: list[tuple[str, float, str, bool]] = []
    single, batch = medians.get(SINGLE), medians.get(BATCH)
    if single is not None:
        rate, p95_ms = single.events_per_s, single.p95_ms
        aims += [
            ("single events/s", rate, f">= {MINIMUM_SINGLE_PER_S:,}", rate >= MINIMUM_SINGLE_PER_S),
            ("p95 ms", p95_ms, f"< {MAXIMUM_P95_MS:g}", p95_ms < MAXIMUM_P95_MS),
            ("100 users, p95 < 500 ms", p95_ms, f"< {TARGET_P95_MS:g}", p95_ms < TARGET_P95_MS),
        ]
        if NULL in runs:
            ratio = _ratio(runs[SINGLE], runs[NULL])
            aims.append(
                ("of the log switched off", ratio, f">= {MINIMUM_RATIO}", ratio >= MINIMUM_RATIO)
            )
    if batch is not None:
        rate = batch.events_per_s
        aims.append(
            ("events/s at 500", rate, f">= {MINIMUM_BATCH_PER_S:,}", rate >= MINIMUM_BATCH_PER_S)
        )
    show(
        "aims",
        ["what", "figure", "aim", "met"],
        [[what, figure, aim, "yes" if met else "NO"] for what, figure, aim, met in aims],
    )
    cases = {
        case.name: {name: getattr(figures, name) for name in Figures.__slots__}
        for case, figures in medians.items()
    }
    emit("ingest", {"rounds": rounds, "seconds": seconds, "cases": cases,
                    "aims": {what: [figure, met] for what, figure, _, met in aims}})  # fmt: skip
    return all(met for *_, met in aims)


def main() -> int:
    """Read the arguments and run; 1 when an aim is missed, 2 without wrk."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--first", type=int, default=len(CASES), help="only so many of the cases")
    arguments = parser.parse_args()
    if shutil.which("wrk") is None:
        print("wrk is missing; on Debian: apt install wrk", file=sys.stderr)
        return 2
    cases = CASES[: arguments.first]
    runs = measure(cases, arguments.rounds, arguments.seconds)
    return int(not _report(runs, arguments.rounds, arguments.seconds))


if __name__ == "__main__":
    sys.exit(main())
