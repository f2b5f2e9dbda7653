"""What is built once in a test run and read by several files, whichever process runs them.

Belongs here: that it is built once, and whole before anybody reads it. Does not belong here: what
is built. Readers copy it or open it read-only.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

FOLDER = "TESTS_SHARED_FOLDER"
"""Variable with the folder of this test run, set by ``tests/conftest.py``."""


def built_once(name: str, build: Callable[[Path], object]) -> Path:
    """The folder ``name``, filled by the first process that asks; the others wait for it.

    ``build`` gets the folder under the name it keeps. One that fails leaves nothing behind, and
    the next process tries again.
    """
    folder = Path(os.environ[FOLDER]) / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    complete = folder.with_name(f"{name}.complete")
    with folder.with_name(f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            build(folder)
            complete.touch()
    return folder
