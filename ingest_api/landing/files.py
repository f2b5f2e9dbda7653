"""Folders and files that survive a power cut.

Belongs here: the few file-system steps whose order durability depends on. Does not belong
here: what the files hold.
"""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

FILE_MODE = 0o640
FOLDER_MODE = 0o750
DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Errors of a write that a person can cure while the service runs."""


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


def replace_file(path: Path, data: bytes) -> None:
    """Put ``data`` at ``path`` atomically and durably."""
    temporary = path.with_name(f".{path.name}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    descriptor = os.open(temporary, flags, FILE_MODE)
    try:
        write_all(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    temporary.rename(path)
    sync_folder(path.parent)


def try_lock(path: Path) -> int | None:
    """Hold an exclusive lock on a file until its descriptor closes; None when it is held."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, FILE_MODE)
    if lock_descriptor(descriptor):
        return descriptor
    os.close(descriptor)
    return None


def lock_descriptor(descriptor: int) -> bool:
    """Take the exclusive lock of an open file; False when another process holds it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
