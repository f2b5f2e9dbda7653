"""What every kind of landing zone can do, and which one the settings name.

Belongs here: the protocol and its errors. Does not belong here: a kind of storage (``folder``,
``objects``).

A location is a path below the zone with ``/`` between its parts, such as
``events/received_date=2026-01-31/node1-000000000001-s1.parquet``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Protocol

from ecomind.contract.landing import LandedName
from ecomind.landing_url import Bucket, parse
from ecomind.settings import Settings

FOLDER_PREFIX = "received_date="


class StorageTrouble(OSError):
    """The storage refuses or cannot be reached: trying again later may work."""


class NotVerified(Exception):
    """What was stored does not read back as it was written."""


class LandingZone(Protocol):
    """A landing zone; any method may raise ``OSError``, remote ones ``StorageTrouble``."""

    def prepare(self) -> None:
        """Make what putting needs; a bucket is never made, only looked for."""

    def put(self, location: str, data: bytes) -> None:
        """Store a file durably: readers see all of it or nothing.

        Replaces a file that is there. Raises ``NotVerified`` when it does not read back.
        """

    def read(self, location: str) -> bytes | None:
        """A file's bytes, or None when there is none."""

    def fetch(self, location: str, folder: Path) -> Path:
        """A local path of the file: its own, or that of a copy made in ``folder``."""

    def remove(self, locations: Sequence[str]) -> None:
        """Remove files durably; harmless for those that are not there."""

    def set_aside(self, location: str, target: Path) -> None:
        """Move a file out of the zone to a local path, whose folder exists."""

    def days(self, table: str) -> Sequence[date]:
        """Received dates a table has files of, in order."""

    def names(self, table: str, day: date) -> Sequence[tuple[LandedName, int]]:
        """Landed files of a table and received date with their sizes in bytes, in no order."""


def day_folder(table: str, day: date) -> str:
    """Where a table's files of a received date lie."""
    return f"{table}/{FOLDER_PREFIX}{day.isoformat()}"


def day_of(folder_name: str) -> date | None:
    """The received date a folder is named after, or None for any other folder."""
    if not folder_name.startswith(FOLDER_PREFIX):
        return None
    try:
        return date.fromisoformat(folder_name.removeprefix(FOLDER_PREFIX))
    except ValueError:
        return None


def open_zone(settings: Settings) -> LandingZone:
    """The landing zone of an installation; nothing is reached yet."""
    place = parse(settings.landing_url) if settings.landing_url else settings.landing_dir
    if isinstance(place, Bucket):
        # Loading the storage's client takes a while, and a folder needs none of it.
        from ecomind.landing_zone.objects import ObjectZone  # noqa: PLC0415

        return ObjectZone(place)
    from ecomind.landing_zone.folder import FolderZone  # noqa: PLC0415

    return FolderZone(place)
