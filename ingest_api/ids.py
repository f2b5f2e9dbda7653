"""Ids that sort by the time they were made.

Belongs here: event ids minted for clients that send none, and ids of requests, receipts and
rejections. Does not belong here: ids that must be reproducible (imports derive those).
"""

from __future__ import annotations

import os
import time

_MILLISECONDS_NS = 1_000_000


def sortable() -> str:
    """28 hex digits: 48 bits of milliseconds since the epoch, then 64 random bits."""
    return f"{time.time_ns() // _MILLISECONDS_NS:012x}{os.urandom(8).hex()}"


def uuid7() -> str:
    """A version 7 UUID (RFC 9562): 48 bits of milliseconds, then random bits."""
    moment = time.time_ns() // _MILLISECONDS_NS
    number = int.from_bytes(moment.to_bytes(6, "big") + os.urandom(10), "big")
    number = number & ~(0xF << 76) | 0x7 << 76
    number = number & ~(0x3 << 62) | 0x2 << 62
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
