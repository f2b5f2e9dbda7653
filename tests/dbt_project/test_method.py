"""The figures of the marts: published vectors, identities, routes and a second computation."""

from __future__ import annotations

import csv
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from benchmarks import plain
from tests.dbt_project import extension_vectors
from tests.dbt_project.direct import direct_footprint, mart_sql
from tests.dbt_project.raw_store import event
from tests.dbt_project.warehouse import MARTS, Warehouse

VECTORS = Path(__file__).with_name("expected_vectors.csv")
GEOGRAPHIES = {"FRA": "fr", "DEU": "DE", "IND": "in"}
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PLACES: dict[str | None, tuple[str, str, str, str, str]] = {
    # region: zone, water zone, PUE key, WUE key, market key
    "eu-central-1": ("DEU", "DEU", "aws/eu-central-1", "aws/eu-central-1", "aws/eu-central-1"),
    "us-east-1": ("US-SRVC", "USA", "aws/us-east-1", "aws/us-east-1", "aws/us-east-1"),
    "ap-southeast-7": ("THA", "THA", "aws-bedrock", "aws-bedrock", "aws-bedrock"),
    None: ("USA", "USA", "aws-bedrock", "aws-bedrock", "aws-bedrock"),
}
KEYS = ("openai/gpt-4o", "anthropic/claude-opus-5-5", "meta/llama-3.1-70b-instruct")


