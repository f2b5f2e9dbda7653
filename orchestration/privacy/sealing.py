"""Waiting until everything received before a moment lies in the landing zone.

Belongs here: the write-ahead log seen from outside. Does not belong here: sealing itself
(``ingest_api.landing.seal``).
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta

from ecomind.errors import EcoMindError
from ecomind.settings import Settings
from ingest_api.credentials import STALENESS_S
from ingest_api.landing.files import try_lock
from ingest_api.landing.seal import Sealer
from ingest_api.landing.segment import oldest_created_at

_SLACK_S = 5.0
"""How long a request may be on its way from being judged to the log."""
_PATIENCE_S = 120.0
_POLL_S = 0.25


class NotSealed(EcoMindError):
    """Events received before a moment are not in the landing zone yet; nothing was changed."""


def seal_what_was_received(settings: Settings, asked_at: datetime) -> None:
    """Return once events that were judged without knowing of ``asked_at`` are landed.

    The ingest API learns of an erasure within seconds; only then can a new segment hold nobody who
    was erased. Where none is running, this seals by itself. Raises ``NotSealed``.
    """
    if not settings.wal_dir.is_dir():
        return
    known_at = asked_at + timedelta(seconds=STALENESS_S + _SLACK_S)
    give_up_at = time.monotonic() + _PATIENCE_S + settings.seal_max_age_s
    while True:
        lock = try_lock(settings.wal_dir / "sealer.lock")
        if lock is not None:
            try:
                Sealer(settings).seal_waiting()
            finally:
                os.close(lock)
        oldest = oldest_created_at(settings.wal_dir)
        if oldest is None and lock is not None:
            return
        if datetime.now(UTC) >= known_at and (oldest is None or oldest > known_at):
            return
        if time.monotonic() > give_up_at:
            raise NotSealed(
                "events wait in the write-ahead log for longer than two minutes: see whether the"
                " landing zone takes files, then ask again"
            )
        time.sleep(_POLL_S)
