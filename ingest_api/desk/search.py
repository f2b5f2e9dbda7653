"""Finding rows in the write-ahead log and in landed files.

Belongs here: which segments and files can hold a row received in a span of time, and reading
them within bounds. Does not belong here: what a receipt, an event or a rejection is.

A request's records are in one segment, created before them and written for a limited time; a
landed file's name holds that moment of its (last) segment. So a span of time names the files, and
their footers say the rest. What is in a segment and in its file is taken from the file.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ecomind.contract.bucket import BUCKETS
from ecomind.contract.codec import EPOCH
from ecomind.contract.event import EVENTS, REJECTS
from ecomind.contract.fields import Table
from ecomind.contract.landing import LandedName
from ecomind.landing_zone import LandedFile, apart, open_zone
from ecomind.landing_zone.folder import FolderZone
from ecomind.loaded import LOADED_NAME, Loaded
from ecomind.settings import Settings
from ingest_api.landing import frame, record
from ingest_api.landing.segment import created_at
from ingest_api.replies import Refused

State = Literal["stored", "landed", "loaded"]
"""One of ``schemas.STATES``."""

SEARCH_S = 10.0
"""A search that takes longer is given up, in seconds."""

_KINDS = {EVENTS.name: frame.EVENT, BUCKETS.name: frame.BUCKET, REJECTS.name: frame.REJECT}
_DEFAULTS = {
    _KINDS[table.name]: {f.name: f.default for f in table.fields if f.default is not None}
    for table in (EVENTS, BUCKETS, REJECTS)
}
_SLACK = timedelta(minutes=2)
"""How much later than it was received a row may be written: many at once, slow disks."""

_BODY = timedelta(minutes=15)
"""How long after its first byte a request may be received whole."""

_FUTURE = timedelta(days=1)

_SEGMENT_FILE = re.compile(
    r"^(?P<name>[a-z0-9_]{1,64})\.(?:open|ready|(?P<sequence>\d{12})\.sealing)$"
)


@dataclass(frozen=True, slots=True)
class Found:
    """A row of a landed table, times with an offset, and how far it has come."""

    table: Table
    row: dict[str, Any]
    state: State


@dataclass(frozen=True, slots=True)
class Wanted:
    """Rows of one organisation received in a span of time, both ends included.

    ``column`` must hold ``value``; None takes every row. ``order`` is a column that tells rows
    received at once apart, ``before`` the (received_at, order) that all rows come before.
    ``columns`` are those to read, None reads all.
    """

    table: Table
    org_id: str
    received_from: datetime
    received_to: datetime
    order: str
    column: str | None = None
    value: str | None = None
    before: tuple[datetime, str] | None = None
    columns: tuple[str, ...] | None = None

    def holds(self, row: dict[str, Any]) -> bool:
        """Whether a row is wanted."""
        return (
            row.get("org_id") == self.org_id
            and (self.column is None or row.get(self.column) == self.value)
            and self.received_from <= row["received_at"] <= self.received_to
            and (self.before is None or self.place(row) < self.before)
        )

    def place(self, row: dict[str, Any]) -> tuple[datetime, str]:
        """Where a row comes in the order of rows."""
        return row["received_at"], row[self.order] or ""


def of_id(sortable: str) -> datetime:
    """The moment (UTC, milliseconds) in an id made by ``ingest_api.ids.sortable``."""
    return EPOCH + timedelta(milliseconds=int(sortable[:12], 16))


def around(sortable: str) -> tuple[datetime, datetime]:
    """The span in which the rows of a request with this id were received.

    Raises ``Refused`` for an id of the future: nobody was given that.
    """
    try:
        began = of_id(sortable)
    except OverflowError:
        raise Refused("not-found") from None
    if began > datetime.now(UTC) + _FUTURE:
        raise Refused("not-found")
    return began - timedelta(seconds=1), began + _BODY


class TookTooLong(Exception):
    """The search is given up."""


class _Moved(Exception):
    """A listed file is gone, as its rows are in a merged one by now."""


@dataclass(frozen=True, slots=True)
class _Segment:
    """A segment of the log; its sequence is 0 until sealing begins."""

    name: str
    sequence: int


class Search:
    """One search through log and files, within ``SEARCH_S``.

    ``is_complete`` becomes False when time ran out: there may be more than was found.
    """

    def __init__(self, settings: Settings) -> None:
        """Search in the folders of ``settings``."""
        self._settings = settings
        self._zone = open_zone(settings)
        self._deadline = time.monotonic() + SEARCH_S
        self._written_for = timedelta(seconds=settings.seal_max_age_s) + _SLACK
        self._loaded: Loaded | None = None
        self.is_complete = True

    def newest(self, wanted: Wanted, limit: int | None = None) -> list[Found]:
        """Wanted rows, newest first, at most ``limit``; reads no more files than that takes."""
        while True:
            found: list[Found] = []
            try:
                for some in self._by_file(wanted, found, limit):
                    found += some
                    found.sort(key=lambda each: wanted.place(each.row), reverse=True)
            except TookTooLong:
                self.is_complete = False
            except _Moved:
                continue
            return found[:limit]

    def _by_file(
        self, wanted: Wanted, found: list[Found], limit: int | None
    ) -> Iterator[list[Found]]:
        # The log first: a segment that is landed meanwhile is then still found as a file.
        stored = dict(self._in_log(wanted))
        files = list(self._files(wanted))
        yield [
            Found(wanted.table, row, "stored")
            for segment, rows in stored.items()
            if not any(self._holds(file.name, segment) for file in files)
            for row in rows
        ]
        for file in files:
            name = file.name
            last = found[limit - 1] if limit is not None and len(found) >= limit else None
            if last is not None and self._can_hold_until(name) < last.row["received_at"]:
                return
            rows = self._in_file(wanted, file)
            if rows:
                state = self._state(wanted.table, name)
                yield [Found(wanted.table, row, state) for row in rows]

    def _check_time(self) -> None:
        if time.monotonic() > self._deadline:
            raise TookTooLong

    def _state(self, table: Table, name: LandedName) -> State:
        if self._loaded is None:
            self._loaded = Loaded.decode(self._zone.read(LOADED_NAME) or b"")
        return "loaded" if self._loaded.includes(table.name, name) else "landed"

    def _holds(self, name: LandedName, segment: _Segment) -> bool:
        """Whether a landed file holds what a segment of this machine's log held."""
        if name.segment == segment.name:
            return True
        is_ours = name.node == self._settings.node
        return is_ours and name.first_sequence <= segment.sequence <= name.sequence

    def _in_log(self, wanted: Wanted) -> Iterator[tuple[_Segment, list[dict[str, Any]]]]:
        needle = _needle(wanted)
        kind = _KINDS[wanted.table.name]
        for segment, data in self._segments():
            rows = [row for row in _rows_with(data, kind, needle) if wanted.holds(row)]
            if rows:
                yield segment, rows

    def _segments(self) -> Iterator[tuple[_Segment, bytes]]:
        """Segments of the log with their bytes; one that is renamed meanwhile is looked for."""
        seen: set[str] = set()
        has_vanished = self._settings.wal_dir.is_dir()
        while has_vanished:
            has_vanished = False
            for path in list(self._settings.wal_dir.iterdir()):
                match = _SEGMENT_FILE.match(path.name)
                if match is None or match["name"] in seen:
                    continue
                self._check_time()
                try:
                    data = path.read_bytes()
                except FileNotFoundError:
                    has_vanished = True
                    continue
                seen.add(match["name"])
                yield _Segment(match["name"], int(match["sequence"] or 0)), data

    def _files(self, wanted: Wanted) -> Iterator[LandedFile]:
        """Landed files that may hold wanted rows, newest first."""
        table = wanted.table.name
        first = _day(wanted.received_from - self._written_for)
        last = _day(wanted.received_to + _SLACK)
        for day in sorted(self._zone.days(table), reverse=True):
            if first <= day <= last:
                self._check_time()
                names = self._zone.names(table, day)
                files = apart(LandedFile(table, day, name, size) for name, size in names).files
                found = [file for file in files if self._may_hold(wanted, file.name)]
                yield from sorted(found, key=lambda file: _moment(file.name), reverse=True)

    def _may_hold(self, wanted: Wanted, name: LandedName) -> bool:
        return self._can_hold_until(name) >= wanted.received_from and (
            _first_moment(name) - _SLACK <= wanted.received_to
        )

    def _can_hold_until(self, name: LandedName) -> datetime:
        return _moment(name) + self._written_for

    def _content(self, file: LandedFile) -> Any:
        """What Parquet is read from: a folder's file in parts, an object as a whole."""
        if isinstance(self._zone, FolderZone):
            return self._zone.root / file.location
        data = self._zone.read(file.location)
        if data is None:
            raise _Moved
        return pa.BufferReader(data)

    def _in_file(self, wanted: Wanted, landed: LandedFile) -> Sequence[dict[str, Any]]:
        self._check_time()
        try:
            with pq.ParquetFile(self._content(landed)) as file:
                groups = _groups(file.metadata, wanted)
                if not groups:
                    return ()
                keys = [wanted.column] if wanted.column else []
                found = _matching(file.read_row_groups(groups, [*keys, *_ALWAYS]), wanted)
                if len(found) == 0:
                    return ()
                columns = None if wanted.columns is None else [*_ALWAYS, *wanted.columns]
                rows = file.read_row_groups(groups, columns).take(found).to_pylist()
                return [row for row in rows if wanted.holds(row)]
        except FileNotFoundError:
            raise _Moved from None


