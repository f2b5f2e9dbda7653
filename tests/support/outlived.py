"""No process that a test starts outlives the tests, however those end.

Fixtures stop what they start, but not when the test process is killed, as by the limit on a run's
time. Belongs here: one watcher per test process, which sees that end. Does not belong here:
stopping anything while tests run.

The kernel could end children with the thread that started them (``PR_SET_PDEATHSIG``), but some
tests start services from a thread that is gone before the service is.
"""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from typing import IO

import psutil

_WATCHER = """
import sys, psutil
listed = [line.split() for line in sys.stdin]
for pid, started in listed:
    try:
        process = psutil.Process(int(pid))
        if process.create_time() == float(started):
            process.kill()
    except psutil.NoSuchProcess:
        pass
"""
"""Reads until the writing end, which only the test process holds, is closed."""


def ends_with_tests(process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
    """The process, which is killed when this one is gone."""
    pipe = _watcher()
    pipe.write(f"{process.pid} {psutil.Process(process.pid).create_time()!r}\n".encode())
    pipe.flush()
    return process


@cache
def _watcher() -> IO[bytes]:
    watcher = subprocess.Popen(
        [sys.executable, "-c", _WATCHER],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert watcher.stdin is not None
    return watcher.stdin
