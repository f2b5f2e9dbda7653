"""Erasing people: every store in turn, so that a crash anywhere is mended by doing it again.

Belongs here: the order of the steps, snapshots, and what tools may have left lying about. Does not
belong here: who asked, or what becomes of the job (``jobs``).
"""

from __future__ import annotations

import mmap
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from dlt_pipelines.erasure import rewrite_loaded, rewrite_raw
from ecomind.contract.landing import LANDED_TABLES
from ecomind.contract.personal import without_erased
from ecomind.contract.raw import RAW_DATABASE
from ecomind.errors import EcoMindError
from ecomind.identity import Erasure, Tombstones
from ecomind.settings import Settings
from ecomind.warehouse.bundles import reported_snapshots
from ecomind.warehouse.erasure import erase, names, rewritten
from ecomind.warehouse.files import fsync_path, replace_durably
from ecomind.warehouse.publish import publish
from ecomind.warehouse.snapshot import SnapshotRef, snapshot_name

_FILLER = b"erased"


class Step(StrEnum):
    """The steps of an erasure, in their order, as who asked for it may read them."""

    SEAL = "waiting for what was received to land"
    REFRESH = "loading and building what landed"
    LANDED = "rewriting landed files"
    RAW = "rewriting the raw store"
    MARTS = "rewriting the marts"
    SETTLE = "settling teams"
    PUBLISH = "publishing"
    SNAPSHOTS = "removing earlier snapshots"
    LEFTOVERS = "looking through everything else"


class NotErased(EcoMindError):
    """Traces are left that only a person can remove; says where."""


@dataclass(frozen=True, slots=True)
class People:
    """Whom to erase, and everybody who was erased before.

    ``begun`` hears of each step; ``left`` that their calls have their team everywhere, so that the
    warehouse needs to hear of it no more.
    """

    erased: Tombstones
    erasures: Sequence[Erasure]
    begun: Callable[[Step], None]
    left: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Run:
    """The run this is part of, and what it needs of the load and dbt.

    ``refresh`` loads what was landed and builds what it touched; ``settle_basis`` tells the marts
    that only names are gone (the dbt macro of that name); ``told`` hears of progress.
    """

    run_id: str
    refresh: Callable[[], None]
    settle_basis: Callable[[], None]
    told: Callable[[str], None]


def erase_people(settings: Settings, run: Run, people: People) -> None:
    """Take people out of landed files, raw store, marts, snapshots and leftovers.

    The marts must include every load. Raises ``NotErased`` and what the steps raise; then do it
    again: every step finds what is left to do by looking.
    """
    raw, marts, erasures = settings.raw_database, settings.marts_database, people.erasures
    people.begun(Step.LANDED)
    run.told(f"landed files rewritten: {rewrite_loaded(settings, people.erased, erasures)}")
    people.begun(Step.RAW)
    run.told(f"rows of the raw store changed: {rewrite_raw(raw, people.erased, erasures)}")
    if raw.is_file():
        rewritten(raw)
    if marts.is_file():
        people.begun(Step.MARTS)
        with duckdb.connect(marts) as connection:
            connection.execute("set timezone = 'UTC'")
            run.told(f"rows of the marts changed: {erase(connection, erasures)}")
        rewritten(marts, beside={RAW_DATABASE: raw})
        people.begun(Step.SETTLE)
        run.settle_basis()
        people.left()
        people.begun(Step.PUBLISH)
        current = publish(settings, run.run_id)
        people.begun(Step.SNAPSHOTS)
        removed, changed = erase_from_snapshots(settings, current, erasures)
        run.told(f"earlier snapshots removed: {removed}, rewritten: {changed}")
    people.begun(Step.LEFTOVERS)
    run.told(f"traces in other files overwritten: {_erase_from_leftovers(settings, people)}")
    _check_nothing_left(settings, erasures)


def erase_from_snapshots(
    settings: Settings, current: SnapshotRef, erasures: Sequence[Erasure]
) -> tuple[int, int]:
    """Remove snapshots that name one of them; those that a report names are rewritten.

    Returns how many were removed and how many rewritten. A reader that has one open keeps it.
    """
    reported = {snapshot_name(each) for each in reported_snapshots(settings)}
    removed, changed = 0, 0
    for path in sorted(settings.served_dir.glob(snapshot_name("*"))):
        if path == current.path or not _is_named_in(path, erasures):
            continue
        if path.name in reported:
            _rewrite_snapshot(path, erasures)
            changed += 1
        else:
            path.unlink()
            removed += 1
    return removed, changed


def _is_named_in(path: Path, erasures: Sequence[Erasure]) -> bool:
    if any(_places(path, _needles(erasures))):
        return True
    with duckdb.connect(path, read_only=True) as connection:
        return names(connection, erasures)


def _rewrite_snapshot(path: Path, erasures: Sequence[Erasure]) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    shutil.copyfile(path, temporary)
    with duckdb.connect(temporary) as connection:
        connection.execute("set timezone = 'UTC'")
        erase(connection, erasures)
    rewritten(temporary)
    temporary.chmod(0o440)
    fsync_path(temporary)
    replace_durably(temporary, path)


def _needles(erasures: Sequence[Erasure]) -> list[bytes]:
    return [each.user_id.encode() for each in erasures]


def _places(path: Path, needles: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
    """Where a file holds one of the texts."""
    with path.open("rb") as file:
        if file.seek(0, 2) == 0:
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            for needle in needles:
                start = content.find(needle)
                while start >= 0:
                    yield start, needle
                    start = content.find(needle, start + len(needle))


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path


def _erase_from_leftovers(settings: Settings, people: People) -> int:
    """Overwrite traces in what tools leave behind; nothing of ours writes names there."""
    shutil.rmtree(settings.warehouse_dir / "candidate", ignore_errors=True)
    _rewrite_quarantine(settings, people)
    count = 0
    folders = (
        settings.logs_dir, settings.documents_dir, settings.dbt_target_dir, settings.dlt_dir,
        settings.dagster_home, settings.quarantine_dir,
    )  # fmt: skip
    for folder in folders:
        for path in _files(folder):
            found = list(_places(path, _needles(people.erasures)))
            if found:
                _overwrite(path, found)
                count += len(found)
    return count


def _overwrite(path: Path, found: Sequence[tuple[int, bytes]]) -> None:
    """In place and at the same length: somebody may be writing at the end of the file."""
    with path.open("r+b") as file:
        for start, needle in found:
            file.seek(start)
            file.write(_FILLER.ljust(len(needle), b"_")[: len(needle)])


def _rewrite_quarantine(settings: Settings, people: People) -> None:
    """Landed files that were set aside; what cannot be read is only looked through as bytes."""
    teams = {(each.org_id, each.user_id): each.team_id for each in people.erasures}
    for table in LANDED_TABLES:
        for path in (settings.quarantine_dir / table.name).glob("*.parquet"):
            try:
                rows = pq.read_table(path)
                changed = without_erased(table, rows, people.erased, teams)
                if changed is not None:
                    pq.write_table(changed, path, compression="zstd")
            except (pa.ArrowException, OSError, KeyError):
                continue


def _check_nothing_left(settings: Settings, erasures: Sequence[Erasure]) -> None:
    """Raises ``NotErased`` where a file outside the stores still holds one of them."""
    for folder in (settings.reports_dir, settings.exports_dir):
        for path in _files(folder):
            if any(_places(path, _needles(erasures))):
                raise NotErased(f"{path.relative_to(settings.home)} names the person: remove it")
