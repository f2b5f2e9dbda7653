"""The landing zone: the same promises in a folder and in object storage."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from ecomind.contract.landing import LandedName
from ecomind.landing_zone import (
    LandedFile,
    LandingZone,
    NotVerified,
    StorageTrouble,
    list_landed,
    open_zone,
)
from ecomind.landing_zone.folder import FolderZone
from ecomind.settings import Settings
from tests.support.object_storage import BUCKET, SECRET_KEY, URL, ObjectStorage, object_storage

DAY = date(2026, 11, 20)


@pytest.fixture(params=["folder", "objects"])
def zone(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LandingZone]:
    if request.param == "folder":
        yield open_zone(Settings(home=tmp_path, landing_url=f"file://{tmp_path}/zone"))
        return
    with object_storage():
        yield open_zone(Settings(home=tmp_path, landing_url=URL))


@pytest.fixture
def storage() -> Iterator[ObjectStorage]:
    with object_storage() as running:
        yield running


def landed(sequence: int, merged_from: int = 0, node: str = "n1", day: date = DAY) -> LandedFile:
    return LandedFile("events", day, LandedName(node, sequence, f"s{sequence}", merged_from))


def put(zone: LandingZone, *files: LandedFile) -> None:
    for file in files:
        zone.put(file.location, b"x" * file.name.sequence)


def test_what_is_put_is_listed_and_read_until_it_is_removed(
    zone: LandingZone, tmp_path: Path
) -> None:
    zone.prepare()
    assert zone.days("events") == []
    one, two = landed(1), landed(2, day=date(2026, 11, 21))
    put(zone, one, two)
    assert zone.days("events") == [DAY, date(2026, 11, 21)]
    assert zone.names("events", DAY) == [(one.name, 1)]
    assert zone.read(two.location) == b"xx"
    assert zone.fetch(two.location, tmp_path).read_bytes() == b"xx"
    zone.put(one.location, b"again")
    assert zone.read(one.location) == b"again"
    zone.remove([one.location, landed(7).location])
    assert zone.read(one.location) is None
    assert zone.names("events", DAY) == []
    assert zone.names("events", date(2020, 1, 1)) == []


def test_a_file_is_moved_out_whole(zone: LandingZone, tmp_path: Path) -> None:
    put(zone, landed(3))
    zone.set_aside(landed(3).location, tmp_path / "aside")
    assert (tmp_path / "aside").read_bytes() == b"xxx"
    assert zone.read(landed(3).location) is None


def test_files_larger_than_one_part_arrive_whole(zone: LandingZone) -> None:
    data = bytes(range(256)) * 2**16
    zone.put(landed(1).location, data)
    assert zone.read(landed(1).location) == data


def test_other_files_are_no_landed_files(zone: LandingZone) -> None:
    zone.put(f"events/received_date={DAY}/notes.txt", b"x")
    zone.put("events/other/n1-000000000001-s.parquet", b"x")
    zone.put("_loaded.json", b"{}")
    assert list_landed(zone, "events").files == []
    assert zone.read("_loaded.json") == b"{}"


def test_a_merged_file_supersedes_its_range_in_its_folder_and_node(zone: LandingZone) -> None:
    merged, left, later = landed(4, merged_from=2), landed(1), landed(5)
    parts = [landed(2), landed(3, merged_from=2), landed(3), landed(4)]
    other_day, other_node = landed(3, day=date(2026, 11, 21)), landed(3, node="n2")
    put(zone, merged, left, later, *parts, other_day, other_node)
    listing = list_landed(zone, "events")
    assert listing.files == [left, other_day, merged, later, other_node]
    assert sorted(f.location for f in listing.superseded) == sorted(f.location for f in parts)
    assert list_landed(zone, "events", date(2026, 11, 21)).files == [other_day]


def test_a_file_is_listed_only_with_all_those_before_it(tmp_path: Path) -> None:
    """A listing may show the second of two files put while it ran, and not the first."""

    class Busy(FolderZone):
        hidden = landed(2)

        def names(self, table: str, day: date) -> list[tuple[LandedName, int]]:
            found = [entry for entry in super().names(table, day) if entry[0] != self.hidden.name]
            if self.hidden.name.sequence == 2:
                self.hidden = landed(9)
                put(self, landed(4))
            return found

    zone = Busy(tmp_path)
    put(zone, landed(1), landed(2), landed(3))
    assert list_landed(zone, "events").files == [landed(1), landed(2), landed(3)]


def test_storage_that_is_away_is_trouble_in_one_sentence(
    storage: ObjectStorage, tmp_path: Path
) -> None:
    zone = open_zone(Settings(home=tmp_path, landing_url=URL))
    put(zone, landed(1))
    storage.stop()
    for attempt in (
        zone.prepare,
        lambda: zone.put("a/b", b"x"),
        lambda: zone.read("a/b"),
        lambda: zone.days("events"),
        lambda: zone.remove([landed(1).location]),
        lambda: zone.fetch(landed(1).location, tmp_path),
    ):
        with pytest.raises(StorageTrouble) as told:
            attempt()
        assert "\n" not in str(told.value)
        assert SECRET_KEY not in str(told.value)
    storage.start()
    assert zone.read(landed(1).location) == b"x"


def test_a_bucket_that_is_not_there_is_not_an_empty_zone(
    storage: ObjectStorage, tmp_path: Path
) -> None:
    zone = open_zone(Settings(home=tmp_path, landing_url="s3://elsewhere/zone"))
    for attempt in (zone.prepare, lambda: list_landed(zone, "events")):
        with pytest.raises(StorageTrouble, match="the bucket elsewhere does not exist"):
            attempt()


def test_an_object_of_another_size_is_not_taken_for_stored(
    storage: ObjectStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone = open_zone(Settings(home=tmp_path, landing_url=f"s3://{BUCKET}"))
    files = storage.files

    class Cut:
        def open_output_stream(self, path: str) -> object:
            stream = files.open_output_stream(path)
            stream.write(b"cut")
            stream.close()
            return type("S", (), {"write": lambda *_: None, "close": lambda *_: None})()

        def get_file_info(self, path: str) -> object:
            return files.get_file_info(path)

    monkeypatch.setattr(zone, "_connection", Cut())
    with pytest.raises(NotVerified, match="3 bytes"):
        zone.put("events/x", b"whole")


@pytest.mark.parametrize(
    "url", ["s3://key:hidden@bucket/x", "s3://", "landing", "ftp://x/y", "s3://b/x?key=hidden"]
)
def test_other_addresses_are_refused_without_repeating_them(url: str, tmp_path: Path) -> None:
    with pytest.raises(ValidationError) as told:
        Settings(home=tmp_path, landing_url=url)
    assert "hidden" not in str(told.value)


def test_a_folder_anywhere_is_a_landing_zone(tmp_path: Path) -> None:
    assert Settings(home=tmp_path).landing_dir == tmp_path / "landing"
    elsewhere = Settings(home=tmp_path, landing_url=str(tmp_path / "else where"))
    assert elsewhere.landing_dir == tmp_path / "else where"
    assert str(open_zone(elsewhere)) == str(tmp_path / "else where")
