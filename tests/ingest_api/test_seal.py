"""Sealing: every record lands once, in order, wherever it is interrupted."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest

from ecomind.contract.codec import microseconds
from ecomind.contract.event import EVENTS, OUTCOMES, REJECTS
from ecomind.contract.landing import LandedName, arrow_schema
from ecomind.landing_zone import open_zone
from ecomind.settings import Settings
from ingest_api.landing import frame
from ingest_api.landing.files import lock_descriptor, make_folder
from ingest_api.landing.record import payload
from ingest_api.landing.seal import Sealer
from ingest_api.landing.segment import new_name, waiting
from ingest_api.landing.sequence import Sequence, SequenceDamaged
from tests.ingest_api.running import landed_files, landed_rows

RECEIPT: dict[str, Any] = {
    "org_id": "acme",
    "key_id": "k",
    "received_at": microseconds(datetime.now(UTC)),
    "receipt_id": "rcp_1",
    "adapter": "native_json",
}


DEFAULTS = {field.name: field.default for field in EVENTS.fields if field.default is not None}


def record_of(kind: bytes, *rows: dict[str, Any]) -> bytes:
    receipt = {name: rows[0].pop(name, value) for name, value in RECEIPT.items()}
    return frame.encode(kind, payload(msgspec.json.encode(receipt), map(msgspec.json.encode, rows)))


def event_record(event_id: str, **members: Any) -> bytes:
    row = {"event_id": event_id, "provider": "openai", "occurred_at": RECEIPT["received_at"]}
    return record_of(frame.EVENT, row | members)


def reject_record(index: int) -> bytes:
    row = {
        "rejection_id": f"rej_{index}", "item_index": index, "event_id": None,
        "code": "missing_field", "pointer": "/provider",
    }  # fmt: skip
    return record_of(frame.REJECT, row)


def write_segment(settings: Settings, data: bytes, suffix: str = "ready") -> Path:
    make_folder(settings.wal_dir)
    path = settings.wal_dir / f"{new_name()}.{suffix}"
    path.write_bytes(data)
    return path


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, node="n1")


def seal(settings: Settings) -> int:
    return Sealer(settings).seal_waiting()


def test_a_segment_becomes_three_files_of_the_contract(settings: Settings) -> None:
    data = event_record("b") + reject_record(3) + event_record("a", org_id="aaa", duration_ms=5)
    write_segment(settings, data)
    assert seal(settings) == 1
    names = set()
    for table in (EVENTS, REJECTS, OUTCOMES):
        (path,) = landed_files(settings.home, table.name)
        assert pq.read_schema(path).equals(arrow_schema(table))
        assert pq.ParquetFile(path).metadata.row_group(0).column(0).compression == "ZSTD"
        names.add(path.name)
    (name,) = names
    landed = LandedName.parse(name)
    assert landed is not None and (landed.node, landed.sequence) == ("n1", 1)
    assert [row["event_id"] for row in landed_rows(settings.home, "events")] == ["a", "b"]
    (outcome,) = landed_rows(settings.home, "outcomes")
    assert (outcome["events_count"], outcome["rejects_count"], outcome["torn_bytes"]) == (2, 1, 0)
    assert outcome["first_received_at"] == outcome["last_received_at"]
    assert (outcome["sequence"], outcome["segment"]) == (1, landed.segment)
    assert waiting(settings.wal_dir) == []


def test_rows_are_sorted_by_organisation_and_time(settings: Settings) -> None:
    base = RECEIPT["received_at"]
    records = [
        event_record(f"{org}-{t}", org_id=org, occurred_at=base + t)
        for org, t in (("b", 2), ("a", 9), ("b", 1), ("a", 3))
    ]
    write_segment(settings, b"".join(records))
    seal(settings)
    ids = [row["event_id"] for row in landed_rows(settings.home, "events")]
    assert ids == ["a-3", "a-9", "b-1", "b-2"]


def test_a_torn_tail_is_cut_and_counted(settings: Settings) -> None:
    torn = event_record("torn")[:-9]
    write_segment(settings, event_record("whole") + torn)
    seal(settings)
    assert [row["event_id"] for row in landed_rows(settings.home, "events")] == ["whole"]
    assert landed_rows(settings.home, "outcomes")[0]["torn_bytes"] == len(torn)


def test_a_flipped_byte_is_noticed_and_set_aside(settings: Settings) -> None:
    records = [event_record(f"e{n}") for n in range(5)]
    data = bytearray(b"".join(records))
    data[len(records[0]) + len(records[1]) + 60] ^= 0x10
    path = write_segment(settings, bytes(data))
    seal(settings)
    landed = {row["event_id"] for row in landed_rows(settings.home, "events")}
    assert landed == {"e0", "e1", "e3", "e4"}
    assert landed_rows(settings.home, "outcomes")[0]["damaged_count"] == 1
    (aside,) = settings.quarantine_dir.iterdir()
    assert aside.name == f"{path.stem}.damaged"
    assert len(aside.read_bytes()) == len(records[2])


def test_a_row_that_does_not_fit_is_set_aside_alone(settings: Settings) -> None:
    misfit = frame.encode(frame.EVENT, b'{"org_id":7,"event_id":"misfit"}')
    write_segment(settings, event_record("a") + misfit + event_record("b") + event_record("c"))
    seal(settings)
    landed = {row["event_id"] for row in landed_rows(settings.home, "events")}
    assert landed == {"a", "b", "c"}
    (aside,) = settings.quarantine_dir.iterdir()
    assert b"misfit" in aside.read_bytes()


def test_one_request_is_one_record_whose_misfits_are_set_aside_alone(settings: Settings) -> None:
    good = [
        {"event_id": f"e{n}", "provider": "openai", "occurred_at": RECEIPT["received_at"]}
        for n in range(7)
    ]
    odd = [{**good[0], "input_tokens": "many"}, {"event_id": "no provider"}]
    write_segment(settings, record_of(frame.EVENT, *good[:4], *odd, *good[4:]))
    seal(settings)
    rows = landed_rows(settings.home, "events")
    assert sorted(row["event_id"] for row in rows) == [f"e{n}" for n in range(7)]
    assert {row["receipt_id"] for row in rows} == {"rcp_1"}
    (aside,) = settings.quarantine_dir.iterdir()
    assert aside.read_bytes().count(b"rcp_1") == 2


def test_what_a_row_leaves_out_holds_the_default(settings: Settings) -> None:
    told = {**DEFAULTS, "operation": "embeddings", "sample_weight": 4.5}
    write_segment(settings, event_record("short") + event_record("whole", **told))
    seal(settings)
    short, whole = sorted(landed_rows(settings.home, "events"), key=lambda row: row["event_id"])
    assert {name: short[name] for name in DEFAULTS} == DEFAULTS
    assert {name: whole[name] for name in DEFAULTS} == told


def test_a_record_without_rows_is_set_aside(settings: Settings) -> None:
    write_segment(settings, event_record("a") + frame.encode(frame.EVENT, b'{"org_id":"acme"}'))
    seal(settings)
    assert [row["event_id"] for row in landed_rows(settings.home, "events")] == ["a"]
    assert len(list(settings.quarantine_dir.iterdir())) == 1


def test_an_orphan_is_recovered_and_a_living_segment_left_alone(settings: Settings) -> None:
    living = write_segment(settings, event_record("living"), "open")
    write_segment(settings, event_record("orphan"), "open")
    descriptor = os.open(living, os.O_RDONLY)
    assert lock_descriptor(descriptor)
    assert seal(settings) == 1
    assert [row["event_id"] for row in landed_rows(settings.home, "events")] == ["orphan"]
    os.close(descriptor)
    assert seal(settings) == 1
    assert len(landed_rows(settings.home, "events")) == 2


def test_an_empty_segment_leaves_nothing(settings: Settings) -> None:
    write_segment(settings, b"", "open")
    seal(settings)
    assert landed_files(settings.home, "outcomes") == []
    assert waiting(settings.wal_dir) == []


class Crash(BaseException):
    """The process ends here."""


@contextmanager
def crash_at(step: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Crash before the given one of all renames, syncs and removals; lists those made."""
    made: list[str] = []

    def counted(name: str, real: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            if len(made) == step:
                raise Crash
            made.append(name)
            return real(*arguments, **named)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", counted("fsync", os.fsync))
        patch.setattr(Path, "rename", counted("rename", Path.rename))
        patch.setattr(Path, "unlink", counted("unlink", Path.unlink))
        yield made


def test_a_crash_before_any_step_is_healed_by_sealing_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = 0
    while True:
        settings = Settings(home=tmp_path / str(step), node="n1")
        for n in range(2):
            write_segment(settings, event_record(f"e{n}") + reject_record(n), "open")
        has_crashed = False
        with crash_at(step, monkeypatch):
            try:
                seal(settings)
            except Crash:
                has_crashed = True
        seal(settings)
        seal(settings)
        check_landed_once(settings)
        if not has_crashed:
            break
        step += 1
        shutil.rmtree(settings.home)
    assert step > 20


def check_landed_once(settings: Settings) -> None:
    events = Counter(row["event_id"] for row in landed_rows(settings.home, "events"))
    assert events == {"e0": 1, "e1": 1}
    assert len(landed_rows(settings.home, "rejects")) == 2
    per_table = []
    for table in ("rejects", "events", "outcomes"):
        names = [LandedName.parse(path.name) for path in landed_files(settings.home, table)]
        segments = [name.segment for name in names if name]
        assert len(set(segments)) == len(segments) == 2
        per_table.append({(name.segment, name.sequence) for name in names if name})
    assert per_table[0] == per_table[1] == per_table[2]
    assert waiting(settings.wal_dir) == []


def test_files_appear_in_the_order_of_their_sequence(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = write_segment(settings, event_record("first"))
    with crash_at(8, monkeypatch), pytest.raises(Crash):
        seal(settings)
    assert list(settings.wal_dir.glob("*.sealing"))
    # An older-named segment that turns up later must not overtake the one begun.
    (settings.wal_dir / "s0000000000000001_1_00000000.ready").write_bytes(event_record("second"))
    seal(settings)
    names = [LandedName.parse(path.name) for path in landed_files(settings.home, "events")]
    by_sequence = sorted((name.sequence, name.segment) for name in names if name)
    assert by_sequence[0][1] == first.stem


def sequences(settings: Settings) -> list[int]:
    names = [LandedName.parse(path.name) for path in landed_files(settings.home, "outcomes")]
    return [name.sequence for name in names if name]


def test_the_sequence_grows_though_landed_files_are_deleted(settings: Settings) -> None:
    for n in range(3):
        write_segment(settings, event_record(f"e{n}"))
        seal(settings)
    shutil.rmtree(settings.landing_dir)
    write_segment(settings, event_record("later"))
    seal(settings)
    assert sequences(settings) == [4]


def test_the_sequence_grows_though_its_file_is_lost(settings: Settings) -> None:
    for n in range(3):
        write_segment(settings, event_record(f"e{n}"))
        seal(settings)
    (settings.wal_dir / "sequence-n1").unlink()
    write_segment(settings, event_record("later"))
    seal(settings)
    assert sorted(sequences(settings)) == [1, 2, 3, 4]


def test_a_damaged_sequence_is_told_not_guessed(settings: Settings) -> None:
    make_folder(settings.wal_dir)
    (settings.wal_dir / "sequence-n1").write_text("12x")
    with pytest.raises(SequenceDamaged, match="sequence-n1 is damaged"):
        Sequence(settings.wal_dir, open_zone(settings), "n1")


def test_a_segment_cut_at_any_byte_lands_its_whole_records(tmp_path: Path) -> None:
    """Offsets all over the last record and around the ends of others, through the sealer itself.

    ``test_frame`` cuts at every single byte.
    """
    records = [event_record(f"e{n}", tags='{"a":"\\n"}') for n in range(3)]
    data = b"".join(records)
    first_ends = len(records[0]), len(records[0]) + len(records[1])
    cuts = {*range(first_ends[1] - 2, len(data), 17), *range(3), first_ends[0], len(data) - 1}
    settings = Settings(home=tmp_path, node="n1")
    expected = Counter[str]()
    for cut in sorted(cuts):
        write_segment(settings, data[:cut], "open")
        # A record without only its newline is whole.
        ends = [sum(map(len, records[: n + 1])) - 1 for n in range(3)]
        expected.update(f"e{n}" for n, end in enumerate(ends) if cut >= end)
    assert seal(settings) == len(cuts)
    assert Counter(row["event_id"] for row in landed_rows(tmp_path, "events")) == expected
    outcomes = landed_rows(tmp_path, "outcomes")
    assert sum(row["events_count"] for row in outcomes) == expected.total()
    assert {row["damaged_count"] for row in outcomes} == {0}
    assert len({row["torn_bytes"] for row in outcomes}) > 10
