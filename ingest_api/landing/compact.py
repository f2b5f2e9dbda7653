"""Compaction: many small landed files of a node become a few larger ones.

Belongs here: merging files next to each other in their node's sequence, and removing what a merged
file stands for. Does not belong here: which files were loaded already, or when to merge; the
caller says so, and sees to it that nobody else merges or loads meanwhile.

A merged file takes the name of the last of its parts and says in it with which sequence it
begins. Putting it is one step, and from then on listings pass over its parts: a crash before it
leaves the parts, a crash after it leaves them to be removed next time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import groupby, islice
from operator import attrgetter

import pyarrow as pa
import pyarrow.parquet as pq

from ecomind.contract.fields import Table
from ecomind.contract.landing import arrow_schema
from ecomind.landing_zone import LandedFile, LandingZone
from ingest_api.landing.parquet import SORTED_BY, land

SMALL_BYTES = 4 * 2**20
"""Larger files are left as they are."""
_MERGED_ROWS = 122_880
_AT_ONCE = 8
_READ_AHEAD = 64


@dataclass(frozen=True, slots=True)
class Compacted:
    """What compaction did: files merged, files they became, and leftovers removed."""

    merged_count: int = 0
    into_count: int = 0
    removed_count: int = 0


class _Run:
    """Files next to each other, read and waiting to become one."""

    def __init__(self) -> None:
        self.files: list[LandedFile] = []
        self.tables: list[pa.Table] = []
        self.rows = 0

    def add(self, file: LandedFile, rows: pa.Table) -> None:
        self.files.append(file)
        self.tables.append(rows)
        self.rows += rows.num_rows

    @property
    def is_full(self) -> bool:
        return self.rows >= _MERGED_ROWS


def compact(
    zone: LandingZone, table: Table, unloaded: Iterable[LandedFile], min_files: int
) -> Compacted:
    """Merge small files of nodes that have more than ``min_files`` of them.

    ``unloaded``: every file of the table that no load has dealt with, without superseded ones.
    Files that cannot be read, or have other columns than the contract, stay for the load to
    judge. Raises ``OSError`` or ``NotVerified``; then what was not merged is as it was.
    """
    merged, into = 0, 0
    for _, group in groupby(sorted(unloaded, key=_node), key=_node):
        files = list(group)
        if sum(file.size_bytes < SMALL_BYTES for file in files) <= min_files:
            continue
        for run in _runs(zone, table, files):
            if len(run.files) > 1:
                _merge(zone, table, run)
                merged, into = merged + len(run.files), into + 1
    return Compacted(merged, into)


def remove_superseded(zone: LandingZone, superseded: Sequence[LandedFile]) -> int:
    """Remove what an earlier compaction had merged and not yet removed; returns how many."""
    zone.remove([file.location for file in superseded])
    return len(superseded)


def _node(file: LandedFile) -> str:
    return file.name.node


def _runs(zone: LandingZone, table: Table, files: list[LandedFile]) -> Iterator[_Run]:
    """Files of one node in runs of readable small ones, never over the end of a day."""
    in_order = sorted(files, key=lambda file: (file.received_date, file.name))
    for _, day in groupby(in_order, key=attrgetter("received_date")):
        run = _Run()
        for file, rows in _read(zone, table, day):
            if rows is None or run.is_full:
                yield run
                run = _Run()
            if rows is not None:
                run.add(file, rows)
        yield run


def _read(
    zone: LandingZone, table: Table, files: Iterable[LandedFile]
) -> Iterator[tuple[LandedFile, pa.Table | None]]:
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        left = iter(files)
        while some := list(islice(left, _READ_AHEAD)):
            contents = threads.map(lambda file: _rows(zone, table, file), some)
            yield from zip(some, contents, strict=True)


def _rows(zone: LandingZone, table: Table, file: LandedFile) -> pa.Table | None:
    """The file's rows, or None when it must stay as it is."""
    if file.size_bytes >= SMALL_BYTES:
        return None
    data = zone.read(file.location)
    if data is None:
        return None
    try:
        with pq.ParquetFile(pa.BufferReader(data)) as parquet:
            rows = parquet.read(use_threads=False)
    except (OSError, pa.ArrowException):
        return None
    return rows if rows.schema.equals(arrow_schema(table)) else None


def _merge(zone: LandingZone, table: Table, run: _Run) -> None:
    first, last = run.files[0], run.files[-1]
    name = replace(last.name, merged_from=first.name.first_sequence)
    merged = replace(last, name=name)
    land(pa.concat_tables(run.tables), zone, merged.location, SORTED_BY[table.name])
    remove_superseded(zone, run.files)
