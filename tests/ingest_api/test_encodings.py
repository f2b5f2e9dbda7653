"""Compressed bodies: undone within limits, or refused by name."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import pytest
from backports import zstd

from ingest_api.encodings import decoded, decoder
from ingest_api.replies import Refused

LIMIT = 4 * 2**20
COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstd.compress,
}


def undone(body: bytes, encoding: str, limit: int = LIMIT) -> bytes:
    make = decoder(encoding)
    assert make is not None
    return decoded(body, make, limit)


@pytest.mark.parametrize("encoding", COMPRESSORS)
def test_a_body_comes_out_as_it_went_in(encoding: str) -> None:
    body = b'{"event_id": "a"}' * 1000
    assert undone(COMPRESSORS[encoding](body), encoding) == body
    assert undone(COMPRESSORS[encoding](b""), encoding) == b""


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_members_one_after_the_other_are_one_body(encoding: str) -> None:
    compress = COMPRESSORS[encoding]
    assert undone(compress(b"one ") + compress(b"two"), encoding) == b"one two"


@pytest.mark.parametrize("encoding", COMPRESSORS)
def test_a_bomb_is_refused(encoding: str) -> None:
    bomb = COMPRESSORS[encoding](b"\0" * (LIMIT * 4))
    with pytest.raises(Refused) as refused:
        undone(bomb, encoding, LIMIT * 8)
    assert refused.value.name == "decompression-bomb"


def test_bombs_one_after_the_other_are_refused() -> None:
    with pytest.raises(Refused) as refused:
        undone(gzip.compress(b"\0" * 2**20) * 8, "gzip")
    assert refused.value.name in ("decompression-bomb", "body-too-large")


def test_a_body_over_the_limit_is_too_large() -> None:
    body = bytes(range(256)) * (LIMIT // 256)
    with pytest.raises(Refused) as refused:
        undone(zlib.compress(body + b"x", 0), "deflate")
    assert refused.value.name == "body-too-large"
    assert refused.value.members == {"stage": "decoded", "limit_bytes": LIMIT}
    assert undone(zlib.compress(body, 0), "deflate") == body


@pytest.mark.parametrize("encoding", COMPRESSORS)
def test_damaged_bytes_are_told(encoding: str) -> None:
    whole = COMPRESSORS[encoding](b"some words of some length " * 40)
    for damaged in (whole[:-6], b"not compressed at all", whole + b"trailing"):
        with pytest.raises(Refused) as refused:
            undone(damaged, encoding)
        assert refused.value.name == "bad-encoding"


def test_plain_and_unknown_encodings() -> None:
    assert decoder(None) is decoder("identity") is None
    with pytest.raises(Refused) as refused:
        decoder("br")
    assert ("accept-encoding", "gzip, zstd, deflate") in refused.value.headers
