"""Landed files: which are new, and whether they can be read.

Belongs here: listing by sequence and judging files one by one. Does not belong here: loading.
A file's place in its node's sequence decides whether it is new; its modification time never
does, since files may be renamed into place out of order or copied between machines.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ecomind.contract.fields import Table
from ecomind.contract.landing import LandedName, arrow_schema

_FOLDER_PREFIX = "received_date="
_OVERLAP = timedelta(days=1)
"""Workers of one node may seal into yesterday's folder a little after the first of today's."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last file loaded of one node: its sequence and the folder date it lay in."""

    sequence: int
    received_date: date


@dataclass(frozen=True, slots=True)
class LandedFile:
    """A landed file: its name, its folder's date and where it is."""

    name: LandedName
    received_date: date
    path: Path


def _folder_date(name: str) -> date | None:
    if not name.startswith(_FOLDER_PREFIX):
        return None
    try:
        return date.fromisoformat(name.removeprefix(_FOLDER_PREFIX))
    except ValueError:
        return None


def _files_from(table_dir: Path, first: date) -> Iterator[LandedFile]:
    if not table_dir.is_dir():
        return
    for folder in table_dir.iterdir():
        received_date = _folder_date(folder.name)
        if received_date is None or received_date < first:
            continue
        with os.scandir(folder) as entries:
            for entry in entries:
                name = LandedName.parse(entry.name)
                if name is not None:
                    yield LandedFile(name, received_date, Path(entry.path))


def new_files(
    landing_dir: Path, table: Table, cursors: Mapping[str, Cursor], *, complete: bool = False
) -> list[LandedFile]:
    """Files of ``table`` beyond each node's cursor, in the order of their names.

    Only folders from the day before the oldest cursor are listed, so the cost does not grow
    with history. ``complete`` lists every folder, as the nightly audit does.
    """
    dates = [cursor.received_date for cursor in cursors.values()]
    first = min(dates) - _OVERLAP if dates and not complete else date.min
    found = [
        file
        for file in _files_from(landing_dir / table.name, first)
        if file.name.node not in cursors or file.name.sequence > cursors[file.name.node].sequence
    ]
    return sorted(found, key=lambda file: file.name)


@dataclass(frozen=True, slots=True)
class Readable:
    """A file that can be loaded, with its number of rows."""

    file: LandedFile
    rows_count: int


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that cannot be loaded, with the reason in one sentence."""

    file: LandedFile
    reason: str


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
    file: LandedFile, table: Table, *, thoroughly: bool = False
) -> Readable | Unreadable:
    """Whether a file is a Parquet file of the contract.

    Reads the footer only; ``thoroughly`` reads every page.
    """
    try:
        with pq.ParquetFile(file.path) as parquet:
            difference = _schema_difference(parquet.schema_arrow, arrow_schema(table))
            if difference is not None:
                return Unreadable(file, difference)
            if thoroughly:
                for _batch in parquet.iter_batches():
                    pass
            return Readable(file, parquet.metadata.num_rows)
    except (pa.ArrowException, OSError) as error:
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else "no reason given"
        return Unreadable(file, f"it is not a readable Parquet file: {first_line[:160]}")


def set_aside(unreadable: Unreadable, quarantine_dir: Path, table: Table) -> Path:
    """Move a file out of the landing zone, keeping it for a person to look at."""
    target = quarantine_dir / table.name / unreadable.file.path.name
    target.parent.mkdir(parents=True, exist_ok=True)
    unreadable.file.path.replace(target)
    return target
