"""Write-ahead segments as files: their names, their states and who may touch them.

Belongs here: creating, writing, finding and renaming segments. Does not belong here: when to
rotate (``log``) or what sealing makes of them (``seal``).
"""

from __future__ import annotations

import os
import re
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ingest_api.landing.files import FILE_MODE, lock_descriptor, sync_folder, write_all

_FILE = re.compile(
    r"^(?P<name>[a-z0-9_]{1,64})\.(?:(?P<state>open|ready)|(?P<sequence>\d{12})\.sealing)$"
)
_NAME = re.compile(r"^s(?P<created_us>\d{16})_\d+_[0-9a-f]{8}\Z")


def new_name() -> str:
    """A name no other segment has, sorting by the time of its making (UTC microseconds)."""
    return f"s{time.time_ns() // 1000:016d}_{os.getpid()}_{secrets.token_hex(4)}"


def created_at(name: str) -> datetime | None:
    """When the segment of a name was created (UTC); None for a name that does not say it."""
    match = _NAME.match(name)
    return datetime.fromtimestamp(int(match["created_us"]) / 1e6, UTC) if match else None


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment that nobody writes any more; ``sequence`` is 0 until sealing begins."""

    name: str
    path: Path
    sequence: int = 0

    @property
    def created_at(self) -> datetime:
        """When the segment was created, from its name; decides its folder (UTC)."""
        named = created_at(self.name)
        return named or datetime.fromtimestamp(self.path.stat().st_mtime, UTC)

    def assign(self, sequence: int) -> Segment:
        """Tie the segment to its sequence for good, so that sealing it again lands the same."""
        path = self.path.with_name(f"{self.name}.{sequence:012d}.sealing")
        self.path.rename(path)
        sync_folder(path.parent)
        return Segment(self.name, path, sequence)

    def remove(self) -> None:
        """Remove the segment durably: a segment that came back would land twice."""
        self.path.unlink()
        sync_folder(self.path.parent)


class OpenSegment:
    """The segment a process is writing; its lock is held until ``finish`` or death."""

    def __init__(self, folder: Path) -> None:
        """Create it in ``folder``. Raises ``OSError``; leaves nothing behind."""
        self.name = new_name()
        self.size = 0
        self.opened_at = time.monotonic()
        hidden = folder / f".{self.name}.new"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        self._descriptor = os.open(hidden, flags, FILE_MODE)
        self.path = folder / f"{self.name}.open"
        try:
            # Locked before it gets its name, or the sealer could take it for an orphan.
            lock_descriptor(self._descriptor)
            hidden.rename(self.path)
            sync_folder(folder)
        except OSError:
            os.close(self._descriptor)
            raise

    def append(self, data: bytes) -> None:
        """Write without syncing; after ``OSError`` call ``cut``."""
        write_all(self._descriptor, data)

    def sync(self, size: int) -> None:
        """Make the bytes written so far durable; ``size`` of them are new."""
        os.fdatasync(self._descriptor)
        self.size += size

    def cut(self) -> None:
        """Drop what was written since the last ``sync``."""
        os.ftruncate(self._descriptor, self.size)

    def finish(self) -> None:
        """Hand the segment to the sealer."""
        self.path.rename(self.path.with_suffix(".ready"))
        sync_folder(self.path.parent)
        os.close(self._descriptor)

    def abandon(self) -> None:
        """Give up the lock without renaming: the sealer recovers it as an orphan."""
        os.close(self._descriptor)


def _adopt(path: Path) -> Path | None:
    """An ``.open`` file whose writer died, renamed to ``.ready``; None while it is written."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None  # Its writer has just finished it.
    try:
        if not lock_descriptor(descriptor):
            return None
        ready = path.with_suffix(".ready")
        path.rename(ready)
    except FileNotFoundError:
        return None
    finally:
        os.close(descriptor)
    sync_folder(path.parent)
    return ready


def waiting(folder: Path) -> list[Segment]:
    """Segments to seal, in sealing order: those already begun first, then by age.

    Recovers segments of dead writers on the way.
    """
    begun, fresh = [], []
    for entry in sorted(os.listdir(folder)):  # noqa: PTH208 (names only, and often)
        match = _FILE.match(entry)
        if match is None:
            continue
        path = folder / entry
        if match["sequence"]:
            begun.append(Segment(match["name"], path, int(match["sequence"])))
        else:
            ready = _adopt(path) if match["state"] == "open" else path
            if ready is not None:
                fresh.append(Segment(match["name"], ready))
    return sorted(begun, key=lambda segment: segment.sequence) + fresh


def backlog(folder: Path) -> tuple[int, int]:
    """Segments not yet sealed, including the one being written, and their bytes."""
    sizes = []
    for entry in os.scandir(folder) if folder.is_dir() else ():
        if _FILE.match(entry.name):
            try:
                sizes.append(entry.stat().st_size)
            except FileNotFoundError:
                continue  # Sealed or renamed between listing and looking.
    return len(sizes), sum(sizes)


def remove_unnamed(folder: Path) -> None:
    """Remove what writers left that died while creating a segment (always empty files)."""
    for leftover in folder.glob(".*.new"):
        leftover.unlink()


def oldest_created_at(folder: Path) -> datetime | None:
    """When the oldest segment not yet sealed was created (UTC), or None when there is none."""
    names = (_FILE.match(name) for name in os.listdir(folder))  # noqa: PTH208 (names only)
    created = [_NAME.match(match["name"]) for match in names if match is not None]
    oldest = min((int(match["created_us"]) for match in created if match), default=None)
    return None if oldest is None else datetime.fromtimestamp(oldest / 1e6, UTC)
