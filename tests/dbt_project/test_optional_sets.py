"""An optional set of grid figures: where it is applied, cited and known, and its removal.

The figures are invented (``tests.support.electricity_maps``).
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from orchestration.electricity_maps import merge, read_edition
from orchestration.optional_factors import write_set
from tests.dbt_project.raw_store import event
from tests.dbt_project.warehouse import DATA_TESTS, MARTS, Warehouse
from tests.support.electricity_maps import write_zones

FROZEN = datetime(2026, 9, 10, 9, tzinfo=UTC)
"""A day in a month frozen (on 21 October) before the set was published."""
ADDED = date(2026, 10, 25)
OPEN = datetime(2026, 11, 10, 9, tzinfo=UTC)
IN_2024 = datetime(2024, 6, 10, 9, tzinfo=UTC)
BEFORE = datetime(2023, 6, 10, 9, tzinfo=UTC)
"""A day before the first figure of the set."""
DAYS = (BEFORE, IN_2024, FROZEN, OPEN)
SET = "ecomind-2026.11 + electricity-maps-2025"
CALLS = {"input_tokens": 5000, "output_tokens": 700}
PLACES: dict[str, dict[str, Any]] = {
    "aws": {"provider": "aws-bedrock", "region": "eu-central-1"},
    "subregion": {"provider": "azure", "region": "eastus"},
    "country-of-region": {"provider": "aws-bedrock", "region": "ap-south-1"},
    "geography": {"inference_geo": "SE"},
    "not-a-country": {"inference_geo": "US-SRVC"},
    "not-in-the-set": {"inference_geo": "FR"},
    "default": {},
}
"""Where calls ran; ``model`` tells them apart in the marts."""
TABLES = [f"{schema}.{mart}" for schema in ("mart", "as_reported") for mart in MARTS]
OVERRIDE = {
    "override_id": "o_1", "org_id": "globex", "factor_type": "grid_location", "key": "DEU",
    "value_low": 45.0, "value_mid": 50.0, "value_high": 55.0, "unit": "gCO2e/kWh",
    "valid_from": date(2026, 1, 1), "reason": "contract", "dq_score": 4,
    "recorded_at": datetime(2026, 10, 1, tzinfo=UTC),
}  # fmt: skip


def events() -> list[dict[str, Any]]:
    """A call in each place on each day, of two organisations."""
    return [
        event(
            f"{name}-{day:%Y%m}", org_id=org_id, request_model=f"gpt-4o-{name}", occurred_at=day,
            received_at=OPEN, **CALLS, **place,
        )
        for org_id in ("acme", "globex")
        for name, place in PLACES.items()
        for day in DAYS
    ]  # fmt: skip


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A warehouse with the set; its figures before the set came and after it went."""
    home = tmp_path_factory.mktemp("home")
    warehouse = Warehouse(home)
    with warehouse.store() as store:
        store.load("1", events())
        store.append("control_factor_overrides", [OVERRIDE], "1")
    warehouse.build(*DATA_TESTS)
    shipped = {table: warehouse.figures(table) for table in TABLES}
    zones = read_edition(write_zones(home / "zones.csv"))
    path = home / "factors" / "factor_electricity_maps.csv"
    write_set(path, merge([], zones, ADDED).rows)
    warehouse.build("--selector", "complete")
    return {"warehouse": warehouse, "shipped": shipped, "path": path}


def grams(warehouse: Warehouse, org_id: str, place: str, day: datetime) -> float:
    [row] = warehouse.query(
        "select co2e_location_mid_kg / energy_mid_kwh * 1000 as grams"
        " from intermediate.usage_footprint_daily"
        f" where org_id = '{org_id}' and model = 'gpt-4o-{place}'"
        f" and usage_date = date '{day:%Y-%m-%d}'"
    )
    return float(row["grams"])


