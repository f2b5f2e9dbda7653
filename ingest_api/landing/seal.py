"""The sealer: turns finished segments into landed Parquet files, in order, each exactly once.

Belongs here: one segment's landing and the loop over segments. Does not belong here: writing
segments, or anything that reads landed files.

The loader resumes after the highest sequence it has seen, so files must appear in sequence
order: a segment is finished, or set aside whole, before the next one gets its number. A crash
at any point is healed by sealing the segment again: its number is in its name, and files
already in place are left alone.
"""

from __future__ import annotations

import argparse
import logging
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from ecomind.contract.bucket import BUCKETS
from ecomind.contract.event import EVENTS, OUTCOMES, REJECTS
from ecomind.contract.fields import Table
from ecomind.contract.landing import LandedName, arrow_schema
from ecomind.landing_zone import LandedFile, NotVerified, StorageTrouble, open_zone
from ecomind.settings import Settings, get_settings
from ingest_api import logs
from ingest_api.landing import frame
from ingest_api.landing.files import DISK_FULL, make_folder, replace_file, try_lock
from ingest_api.landing.parquet import SORTED_BY, land, time_range, to_table
from ingest_api.landing.segment import Segment, waiting
from ingest_api.landing.sequence import Sequence, SequenceDamaged

_log = logging.getLogger("ingest_api.seal")
_POLL_S = 0.25
_RETRY_S = 2.0
_RETRY_MAX_S = 60.0
_PREDECESSOR_S = 15.0
_NICENESS = 5
_LANDED = {frame.REJECT: REJECTS, frame.BUCKET: BUCKETS, frame.EVENT: EVENTS}
"""Where records of a kind land."""


class Sealer:
    """Seals the segments of one node; exactly one may run on a machine (see ``main``)."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is reached yet, so that a sealer can wait for its storage."""
        self._settings = settings
        self._zone = open_zone(settings)
        self._known_sequence: Sequence | None = None

    @property
    def _sequence(self) -> Sequence:
        if self._known_sequence is None:
            make_folder(self._settings.wal_dir)
            self._zone.prepare()
            self._known_sequence = Sequence(self._settings.wal_dir, self._zone, self._settings.node)
        return self._known_sequence

    def seal_waiting(self) -> int:
        """Seal every finished or orphaned segment; returns how many.

        Raises ``OSError`` when the disk is full, ``StorageTrouble`` or ``NotVerified`` when the
        landing zone does not take a file, and ``SequenceDamaged``; nothing is lost, and sealing
        again later goes on where it stopped.
        """
        sequence = self._sequence  # Also with nothing to seal: trouble is told at the start.
        segments = waiting(self._settings.wal_dir)
        for segment in segments:
            sequence.at_least(segment.sequence)
        for segment in segments:
            self._seal(segment)
        return len(segments)

    def _seal(self, segment: Segment) -> None:
        try:
            data = segment.path.read_bytes()
        except OSError:
            _log.exception("segment %s cannot be read and is set aside", segment.name)
            make_folder(self._settings.quarantine_dir)
            segment.path.rename(self._settings.quarantine_dir / f"{segment.name}.segment")
            return
        if not data:
            segment.remove()
            return
        if not segment.sequence:
            segment = segment.assign(self._sequence.next())
        self._land(segment, frame.read(data))
        segment.remove()

    def _land(self, segment: Segment, contents: frame.Contents) -> None:
        tables, damaged = {}, contents.damaged
        for kind, table in _LANDED.items():
            tables[table.name], misfits = to_table(table, contents.rows[kind])
            damaged = damaged + misfits
        self._set_aside(segment, damaged)
        # Outcomes last: once they are there, so are the files they count.
        for table in _LANDED.values():
            if tables[table.name].num_rows:
                self._put(table, segment, tables[table.name])
        first, last = time_range(tuple(tables.values()))
        outcome = {
            "node": self._settings.node,
            "sequence": segment.sequence,
            "segment": segment.name,
            "sealed_at": datetime.now(UTC),
            **{f"{name}_count": rows.num_rows for name, rows in tables.items()},
            "damaged_count": len(damaged),
            "torn_bytes": contents.torn_bytes,
            "first_received_at": first,
            "last_received_at": last,
        }
        outcomes = pa.Table.from_pylist([outcome], schema=arrow_schema(OUTCOMES))
        self._put(OUTCOMES, segment, outcomes)

    def _put(self, table: Table, segment: Segment, rows: pa.Table) -> None:
        name = LandedName(self._settings.node, segment.sequence, segment.name)
        file = LandedFile(table.name, segment.created_at.date(), name)
        land(rows, self._zone, file.location, SORTED_BY[table.name])

    def _set_aside(self, segment: Segment, pieces: list[bytes]) -> None:
        if not pieces:
            return
        make_folder(self._settings.quarantine_dir)
        path = self._settings.quarantine_dir / f"{segment.name}.damaged"
        replace_file(path, b"\n".join(piece.rstrip(b"\n") for piece in pieces) + b"\n")
        _log.error("%d damaged records of %s were set aside", len(pieces), segment.name)


