"""Usage buckets: calls compared with what providers and meters counted, in any order of loads."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.dbt_project.raw_store import event
from tests.dbt_project.warehouse import AFTER_A_LOAD, DATA_TESTS, Warehouse

DAY = datetime(2026, 11, 2, tzinfo=UTC)
FETCHED = DAY + timedelta(days=4)
CALLS_PER_HOUR = 100
TABLES = ("intermediate.int_usage_buckets_daily", "mart.coverage_daily")


def bucket(start: datetime, end: datetime, **values: Any) -> dict[str, Any]:
    """A valid raw bucket with ``values`` in place of the defaults."""
    return {
        "org_id": "acme", "key_id": "k1", "received_at": FETCHED, "receipt_id": "r1",
        "adapter": "openai_usage", "connector": "openai_usage", "temporality": "delta",
        "bucket_start": start, "bucket_end": end, "provider": "openai", "model": "gpt-4o",
        "operation": "chat", "landed_file": "node-000000000001-a.parquet", **values,
    }  # fmt: skip


def calls() -> list[dict[str, Any]]:
    """100 calls an hour of one day; of every hundred the last three never arrive."""
    return [
        event(
            f"e{hour}-{number}",
            occurred_at=DAY + timedelta(hours=hour, seconds=number * 36),
            input_tokens=70,
            cache_read_input_tokens=20,
            output_tokens=30,
        )
        for hour in range(24)
        for number in range(CALLS_PER_HOUR - 3)
    ]


def hourly_report(received: datetime, share: float = 1.0) -> list[dict[str, Any]]:
    """The provider's report of the day: every call, or a share of them while it still counts."""
    return [
        bucket(
            DAY + timedelta(hours=hour),
            DAY + timedelta(hours=hour + 1),
            received_at=received,
            receipt_id=f"r{received:%H}",
            request_count=int(share * CALLS_PER_HOUR),
            input_tokens=int(share * CALLS_PER_HOUR * 70),
            output_tokens=int(share * CALLS_PER_HOUR * 30),
        )
        for hour in range(24)
    ]


def meter_points() -> list[dict[str, Any]]:
    """A running total of tokens over three days, read every two hours, restarted once."""
    points = []
    for start, hours in ((DAY - timedelta(hours=2), 40), (DAY + timedelta(hours=39), 20)):
        for read in range(1, hours // 2 + 1):
            points.append(
                bucket(
                    start,
                    start + timedelta(hours=2 * read, minutes=30),
                    connector="otlp_metrics",
                    series_id="0123abcd",
                    temporality="cumulative",
                    input_tokens=1000 * read,
                )
            )
    return points


@pytest.fixture(scope="module")
def covered(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Calls and buckets, shuffled over three loads."""
    warehouse = Warehouse.before_events(tmp_path_factory.mktemp("coverage"))
    gateway_hits = [
        event("hit", occurred_at=DAY, status="cache_hit", input_tokens=5, output_tokens=5),
        event("refused", occurred_at=DAY, status="error"),
    ]
    azure = bucket(DAY, DAY + timedelta(days=1), provider="azure.ai.openai", request_count=4)
    rows = [("usage_events", row) for row in [*calls(), *gateway_hits]]
    rows += [
        ("usage_buckets", row)
        for row in [
            *hourly_report(FETCHED, share=0.5),
            *hourly_report(FETCHED + timedelta(hours=1)),
            *meter_points(),
            azure,
        ]
    ]
    rows.append(
        ("usage_events", event("az", occurred_at=DAY, provider="azure-openai", input_tokens=1))
    )
    random.Random(1).shuffle(rows)
    for piece in range(3):
        with warehouse.store() as store:
            for table in ("usage_events", "usage_buckets"):
                store.append(table, [row for of, row in rows[piece::3] if of == table], str(piece))
            store.complete(f"{piece}")
        warehouse.build(*AFTER_A_LOAD)
    return warehouse


def test_three_percent_missing_show_as_three_percent(covered: Warehouse) -> None:
    [row] = covered.query(
        "select * from mart.coverage_daily where connector = 'openai_usage' and provider = 'openai'"
    )
    assert row["usage_date"] == DAY.date()
    assert row["bucket_calls"] == 24 * CALLS_PER_HOUR
    assert row["counted_calls"] == 24 * (CALLS_PER_HOUR - 3)
    assert row["calls_coverage_share"] == pytest.approx(0.97, rel=1e-12)
    assert row["tokens_coverage_share"] == pytest.approx(0.97, rel=1e-12)
    assert row["unattributed_calls"] == 24 * 3
    assert row["unattributed_input_tokens"] == 24 * 3 * 70
    assert row["unattributed_output_tokens"] == 24 * 3 * 30


def test_names_of_one_provider_are_compared(covered: Warehouse) -> None:
    rows = covered.query(
        "select provider, bucket_calls, counted_calls, tokens_coverage_share"
        " from mart.coverage_daily where bucket_calls = 4"
    )
    assert [tuple(row.values())[1:] for row in rows] == [(4.0, 1.0, None)]


def test_buckets_are_in_no_footprint(covered: Warehouse) -> None:
    [total] = covered.query(
        "select sum(calls) as calls, sum(events)::bigint as events from mart.org_footprint_daily"
    )
    assert (total["calls"], total["events"]) == (24 * (CALLS_PER_HOUR - 3) + 3,) * 2


def test_running_totals_are_their_rises(covered: Warehouse) -> None:
    rows = covered.query(
        "select usage_date, bucket_input_tokens as tokens, bucket_calls"
        " from mart.coverage_daily where connector = 'otlp_metrics' order by usage_date"
    )
    # Readings at 00:30, 02:30 ... 22:30 of the first day: twelve rises, the first since its start.
    # Then until 14:30; and of the second start one rise each from 17:30 on.
    assert [(row["usage_date"].day, row["tokens"]) for row in rows] == [
        (2, 12_000.0), (3, 8_000.0 + 4_000.0), (4, 6_000.0),
    ]  # fmt: skip
    assert rows[0]["bucket_calls"] is None


def test_increments_equal_a_full_refresh(covered: Warehouse) -> None:
    before = {table: covered.figures(table) for table in TABLES}
    covered.build(*DATA_TESTS, "--full-refresh")
    assert {table: covered.figures(table) for table in TABLES} == before
