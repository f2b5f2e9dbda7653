"""Files of the write-ahead log: locks, and which errors a person can cure meanwhile.

Belongs here: locking, and the ground floor's durable steps under the names this room uses. Does
not belong here: what the files hold.
"""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

from ecomind.durable_files import (
    FILE_MODE,
    FOLDER_MODE,
    make_folder,
    replace_file,
    sync_folder,
    write_all,
)

__all__ = [
    "DISK_FULL",
    "FILE_MODE",
    "FOLDER_MODE",
    "lock_descriptor",
    "make_folder",
    "replace_file",
    "sync_folder",
    "try_lock",
    "write_all",
]

DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Errors of a write that a person can cure while the service runs."""


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
