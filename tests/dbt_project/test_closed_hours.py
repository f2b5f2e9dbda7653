"""Raw events are removed by age, and what was counted of them stays, whatever comes afterwards."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.dbt_project.raw_store import RECEIVED, event
from tests.dbt_project.warehouse import AFTER_A_LOAD, DATA_TESTS, Warehouse
from tests.support.dbt_process import EARLY_CACHE

OLD = RECEIVED.replace(minute=0) - timedelta(days=40)
CLOSED_BEFORE = RECEIVED.replace(minute=0) - timedelta(days=30)


def events(org_id: str) -> list[dict[str, Any]]:
    """Calls on both sides of the horizon, and one told by two sources."""
    found = [
        event(
            f"{org_id}-{number}",
            org_id=org_id,
            occurred_at=OLD + timedelta(hours=11 * number, minutes=number),
            input_tokens=100 + number,
            output_tokens=10 + number,
        )
        for number in range(60)
    ]
    told = {"provider_response_id": f"{org_id}-r", "org_id": org_id, "occurred_at": OLD}
    return [
        *found,
        event(f"{org_id}-gateway", adapter="litellm", source="urn:gw", **told, input_tokens=5),
        event(f"{org_id}-sdk", source="urn:sdk", **told, input_tokens=5),
    ]


def late(org_id: str, number: int) -> dict[str, Any]:
    """A call in an hour that is closed for one organisation, and in which both have calls."""
    moment = OLD + timedelta(minutes=20)
    return event(f"{org_id}-late-{number}", org_id=org_id, occurred_at=moment, input_tokens=9)


def table(warehouse: Warehouse, org_id: str, name: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(warehouse.marts, read_only=True) as marts:
        return marts.execute(
            f"select * from {name} where org_id = ? order by all", [org_id]
        ).fetchall()


TABLES = (
    "intermediate.int_usage_hourly",
    "intermediate.int_events_superseded",
    "mart.org_footprint_daily",
)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Two organisations with the same calls; raw events of ``acme`` before the horizon are gone."""
    made = Warehouse.before_events(tmp_path_factory.mktemp("closed"))
    with made.store() as store:
        other = {"org_id": "other", "name": "Other", "created_at": RECEIVED}
        store.append("control_organizations", [other], "1")
        store.load("1", [*events("acme"), *events("other")])
    made.build(*AFTER_A_LOAD)
    with duckdb.connect(made.raw) as raw:
        raw.execute("set timezone = 'UTC'")
        raw.execute("insert into raw.retention_horizons values ('acme', ?)", [CLOSED_BEFORE])
        raw.execute(
            "delete from raw.usage_events where org_id = 'acme' and occurred_at < ?",
            [CLOSED_BEFORE - timedelta(hours=1)],
        )
    return made


def test_figures_stay_when_their_hours_are_touched_again(warehouse: Warehouse) -> None:
    before = {name: table(warehouse, "acme", name) for name in TABLES}
    other = table(warehouse, "other", "mart.org_footprint_daily")
    with warehouse.store() as store:
        store.load("2", [late("acme", 1), late("other", 1)])
    warehouse.build("--selector", "frequent", **{EARLY_CACHE: "1"})
    assert {name: table(warehouse, "acme", name) for name in TABLES} == before
    assert table(warehouse, "other", "mart.org_footprint_daily") != other


def test_open_hours_go_on_as_ever(warehouse: Warehouse) -> None:
    before = table(warehouse, "acme", "intermediate.int_usage_hourly")
    fresh = event("fresh", occurred_at=CLOSED_BEFORE + timedelta(minutes=1), input_tokens=7)
    with warehouse.store() as store:
        store.load("3", [fresh])
    warehouse.build("--selector", "frequent")
    after = table(warehouse, "acme", "intermediate.int_usage_hourly")
    assert len(after) == len(before) + 1
    assert set(before) < set(after)


def test_the_audit_of_all_history_passes(warehouse: Warehouse) -> None:
    result = warehouse.dbt("test", "--select", "tag:audit")
    assert result.returncode == 0, result.stdout[-3000:]


def test_a_full_build_is_refused(warehouse: Warehouse, tmp_path: Path) -> None:
    before = table(warehouse, "acme", "intermediate.int_usage_hourly")
    result = warehouse.dbt("build", *DATA_TESTS, "--full-refresh", "--select", "int_usage_hourly")
    assert result.returncode != 0
    assert re.search(r"restore marts\.duckdb from a backup", " ".join(result.stdout.split()))
    assert table(warehouse, "acme", "intermediate.int_usage_hourly") == before
