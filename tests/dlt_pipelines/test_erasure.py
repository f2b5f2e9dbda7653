"""People and old rows leave landed files, in a folder or a bucket, and the raw store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dlt_pipelines.erasure import rewrite_loaded, rewrite_raw
from dlt_pipelines.pipeline import load
from dlt_pipelines.retention import Limits, remove_aged
from ecomind.contract.bucket import BUCKETS
from ecomind.contract.event import EVENTS, REJECTS
from ecomind.contract.landing import LANDED_TABLES, arrow_schema
from ecomind.contract.personal import without_erased
from ecomind.identity import ERASED, Erasure, IdentityStore, JobKind, open_store
from ecomind.landing_zone import list_landed, open_zone
from ecomind.settings import Settings, get_settings
from tests.support.landing import event_row, land, land_events
from tests.support.object_storage import URL, object_storage

NOW = datetime.now(UTC)


@pytest.fixture(params=["folder", "bucket"])
def anywhere(
    request: pytest.FixtureRequest, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    """An installation whose landing zone is a folder, and one with a bucket."""
    if request.param == "folder":
        yield settings
        return
    with object_storage():
        monkeypatch.setenv("ECOMIND_LANDING_URL", URL)
        get_settings.cache_clear()
        yield get_settings()


def land_anywhere(settings: Settings, sequence: int, rows: list[dict[str, Any]]) -> None:
    land_events(settings.home / "made", sequence, rows)
    zone = open_zone(settings)
    for path in sorted((settings.home / "made").rglob("*.parquet")):
        zone.put(str(path.relative_to(settings.home / "made")), path.read_bytes())
        path.unlink()


def landed(settings: Settings) -> list[dict[str, Any]]:
    zone = open_zone(settings)
    return [
        row
        for file in list_landed(zone, EVENTS.name).files
        for row in pq.read_table(pa.BufferReader(zone.read(file.location) or b"")).to_pylist()
    ]


def raw(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(settings.raw_database, read_only=True) as connection:
        return connection.execute(query).fetchall()


def an_organization(settings: Settings) -> tuple[IdentityStore, str]:
    store = open_store(settings)
    store.organizations.create("acme", "Acme")
    store.organizations.create("other", "Other")
    store.directory.create_team("acme", "search", "Search")
    return store, store.directory.create_user("acme", "alice", "Alice", "search")


def test_erased_people_leave_files_before_and_after_a_load(anywhere: Settings) -> None:
    store, alice = an_organization(anywhere)
    rows = [
        event_row("a", user_id=alice, conversation_id="u_talk"),
        event_row("b", user_id=alice, team_id="ads"),
        event_row("c", user_id="u_bob"),
        event_row("d", user_id=alice, org_id="other"),
    ]
    land_anywhere(anywhere, 1, rows)
    load(anywhere)
    store.jobs.request("acme", JobKind.ERASURE, alice)
    # What lands afterwards, from whoever had not heard of it, is loaded without the name.
    land_anywhere(anywhere, 2, [event_row("late", user_id=alice)])
    load(anywhere)
    names = {row["event_id"]: row["user_id"] for row in landed(anywhere)}
    assert names == {"a": alice, "b": alice, "c": "u_bob", "d": alice, "late": ERASED}
    erased, erasures = store.tombstones(), store.jobs.erasures()
    assert erasures == [Erasure("acme", alice, "search")]
    assert rewrite_loaded(anywhere, erased, erasures) == 1
    assert rewrite_loaded(anywhere, erased, erasures) == 0
    assert rewrite_raw(anywhere.raw_database, erased, erasures) == 3
    expected = [
        ("a", ERASED, "search", None),
        ("b", ERASED, "ads", None),
        ("c", "u_bob", None, None),
        ("d", alice, None, None),
        ("late", ERASED, "search", None),
    ]
    columns = ("event_id", "user_id", "team_id", "conversation_id")
    found = [tuple(row[name] for name in columns) for row in landed(anywhere)]
    assert sorted(found) == expected
    query = f"select {', '.join(columns)} from raw.usage_events order by 1"
    assert raw(anywhere, query) == expected


def test_old_rows_leave_and_others_stay(anywhere: Settings) -> None:
    rows = [
        event_row(f"{org_id}-{days}", org_id=org_id, occurred_at=NOW - timedelta(days=days))
        for org_id in ("acme", "other")
        for days in (1, 40, 80)
    ]
    land_anywhere(anywhere, 1, rows)
    land_anywhere(anywhere, 2, [rows[2]])
    load(anywhere)
    land_anywhere(anywhere, 3, [{**rows[1], "event_id": "not loaded yet"}])
    before = (NOW - timedelta(days=30)).replace(minute=0, second=0, microsecond=0)
    limits = [Limits("acme", before, NOW), Limits("other", None, None)]
    removed = remove_aged(anywhere, limits)
    assert (removed.files_count, removed.rows_count) == (2, 3)
    kept = {"acme-1", "other-1", "other-40", "other-80"}
    assert {row["event_id"] for row in landed(anywhere)} == kept | {"not loaded yet"}
    assert {row[0] for row in raw(anywhere, "select event_id from raw.usage_events")} == kept
    assert remove_aged(anywhere, limits).rows_count == 0
    [horizon] = raw(anywhere, "select org_id, closed_before from raw.retention_horizons")
    assert horizon == ("acme", before + timedelta(hours=1))
    # A longer period afterwards does not bring back what is gone.
    remove_aged(anywhere, [Limits("acme", before - timedelta(days=9), None)])
    assert raw(anywhere, "select org_id, closed_before from raw.retention_horizons") == [horizon]
    assert load(anywhere).events_count == 1


def test_rejected_items_keep_all_but_the_person(settings: Settings) -> None:
    store, alice = an_organization(settings)
    item = json.dumps({"user_id": alice, "provider": "openai", "conversation_id": "u_c"})
    base = {field.name: event_row("x").get(field.name) for field in REJECTS.fields}
    refused = {**base, "rejection_id": "rej", "item_index": 0, "code": "c", "pointer": ""}
    land(settings.landing_dir, REJECTS, 1, [{**refused, "item": item}])
    load(settings)
    store.jobs.request("acme", JobKind.ERASURE, alice)
    erased, erasures = store.tombstones(), store.jobs.erasures()
    assert rewrite_loaded(settings, erased, erasures) == 1
    assert rewrite_raw(settings.raw_database, erased, erasures) == 2, "the item, the directory"
    [(found,)] = raw(settings, "select item from raw.usage_rejects")
    assert json.loads(found) == {"user_id": ERASED, "provider": "openai"}


def test_usage_reports_of_two_erased_people_stay_apart(settings: Settings) -> None:
    """A later report replaces an earlier one of the same person, not of another."""
    store, alice = an_organization(settings)
    bob = store.pseudonym("acme", "bob")
    for person in (alice, bob):
        store.jobs.request("acme", JobKind.ERASURE, person)
    fields = {f.name: pa.array([None, None], f.type) for f in arrow_schema(BUCKETS)}
    rows = pa.table({**fields, "org_id": ["acme", "acme"], "user_ref": [alice, bob]})
    changed = without_erased(BUCKETS, rows, store.tombstones(), {})
    assert changed is not None
    first, second = changed["user_ref"].to_pylist()
    assert first != second
    assert {first[:7], second[:7]} == {"erased-"}
    assert alice not in first + second
    again = without_erased(BUCKETS, rows, store.tombstones(), {})
    assert again is not None
    assert again["user_ref"].to_pylist() == [first, second]
    assert without_erased(BUCKETS, changed, store.tombstones(), {}) is None
    assert {table.name for table in LANDED_TABLES} > {BUCKETS.name}
