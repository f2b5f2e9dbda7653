"""The load: exactly once per landed file, whatever happens to it."""

from __future__ import annotations

import errno
import os
import random
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dlt_pipelines import pipeline
from dlt_pipelines.pipeline import IN_PROGRESS, LoadError, load
from ecomind.contract.event import EVENTS, REJECTS
from ecomind.contract.raw import LOADS, RAW_TABLES
from ecomind.identity import NewOverride, Role, open_store
from ecomind.settings import Settings
from tests.support.landing import event_row, land, land_events


def raw(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(settings.raw_database, read_only=True) as connection:
        return connection.execute(query).fetchall()


def events(count: int, prefix: str) -> list[dict[str, Any]]:
    return [event_row(f"{prefix}-{number}") for number in range(count)]


def test_a_file_is_loaded_once(settings: Settings) -> None:
    land_events(settings.landing_dir, 1, events(10, "a"))
    first = load(settings)
    again = load(settings)
    assert (first.events_count, first.files_count, again.events_count) == (10, 2, 0)
    assert raw(settings, "select count(*), count(distinct event_id) from raw.usage_events") == [
        (10, 10)
    ]


def test_an_empty_landing_zone_makes_the_tables(settings: Settings) -> None:
    result = load(settings)
    assert result.files_count == 0
    assert raw(settings, "select count(*) from raw.usage_events") == [(0,)]
    assert raw(settings, "select count(*) from raw.control_users") == [(0,)]


def test_a_table_that_began_empty_takes_rows_later(settings: Settings) -> None:
    load(settings)
    land_events(settings.landing_dir, 1, events(2, "a"))
    load(settings)
    rejected = {
        **event_row("b"), "rejection_id": "rej_1", "item_index": 0, "code": "too_old", "pointer": ""
    }  # fmt: skip
    kept = {field.name: rejected.get(field.name) for field in REJECTS.fields}
    land(settings.landing_dir, REJECTS, 2, [kept])
    assert load(settings).rows["usage_rejects"] == 1
    assert raw(settings, "select code from raw.usage_rejects") == [("too_old",)]
    assert raw(settings, "select count(*) from raw.usage_events") == [(2,)]


def test_tables_made_without_files_take_rows_later(settings: Settings) -> None:
    load(settings)
    land_events(settings.landing_dir, 1, events(3, "a"))
    assert load(settings).events_count == 3
    receipt = {field.name: event_row("x").get(field.name) for field in REJECTS.fields}
    rejected = {**receipt, "rejection_id": "rej", "item_index": 0, "code": "c", "pointer": ""}
    land(settings.landing_dir, REJECTS, 2, [rejected])
    assert load(settings).rows["usage_rejects"] == 1
    assert raw(settings, "select rejection_id from raw.usage_rejects") == [("rej",)]


def test_an_older_modification_time_does_not_hide_a_file(settings: Settings) -> None:
    land_events(settings.landing_dir, 1, events(1, "a"))
    load(settings)
    late = land_events(settings.landing_dir, 2, events(1, "b"))
    long_ago = (datetime.now(UTC) - timedelta(days=30)).timestamp()
    os.utime(late, (long_ago, long_ago))
    assert load(settings).events_count == 1


def test_each_node_has_its_own_sequence(settings: Settings) -> None:
    land_events(settings.landing_dir, 7, events(1, "a"), node="alpha")
    load(settings)
    land_events(settings.landing_dir, 1, events(1, "b"), node="beta")
    assert load(settings).events_count == 1


def test_yesterdays_folder_is_still_looked_at(settings: Settings) -> None:
    now = datetime.now(UTC)
    land(settings.landing_dir, EVENTS, 1, events(1, "a"), received=now)
    load(settings)
    land(settings.landing_dir, EVENTS, 2, events(1, "b"), received=now - timedelta(days=1))
    assert load(settings).events_count == 1


def test_garbage_is_set_aside_and_the_rest_loads(settings: Settings) -> None:
    bad = land_events(settings.landing_dir, 1, events(1, "a"))
    bad.write_bytes(b"not parquet at all")
    land_events(settings.landing_dir, 2, events(3, "b"))
    result = load(settings)
    assert result.events_count == 3
    assert [str(aside.file.name) for aside in result.set_aside] == [bad.name]
    assert (settings.quarantine_dir / "events" / bad.name).read_bytes() == b"not parquet at all"
    outcomes = "select reason from raw.load_outcomes where result = 'set_aside'"
    assert "not a readable Parquet file" in raw(settings, outcomes)[0][0]
    assert load(settings).set_aside == ()


def test_a_damaged_page_behind_a_whole_footer_is_set_aside(settings: Settings) -> None:
    bad = land_events(settings.landing_dir, 1, events(5000, "a"))
    data = bytearray(bad.read_bytes())
    for offset in range(200, len(data) // 2):
        data[offset] ^= 0xFF
    bad.write_bytes(bytes(data))
    land_events(settings.landing_dir, 2, events(3, "b"))
    result = load(settings)
    assert [str(aside.file.name) for aside in result.set_aside] == [bad.name]
    assert raw(settings, "select count(*) from raw.usage_events") == [(3,)]


def rewrite(path: Path, columns: str) -> None:
    """Replace a landed file by a selection of its columns."""
    copy = path.with_suffix(".new")
    with duckdb.connect() as connection:
        source = f"read_parquet('{path}', hive_partitioning = false)"
        connection.execute(f"copy (select {columns} from {source}) to '{copy}' (format parquet)")
    copy.replace(path)


def test_a_column_outside_the_contract_is_set_aside(settings: Settings) -> None:
    rewrite(land_events(settings.landing_dir, 1, events(1, "a")), "*, 'x' as prompt")
    assert "a column the contract does not know: prompt" in load(settings).set_aside[0].reason


def test_a_file_of_an_older_contract_loads(settings: Settings) -> None:
    rewrite(land_events(settings.landing_dir, 1, events(2, "a")), "* exclude (ttft_ms)")
    assert load(settings).events_count == 2
    assert raw(settings, "select count(*) from raw.usage_events where ttft_ms is null") == [(2,)]


def test_the_control_store_is_loaded_without_secrets(either: Settings) -> None:
    settings = either
    store = open_store(settings)
    store.organizations.create("acme", "Acme")
    store.directory.create_team("acme", "eng", "Engineering")
    user_id = store.directory.create_user("acme", "bob@example.com", "Bob", "eng")
    store.keys.create("acme", Role.VIEWER, "dashboard")
    load(settings)
    assert raw(
        settings, "select org_id, user_id, display_name, team_id from raw.control_users"
    ) == [("acme", user_id, "Bob", "eng")]
    columns = raw(settings, "select column_name from duckdb_columns() where schema_name = 'raw'")
    assert not [name for (name,) in columns if "secret" in name or "digest" in name]


def test_overrides_and_frozen_months_are_loaded_and_replaced(settings: Settings) -> None:
    store = open_store(settings)
    store.organizations.create("acme", "Acme")
    new = NewOverride(
        org_id="acme",
        factor_type="pue",
        key="aws/eu-central-1",
        value_mid=1.25,
        value_low=1.2,
        value_high=1.5,
        valid_from=date(2026, 1, 1),
        reason="measured",
    )
    override_id = store.overrides.record(new)
    store.freezes.freeze("acme", "2026-01", date(2026, 2, 3))
    load(settings)
    (recorded,) = store.overrides.rows()
    columns = [name for name in recorded if name != "withdrawn_at"]
    loaded = f"select {', '.join(columns)} from raw.control_factor_overrides"
    assert raw(settings, loaded) == [tuple(recorded[name] for name in columns)]
    freezes = "select * exclude (_dlt_load_id) from raw.control_period_freezes"
    assert raw(settings, freezes) == [("acme", date(2026, 1, 1), date(2026, 2, 3))]
    store.overrides.withdraw(override_id, "the meter was broken")
    load(settings)
    state = "select override_id, withdrawn_at is null, withdrawal_reason"
    assert raw(settings, f"{state} from raw.control_factor_overrides") == [
        (override_id, False, "the meter was broken")
    ]


def test_raw_columns_have_the_types_of_the_contract(settings: Settings) -> None:
    load(settings)
    types = {
        "string": "VARCHAR",
        "tags": "VARCHAR",
        "integer": "BIGINT",
        "number": "DOUBLE",
        "boolean": "BOOLEAN",
        "timestamp": "TIMESTAMP WITH TIME ZONE",
        "date": "DATE",
    }
    found = raw(
        settings,
        "select table_name, column_name, data_type from duckdb_columns()"
        " where schema_name = 'raw' and table_name not like '\\_dlt%' escape '\\'",
    )
    assert sorted(found) == sorted(
        (table.name, field.name, types[field.kind])
        for table in RAW_TABLES
        for field in table.fields
        if table is not LOADS
    )


def test_tables_new_in_a_release_appear_with_the_next_load(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    land_events(settings.landing_dir, 1, events(2, "a"))
    resources = pipeline._control_resources
    with monkeypatch.context() as earlier:
        earlier.setattr(pipeline, "_control_resources", lambda store: resources(store)[:4])
        load(settings)
    tables = "select table_name from duckdb_tables() where table_name like 'control%'"
    assert len(raw(settings, tables)) == 4
    land_events(settings.landing_dir, 2, events(1, "b"))
    assert load(settings).events_count == 1
    assert len(raw(settings, tables)) == 6
    assert raw(settings, "select count(*) from raw.control_factor_overrides") == [(0,)]
    assert raw(settings, "select count(*) from raw.usage_events") == [(3,)]


def _start_load(settings: Settings) -> subprocess.Popen[bytes]:
    code = (
        "from dlt_pipelines.pipeline import load; from ecomind.settings import get_settings;"
        "load(get_settings())"
    )
    environment = {**os.environ, "ECOMIND_HOME": str(settings.home)}
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.mark.slow
def test_killed_loads_lose_nothing_and_repeat_nothing(settings: Settings) -> None:
    """Kill -9 at random moments; after the last round every file is there exactly once."""
    rounds = int(os.environ.get("ECOMIND_KILL_ROUNDS", "5"))
    moments = random.Random(20)
    kills = cut_off = number = 0
    span_s = 3.0
    while kills < rounds:
        number += 1
        assert number <= 5 * rounds, "too few loads were killed while they worked"
        land_events(settings.landing_dir, number, events(2000, str(number)))
        process, began = _start_load(settings), time.monotonic()
        try:
            process.wait(timeout=moments.uniform(0.5, span_s))
            span_s = time.monotonic() - began
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
            span_s *= 1.2
        cut_off += (settings.warehouse_dir / IN_PROGRESS).exists()
    assert cut_off > 0, "every kill came before the first file"
    load(settings)
    assert raw(settings, "select count(*), count(distinct event_id) from raw.usage_events") == [
        (2000 * number, 2000 * number)
    ]
    completed = "select load_id from raw._dlt_loads where status = 0"
    assert raw(
        settings,
        f"select count(*) from raw.usage_events where _dlt_load_id not in ({completed})",
    ) == [(0,)]


def test_a_raw_store_that_is_none_is_told_in_one_sentence(settings: Settings) -> None:
    settings.warehouse_dir.mkdir(parents=True)
    settings.raw_database.write_bytes(b"garbage" * 1000)
    with pytest.raises(LoadError, match=r"^the load failed: .*valid DuckDB database file") as told:
        load(settings)
    assert "\n" not in str(told.value)


def test_a_full_disk_is_told_in_one_sentence_and_nothing_is_lost(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    land_events(settings.landing_dir, 1, events(10, "a"))

    def full(*_: Any) -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "_run", full)
        with pytest.raises(LoadError, match=r"^the disk is full: nothing was loaded"):
            load(settings)
    assert load(settings).events_count == 10
