"""Compaction: fewer files, the same rows, wherever it is interrupted."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ecomind.contract.event import EVENTS, OUTCOMES
from ecomind.contract.landing import LandedName, arrow_schema
from ecomind.landing_zone import LandedFile, list_landed
from ecomind.landing_zone.folder import FolderZone
from ingest_api.landing import compact as module
from ingest_api.landing.compact import Compacted, compact, remove_superseded
from tests.ingest_api.running import Running, event, wait_for_rows
from tests.support.landing import event_row, land, land_events

TODAY = datetime.now(UTC)


@pytest.fixture
def zone(tmp_path: Path) -> FolderZone:
    return FolderZone(tmp_path)


def land_some(zone: FolderZone, *sequences: int, node: str = "n1", day: datetime = TODAY) -> None:
    for sequence in sequences:
        rows = [event_row(f"{node}-{sequence}-{n}", org_id=f"org{n}") for n in (2, 1)]
        land(zone.root, EVENTS, sequence, rows, node=node, received=day)


def files(zone: FolderZone) -> list[LandedFile]:
    return list_landed(zone, EVENTS.name).files


def names(zone: FolderZone) -> list[str]:
    return sorted(path.name for path in zone.root.rglob("*.parquet"))


def rows_of(zone: FolderZone, file: LandedFile) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.ParquetFile(zone.root / file.location).read().to_pylist()
    return rows


def event_ids(zone: FolderZone) -> Counter[str]:
    return Counter(row["event_id"] for file in files(zone) for row in rows_of(zone, file))


def ids_of(*sequences: int, node: str = "n1") -> Counter[str]:
    return Counter(f"{node}-{sequence}-{n}" for sequence in sequences for n in (1, 2))


def test_small_files_become_one_with_the_last_ones_name(zone: FolderZone) -> None:
    land_some(zone, 3, 4, 7)
    assert compact(zone, EVENTS, files(zone), 2) == Compacted(3, 1)
    (file,) = files(zone)
    assert file.name == LandedName("n1", 7, "s7", merged_from=3)
    assert str(file.name) == "n1-000000000007-c000000000003_s7.parquet"
    assert names(zone) == [str(file.name)]
    rows = rows_of(zone, file)
    assert [row["org_id"] for row in rows] == ["org1"] * 3 + ["org2"] * 3
    assert pq.read_schema(zone.root / file.location).equals(arrow_schema(EVENTS))
    assert event_ids(zone) == ids_of(3, 4, 7)


def test_few_files_are_left_alone(zone: FolderZone) -> None:
    land_some(zone, 1, 2)
    land_some(zone, 1, 2, node="n2")
    before = names(zone)
    assert compact(zone, EVENTS, files(zone), 2) == Compacted()
    assert names(zone) == before


def test_each_node_and_day_has_merged_files_of_its_own(zone: FolderZone) -> None:
    land_some(zone, 1, 3, 4, day=TODAY - timedelta(days=1))
    land_some(zone, 2, 5, 6)
    land_some(zone, 1, 2, 3, node="n2")
    assert compact(zone, EVENTS, files(zone), 2) == Compacted(9, 3)
    assert [(f.name.node, f.name.first_sequence, f.name.sequence) for f in files(zone)] == [
        ("n1", 1, 4), ("n1", 2, 6), ("n2", 1, 3),
    ]  # fmt: skip
    assert event_ids(zone) == ids_of(1, 2, 3, 4, 5, 6) + ids_of(1, 2, 3, node="n2")


def test_merged_files_are_merged_again(zone: FolderZone) -> None:
    land_some(zone, 1, 2, 3)
    compact(zone, EVENTS, files(zone), 2)
    land_some(zone, 4, 5)
    compact(zone, EVENTS, files(zone), 2)
    assert [file.name for file in files(zone)] == [LandedName("n1", 5, "s5", merged_from=1)]
    assert event_ids(zone) == ids_of(1, 2, 3, 4, 5)


def test_what_does_not_fit_ends_a_run(zone: FolderZone, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unreadable, of an older contract, or large: as it was, and covered by no merged file."""
    land_some(zone, *range(1, 13))
    table = zone.root / f"events/received_date={TODAY.date()}"
    (table / "n1-000000000003-s3.parquet").write_bytes(b"garbage")
    older = table / "n1-000000000006-s6.parquet"
    pq.write_table(pq.read_table(older, partitioning=None).drop(["ttft_ms"]), older)
    large = table / "n1-000000000009-s9.parquet"
    rows = pq.read_table(large, partitioning=None)
    pq.write_table(pa.concat_tables([rows] * 500), large, compression="none")
    monkeypatch.setattr(module, "SMALL_BYTES", large.stat().st_size)
    assert compact(zone, EVENTS, files(zone), 2) == Compacted(9, 4)
    assert [(file.name.first_sequence, file.name.sequence) for file in files(zone)] == [
        (1, 2), (3, 3), (4, 5), (6, 6), (7, 8), (9, 9), (10, 12),
    ]  # fmt: skip
    assert list_landed(zone, EVENTS.name).superseded == []


