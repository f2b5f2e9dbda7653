"""Records survive what disks do to them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ingest_api.landing import frame

PAYLOADS = [b'{"n":%d,"text":"%s"}' % (n, b"x" * (n * 7)) for n in range(6)]
KINDS = [frame.EVENT, frame.EVENT, frame.REJECT, frame.EVENT, frame.REJECT, frame.EVENT]
RECORDS = [frame.encode(kind, payload) for kind, payload in zip(KINDS, PAYLOADS, strict=True)]
SEGMENT = b"".join(RECORDS)


def whole(contents: frame.Contents) -> set[bytes]:
    return {payload for rows in contents.rows.values() for payload in rows}


def test_records_are_read_back_by_kind() -> None:
    contents = frame.read(SEGMENT)
    assert contents.rows[frame.EVENT] == [PAYLOADS[i] for i in (0, 1, 3, 5)]
    assert contents.rows[frame.REJECT] == [PAYLOADS[i] for i in (2, 4)]
    assert (contents.damaged, contents.torn_bytes) == ([], 0)


def test_a_segment_cut_anywhere_loses_only_its_tail() -> None:
    ends = [len(b"".join(RECORDS[: n + 1])) for n in range(len(RECORDS))]
    for cut in range(len(SEGMENT)):
        contents = frame.read(SEGMENT[:cut])
        # A record without only its newline is whole.
        expected = sum(1 for end in ends if end - 1 <= cut)
        assert whole(contents) == set(PAYLOADS[:expected])
        assert contents.damaged == []


def test_a_flipped_bit_anywhere_costs_at_most_its_own_record() -> None:
    for position in range(len(SEGMENT)):
        for bit in range(8):
            flipped = bytearray(SEGMENT)
            flipped[position] ^= 1 << bit
            contents = frame.read(bytes(flipped))
            lost = set(PAYLOADS) - whole(contents)
            assert len(lost) <= 1
            assert whole(contents) <= set(PAYLOADS)
            assert not lost or contents.damaged or contents.torn_bytes


@given(st.binary(max_size=400))
def test_any_bytes_between_records_are_set_aside(noise: bytes) -> None:
    contents = frame.read(RECORDS[0] + noise + b"\n" + RECORDS[1])
    assert {PAYLOADS[0], PAYLOADS[1]} <= whole(contents)


@given(st.binary(max_size=400))
def test_noise_is_never_taken_for_a_record(noise: bytes) -> None:
    assert whole(frame.read(noise)) == set()
