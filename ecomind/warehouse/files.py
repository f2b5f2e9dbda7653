"""Durable file changes: whole or not at all, also across a power cut.

Belongs here: the few file operations the warehouse publishes with. Does not belong here: any
knowledge of what the files hold.
"""

from __future__ import annotations

import os
from pathlib import Path


def fsync_path(path: Path) -> None:
    """Flush a file or a folder's entries to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_durably(temporary: Path, final: Path) -> None:
    """Rename a flushed file or folder into place and flush the folder entry."""
    temporary.replace(final)
    fsync_path(final.parent)


def write_text_atomically(path: Path, text: str) -> None:
    """Replace a small text file; readers see the old text or the new, never a part."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    replace_durably(temporary, path)