_ALWAYS = ["org_id", "received_at"]


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


def _moment(name: LandedName) -> datetime:
    """When the (last) segment of a file was created."""
    return created_at(name.segment) or datetime.max.replace(tzinfo=UTC) - timedelta(days=1)


def _first_moment(name: LandedName) -> datetime:
    named = None if name.merged_from else created_at(name.segment)
    return named or EPOCH


def _needle(wanted: Wanted) -> bytes:
    """Bytes that are in every record of a wanted row, as the log's JSON has them."""
    return msgspec.json.encode(wanted.org_id if wanted.value is None else wanted.value)


def _rows_with(data: bytes, kind: bytes, needle: bytes) -> Iterator[dict[str, Any]]:
    """Rows of whole records of a kind that hold ``needle``.

    A payload has no newline, so the line around the needle is the record.
    """
    position = data.find(needle)
    while position >= 0:
        start = data.rfind(b"\n", 0, position) + 1
        end = data.find(b"\n", position)
        if end < 0:
            return
        for part in record.parts(frame.read(data[start : end + 1]).rows[kind]):
            for told in part.objects(needle):
                yield _with_times({**_DEFAULTS[kind], **told})
        position = data.find(needle, end)


_TIMES = {f.name for table in (EVENTS, BUCKETS, REJECTS) for f in table.fields
          if f.kind == "timestamp"}  # fmt: skip


