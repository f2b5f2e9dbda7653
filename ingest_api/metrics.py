"""The service's numbers as Prometheus reads them.

Belongs here: names, help texts and labels. Does not belong here: counting (``meters``). Labels
are routes, adapters, codes and statuses of ours: never an organisation, a key or a person.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.utils import floatToGoString

from ecomind.settings import Settings
from ingest_api.landing.segment import backlog, oldest_created_at
from ingest_api.meters import Histogram, Totals
from ingest_api.startup import version_text

_PREFIX = "ecomind_ingest_"


class Machine(msgspec.Struct, frozen=True):
    """What all processes of a service share, as it stands."""

    unsealed_segments: int
    unsealed_bytes: int
    oldest_unsealed_age_s: float
    disk_free_bytes: int
    last_seal_at: float
    """Seconds since the epoch; 0 when nothing was ever sealed."""


class Standing(msgspec.Struct, frozen=True):
    """How the service's processes stand."""

    is_ready: bool
    workers: int
    workers_up: int
    worker_starts: int
    is_sealer_up: bool
    sealer_starts: int


def look_at_machine(settings: Settings) -> Machine:
    """Read the folders; may take a while when much is unsealed."""
    segments, size = backlog(settings.wal_dir)
    oldest = oldest_created_at(settings.wal_dir)
    try:
        disk = os.statvfs(settings.wal_dir)
        free = disk.f_bavail * disk.f_frsize
    except OSError:  # The folder is gone: nothing can be stored there.
        free = 0
    try:
        # Written whenever a segment gets its number.
        last_seal_at = (settings.wal_dir / f"sequence-{settings.node}").stat().st_mtime
    except OSError:
        last_seal_at = 0.0
    age_s = 0.0 if oldest is None else max(0.0, time.time() - oldest.timestamp())
    return Machine(segments, size, age_s, free, last_seal_at)


class _Families:
    """What Prometheus' encoders take for a registry."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def exposition(
    settings: Settings, totals: Totals, machine: Machine, standing: Standing, accept: str
) -> tuple[bytes, str]:
    """The body and its media type, in the newest form that ``accept`` names."""
    encode, media_type = choose_encoder(accept)
    metrics = (*_counted(totals), *_shared(machine), *_processes(settings, standing, totals))
    body: bytes = encode(_Families(metrics))
    return body, media_type


def _counted(totals: Totals) -> Iterator[Metric]:
    yield _counter("requests", "Requests answered.", ("route", "status"), _flat(totals.requests))
    yield _histogram("request_duration_seconds", "From headers to answer.", totals.request_seconds)
    yield _counter("request_body_bytes", "Bytes of bodies as received.", (), totals.body_bytes)
    yield _counter("items_accepted", "Items stored.", ("adapter",), totals.accepted)
    yield _counter(
        "items_repeated", "Items stored that repeat one of their request.", ("adapter",),
        totals.duplicate,
    )  # fmt: skip
    yield _counter("items_rejected", "Items refused.", ("adapter", "code"), _flat(totals.rejected))
    yield _histogram("commit_duration_seconds", "Write and fdatasync.", totals.commit_seconds)
    yield _histogram("commit_group_requests", "Requests per commit.", totals.group_requests)
    yield _counter("committed_bytes", "Bytes made durable.", (), totals.committed_bytes)
    yield _counter(
        "commit_failures", "Commits of which nothing was stored.", ("reason",),
        {"fsync_error": 0, "write_error": 0, "disk_full": 0, **totals.log_failures},
    )  # fmt: skip
    yield _gauge("pending_bytes", "Bytes waiting for the disk.", totals.pending_bytes)
    yield _gauge("requests_under_way", "Requests being answered.", totals.requests_under_way)


def _shared(machine: Machine) -> Iterator[Metric]:
    yield _gauge("unsealed_segments", "Segments not yet Parquet.", machine.unsealed_segments)
    yield _gauge("unsealed_bytes", "Bytes of those segments.", machine.unsealed_bytes)
    yield _gauge(
        "oldest_unsealed_age_seconds", "Age of the oldest of them.", machine.oldest_unsealed_age_s
    )
    yield _gauge("disk_free_bytes", "Free space for the log.", machine.disk_free_bytes)
    yield _gauge("last_seal_timestamp_seconds", "When a segment was last sealed; 0 is never.",
                 machine.last_seal_at)  # fmt: skip


def _processes(settings: Settings, standing: Standing, totals: Totals) -> Iterator[Metric]:
    yield _gauge("ready", "1 while events are accepted.", standing.is_ready)
    yield _gauge("sealer_up", "1 while the sealer runs.", standing.is_sealer_up)
    yield _counter("sealer_starts", "Starts of the sealer.", (), standing.sealer_starts)
    yield _gauge("workers", "Workers wanted.", standing.workers)
    yield _gauge("workers_up", "Workers that accept.", standing.workers_up)
    yield _counter("worker_starts", "Starts of workers.", (), standing.worker_starts)
    yield _counter("cpu_seconds", "Processor time of the workers.", (), totals.cpu_seconds)
    yield _gauge("resident_memory_bytes", "Memory of the workers.", totals.resident_bytes)
    about = InfoMetricFamily(f"{_PREFIX}build", "What runs here.")
    about.add_metric((), {"version": version_text(), "node": settings.node})
    yield about


def _flat(counts: dict[str, dict[Any, int]]) -> dict[tuple[str, str], int]:
    return {(a, str(b)): n for a, inner in counts.items() for b, n in inner.items()}


def _counter(
    name: str, help_text: str, labels: tuple[str, ...], counts: float | dict[Any, int]
) -> Metric:
    family = CounterMetricFamily(f"{_PREFIX}{name}", help_text, labels=labels)
    if not isinstance(counts, dict):
        family.add_metric((), counts)
        return family
    for key, count in sorted(counts.items()):
        family.add_metric((key,) if isinstance(key, str) else key, count)
    return family


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{_PREFIX}{name}", help_text, value=float(value))


def _histogram(name: str, help_text: str, histogram: Histogram) -> Metric:
    buckets, below = [], 0
    for bound, count in zip((*histogram.bounds, float("inf")), histogram.counts, strict=True):
        below += count
        buckets.append((floatToGoString(bound), below))  # type: ignore[no-untyped-call]
    return HistogramMetricFamily(
        f"{_PREFIX}{name}", help_text, buckets=buckets, sum_value=histogram.total
    )