@pytest.mark.parametrize(
    ("place", "day", "expected"),
    [
        ("aws", OPEN, 400.0),
        ("aws", FROZEN, 400.0),
        ("aws", IN_2024, 420.0),
        ("subregion", OPEN, 310.0),
        ("subregion", IN_2024, 333.0),
        ("country-of-region", OPEN, 700.0),
        ("geography", OPEN, 11.0),
        ("geography", IN_2024, 12.0),
        # As shipped: Ember's France, and eGRID's subregion where no cloud region was sent.
        ("not-a-country", OPEN, 269.0),
    ],
)
def test_first_figure_of_region_country_and_zone_is_applied(
    told: dict[str, Any], place: str, day: datetime, expected: float
) -> None:
    assert grams(told["warehouse"], "acme", place, day) == pytest.approx(expected, rel=1e-3)


def shipped_grams(warehouse: Warehouse, zone: str, day: datetime) -> float:
    [row] = warehouse.query(
        "select value_mid from intermediate.int_factors where org_id = '*'"
        f" and factor_type = 'grid_location' and key = '{zone}'"
        f" and date '{day:%Y-%m-%d}' >= effective_from and date '{day:%Y-%m-%d}' < effective_to"
    )
    return float(row["value_mid"])


@pytest.mark.parametrize(
    ("place", "zone", "day"),
    [
        ("not-in-the-set", "FRA", OPEN),
        ("default", "USA", OPEN),
        ("country-of-region", "IND", IN_2024),
        ("aws", "DEU", BEFORE),
        ("geography", "SWE", BEFORE),
    ],
)
def test_the_shipped_figure_holds_where_and_when_the_set_has_none(
    told: dict[str, Any], place: str, zone: str, day: datetime
) -> None:
    expected = shipped_grams(told["warehouse"], zone, day)
    assert grams(told["warehouse"], "acme", place, day) == pytest.approx(expected, rel=1e-12)


def test_the_zones_of_the_marts_stay(told: dict[str, Any]) -> None:
    zones = told["warehouse"].query("select distinct zone_id from mart.region_footprint_daily")
    assert {row["zone_id"] for row in zones} == {"DEU", "US-SRVC", "IND", "SWE", "FRA", "USA"}
    listed = told["warehouse"].query("select zone_id, country_code from intermediate.int_zones")
    codes = {row["zone_id"]: row["country_code"] for row in listed}
    assert not [zone for zone in codes if zone.startswith("em:")]
    assert (codes["DEU"], codes["US-SRVC"], codes["WORLD"]) == ("DE", None, None)


def test_an_own_figure_of_the_zone_comes_before_the_set(told: dict[str, Any]) -> None:
    warehouse = told["warehouse"]
    assert grams(warehouse, "globex", "aws", OPEN) == pytest.approx(50.0)
    assert grams(warehouse, "globex", "aws", IN_2024) == pytest.approx(420.0)
    assert grams(warehouse, "globex", "geography", OPEN) == pytest.approx(11.0)


def test_the_location_based_row_stands_in_for_a_market_based_one(told: dict[str, Any]) -> None:
    rows = told["warehouse"].query(
        "select distinct location_factor_ids, market_factor_ids, market_mid"
        " from intermediate.int_factors_applied_daily where market_key is null"
        f" and model = 'gpt-4o-geography' and usage_date = date '{OPEN:%Y-%m-%d}'"
    )
    em = "grid_location:em:SE:2025-01-01"
    assert rows == [{"location_factor_ids": em, "market_factor_ids": em, "market_mid": 11.0}]


