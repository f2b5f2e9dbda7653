"""Increments: late and repeated events, cut-off builds and foreign time zones change no figure."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from tests.dbt_project.raw_store import EVENT, RECEIVED, event
from tests.dbt_project.warehouse import DATA_TESTS, MARTS, Warehouse

FREQUENT = ("--selector", "frequent")
TABLES = (
    *(f"mart.{mart}" for mart in MARTS),
    "mart.intake_health_daily",
    "mart.rejection_daily",
    "mart.unknown_model",
    "mart.factor_in_use",
    "mart.alert_evaluation_daily",
    "reporting.rpt_datapoint",
    "intermediate.usage_footprint_daily",
    "intermediate.int_usage_hourly",
    "intermediate.int_events_superseded",
    "intermediate.int_usage_buckets_daily",
    "mart.coverage_daily",
)
FIRST = [
    event(
        f"e{i}",
        occurred_at=RECEIVED - timedelta(minutes=37 * i),
        user_id="u_1",
        provider=("openai", "mistral_ai")[i % 2],
        request_model=("gpt-4o", "mistral-large-2407", "new-thing")[i % 3],
        region=("eastus", None)[i % 2],
        input_tokens=100 + i,
        output_tokens=10 + i,
    )
    for i in range(120)
]
LATER = RECEIVED + timedelta(days=1)
LATE = event(
    "late",
    occurred_at=RECEIVED - timedelta(days=300),
    received_at=LATER,
    input_tokens=7,
    output_tokens=9,
)
REPEAT = {**FIRST[5], "received_at": LATER, "input_tokens": 99_999}
MIDNIGHT = event(
    "midnight",
    occurred_at=RECEIVED.replace(hour=0, minute=0, second=0),
    received_at=LATER,
    input_tokens=1,
    output_tokens=1,
)
REJECT = {**EVENT, "rejection_id": "x", "item_index": 0, "code": "invalid_value", "pointer": "/a"}


def load_second(warehouse: Warehouse) -> None:
    with warehouse.store() as store:
        store.load("2", [LATE, REPEAT, MIDNIGHT], [REJECT])


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A first build, a build cut off after the rollup, and the build that follows it."""
    warehouse = Warehouse(tmp_path_factory.mktemp("grown"))
    rule = {"org_id": "acme", "rule_id": "refused", "metric": "rejected_share"}
    with warehouse.store() as store:
        store.append(
            "control_alert_rules", [{**rule, "threshold": 0.008, "created_at": RECEIVED}], "1"
        )
        store.load("1", FIRST)
    warehouse.build(*DATA_TESTS)
    load_second(warehouse)
    cut_off = ("int_loads_pending", "int_usage_hourly", "usage_footprint_daily")
    warehouse.build(*DATA_TESTS, "--select", *cut_off)
    assert "2" not in {row["load_id"] for row in ledger(warehouse)}
    warehouse.build(*FREQUENT)
    return warehouse


def ledger(warehouse: Warehouse) -> list[dict[str, object]]:
    return warehouse.query("select distinct load_id from intermediate.int_loads_rolled_up")


def test_late_event_of_any_age_reaches_its_mart(grown: Warehouse) -> None:
    [row] = grown.query(
        "select events, input_tokens from mart.org_footprint_daily"
        f" where usage_date = date '{(RECEIVED - timedelta(days=300)).date()}'"
    )
    assert (row["events"], row["input_tokens"]) == (1, 7.0)


def test_repeat_in_a_later_load_keeps_the_earliest_receipt(grown: Warehouse) -> None:
    [total] = grown.query(
        "select sum(events) as events, sum(input_tokens) as tokens from mart.org_footprint_daily"
    )
    assert total["events"] == len(FIRST) + 2
    assert total["tokens"] == sum(e["input_tokens"] for e in FIRST) + 7 + 1
    health = grown.query("select * from mart.intake_health_daily order by received_date")
    figures = [tuple(row.values())[2:] for row in health]
    assert figures == [(120, 120, 0, 0, 1), (3, 2, 1, 0, 0)]


def test_a_day_with_too_many_refused_items_is_a_breach(grown: Warehouse) -> None:
    rows = grown.query(
        "select usage_date, value, is_breached from mart.alert_evaluation_daily"
        " where rule_id = 'refused' order by usage_date"
    )
    # One item refused beside 120 events; none beside the three of the next day.
    assert [tuple(row.values()) for row in rows] == [
        (RECEIVED.date(), 1 / 121, True),
        (LATER.date(), 0.0, False),
    ]


def test_each_load_is_in_the_ledger_once(grown: Warehouse) -> None:
    loads = {row["load_id"] for row in ledger(grown)}
    assert {"0", "1", "2"} == {load for load in loads if not str(load).startswith("basis:")}
    [repeated] = grown.query(
        "select count(*) as n from (select load_id, row_kind, usage_hour, received_date, org_id,"
        " code from intermediate.int_loads_rolled_up group by all having count(*) > 1)"
    )
    assert repeated["n"] == 0


def test_build_without_news_changes_nothing(grown: Warehouse) -> None:
    before = {table: grown.figures(table) for table in TABLES}
    grown.build(*FREQUENT)
    assert {table: grown.figures(table) for table in TABLES} == before


def test_increments_equal_a_first_build_under_a_foreign_time_zone(
    grown: Warehouse, tmp_path: Path
) -> None:
    fresh = Warehouse(tmp_path / "fresh")
    shutil.copy(grown.raw, fresh.raw)
    fresh.build(*DATA_TESTS, TZ="America/Los_Angeles")
    for table in TABLES:
        assert fresh.figures(table) == grown.figures(table), table


def test_full_refresh_equals_increments(grown: Warehouse) -> None:
    before = {table: grown.figures(table) for table in TABLES}
    grown.build(*DATA_TESTS, "--full-refresh")
    assert {table: grown.figures(table) for table in TABLES} == before


def test_audit_finds_an_event_missing_from_the_marts(grown: Warehouse) -> None:
    # Last: it leaves the raw store ahead of the marts.
    with grown.store() as store:
        store.append("usage_events", [event("lost")], "1")
    result = grown.dbt("test", "--selector", "audit")
    assert result.returncode == 1
    assert "Failure in test marts_hold_every_event" in result.stdout
