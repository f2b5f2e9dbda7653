"""Resolution: copies of an event and events of one call count once, in whatever order they load."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.dbt_project.raw_store import RECEIVED, event
from tests.dbt_project.resolution import SOURCES, Event, drawn, key, resolved
from tests.dbt_project.warehouse import AFTER_A_LOAD, DATA_TESTS, Warehouse

CORE = ("int_loads_pending", "int_events_superseded", "int_usage_hourly", "int_loads_rolled_up")
EVENTS = drawn(600, seed=4)
SUPERSEDED = "intermediate.int_events_superseded"
HOURLY = "intermediate.int_usage_hourly"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A warehouse with an empty first build, so that every load is an increment."""
    return Warehouse.before_events(tmp_path_factory.mktemp("resolution"))


def load_in_pieces(warehouse: Warehouse, rows: Iterable[Event], pieces: int, seed: int) -> None:
    """Load rows shuffled into several loads, each built on its own."""
    shuffled = list(rows)
    random.Random(seed).shuffle(shuffled)
    for piece in range(pieces):
        with warehouse.store() as store:
            store.load(f"{seed}-{piece}", shuffled[piece::pieces])
        warehouse.build(*DATA_TESTS, "--select", *CORE)


def counted(warehouse: Warehouse) -> dict[Any, Any]:
    """Events, calls and tokens per hour and organisation, as the rollup holds them."""
    rows = warehouse.query(
        "select org_id, usage_hour, sum(events)::bigint as events, sum(calls) as calls,"
        " sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens"
        f" from {HOURLY} group by all"
    )
    return {tuple(row.values())[:2]: tuple(row.values())[2:] for row in rows}


def expected_sums(events: Iterable[Event]) -> dict[Any, Any]:
    sums: dict[Any, list[float]] = {}
    for row in events:
        weight = row["sample_weight"]
        total = sums.setdefault((row["org_id"], key(row)[3]), [0, 0.0, 0.0, 0.0])
        for index, value in enumerate(
            (1, weight, weight * (row["input_tokens"] or 0), weight * (row["output_tokens"] or 0))
        ):
            total[index] += value
    return {name: tuple(values) for name, values in sums.items()}


def test_pieces_in_any_order_give_what_every_pair_compared_gives(built: Warehouse) -> None:
    load_in_pieces(built, EVENTS, pieces=3, seed=11)
    counting, superseded = resolved(EVENTS)
    # The draw meets the rules: not few, not all, and some from another hour.
    assert 100 < len(superseded) < len(counting)
    assert any(loser[3] != winner[3] for loser, winner in superseded.items())
    rows = built.query(
        "select org_id, source, event_id, usage_hour, superseded_by_source,"
        f" superseded_by_event_id from {SUPERSEDED}"
    )
    found = {tuple(row.values())[:4]: tuple(row.values())[4:] for row in rows}
    assert found == {loser: winner[1:3] for loser, winner in superseded.items()}
    assert counted(built) == expected_sums(counting.values())


def test_full_refresh_and_three_times_everything_change_nothing(built: Warehouse) -> None:
    tables = (SUPERSEDED, HOURLY)
    before = {table: built.figures(table) for table in tables}
    # Each batch three times, shuffled over loads and files of two workers.
    again = [
        {**row, "landed_file": f"{worker}-{row['landed_file']}", "receipt_id": f"{worker}"}
        for row in EVENTS
        for worker in ("other", "third")
    ]
    for row in again:
        row["received_at"] += timedelta(days=1)
    load_in_pieces(built, again, pieces=2, seed=12)
    assert {table: built.figures(table) for table in tables} == before
    built.build(*DATA_TESTS, "--full-refresh")
    assert {table: built.figures(table) for table in tables} == before


def test_every_event_received_is_counted_repeated_or_superseded(built: Warehouse) -> None:
    counting, superseded = resolved(EVENTS)
    [total] = built.query(
        "select sum(events_received)::bigint, sum(events_distinct)::bigint,"
        " sum(events_superseded)::bigint, sum(events_repeated)::bigint"
        " from mart.intake_health_daily"
    )
    received = 3 * len(EVENTS)
    assert tuple(total.values()) == (
        received, len(counting), len(superseded), received - len(counting) - len(superseded),
    )  # fmt: skip
    result = built.dbt("test", "--selector", "audit")
    assert result.returncode == 0, result.stdout[-3000:]


def pair(number: int, first: int, second: int, **values: Any) -> list[dict[str, Any]]:
    """Two events of one call from two kinds of source, a second apart."""
    return [
        event(
            f"{number}-{SOURCES[index][1]}",
            org_id=f"org{number}",
            source=SOURCES[index][0],
            adapter=SOURCES[index][1],
            occurred_at=RECEIVED + timedelta(seconds=index),
            provider_response_id="resp_1",
            **{"input_tokens": 100, "output_tokens": 10, **values.get(f"of_{index}", {})},
        )
        for index in (first, second)
    ]


def test_reasons_are_told(tmp_path: Path) -> None:
    warehouse = Warehouse.before_events(tmp_path)
    litellm, native, vendor, span, extension = 0, 2, 4, 5, 6
    with warehouse.store() as store:
        store.load("1", [
            *pair(1, litellm, native),
            *pair(2, native, vendor),
            *pair(3, vendor, span),
            *pair(4, span, extension),
            *pair(5, litellm, native, of_0={"input_tokens": None}),
            *pair(6, litellm, native, of_0={"sample_weight": 4.0}),
            *pair(7, litellm, native, of_0={"input_tokens": 97}),
            *pair(8, litellm, native, of_0={"input_tokens": 98}),
            *pair(9, litellm, native, of_0={"provider": "anthropic"}),
        ])  # fmt: skip
    warehouse.build(*AFTER_A_LOAD)
    rows = warehouse.query(
        "select org_id, source, reason from mart.superseded_event order by org_id"
    )
    told = [(row["org_id"], row["source"], row["reason"]) for row in rows]
    same = "same provider_response_id, "
    assert told == [
        ("org1", SOURCES[native][0], same + "gateway or provider log before API or SDK"),
        ("org2", SOURCES[vendor][0],
         same + "API or SDK before span of the provider's own SDK"),
        ("org3", SOURCES[span][0],
         same + "span of the provider's own SDK before span or log"),
        ("org4", SOURCES[extension][0], same + "span or log before browser extension"),
        ("org5", SOURCES[litellm][0], same + "it knows more token counts"),
        ("org6", SOURCES[litellm][0], same + "it is not sampled"),
        ("org8", SOURCES[native][0], same + "gateway or provider log before API or SDK"),
    ]  # fmt: skip
    [total] = warehouse.query("select sum(events)::bigint as n from mart.org_footprint_daily")
    assert total["n"] == 18 - len(told)
