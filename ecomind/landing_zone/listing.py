"""Landed files as a whole: found completely, without those that a merged file stands for.

Belongs here: listing that misses nothing while files are being put, and the rule that a merged
file supersedes its parts. Does not belong here: which files were loaded, or merging.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby

from ecomind.contract.landing import LandedName
from ecomind.landing_zone.zone import LandingZone, day_folder


@dataclass(frozen=True, slots=True)
class LandedFile:
    """A landed file: its table, its received date, its name and its size in bytes."""

    table: str
    received_date: date
    name: LandedName
    size_bytes: int = field(default=0, compare=False)

    @property
    def location(self) -> str:
        """Where it lies below the zone."""
        return f"{day_folder(self.table, self.received_date)}/{self.name}"


@dataclass(frozen=True, slots=True)
class Listing:
    """Files that count, and files a merged one stands for; both in the order of their names."""

    files: list[LandedFile]
    superseded: list[LandedFile]


def _found(zone: LandingZone, table: str, first: date) -> list[LandedFile]:
    return [
        LandedFile(table, day, name, size)
        for day in zone.days(table)
        if day >= first
        for name, size in zone.names(table, day)
    ]


def list_landed(zone: LandingZone, table: str, first: date = date.min) -> Listing:
    """Every landed file of a table with a received date from ``first`` on.

    Whatever lies before a listed file in its node's sequence is listed, too: the loader resumes
    after the last number, so a file missed between two others would be missed for good.
    """
    # A listing may show a file and not the one put just before it. All that the first one
    # reached was there before the second one began.
    reached: dict[str, int] = {}
    for file in _found(zone, table, first):
        reached[file.name.node] = max(reached.get(file.name.node, 0), file.name.sequence)
    found = _found(zone, table, first) if reached else []
    return apart(file for file in found if file.name.sequence <= reached.get(file.name.node, 0))


def apart(found: Iterable[LandedFile]) -> Listing:
    """Files that count, and those a merged file among them stands for.

    Of a folder and node, the widest range of sequences covers those within it.
    """
    listing = Listing([], [])

    def place(file: LandedFile) -> tuple[date, str]:
        return file.received_date, file.name.node

    for _, group in groupby(sorted(found, key=place), key=place):
        covered = 0
        by_range = sorted(group, key=lambda f: (f.name.first_sequence, -f.name.sequence))
        for file in by_range:
            if file.name.sequence <= covered:
                listing.superseded.append(file)
            else:
                listing.files.append(file)
                covered = file.name.sequence
    for files in (listing.files, listing.superseded):
        files.sort(key=lambda file: file.name)
    return listing
