"""The load from object storage: the same promises as from a folder."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dlt_pipelines import pipeline
from dlt_pipelines.pipeline import LoadError, load
from ecomind.contract.event import EVENTS
from ecomind.landing_zone import open_zone
from ecomind.settings import Settings
from tests.support.landing import event_row, land_events
from tests.support.object_storage import BUCKET, URL, ObjectStorage, object_storage


@pytest.fixture
def storage() -> Iterator[ObjectStorage]:
    with object_storage() as running:
        yield running


@pytest.fixture
def remote(settings: Settings, storage: ObjectStorage) -> Settings:
    return settings.model_copy(update={"landing_url": URL})


def upload(settings: Settings, folder: Path) -> None:
    """Move landed files of a folder to the zone, as their sealers would have put them."""
    zone = open_zone(settings)
    for path in sorted(folder.rglob("*.parquet")):
        zone.put(str(path.relative_to(folder)), path.read_bytes())
        path.unlink()


def events(count: int, prefix: str) -> list[dict[str, Any]]:
    return [event_row(f"{prefix}-{number}") for number in range(count)]


def raw(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(settings.raw_database, read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_objects_of_two_machines_are_loaded_once_and_left_where_they_are(
    remote: Settings, storage: ObjectStorage, tmp_path: Path
) -> None:
    for node, sequence in (("alpha", 7), ("alpha", 8), ("beta", 1)):
        land_events(tmp_path, sequence, events(3, f"{node}-{sequence}"), node=node)
    upload(remote, tmp_path)
    names = storage.names()
    first = load(remote)
    assert (first.events_count, first.files_count) == (9, 6)
    assert not (remote.dlt_dir / "fetched").exists()
    assert load(remote).files_count == 0
    land_events(tmp_path, 2, events(1, "late"), node="beta")
    upload(remote, tmp_path)
    assert load(remote).events_count == 1
    found = raw(remote, "select count(*), count(distinct event_id) from raw.usage_events")
    assert found == [(10, 10)]
    files = raw(remote, "select distinct landed_file from raw.usage_events order by 1")
    assert [name for (name,) in files] == [
        "alpha-000000000007-s7.parquet", "alpha-000000000008-s8.parquet",
        "beta-000000000001-s1.parquet", "beta-000000000002-s2.parquet",
    ]  # fmt: skip
    assert set(names) < set(storage.names())


def test_garbage_leaves_the_zone_for_the_quarantine(
    remote: Settings, storage: ObjectStorage, tmp_path: Path
) -> None:
    bad = land_events(tmp_path, 1, events(1, "a"))
    bad.write_bytes(b"not parquet at all")
    land_events(tmp_path, 2, events(3, "b"))
    upload(remote, tmp_path)
    result = load(remote)
    assert result.events_count == 3
    assert [str(aside.file.name) for aside in result.set_aside] == [bad.name]
    assert (remote.quarantine_dir / "events" / bad.name).read_bytes() == b"not parquet at all"
    assert not [name for name in storage.names() if name.endswith(f"events/{bad.name}")]
    assert load(remote).set_aside == ()


def test_a_storage_that_is_away_fails_the_load_and_nothing_is_missed(
    remote: Settings, storage: ObjectStorage, tmp_path: Path
) -> None:
    land_events(tmp_path, 1, events(2, "a"))
    upload(remote, tmp_path)
    storage.stop()
    with pytest.raises(LoadError, match=r"^the load failed: s3://landing/zone cannot be listed"):
        load(remote)
    storage.start()
    assert load(remote).events_count == 2


def test_a_storage_that_goes_away_while_files_are_fetched_fails_the_load_whole(
    remote: Settings, storage: ObjectStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    land_events(tmp_path, 1, events(2, "a"))
    upload(remote, tmp_path)
    fetched = pipeline.fetched

    def away(*arguments: Any) -> Any:
        storage.stop()
        return fetched(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "fetched", away)
        with pytest.raises(LoadError, match="cannot be read from s3://landing/zone"):
            load(remote)
    assert not (remote.dlt_dir / "fetched").exists()
    storage.start()
    assert load(remote).events_count == 2


def test_a_bucket_that_is_not_there_is_told(remote: Settings) -> None:
    elsewhere = remote.model_copy(update={"landing_url": "s3://elsewhere"})
    with pytest.raises(LoadError, match="the bucket elsewhere does not exist"):
        load(elsewhere)


def test_a_bucket_without_a_prefix_is_a_zone(remote: Settings, tmp_path: Path) -> None:
    whole = remote.model_copy(update={"landing_url": f"s3://{BUCKET}"})
    land_events(tmp_path, 1, events(2, "a"))
    upload(whole, tmp_path)
    assert load(whole).events_count == 2
    assert open_zone(whole).days(EVENTS.name) == [datetime.now(UTC).date()]
