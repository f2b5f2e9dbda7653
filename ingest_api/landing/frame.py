"""Records of a write-ahead segment.

Belongs here: the bytes of one record and how to find whole records again. Does not belong
here: files, or what a payload is made of (``record``).

A record is ``<kind, 1><payload length, 8 hex><CRC-32, 8 hex><payload><newline>``. The CRC covers
kind, length and payload. A payload holds no newline, so that after a damaged record the next
newline leads back to a whole one; the length leads over a damaged newline.
"""

from __future__ import annotations

import struct
from binascii import unhexlify
from dataclasses import dataclass, field
from zlib import crc32

EVENT = b"e"
BUCKET = b"b"
REJECT = b"r"
_KINDS = (EVENT, BUCKET, REJECT)
_HEAD, _OVERHEAD = 9, 17
_numbers = struct.Struct(">II").unpack


@dataclass(slots=True)
class Contents:
    """Payloads of whole records by kind, bytes of damaged ones, bytes of a torn tail."""

    rows: dict[bytes, list[bytes]] = field(default_factory=lambda: {kind: [] for kind in _KINDS})
    damaged: list[bytes] = field(default_factory=list)
    torn_bytes: int = 0


def encode(kind: bytes, payload: bytes) -> bytes:
    """One record; ``payload`` holds no newline."""
    head = b"%b%08x" % (kind, len(payload))
    return b"%b%08x%b\n" % (head, crc32(payload, crc32(head)), payload)


def _payload(data: bytes, start: int) -> bytes | None:
    """The payload of a whole record at ``start``, or None if there is none."""
    before = data[start : start + _OVERHEAD]
    try:
        length, checksum = _numbers(unhexlify(before[1:]))
    except (ValueError, struct.error):
        return None
    begin = start + _OVERHEAD
    payload = data[begin : begin + length]
    whole = len(payload) == length and crc32(payload, crc32(before[:_HEAD])) == checksum
    return payload if whole and before[:1] in _KINDS else None


def read(data: bytes) -> Contents:
    """Tell whole, damaged and torn records of a segment apart; never raises.

    Bytes after the last newline that are no whole record are a torn tail: their write was
    never acknowledged. Other bytes that are no whole record are damaged.
    """
    contents = Contents()
    start = 0
    while start < len(data):
        payload = _payload(data, start)
        if payload is not None:
            contents.rows[data[start : start + 1]].append(payload)
            start += _OVERHEAD + len(payload) + 1
            continue
        newline = data.find(b"\n", start)
        if newline < 0:
            contents.torn_bytes = len(data) - start
            break
        contents.damaged.append(data[start : newline + 1])
        start = newline + 1
    return contents