def _sealed(sealer: Sealer) -> bool:
    """Seal what waits; False, with a line in the log, when that must be tried again later."""
    try:
        sealer.seal_waiting()
    except (StorageTrouble, NotVerified) as error:
        _log.warning("%s: sealing waits, segments are kept", error)
        return False
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        _log.warning("the disk is full: sealing waits, segments are kept")
        return False
    return True


def run(sealer: Sealer, is_asked_to_stop: Callable[[float], bool]) -> None:
    """Seal until asked to stop, then once more; waits out full disks and storage trouble.

    The pauses grow up to a minute. What cannot be sealed at the end is sealed by the next start.
    """
    pause_s = _POLL_S
    while not is_asked_to_stop(pause_s):
        longer_s = min(max(2 * pause_s, _RETRY_S), _RETRY_MAX_S)
        pause_s = _POLL_S if _sealed(sealer) else longer_s
    _sealed(sealer)


def _stop_signal(with_parent: bool) -> Callable[[float], bool]:
    """Asked to stop by SIGTERM or, with a parent, by the end of standard input."""
    reader, writer = os.pipe()
    signal.signal(signal.SIGTERM, lambda *_: os.write(writer, b"."))
    if with_parent:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # The parent decides when to stop.
    else:
        signal.signal(signal.SIGINT, lambda *_: os.write(writer, b"."))
    sources = [reader, sys.stdin.fileno()] if with_parent else [reader]
    return lambda timeout_s: bool(select.select(sources, [], [], timeout_s)[0])


def _wait_for_lock(path: Path, is_asked_to_stop: Callable[[float], bool]) -> bool:
    """Wait for our turn; a request to stop does not end it at once.

    A predecessor whose parent was killed is about to end, and may not have seen the last segments.
    """
    stop_by: float | None = None
    while try_lock(path) is None:
        if stop_by is not None:
            time.sleep(_POLL_S)
        elif is_asked_to_stop(_POLL_S):
            stop_by = time.monotonic() + _PREDECESSOR_S
        if stop_by is not None and time.monotonic() > stop_by:
            return False
    return True


def main(arguments: list[str] | None = None) -> int:
    """Run the sealer process; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m ingest_api.landing.seal", description=__doc__)
    parser.add_argument("--once", action="store_true", help="seal what waits, then exit")
    parser.add_argument("--with-parent", action="store_true", help="stop when stdin ends")
    options = parser.parse_args(arguments)
    logs.configure("sealer")
    settings = get_settings()
    make_folder(settings.wal_dir)
    lock = settings.wal_dir / "sealer.lock"
    try:
        if options.once:
            if try_lock(lock) is None:
                sys.stderr.write(f"another sealer is at work in {settings.wal_dir}\n")
                return 1
            Sealer(settings).seal_waiting()
            return 0
        stop = _stop_signal(options.with_parent)
        os.nice(_NICENESS)
        if _wait_for_lock(lock, stop):
            run(Sealer(settings), stop)
    except (SequenceDamaged, StorageTrouble, NotVerified) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
