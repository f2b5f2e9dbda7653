"""Ids that sort by the time they were made.

Belongs here: event ids minted for clients that send none, and ids of requests, receipts and
rejections. Does not belong here: ids that must be reproducible (imports derive those).
"""

from __future__ import annotations

import os
import random
import time

_MILLISECONDS_NS = 1_000_000
_random = random.Random(os.urandom(32))  # noqa: S311 - see ``sortable``; a call less of the system.
os.register_at_fork(after_in_child=lambda: _random.seed(os.urandom(32)))


def sortable() -> str:
    """28 hex digits: 48 bits of milliseconds since the epoch, then 64 random bits.

    Unique, no secret: whoever asks by such an id must hold a key.
    """
    return f"{time.time_ns() // _MILLISECONDS_NS:012x}{_random.getrandbits(64):016x}"


def uuid7() -> str:
    """A version 7 UUID (RFC 9562): 48 bits of milliseconds, then random bits."""
    moment = time.time_ns() // _MILLISECONDS_NS
    number = int.from_bytes(moment.to_bytes(6, "big") + os.urandom(10), "big")
    number = number & ~(0xF << 76) | 0x7 << 76
    number = number & ~(0x3 << 62) | 0x2 << 62
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
