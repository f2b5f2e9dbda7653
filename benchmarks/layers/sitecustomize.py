"""What a comparison changes in the ingest service, for processes with this folder on their path.

``BENCHMARK_LOG``: ``null`` answers without a log; ``slow:5`` makes every flush last 5 ms longer;
``unsynced`` skips the flush of events, as a negative control. The service itself has no such
switches.
"""

import asyncio
import os
import time
from typing import Any

_CHOICE, _, _MILLISECONDS = os.environ.get("BENCHMARK_LOG", "").partition(":")


def _done(log: Any, frames: bytes) -> asyncio.Future[None]:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.set_result(None)
    return future


def _slowly(descriptor: int, real: Any = os.fdatasync) -> None:
    real(descriptor)
    time.sleep(float(_MILLISECONDS) / 1000)


def _not_at_all(descriptor: int) -> None:
    """Claim that all is on the disk."""


if _CHOICE == "null":
    from ingest_api.landing.log import EventLog

    EventLog.append = _done  # type: ignore[method-assign, assignment]
elif _CHOICE == "slow":
    os.fdatasync = _slowly  # type: ignore[assignment]
elif _CHOICE == "unsynced":
    os.fdatasync = _not_at_all  # type: ignore[assignment]
