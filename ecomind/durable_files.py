"""Folders and files that survive a power cut.

Belongs here: the few file-system steps whose order durability depends on. Does not belong
here: what the files hold.
"""

from __future__ import annotations

import os
from pathlib import Path

FILE_MODE = 0o640
FOLDER_MODE = 0o750


def sync_folder(folder: Path) -> None:
    """Make the folder's entries (creations, renames, removals) durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Create a folder and its parents durably; harmless when it exists."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
    sync_folder(folder.parent)


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte; raises ``OSError`` after a part of them when the disk is full."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def write_file(path: Path, data: bytes) -> None:
    """Write a whole file durably; it is not safe from readers until it is renamed."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    descriptor = os.open(path, flags, FILE_MODE)
    try:
        write_all(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_file(path: Path, data: bytes) -> None:
    """Put ``data`` at ``path`` atomically and durably."""
    temporary = path.with_name(f".{path.name}.tmp")
    write_file(temporary, data)
    temporary.rename(path)
    sync_folder(path.parent)