def vectors() -> list[dict[str, str]]:
    with VECTORS.open(encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def vector_event(row: dict[str, str], index: int) -> dict[str, Any]:
    zone = row["zone_id"]
    geography = zone if zone.startswith("US-") else GEOGRAPHIES.get(zone)
    cached = int(row["cached_tokens"])
    return event(
        f"vector-{index}",
        org_id="vectors",
        project_id=str(index),
        occurred_at=NOON,
        provider="unheard-of" if row["provider"] == "*" else row["provider"],
        request_model=row["model_key"].replace("*/tier-large", "no-such-name"),
        inference_geo=geography,
        input_tokens=int(row["input_tokens"]) + cached,
        cache_read_input_tokens=cached,
        output_tokens=int(row["output_tokens"]),
    )


def random_events(count: int) -> list[dict[str, Any]]:
    pick = random.Random(7)
    events = []
    for i in range(count):
        n = pick.choice((1, 1, 3, 50))
        tokens_in = pick.choice((None, pick.randint(1, 9000) * n))
        events.append(
            event(
                f"random-{i}",
                occurred_at=NOON - timedelta(minutes=pick.randint(0, 3 * 365 * 24 * 60)),
                provider=pick.choice(("aws.bedrock", "aws_bedrock", "aws-bedrock")),
                request_model=pick.choice(KEYS),
                user_id=pick.choice(("u_1", "u_2", None)),
                region=pick.choice(tuple(PLACES)),
                request_count=n,
                sample_weight=pick.choice((1.0, 10.0)),
                input_tokens=tokens_in,
                cache_read_input_tokens=pick.randint(0, tokens_in) if tokens_in else None,
                output_tokens=pick.choice((0, pick.randint(1, 3000) * n)),
                service_tier=pick.choice((None, "batch", "flex", "standard")),
                measured_energy_wh=pick.choice((None, None, None, 4.5)),
            )
        )
    return events


ROUTES: dict[str, dict[str, Any]] = {
    "hit": {"status": "cache_hit", "input_tokens": 10, "output_tokens": 10},
    "error": {"status": "error", "input_tokens": 1000, "output_tokens": 0},
    "refused": {"status": "error"},
    "call": {"input_tokens": 0, "output_tokens": 0, "request_count": 2},
    "image": {
        "operation": "image_generation",
        "images_count": 2,
        "request_model": "black-forest-labs/FLUX.1-dev",
    },
    "embedding": {
        "operation": "embeddings",
        "input_tokens": 3000,
        "request_model": "text-embedding-3",
    },
    "metered": {"measured_energy_wh": 8.0},
    "told": {"reported_energy_wh": 2.0, "input_tokens": 5, "output_tokens": 5},
}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """One complete build with every data test and unit test."""
    warehouse = Warehouse(tmp_path_factory.mktemp("method"))
    rows = [row for row in vectors() if row["scenario"] == "mid"]
    named = [
        event(name, org_id="routes", project_id=name, occurred_at=NOON, **values)
        for name, values in ROUTES.items()
    ]
    with warehouse.store() as store:
        store.load("1", [vector_event(row, i) for i, row in enumerate(rows)])
        store.load("2", named)
        store.load("3", random_events(400))
        store.load("4", [extension_vectors.raw_event(case) for case in extension_vectors.cases()])
    warehouse.build()
    return warehouse


@pytest.mark.parametrize("scenario", ["low", "mid", "high"])
def test_vectors_of_the_method(warehouse: Warehouse, scenario: str) -> None:
    s = scenario
    rows = {
        row["project_id"]: row
        for row in warehouse.query(
            "select * from intermediate.usage_footprint_daily where org_id = 'vectors'"
        )
    }
    expected = [row for row in vectors() if row["scenario"] == s]
    assert len(expected) == len(rows) == 12
    for index, row in enumerate(expected):
        found = rows[str(index)]
        assert found["zone_id"] == row["zone_id"]
        for column, name in (
            (f"it_energy_{s}_kwh", "it_kwh"),
            (f"energy_{s}_kwh", "kwh"),
            (f"co2e_location_{s}_kg", "co2e_location_kg"),
            (f"water_onsite_{s}_l", "water_onsite_l"),
            (f"water_offsite_{s}_l", "water_offsite_l"),
            (f"co2e_embodied_{s}_kg", "embodied_kg"),
        ):
            assert found[column] == pytest.approx(float(row[name]), rel=1e-4), (row, column)


def test_random_events_equal_a_plain_statement(warehouse: Warehouse) -> None:
    cases = " ".join(f"when '{region or '-'}' then {list(keys)}" for region, keys in PLACES.items())
    expected = direct_footprint(
        f"""select cast(occurred_at as date) as day, request_model as model_key, place[1] as zone,
        place[2] as water_zone,
        case when place[2] like 'US-%' then 'USA' else place[2] end as dry_zone,
        place[3] as pue_key, place[4] as wue_key, place[5] as market_key,
        request_count as n, sample_weight as w, input_tokens,
        cache_read_input_tokens as cached_tokens, output_tokens,
        coalesce(service_tier, '') in ('batch', 'flex') as is_batch,
        measured_energy_wh as measured_wh
        from (select *, case coalesce(region, '-') {cases} end as place
            from raw_store.raw.usage_events where org_id = 'acme')""",
        warehouse.raw,
    )
    compared = 0
    for scenario in ("low", "mid", "high"):
        for row in warehouse.query(mart_sql(scenario)):
            day, *values = row.values()
            assert values == pytest.approx(expected[(str(day), scenario)], rel=1e-9)
            compared += 1
    assert compared == len(expected) > 300


def test_the_extension_computes_the_same_figures(warehouse: Warehouse) -> None:
    expected = {case["name"]: case["expected"] for case in extension_vectors.cases()}
    assert len(expected) > 30
    found = extension_vectors.figures(warehouse, expected)
    for name, figures in expected.items():
        for figure, scenarios in figures.items():
            assert found[name][figure] == pytest.approx(scenarios, rel=1e-9), (name, figure)


def test_routes(warehouse: Warehouse) -> None:
    rows = {
        row["project_id"]: row
        for row in warehouse.query(
            "select * from intermediate.usage_footprint_daily where org_id = 'routes'"
        )
    }
    assert {name: row["energy_route"] for name, row in rows.items()} == {
        "hit": "cache_hit",
        "error": "token",
        "refused": "no_inference",
        "call": "call",
        "image": "unit",
        "embedding": "unit",
        "metered": "measured",
        "told": "reported",
    }
    it = {name: row["it_energy_mid_kwh"] for name, row in rows.items()}
    assert it["hit"] == it["refused"] == 0
    assert it["error"] == pytest.approx(1.01 * 0.0765e-3, rel=1e-3)
    assert it["call"] == pytest.approx(2 * 0.0002917)
    assert it["image"] == pytest.approx(2 * 0.004085)
    assert it["embedding"] == pytest.approx(3 * 4e-6)
    assert it["metered"] == 0.008
    assert it["told"] == 0.002
    assert rows["metered"]["it_energy_low_kwh"] == rows["metered"]["it_energy_high_kwh"] == 0.008
    assert all(row["events"] == 1 for row in rows.values())


def test_identities(warehouse: Warehouse) -> None:
    # No market factor is published for OpenAI: the location factor stands in, and is flagged.
    [row] = warehouse.query(
        "select * from intermediate.usage_footprint_daily where project_id = 'metered'"
    )
    kwh, pue, wue, ewif, grams = row["energy_mid_kwh"], 1.17, 0.27, 3.1321, 384.40
    assert kwh == pytest.approx(0.008 * pue)
    assert row["water_mid_l"] == pytest.approx(kwh * (wue / pue + ewif))
    assert row["co2e_location_mid_kg"] == pytest.approx(kwh * (grams / 1000))
    assert row["co2e_market_mid_kg"] == row["co2e_location_mid_kg"]
    assert row["market_key"] is None


def test_shares_say_how_the_energy_was_found(warehouse: Warehouse) -> None:
    [row] = warehouse.query("select * from mart.org_footprint_daily where org_id = 'routes'")
    parts = warehouse.query(
        "select energy_route, sum(energy_mid_kwh) as kwh from intermediate.usage_footprint_daily"
        " where org_id = 'routes' group by 1"
    )
    kwh = {part["energy_route"]: part["kwh"] for part in parts}
    total = sum(kwh.values())
    found = {
        "measured": kwh["measured"] + kwh["reported"],
        "token_route": kwh["token"],
        "unit_route": kwh["unit"],
        "call_route": kwh["call"],
    }
    assert {name: row[f"{name}_energy_share"] for name in found} == {
        name: pytest.approx(value / total) for name, value in found.items()
    }
    assert 0 < row["unit_route_energy_share"] < 1
    tokens = row["input_tokens"] + row["cached_input_tokens"] + row["output_tokens"]
    assert row["co2e_total_location_mid_g_per_million_tokens"] == pytest.approx(
        row["co2e_total_location_mid_kg"] * 1e9 / tokens
    )


def test_marts_agree_with_their_base(warehouse: Warehouse) -> None:
    sums = "sum(events), sum(energy_mid_kwh), sum(co2e_total_market_high_kg), sum(water_low_l)"
    base = warehouse.query(f"select {sums} from intermediate.usage_footprint_daily")
    for mart in MARTS:
        [found] = warehouse.query(f"select {sums} from mart.{mart}")
        assert list(found.values()) == pytest.approx(list(base[0].values()), rel=1e-9)
    assert base[0]["sum(events)"] == 400 + 12 + len(ROUTES) + len(extension_vectors.cases())


@pytest.mark.parametrize("dedup", plain.DEDUPS)
def test_the_plain_statement_of_the_benchmarks_fits_the_marts(
    warehouse: Warehouse, tmp_path: Path, dedup: str
) -> None:
    """It is the yardstick, and is run by hand: for the token route it must agree."""
    landed = str(tmp_path / "events.parquet")
    sums = "sum(events) as events, sum(energy_mid_kwh) as energy, sum(water_low_l) as water"
    of_tokens = "from {} where org_id = 'acme' and energy_route = 'token'"
    with duckdb.connect() as connection:
        connection.execute(f"set TimeZone = 'UTC'; attach '{warehouse.raw}' as raw (read_only)")
        connection.execute(f"copy (from raw.raw.usage_events) to '{landed}'")
        connection.execute(f"attach '{warehouse.marts}' as marts (read_only)")
        connection.execute(plain.statement([landed], "base", dedup))
        [found] = connection.execute(f"select {sums} {of_tokens.format('base')}").fetchall()
    [expected] = warehouse.query(
        f"select {sums} {of_tokens.format('intermediate.usage_footprint_daily')}"
    )
    assert found == pytest.approx(tuple(expected.values()), rel=1e-9)


def test_team_of_the_event_comes_before_the_team_of_the_user(warehouse: Warehouse) -> None:
    teams = warehouse.query(
        "select distinct user_id, team_id from mart.user_footprint_daily"
        " where org_id = 'acme' order by user_id"
    )
    assert [(row["user_id"], row["team_id"]) for row in teams] == [
        ("u_1", "t1"),
        ("u_2", "unattributed"),
        ("unattributed", "unattributed"),
    ]


def test_factors_in_use_carry_their_provenance(warehouse: Warehouse) -> None:
    rows = warehouse.query("select * from mart.factor_in_use where org_id = 'acme'")
    types = {row["factor_type"] for row in rows}
    assert {"model_output", "model_call", "grid_location", "pue", "embodied"} <= types
    assert all(row["source"] and row["source_url"].startswith("https://") for row in rows)
    [total] = warehouse.query(
        "select sum(energy_mid_kwh) as kwh from mart.org_footprint_daily where org_id = 'acme'"
    )
    grid = sum(row["energy_mid_kwh"] for row in rows if row["factor_type"] == "grid_location")
    assert grid == pytest.approx(total["kwh"], rel=1e-9)


def test_unknown_names_are_reviewed_and_refused_figures_have_no_value(
    warehouse: Warehouse,
) -> None:
    [unknown] = warehouse.query("select * from mart.unknown_model where org_id = 'vectors'")
    assert (unknown["model"], unknown["model_fallback_level"]) == ("no-such-name", 6)
    points = warehouse.query("select * from reporting.rpt_datapoint")
    assert {row["status"] for row in points} == {"computed", "refused", "not_available"}
    assert all((row["value"] is not None) == (row["status"] == "computed") for row in points)
    assert all(row["refusal_reason"] for row in points if row["status"] != "computed")