def test_a_merged_file_has_a_largest_size(
    zone: FolderZone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MERGED_ROWS", 4)
    land_some(zone, *range(1, 8))
    assert compact(zone, EVENTS, files(zone), 2) == Compacted(6, 3)
    assert event_ids(zone) == ids_of(*range(1, 8))


def test_outcomes_keep_their_order_and_what_they_say(zone: FolderZone) -> None:
    for sequence in (1, 2, 3):
        land_events(zone.root, sequence, [event_row(str(sequence))], node="n1")
    compact(zone, OUTCOMES, list_landed(zone, OUTCOMES.name).files, 2)
    (file,) = list_landed(zone, OUTCOMES.name).files
    assert [row["sequence"] for row in rows_of(zone, file)] == [1, 2, 3]
    assert len(files(zone)) == 3


class Crash(BaseException):
    """The process ends here."""


@contextmanager
def crash_at(step: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Crash before the given one of all syncs, renames and removals."""
    made = 0

    def counted(real: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            nonlocal made
            if made == step:
                raise Crash
            made += 1
            return real(*arguments, **named)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", counted(os.fsync))
        patch.setattr(Path, "rename", counted(Path.rename))
        patch.setattr(Path, "unlink", counted(Path.unlink))
        yield


def test_a_crash_before_any_step_neither_loses_nor_doubles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = ids_of(1, 2, 3, 4, 5)
    step, has_crashed = 0, True
    while has_crashed:
        zone = FolderZone(tmp_path / str(step))
        land_some(zone, 1, 2, 5)
        land_some(zone, 3, 4, day=TODAY - timedelta(days=1))
        has_crashed = False
        with crash_at(step, monkeypatch):
            try:
                compact(zone, EVENTS, files(zone), 2)
            except Crash:
                has_crashed = True
        assert event_ids(zone) == expected, f"after a crash before step {step}"
        remove_superseded(zone, list_landed(zone, EVENTS.name).superseded)
        assert event_ids(zone) == expected, f"after the removal of what step {step} left"
        compact(zone, EVENTS, files(zone), 1)
        assert event_ids(zone) == expected
        assert len(names(zone)) == 2
        step += 1
    assert step > 10


def test_a_segment_sealed_again_after_its_file_was_merged_counts_once(zone: FolderZone) -> None:
    """The sealer was killed before it removed the segment; meanwhile its file was merged."""
    land_some(zone, 1, 2, 3)
    compact(zone, EVENTS, files(zone), 2)
    land_some(zone, 2, 4)
    assert event_ids(zone) == ids_of(1, 2, 3, 4)
    listing = list_landed(zone, EVENTS.name)
    assert [file.name.sequence for file in listing.superseded] == [2]


def test_a_receipt_is_found_in_a_merged_file(service: Running, key: str) -> None:
    """Also the first part's, though the merged file's name tells the last part's time."""
    receipts = []
    for number in range(3):
        answer = service.post("/v1/events", key, json=event(f"merged-{number}")).json()
        wait_for_rows(service.home, "events", {f"merged-{number}"})
        receipts.append(answer["receipt_id"])
    zone = FolderZone(service.settings.landing_dir)
    assert compact(zone, EVENTS, files(zone), 1).into_count == 1
    for receipt in receipts:
        found = service.client.get(
            f"/v1/receipts/{receipt}", headers={"authorization": f"Bearer {key}"}
        )
        assert (found.json()["state"], found.json()["accepted"]) == ("landed", 1)
