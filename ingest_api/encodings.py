"""Compressed bodies, and those that grow without end.

Belongs here: undoing Content-Encoding within limits. Does not belong here: what the bytes mean.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from typing import Any

from backports import zstd

from ingest_api.replies import Refused

_RATIO_MAX = 100
_ANY_RATIO_BYTES = 2**20
"""So little memory that no ratio matters."""

_DECOMPRESSORS: Mapping[str, Callable[[], Any]] = {
    "gzip": lambda: zlib.decompressobj(16 + zlib.MAX_WBITS),
    "x-gzip": lambda: zlib.decompressobj(16 + zlib.MAX_WBITS),
    "deflate": lambda: zlib.decompressobj(zlib.MAX_WBITS),
    "zstd": zstd.ZstdDecompressor,
}
ACCEPTED = "gzip, zstd, deflate"


def decoder(encoding: str | None) -> Callable[[], Any] | None:
    """A maker of decompressors for a Content-Encoding, or None for a plain body.

    Raises ``Refused`` for one that is not supported.
    """
    if encoding is None:
        return None
    name = encoding.strip().lower()
    if name in ("identity", ""):
        return None
    if name not in _DECOMPRESSORS:
        raise Refused("unsupported-encoding", headers=(("accept-encoding", ACCEPTED),))
    return _DECOMPRESSORS[name]


def decoded(body: bytes, make: Callable[[], Any], max_bytes: int) -> bytes:
    """The body decompressed, to at most ``max_bytes``. Raises ``Refused``.

    Never holds more than one byte over the limit in force.
    """
    ratio_limit = max(_ANY_RATIO_BYTES, _RATIO_MAX * len(body))
    limit = min(max_bytes, ratio_limit)
    pieces: list[bytes] = []
    held, rest = 0, body
    while rest:  # A body may be several compressed members one after the other.
        decompressor = make()
        try:
            piece = decompressor.decompress(rest, limit - held + 1)
        except (zlib.error, zstd.ZstdError):
            raise Refused("bad-encoding", detail="the compressed bytes are damaged") from None
        held += len(piece)
        if held > limit:
            if limit == max_bytes:
                raise Refused("body-too-large", stage="decoded", limit_bytes=max_bytes)
            raise Refused("decompression-bomb", limit_ratio=_RATIO_MAX)
        if not decompressor.eof:
            raise Refused("bad-encoding", detail="the compressed bytes end early")
        pieces.append(piece)
        rest = decompressor.unused_data
    return b"".join(pieces)