def _with_times(row: dict[str, Any]) -> dict[str, Any]:
    for name in _TIMES & row.keys():
        told = row[name]
        is_text = isinstance(told, str)
        row[name] = (
            datetime.fromisoformat(told).astimezone(UTC)
            if is_text
            else EPOCH + timedelta(microseconds=told)
        )
    return row


def _groups(metadata: Any, wanted: Wanted) -> list[int]:
    """Row groups whose statistics allow wanted rows."""
    bounds = {"org_id": (wanted.org_id, wanted.org_id),
              "received_at": (wanted.received_from, wanted.received_to)}  # fmt: skip
    if wanted.column is not None:
        bounds[wanted.column] = (wanted.value, wanted.value)
    columns = {metadata.schema.column(i).name: i for i in range(metadata.num_columns)}
    found = []
    for group in range(metadata.num_row_groups):
        row_group = metadata.row_group(group)
        for name, (low, high) in bounds.items():
            statistics = row_group.column(columns[name]).statistics
            if (
                statistics is not None
                and statistics.has_min_max
                and (statistics.min > high or statistics.max < low)
            ):
                break
        else:
            found.append(group)
    return found


def _matching(keys: Any, wanted: Wanted) -> Any:
    """Positions of wanted rows in a table of their keys."""
    compute: Any = pc
    times = keys.column("received_at")
    mask = compute.equal(keys.column("org_id"), wanted.org_id)
    for is_within in (
        compute.greater_equal(times, pa.scalar(wanted.received_from, times.type)),
        compute.less_equal(times, pa.scalar(wanted.received_to, times.type)),
    ):
        mask = compute.and_(mask, is_within)
    if wanted.column is not None:
        mask = compute.and_(mask, compute.equal(keys.column(wanted.column), wanted.value))
    return compute.indices_nonzero(mask)
