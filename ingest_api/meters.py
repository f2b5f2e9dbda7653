"""What the service counts of itself.

Belongs here: plain numbers, cheap enough for every request, and adding those of several
processes. Does not belong here: Prometheus (``metrics``), or anything that names an
organisation, a key or a person.

Every number has one writer at a time: the event loop, or the thread that commits. Readers may see a
moment in between, never a torn number.
"""

from __future__ import annotations

import os
import time
from bisect import bisect_left
from collections.abc import Iterable
from pathlib import Path

import msgspec

from ingest_api.outcome import Outcome

REQUEST_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
COMMIT_BOUNDS_S = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5)
GROUP_BOUNDS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 1024.0)
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_STATM = Path("/proc/self/statm")


class Histogram(msgspec.Struct):
    """Observations by upper bound; the last count holds what is above all bounds."""

    bounds: tuple[float, ...]
    counts: list[int] = []
    total: float = 0.0

    def __post_init__(self) -> None:
        """Start with nothing observed."""
        if not self.counts:
            self.counts = [0] * (len(self.bounds) + 1)

    def observe(self, value: float) -> None:
        """Count one observation."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def add(self, other: Histogram) -> None:
        """Take in the observations of another process."""
        self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        self.total += other.total


def _histogram(bounds: tuple[float, ...]) -> Histogram:
    return msgspec.field(default_factory=lambda: Histogram(bounds))


class Totals(msgspec.Struct):
    """What one process has counted since its start, and how it stands now (the gauges)."""

    requests: dict[str, dict[int, int]] = {}
    """By route and status."""
    accepted: dict[str, int] = {}
    """Items by adapter."""
    duplicate: dict[str, int] = {}
    rejected: dict[str, dict[str, int]] = {}
    """Items by adapter and code."""
    body_bytes: int = 0
    request_seconds: Histogram = _histogram(REQUEST_BOUNDS_S)
    commit_seconds: Histogram = _histogram(COMMIT_BOUNDS_S)
    group_requests: Histogram = _histogram(GROUP_BOUNDS)
    committed_bytes: int = 0
    log_failures: dict[str, int] = {}
    """By reason."""
    cpu_seconds: float = 0.0
    pending_bytes: int = 0
    requests_under_way: int = 0
    resident_bytes: int = 0

    def add(self, other: Totals) -> None:
        """Take in what another process has counted."""
        for name in self.__struct_fields__:
            mine, others = getattr(self, name), getattr(other, name)
            if isinstance(mine, Histogram):
                mine.add(others)
            elif isinstance(mine, dict):
                _add_counts(mine, others)
            else:
                setattr(self, name, mine + others)

    def without_gauges(self) -> Totals:
        """What remains counted of a process that has ended."""
        return msgspec.structs.replace(
            self, pending_bytes=0, requests_under_way=0, resident_bytes=0
        )


def _add_counts(mine: dict[object, object], others: dict[object, object]) -> None:
    for key, value in others.items():
        if isinstance(value, dict):
            inner = mine.setdefault(key, {})
            assert isinstance(inner, dict)  # noqa: S101 - both are of one field.
            _add_counts(inner, value)
        else:
            mine[key] = mine.get(key, 0) + value  # type: ignore[operator]


def added(all_totals: Iterable[Totals]) -> Totals:
    """The totals of several processes as one."""
    together = Totals()
    for totals in all_totals:
        together.add(totals)
    return together


class LogMeters:
    """What the committing thread counts."""

    __slots__ = ("bytes", "failures", "requests", "seconds")

    def __init__(self) -> None:
        """Start at nothing."""
        self.seconds = Histogram(COMMIT_BOUNDS_S)
        self.requests = Histogram(GROUP_BOUNDS)
        self.bytes = 0
        self.failures: dict[str, int] = {}

    def committed(self, requests: int, size: int, seconds: float) -> None:
        """Count a group that is on the disk."""
        self.seconds.observe(seconds)
        self.requests.observe(requests)
        self.bytes += size

    def failed(self, reason: str) -> None:
        """Count a group of which nothing was stored."""
        self.failures[reason] = self.failures.get(reason, 0) + 1


class Meters:
    """What the event loop counts."""

    __slots__ = ("accepted", "body_bytes", "duplicate", "rejected", "requests", "seconds")

    def __init__(self) -> None:
        """Start at nothing."""
        self.requests: dict[tuple[str, int], int] = {}
        self.accepted: dict[str, int] = {}
        self.duplicate: dict[str, int] = {}
        self.rejected: dict[tuple[str, str], int] = {}
        self.body_bytes = 0
        self.seconds = Histogram(REQUEST_BOUNDS_S)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count an answer; ``route`` is one of ours, never what somebody asked for."""
        key = (route, status)
        self.requests[key] = self.requests.get(key, 0) + 1
        self.seconds.observe(seconds)

    def judged(self, adapter: str, outcome: Outcome) -> None:
        """Count what became of a request's items."""
        self.accepted[adapter] = self.accepted.get(adapter, 0) + outcome.accepted
        if outcome.duplicate:
            self.duplicate[adapter] = self.duplicate.get(adapter, 0) + outcome.duplicate
        if outcome.rejected:
            for result in outcome.results:
                for error in result.errors[:1]:
                    key = (adapter, error["code"])
                    self.rejected[key] = self.rejected.get(key, 0) + 1

    def totals(self, log: LogMeters, pending_bytes: int, requests_under_way: int) -> Totals:
        """Everything this process has counted, as it stands."""
        totals = Totals(
            accepted=dict(self.accepted),
            duplicate=dict(self.duplicate),
            body_bytes=self.body_bytes,
            request_seconds=self.seconds,
            commit_seconds=log.seconds,
            group_requests=log.requests,
            committed_bytes=log.bytes,
            log_failures=dict(log.failures),
            cpu_seconds=time.process_time(),
            pending_bytes=pending_bytes,
            requests_under_way=requests_under_way,
            resident_bytes=_resident_bytes(),
        )
        for (route, status), count in self.requests.items():
            totals.requests.setdefault(route, {})[status] = count
        for (adapter, code), count in self.rejected.items():
            totals.rejected.setdefault(adapter, {})[code] = count
        return totals


def _resident_bytes() -> int:
    """Memory of this process, or 0 where the system does not tell."""
    try:
        return int(_STATM.read_text("ascii").split()[1]) * _PAGE_BYTES
    except OSError:
        return 0
