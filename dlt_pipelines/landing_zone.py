"""Landed files: which are new, and whether they can be read.

Belongs here: choosing by sequence, bringing files to this machine and judging them one by one.
Does not belong here: how a landing zone stores and lists (``ecomind.landing_zone``), or loading.
A file's place in its node's sequence decides whether it is new; its modification time never
does, since files may be renamed into place out of order or copied between machines.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ecomind.contract.fields import Table
from ecomind.contract.landing import arrow_schema
from ecomind.landing_zone import LandedFile, LandingZone, list_landed

_OVERLAP = timedelta(days=1)
"""Workers of one node may seal into yesterday's folder a little after the first of today's."""
_FETCHED_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last file loaded of one node: its sequence and the folder date it lay in."""

    sequence: int
    received_date: date


def listed_from(cursors: Mapping[str, Cursor]) -> date:
    """The first received date that may hold files beyond the cursors."""
    dates = [cursor.received_date for cursor in cursors.values()]
    return min(dates) - _OVERLAP if dates else date.min


def beyond(files: list[LandedFile], cursors: Mapping[str, Cursor]) -> list[LandedFile]:
    """The files that no load has dealt with, by their node's cursor."""
    return [
        file
        for file in files
        if file.name.node not in cursors or file.name.sequence > cursors[file.name.node].sequence
    ]


def new_files(
    zone: LandingZone, table: Table, cursors: Mapping[str, Cursor], *, complete: bool = False
) -> list[LandedFile]:
    """Files of ``table`` beyond each node's cursor, in the order of their names.

    Only folders from the day before the oldest cursor are listed, so the cost does not grow
    with history. ``complete`` lists every folder, as the nightly audit does.
    """
    first = date.min if complete else listed_from(cursors)
    return beyond(list_landed(zone, table.name, first).files, cursors)


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A landed file and where this machine can read it."""

    file: LandedFile
    path: Path


@dataclass(frozen=True, slots=True)
class Readable(LocalFile):
    """A file that can be loaded, with its number of rows."""

    rows_count: int


@dataclass(frozen=True, slots=True)
class Unreadable(LocalFile):
    """A file that cannot be loaded, with the reason in one sentence."""

    reason: str


def fetched(zone: LandingZone, files: list[LandedFile], folder: Path) -> list[LocalFile]:
    """The files on this machine; those of a remote zone are copied to ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(_FETCHED_AT_ONCE) as threads:
        paths = threads.map(lambda file: zone.fetch(file.location, folder), files)
        return [LocalFile(file, path) for file, path in zip(files, paths, strict=True)]


def _schema_difference(found: pa.Schema, expected: pa.Schema) -> str | None:
    """Why ``found`` does not fit; a file from an older contract may lack newer columns."""
    for field in found:
        if field.name not in expected.names:
            return f"it has a column the contract does not know: {field.name[:64]}"
        wanted = expected.field(field.name)
        if field.type != wanted.type:
            return f"its column {field.name} is {field.type} where the contract has {wanted.type}"
    missing = [f.name for f in expected if not f.nullable and f.name not in found.names]
    return f"it lacks the column {missing[0]}" if missing else None


def judge_file(
    local: LocalFile, table: Table, *, thoroughly: bool = False
) -> Readable | Unreadable:
    """Whether a file is a Parquet file of the contract.

    Reads the footer only; ``thoroughly`` reads every page.
    """
    file, path = local.file, local.path
    try:
        with pq.ParquetFile(path) as parquet:
            difference = _schema_difference(parquet.schema_arrow, arrow_schema(table))
            if difference is not None:
                return Unreadable(file, path, difference)
            if thoroughly:
                for _batch in parquet.iter_batches():
                    pass
            return Readable(file, path, parquet.metadata.num_rows)
    except (pa.ArrowException, OSError) as error:
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else "no reason given"
        return Unreadable(file, path, f"it is not a readable Parquet file: {first_line[:160]}")


def set_aside(zone: LandingZone, unreadable: Unreadable, quarantine_dir: Path) -> Path:
    """Move a file out of the landing zone, keeping it for a person to look at."""
    target = quarantine_dir / unreadable.file.table / str(unreadable.file.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    zone.set_aside(unreadable.file.location, target)
    return target
