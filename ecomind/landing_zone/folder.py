"""A landing zone in a folder.

Belongs here: the file-system steps. Does not belong here: which files there should be.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from ecomind.contract.landing import LandedName
from ecomind.durable_files import make_folder, sync_folder, write_file
from ecomind.landing_zone.zone import FOLDER_PREFIX, NotVerified, day_folder, day_of


class FolderZone:
    """A landing zone below a folder of this machine."""

    def __init__(self, root: Path) -> None:
        """``root`` need not exist until something is put."""
        self.root = root

    def __str__(self) -> str:
        return str(self.root)

    def prepare(self) -> None:
        """Make the folder durably."""
        make_folder(self.root)

    def put(self, location: str, data: bytes) -> None:
        """Write, flush, compare, rename; a crash before the rename leaves a hidden file."""
        path = self.root / location
        make_folder(path.parent)
        temporary = path.with_name(f".{path.name}.tmp")
        write_file(temporary, data)
        if temporary.read_bytes() != data:
            raise NotVerified(f"{path.name} did not read back as written")
        temporary.rename(path)
        sync_folder(path.parent)

    def read(self, location: str) -> bytes | None:
        """The file's bytes, or None when there is none."""
        try:
            return (self.root / location).read_bytes()
        except FileNotFoundError:
            return None

    def fetch(self, location: str, folder: Path) -> Path:
        """The file's own path."""
        return self.root / location

    def remove(self, locations: Sequence[str]) -> None:
        """Remove the files, then flush each folder once."""
        paths = [self.root / location for location in locations]
        for path in paths:
            path.unlink(missing_ok=True)
        for folder in {path.parent for path in paths if path.parent.is_dir()}:
            sync_folder(folder)

    def set_aside(self, location: str, target: Path) -> None:
        """Move the file; the target may lie on another file system."""
        shutil.move(self.root / location, target)

    def days(self, table: str) -> Sequence[date]:
        """Received dates of the table's folders."""
        folders = (self.root / table).glob(f"{FOLDER_PREFIX}*")
        found = (day_of(folder.name) for folder in folders)
        return sorted(day for day in found if day is not None)

    def names(self, table: str, day: date) -> Sequence[tuple[LandedName, int]]:
        """Landed files of one folder; a folder that is gone has none."""
        found = []
        try:
            with os.scandir(self.root / day_folder(table, day)) as entries:
                for entry in entries:
                    name = LandedName.parse(entry.name)
                    if name is not None:
                        found.append((name, _size(entry)))
        except FileNotFoundError:
            return []
        return [(name, size) for name, size in found if size is not None]


def _size(entry: os.DirEntry[str]) -> int | None:
    try:
        return entry.stat().st_size
    except FileNotFoundError:
        return None  # Removed between listing and looking.
