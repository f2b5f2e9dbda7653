"""The published snapshot kept open, for a service that answers many reads.

Belongs here: opening each snapshot once, lending it to reads, and closing it after the last one.
Does not belong here: finding or checking snapshots (``snapshot``), or what is read (``reader``).

Opening a file costs more than most reads, so one database per snapshot stays open and a read gets
a cursor of it. A publication is another file: reads under way end on the old one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import duckdb

from ecomind.settings import Settings
from ecomind.warehouse.snapshot import (
    POINTER,
    NoSnapshot,
    SnapshotRef,
    current_snapshot,
    open_read_only,
    read_snapshot,
    snapshot_name,
)

_SNAPSHOT_ID = re.compile(r"[0-9a-zA-Z]{1,64}")


class SnapshotGone(NoSnapshot):
    """A snapshot that is named but no longer kept."""


@dataclass(frozen=True, slots=True)
class HeldSnapshot(SnapshotRef):
    """A snapshot whose file is open already."""

    database: duckdb.DuckDBPyConnection = field(repr=False, compare=False, kw_only=True)

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A read-only cursor for one thread, closed at the end."""
        cursor = self.database.cursor()
        try:
            cursor.execute("set timezone = 'UTC'")
            yield cursor
        finally:
            cursor.close()


class _Loan:
    """An open snapshot and how many reads use it."""

    def __init__(self, found: SnapshotRef) -> None:
        self.snapshot = HeldSnapshot(
            found.snapshot_id,
            found.path,
            found.published_at,
            found.data_through,
            database=open_read_only(found.path),
        )
        self.reads = 0


class Snapshots:
    """Lends snapshots to reads in any number of threads."""

    def __init__(self, settings: Settings) -> None:
        """Lend what is published in ``settings.served_dir``; nothing is opened yet."""
        self._settings = settings
        self._guard = Lock()
        self._opening = Lock()
        self._loans: dict[str, _Loan] = {}
        self._current: str | None = None

    @contextmanager
    def current(self) -> Iterator[HeldSnapshot]:
        """What is published now. Raises ``NoSnapshot`` when nothing readable is."""
        loan = self._take_current()
        try:
            yield loan.snapshot
        finally:
            self._give_back(loan)

    @contextmanager
    def published(self, snapshot_id: str) -> Iterator[HeldSnapshot]:
        """An earlier snapshot that is still kept. Raises ``SnapshotGone`` when it is not."""
        loan = self._take(snapshot_id)
        try:
            yield loan.snapshot
        finally:
            self._give_back(loan)

    def close(self) -> None:
        """Close every file; only when no read is under way."""
        with self._guard:
            loans, self._loans, self._current = self._loans, {}, None
        for loan in loans.values():
            loan.snapshot.database.close()

    def _take_current(self) -> _Loan:
        name = self._pointed_at()
        loan = self._borrow(name)
        if loan is not None:
            return loan
        with self._opening:  # Of all reads that meet a new publication, one opens it.
            loan = self._borrow(self._pointed_at())
            if loan is not None:
                return loan
            found = current_snapshot(self._settings)
            loan = self._borrow(found.path.name) or self._add(found)
            self._retire(found.path.name)
            return loan

    def _take(self, snapshot_id: str) -> _Loan:
        gone = SnapshotGone(f"the snapshot {snapshot_id} is no longer kept")
        if not _SNAPSHOT_ID.fullmatch(snapshot_id):
            raise gone
        path = self._settings.served_dir / snapshot_name(snapshot_id)
        loan = self._borrow(path.name)
        if loan is not None:
            return loan
        with self._opening:
            loan = self._borrow(path.name)
            if loan is not None:
                return loan
            if not path.is_file():
                raise gone
            return self._add(read_snapshot(path))

    def _pointed_at(self) -> str | None:
        try:
            text = (self._settings.served_dir / POINTER).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        return Path(text.strip()).name

    def _borrow(self, name: str | None) -> _Loan | None:
        with self._guard:
            loan = None if name is None else self._loans.get(name)
            if loan is not None:
                loan.reads += 1
            return loan

    def _add(self, found: SnapshotRef) -> _Loan:
        loan = _Loan(found)
        with self._guard:
            loan.reads += 1
            self._loans[found.path.name] = loan
        return loan

    def _retire(self, name: str) -> None:
        """Make ``name`` the one that stays open; the one before goes with its last read."""
        with self._guard:
            self._current = name
            idle = [n for n, loan in self._loans.items() if n != name and loan.reads == 0]
            closing = [self._loans.pop(n) for n in idle]
        for loan in closing:
            loan.snapshot.database.close()

    def _give_back(self, loan: _Loan) -> None:
        name = loan.snapshot.path.name
        with self._guard:
            loan.reads -= 1
            is_over = loan.reads == 0 and name != self._current
            if is_over:
                self._loans.pop(name, None)
        if is_over:
            loan.snapshot.database.close()
