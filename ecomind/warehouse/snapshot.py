"""The published snapshot: finding it and opening it read-only.

Belongs here: the pointer to the current snapshot and connections to one. Does not belong here:
making snapshots (``publish``) or organisation-scoped reads (``reader``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from ecomind.errors import EcoMindError
from ecomind.settings import Settings

POINTER = "CURRENT"
LAYOUT = 4
"""Version of the tables in a snapshot; raised when readers need what older ones lack."""
_READER_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "threads": 2,
    "memory_limit": "1GB",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "enable_external_access": False,
}


class NoSnapshot(EcoMindError):
    """There is no readable snapshot; says what to do in one sentence."""


def open_read_only(path: Path) -> duckdb.DuckDBPyConnection:
    """A snapshot's file, opened so that it can neither be changed nor reach anything else."""
    return duckdb.connect(path, read_only=True, config=_READER_CONFIG)


def snapshot_name(snapshot_id: str) -> str:
    """File name of a snapshot."""
    return f"snapshot-{snapshot_id}.duckdb"


@dataclass(frozen=True, slots=True)
class SnapshotRef:
    """A published snapshot; ``data_through`` is the receipt time (UTC) it includes all of."""

    snapshot_id: str
    path: Path
    published_at: datetime
    data_through: datetime | None

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A read-only connection, closed at the end; never cache it."""
        connection = open_read_only(self.path)
        try:
            connection.execute("set timezone = 'UTC'")
            yield connection
        finally:
            connection.close()


def read_snapshot(path: Path) -> SnapshotRef:
    """The snapshot in a file. Raises ``NoSnapshot`` when it is not one."""
    blank = SnapshotRef("", path, datetime.min.replace(tzinfo=UTC), None)
    try:
        with blank.connect() as connection:
            row = connection.execute(
                "select snapshot_id, epoch_us(published_at), epoch_us(data_through)"
                " from publication.snapshot"
            ).fetchone()
    except duckdb.Error as error:
        raise NoSnapshot(f"{path.name} is not a published snapshot; load again") from error
    if row is None:
        raise NoSnapshot(f"{path.name} names no snapshot; load again")
    return SnapshotRef(row[0], path, _utc(row[1]), None if row[2] is None else _utc(row[2]))


def _of_this_layout(snapshot: SnapshotRef) -> SnapshotRef:
    with snapshot.connect() as connection:
        try:
            found = connection.execute("select version from publication.layout").fetchone()
        except duckdb.CatalogException:  # Published before layouts had versions.
            found = None
    if found != (LAYOUT,):
        raise NoSnapshot("what is published is of another release; run `ecomind load`")
    return snapshot


def _utc(microseconds: int) -> datetime:
    seconds, rest = divmod(microseconds, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)


def current_snapshot(settings: Settings) -> SnapshotRef:
    """The snapshot readers should open now.

    Raises ``NoSnapshot`` when nothing was published yet, or by a release with other tables.
    """
    pointer = settings.served_dir / POINTER
    for _ in range(3):  # A very slow reader may find its file pruned: then the pointer has moved.
        try:
            name = pointer.read_text(encoding="utf-8").strip()
        except FileNotFoundError as error:
            message = "nothing is published yet; send events and run `ecomind load`"
            raise NoSnapshot(message) from error
        path = settings.served_dir / Path(name).name
        if path.is_file():
            return _of_this_layout(read_snapshot(path))
    raise NoSnapshot(f"the current snapshot {name} is missing; run `ecomind load`")