def test_the_set_and_its_licence_are_cited(told: dict[str, Any]) -> None:
    cited = told["warehouse"].query(
        "select distinct factor_id, licence, source, factor_set_id from mart.factor_in_use"
        " where org_id = 'acme' and factor_id like '%:em:%' order by factor_id"
    )
    years = {"DE": (2024, 2025), "IN": (2025,), "SE": (2024, 2025), "US-MIDA-PJM": (2024, 2025)}
    assert cited == [
        {
            "factor_id": f"grid_location:em:{zone}:{year}-01-01",
            "licence": "ODbL 1.0",
            "source": "invented for a test",
            "factor_set_id": "electricity-maps-2025",
        }
        for zone, of_zone in years.items()
        for year in of_zone
    ]
    named = {
        row["factor_set_id"]
        for mart in MARTS
        for row in told["warehouse"].query(f"select distinct factor_set_id from mart.{mart}")
    }
    assert named == {SET, f"{SET} with overrides"}


@pytest.mark.parametrize("mart", MARTS)
def test_months_frozen_before_the_set_keep_their_figures(told: dict[str, Any], mart: str) -> None:
    warehouse = told["warehouse"]
    for day in DAYS:
        shipped, reported, restated = (
            [row for row in rows if row[0] == day.date()]
            for rows in (
                told["shipped"][f"mart.{mart}"],
                warehouse.figures(f"as_reported.{mart}"),
                warehouse.figures(f"mart.{mart}"),
            )
        )
        assert shipped
        assert restated != shipped
        assert reported == (restated if day is OPEN else shipped)


def test_the_restatement_names_both_rows(told: dict[str, Any]) -> None:
    parts = told["warehouse"].query(
        "select reported_factor_ids, restated_factor_ids, difference from mart.restatement"
        " where org_id = 'acme' and period_start = date '2026-09-01'"
        " and metric = 'co2e_location_mid_kg' and restated_factor_ids like '%:DE:%'"
    )
    [energy] = told["warehouse"].query(
        "select energy_mid_kwh from intermediate.usage_footprint_daily where org_id = 'acme'"
        f" and model = 'gpt-4o-aws' and usage_date = date '{FROZEN:%Y-%m-%d}'"
    )
    [part] = parts
    assert part["reported_factor_ids"] == "grid_location:DEU:2025-01-01"
    assert part["restated_factor_ids"] == "grid_location:em:DE:2025-01-01"
    by_hand = energy["energy_mid_kwh"] * (400 - shipped_grams(told["warehouse"], "DEU", FROZEN))
    assert part["difference"] == pytest.approx(by_hand / 1000, rel=1e-9)


@pytest.mark.parametrize("lens", ["mart", "as_reported"])
def test_explained_parts_sum_to_the_cell_and_name_the_row(told: dict[str, Any], lens: str) -> None:
    metric, day = "co2e_total_location_mid_kg", f"date '{FROZEN:%Y-%m-%d}'"
    of_lens = "restated" if lens == "mart" else lens
    parts = told["warehouse"].query(
        "select value, model, factor_ids"
        f" from mart.explain('acme', {day}, '{metric}', of_lens := '{of_lens}')"
    )
    [cell] = told["warehouse"].query(
        f"select {metric} as value from {lens}.org_footprint_daily"
        f" where org_id = 'acme' and usage_date = {day}"
    )
    assert sum(part["value"] for part in parts) == pytest.approx(cell["value"], rel=1e-9)
    [part] = [part for part in parts if part["model"] == "gpt-4o-aws"]
    expected = "em:DE:2025" if lens == "mart" else "DEU:2025"
    assert f"grid_location:{expected}-01-01" in part["factor_ids"]


def test_a_set_taken_away_gives_the_shipped_figures_back(told: dict[str, Any]) -> None:
    warehouse, path = told["warehouse"], Path(told["path"])
    rows = path.read_bytes()
    path.unlink()
    try:
        warehouse.build("--selector", "factors")
        warehouse.build("--selector", "frequent")
        assert {table: warehouse.figures(table) for table in TABLES} == told["shipped"]
        restated = warehouse.query("select distinct org_id from mart.org_restatement_monthly")
        assert restated == [{"org_id": "globex"}], "it has an override that was recorded later"
    finally:
        path.write_bytes(rows)
