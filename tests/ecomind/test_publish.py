"""Publication: whole, verified, atomic, and read per organisation only."""

from __future__ import annotations

import multiprocessing
import os
import random
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from ecomind.identity import PERMISSIONS, Principal, Role
from ecomind.settings import Settings
from ecomind.warehouse.publish import PublishError, prune, publish
from ecomind.warehouse.reader import OrgReader
from ecomind.warehouse.snapshot import NoSnapshot, current_snapshot

RECEIVED = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)


def build_warehouse(settings: Settings, generation: int, rows: int = 1000) -> None:
    """Marts and raw store of one generation, every table consistent with it."""
    settings.warehouse_dir.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(settings.raw_database) as raw:
        raw.execute("create schema if not exists raw")
        raw.execute(
            "create or replace table raw.ingest_outcomes as select 'l1' as _dlt_load_id,"
            " timestamptz '2026-11-21 10:30:00+00' as last_received_at"
        )
    with duckdb.connect(settings.marts_database) as marts:
        marts.execute("begin")
        for schema in ("staging", "intermediate", "mart", "parity"):
            marts.execute(f"create schema if not exists {schema}")
        marts.execute(
            "create or replace table intermediate.int_loads_rolled_up as select 'l1' as load_id"
        )
        marts.execute("create or replace view staging.stg_x as select 1 as x")
        marts.execute("create or replace table parity.ecologits_parity as select 1 as x")
        for table in ("org_footprint_daily", "user_footprint_daily"):
            marts.execute(
                f"create or replace table mart.{table} as select date '2026-11-20' as usage_date,"
                f" case when i % 2 = 0 then 'acme' else 'beta' end as org_id, 'team' as team_id,"
                f" 'u' || i as user_id, {generation} as generation from range({rows}) r(i)"
            )
        marts.execute("commit")


def principal(org_id: str, role: Role) -> Principal:
    return Principal(org_id, org_id, "testkey1", role, PERMISSIONS[role])


def test_nothing_published_is_a_sentence(settings: Settings) -> None:
    with pytest.raises(NoSnapshot, match="ecomind load"):
        current_snapshot(settings)
    with pytest.raises(PublishError, match="no marts yet"):
        publish(settings, "run")


def test_a_snapshot_holds_the_marts_and_nothing_else(settings: Settings) -> None:
    build_warehouse(settings, 1)
    snapshot = publish(settings, "run-1")
    assert current_snapshot(settings) == snapshot
    assert snapshot.data_through == RECEIVED
    with snapshot.connect() as connection:
        schemas = connection.execute("select schema_name from duckdb_schemas()").fetchall()
        assert ("staging",) not in schemas
        assert ("parity",) not in schemas
        assert connection.execute("select count(*) from mart.org_footprint_daily").fetchone() == (
            1000,
        )
        with pytest.raises(duckdb.Error):
            connection.execute("create table mart.x (i int)")


@pytest.mark.parametrize(
    "statement", ["drop table publication.layout", "update publication.layout set version = 1"]
)
def test_a_snapshot_of_another_release_is_a_sentence(settings: Settings, statement: str) -> None:
    build_warehouse(settings, 1)
    snapshot = publish(settings, "run-1")
    snapshot.path.chmod(0o600)
    with duckdb.connect(snapshot.path) as connection:
        connection.execute(statement)
    with pytest.raises(NoSnapshot, match="another release; run `ecomind load`"):
        current_snapshot(settings)


def test_readers_get_their_own_organisation_and_scope_only(settings: Settings) -> None:
    build_warehouse(settings, 1)
    snapshot = publish(settings, "run")
    admin = OrgReader(snapshot, principal("acme", Role.ADMIN))
    for mart in ("org_footprint_daily", "user_footprint_daily"):
        table = admin.mart(mart)
        assert table.num_rows == 500
        assert set(table.column("org_id").to_pylist()) == {"acme"}
    viewer = OrgReader(snapshot, principal("acme", Role.VIEWER))
    with pytest.raises(PermissionError, match="people:read"):
        viewer.mart("user_footprint_daily")
    assert viewer.people_per_team() == {"team": 500}
    with pytest.raises(KeyError):
        viewer.mart("int_loads_rolled_up")
    start = datetime(2026, 11, 21, tzinfo=UTC).date()
    assert admin.mart("org_footprint_daily", start=start).num_rows == 0


def test_a_held_warehouse_is_not_published(settings: Settings) -> None:
    build_warehouse(settings, 1)
    first = publish(settings, "run")
    code = (
        "import duckdb, sys, time; held = duckdb.connect(sys.argv[1]);"
        " print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(settings.marts_database)], stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(PublishError, match="another process holds the marts"):
            publish(settings, "run")
    finally:
        holder.kill()
        holder.wait()
    assert current_snapshot(settings) == first


def test_pruning_keeps_the_newest_and_what_reports_name(settings: Settings) -> None:
    build_warehouse(settings, 1)
    published = [publish(settings, "run").snapshot_id for _ in range(settings.snapshots_kept + 3)]
    prune(settings, {published[0]})
    left = {path.stem.removeprefix("snapshot-") for path in settings.served_dir.glob("*.duckdb")}
    assert left == {published[0], *published[-settings.snapshots_kept :]}


def _publish_forever(home: str) -> None:
    os.environ["ECOMIND_HOME"] = home
    settings = Settings()
    generation = 1
    while True:
        generation += 1
        build_warehouse(settings, generation, rows=20_000)
        publish(settings, "run")


def _assert_whole(settings: Settings) -> int:
    with current_snapshot(settings).connect() as connection:
        row = connection.execute(
            "select min(o.generation), max(o.generation), count(*),"
            " (select max(generation) from mart.user_footprint_daily)"
            " from mart.org_footprint_daily o"
        ).fetchone()
    assert row is not None
    assert row[0] == row[1] == row[3]
    assert row[2] in {1000, 20_000}
    return int(row[0])


@pytest.mark.slow
def test_killed_publishing_never_leaves_a_broken_snapshot(settings: Settings) -> None:
    build_warehouse(settings, 1)
    publish(settings, "run")
    moments = random.Random(7)
    generations = set()
    context = multiprocessing.get_context("spawn")
    for _ in range(int(os.environ.get("ECOMIND_KILL_ROUNDS", "5"))):
        process = context.Process(target=_publish_forever, args=(str(settings.home),))
        process.start()
        try:
            deadline = time.monotonic() + moments.uniform(1.5, 3.0)
            while time.monotonic() < deadline:
                generations.add(_assert_whole(settings))
        finally:
            process.kill()
            process.join()
        generations.add(_assert_whole(settings))
        build_warehouse(settings, max(generations) + 1)
        publish(settings, "run")
        _assert_whole(settings)
    assert len(generations) > 2, "too little was published for the kills to mean anything"
    assert not [path for path in Path(settings.served_dir).glob(".*tmp*")]
