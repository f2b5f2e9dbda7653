"""Lenses: frozen months keep what was reported, overrides hold for their organisation alone."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.dbt_project.raw_store import event
from tests.dbt_project.warehouse import DATA_TESTS, MARTS, Warehouse, copy_project

LATER = "2026-12-01"
FROZEN = datetime(2026, 9, 10, 9, tzinfo=UTC)
"""A day in a month frozen before ``LATER`` (21 days after its end)."""
OPEN = datetime(2026, 11, 10, 9, tzinfo=UTC)
"""A day in a month frozen after ``LATER``."""
CALLS = {"input_tokens": 5000, "output_tokens": 700, "cache_read_input_tokens": 1000}
CUSTOM = "our-own-model"
GLOBAL_DEFAULT = "*/tier-large"
REFERENCE_CALL = {"input_tokens": 1155, "output_tokens": 211}


def events(org_id: str, *names: str) -> list[dict[str, Any]]:
    """Calls of one organisation on a day of a frozen and of an open month; all, or those named."""
    shapes: dict[str, dict[str, Any]] = {
        "chat": {"region": "eastus", "provider": "azure", **CALLS},
        "german": {"inference_geo": "DE", "service_tier": "batch", **CALLS},
        "unknown": {"provider": "startup", "request_model": "gpt-99-turbo", **CALLS},
        "output": {"output_tokens": 900},
        "bare": {},
        "image": {"operation": "image_generation", "images_count": 3},
        "custom": {"provider": "self-hosted", "request_model": CUSTOM, **REFERENCE_CALL},
        "custom-bare": {"provider": "self-hosted", "request_model": CUSTOM, "request_count": 3},
        "hit": {"status": "cache_hit", **CALLS},
        "metered": {"measured_energy_wh": 5.0, "inference_geo": "DE"},
    }
    return [
        event(f"{name}-{day:%m}", org_id=org_id, occurred_at=day, received_at=OPEN, **shape)
        for name, shape in shapes.items()
        if not names or name in names
        for day in (FROZEN, OPEN)
    ]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def append(path: Path, *rows: dict[str, str]) -> None:
    with path.open("a", encoding="utf-8", newline="") as file:
        csv.DictWriter(file, list(rows_of(path)[0]), lineterminator="\n").writerows(rows)


def scaled(row: dict[str, str], ratio: float) -> dict[str, str]:
    values = {
        name: repr(float(row[name]) * ratio) for name in ("value_low", "value_mid", "value_high")
    }
    return {**row, **values, "published_at": LATER, "factor_set_id": "ecomind-2026.12"}


def correct(seeds: Path, file: str, key: str, ratio: float) -> str:
    """Publish a corrected figure for the same days; returns its id."""
    path = seeds / file
    [row] = [row for row in rows_of(path) if row["key"] == key and not row["valid_to"]]
    corrected = row["factor_id"] + ":2"
    append(path, {**scaled(row, ratio), "factor_id": corrected, "supersedes_id": row["factor_id"]})
    return corrected


def publish_later(seeds: Path) -> None:
    """What a set of December brings: two corrections, a year of grid data, a model, a region."""
    correct(seeds, "factor_grid_country.csv", "DEU", 1.25)
    correct(seeds, "factor_embodied.csv", "*", 0.5)
    models = seeds / "models.csv"
    like = next(row for row in rows_of(models) if row["model_key"] == "openai/gpt-4o")
    append(models, {**like, "model_key": "startup/gpt-99-turbo", "published_at": LATER})
    energy = seeds / "factor_model_energy.csv"
    append(
        energy,
        *(
            {
                **scaled(row, 3.0),
                "key": "startup/gpt-99-turbo",
                "factor_id": row["factor_id"].replace("openai/gpt-4o", "startup/gpt-99-turbo"),
                "supersedes_id": "",
            }
            for row in rows_of(energy)
            if row["key"] == "openai/gpt-4o"
        ),
    )
    facility = seeds / "factor_facility.csv"
    [region] = [
        row
        for row in rows_of(facility)
        if row["factor_type"] == "pue" and row["key"] == "azure/eastus"
    ]
    append(
        facility,
        {**scaled(region, 1.1), "factor_id": region["factor_id"] + ":2",
         "supersedes_id": region["factor_id"]},
    )  # fmt: skip


def override(org_id: str, number: int, **values: Any) -> dict[str, Any]:
    mid = values.pop("mid")
    recorded: dict[str, Any] = {
        "override_id": f"o_{number}",
        "org_id": org_id,
        "value_low": mid,
        "value_mid": mid,
        "value_high": mid,
        "valid_from": date(2026, 1, 1),
        "reason": "contract",
        "dq_score": 4,
        "recorded_at": datetime(2026, 12, 5, tzinfo=UTC),
    }
    return {**recorded, **values}


OVERRIDES = [
    override("globex", 1, factor_type="grid_market", key="azure-openai", unit="gCO2e/kWh",
             mid=12.0),
    override("globex", 2, factor_type="pue", key="azure/eastus", unit="kWh/IT kWh", mid=1.5,
             valid_from=date(2026, 11, 1), valid_to=date(2026, 12, 1)),
    override("globex", 3, factor_type="model_call", key=CUSTOM, unit="kWh/call", mid=0.004),
    override("globex", 5, factor_type="wue", key="azure-openai", unit="L/IT kWh", mid=0.77),
    override("globex", 4, factor_type="embodied", key="*", unit="gCO2e/IT kWh", mid=99.0,
             withdrawn_at=datetime(2026, 12, 6, tzinfo=UTC)),
]  # fmt: skip


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A warehouse before and after the set of December and one organisation's overrides."""
    project = copy_project(tmp_path_factory.mktemp("project"))
    warehouse = Warehouse(project / "data", project)
    with warehouse.store() as store:
        store.load(
            "1",
            [*events("acme"), *events("globex"), *events("early"), *events("meter", "metered")],
        )
        # This one closed its books in time to miss what November's others still take along.
        freeze = {"org_id": "early", "period_start": date(2026, 11, 1)}
        store.append("control_period_freezes", [{**freeze, "frozen_on": date(2026, 11, 30)}], "1")
    warehouse.build(*DATA_TESTS)
    tables = [f"as_reported.{mart}" for mart in MARTS]
    before = {table: warehouse.figures(table) for table in tables}
    assert before == {f"as_reported.{mart}": warehouse.figures(f"mart.{mart}") for mart in MARTS}
    assert not warehouse.query("select * from mart.org_restatement_monthly")
    publish_later(project / "seeds")
    with warehouse.store() as store:
        store.append("control_factor_overrides", OVERRIDES, "2")
    warehouse.build("--selector", "complete")
    return {"warehouse": warehouse, "before": before}


def days(rows: list[tuple[Any, ...]], org_id: str, day: datetime) -> list[tuple[Any, ...]]:
    return [row for row in rows if row[0] == day.date() and row[1] == org_id]


@pytest.mark.parametrize("mart", MARTS)
@pytest.mark.parametrize(
    ("org_id", "day", "is_kept"),
    [
        ("acme", FROZEN, True),
        ("globex", FROZEN, True),
        ("early", FROZEN, True),
        ("early", OPEN, True),
        ("acme", OPEN, False),
        ("globex", OPEN, False),
    ],
)
def test_frozen_months_keep_every_figure_as_reported(
    frozen: dict[str, Any], mart: str, org_id: str, day: datetime, is_kept: bool
) -> None:
    warehouse = frozen["warehouse"]
    before = days(frozen["before"][f"as_reported.{mart}"], org_id, day)
    reported = days(warehouse.figures(f"as_reported.{mart}"), org_id, day)
    restated = days(warehouse.figures(f"mart.{mart}"), org_id, day)
    assert before and restated != before
    assert reported == (before if is_kept else restated)


def total(warehouse: Warehouse, mart: str, metric: str, where: str) -> float:
    [row] = warehouse.query(f"select sum({metric}) as total from {mart} where {where}")
    return float(row["total"])


def test_both_lenses_hold_the_same_activity(frozen: dict[str, Any]) -> None:
    for metric in ("events", "calls", "input_tokens", "cached_input_tokens", "output_tokens"):
        figures = {
            total(frozen["warehouse"], f"{schema}.{mart}", metric, "true")
            for schema in ("mart", "as_reported")
            for mart in MARTS
        }
        assert len(figures) == 1, metric


def test_difference_is_explained_by_factor_rows_exactly(frozen: dict[str, Any]) -> None:
    warehouse = frozen["warehouse"]
    totals = warehouse.query("select * from mart.org_restatement_monthly")
    parts = warehouse.query("select * from mart.restatement")
    assert {(row["org_id"], row["period_start"].month) for row in totals} == {
        ("acme", 9), ("globex", 9), ("early", 9), ("early", 11), ("meter", 9),
    }  # fmt: skip
    for row in totals:
        schema = {"as_reported": row["value_as_reported"], "mart": row["value_restated"]}
        for name, value in schema.items():
            where = (
                f"org_id = '{row['org_id']}' and usage_date >= date '{row['period_start']}'"
                f" and usage_date < date '{row['period_start']}' + interval 1 month"
            )
            found = total(warehouse, f"{name}.org_footprint_daily", row["metric"], where)
            assert found == pytest.approx(value, rel=1e-12)
        explained = sum(
            part["difference"]
            for part in parts
            if all(part[key] == row[key] for key in ("org_id", "period_start", "metric"))
        )
        assert explained == pytest.approx(row["difference"], rel=1e-9, abs=1e-15)
        assert row["is_significant"] == (abs(row["difference"]) > 0.05 * row["value_as_reported"])
    assert {row["is_significant"] for row in totals} == {True, False}
    for part in parts:
        assert part["reported_factor_ids"] or part["restated_factor_ids"], part


def parts_of(warehouse: Warehouse, org_id: str, metric: str) -> dict[tuple[str, str, str], float]:
    rows = warehouse.query(
        "select * from mart.restatement where period_start = date '2026-09-01'"
        f" and org_id = '{org_id}' and metric = '{metric}'"
    )
    return {
        (row["term"], row["reported_factor_ids"], row["restated_factor_ids"]): row["difference"]
        for row in rows
    }


def test_each_part_names_the_rows_that_changed(frozen: dict[str, Any]) -> None:
    parts = parts_of(frozen["warehouse"], "acme", "co2e_total_location_mid_kg")
    found = {(term, then, now) for term, then, now in parts}
    grid = "grid_location:DEU:2025-01-01"
    embodied = "embodied:*:2025-01-01"
    assert ("grid, location-based", grid, f"{grid}:2") in found
    assert ("manufacture of hardware", embodied, f"{embodied}:2") in found
    [(_, then, now)] = [key for key in found if key[0] == "IT energy"]
    assert GLOBAL_DEFAULT in then and "startup/gpt-99-turbo" in now
    [pue] = [key for key in found if key[0] == "PUE"]
    assert pue[2] == pue[1] + ":2"
    assert len(found) == 4
    # By hand: 5 Wh metered and what the German chat used, at a grid a quarter dirtier.
    [row] = frozen["warehouse"].query(
        "select sum(co2e_location_mid_kg) as reported"
        " from intermediate.usage_footprint_as_reported_daily"
        " where org_id = 'acme' and zone_id = 'DEU'"
    )
    assert parts[("grid, location-based", grid, f"{grid}:2")] == pytest.approx(row["reported"] / 4)


def usage(warehouse: Warehouse, org_id: str, day: datetime, where: str) -> dict[str, Any]:
    [row] = warehouse.query(
        "select * from intermediate.usage_footprint_daily"
        f" where org_id = '{org_id}' and usage_date = date '{day:%Y-%m-%d}' and {where}"
    )
    return row


AT_EASTUS = "region = 'eastus'"


def test_override_holds_for_its_organisation_and_days_alone(frozen: dict[str, Any]) -> None:
    warehouse = frozen["warehouse"]
    theirs, others = (usage(warehouse, org, OPEN, AT_EASTUS) for org in ("globex", "acme"))
    assert theirs["it_energy_mid_kwh"] == others["it_energy_mid_kwh"]
    assert theirs["energy_mid_kwh"] == pytest.approx(theirs["it_energy_mid_kwh"] * 1.5)
    before = usage(warehouse, "globex", FROZEN, AT_EASTUS)
    assert before["energy_mid_kwh"] == usage(warehouse, "acme", FROZEN, AT_EASTUS)["energy_mid_kwh"]
    # Their figure for the provider comes before the one all share for the region.
    assert theirs["water_onsite_mid_l"] == pytest.approx(theirs["it_energy_mid_kwh"] * 0.77)
    assert others["water_onsite_mid_l"] != pytest.approx(others["it_energy_mid_kwh"] * 0.77)
    for row in (theirs, before):
        assert row["co2e_market_mid_kg"] == pytest.approx(row["energy_mid_kwh"] * 12.0 / 1000)
    assert theirs["factor_set_id"].endswith(" with overrides")
    assert not others["factor_set_id"].endswith(" with overrides")


def test_figures_carry_the_set_that_was_known(frozen: dict[str, Any]) -> None:
    sets = {
        (schema, row["month"]): row["factor_set_id"]
        for schema in ("mart", "as_reported")
        for row in frozen["warehouse"].query(
            "select month(usage_date) as month, max(factor_set_id) as factor_set_id"
            f" from {schema}.org_footprint_daily where org_id = 'acme' group by all"
        )
    }
    assert sets == {
        ("mart", 9): "ecomind-2026.12",
        ("mart", 11): "ecomind-2026.12",
        ("as_reported", 9): "ecomind-2026.11",
        ("as_reported", 11): "ecomind-2026.12",
    }


def test_withdrawn_override_is_as_if_it_had_never_been(frozen: dict[str, Any]) -> None:
    theirs, others = (
        usage(frozen["warehouse"], org, OPEN, AT_EASTUS)["co2e_embodied_mid_kg"]
        for org in ("globex", "acme")
    )
    assert theirs == others


def test_energy_per_call_gives_itself_back_at_the_reference_call(frozen: dict[str, Any]) -> None:
    warehouse, custom = frozen["warehouse"], f"model = '{CUSTOM}' and energy_route = 'token'"
    row = usage(warehouse, "globex", OPEN, custom)
    assert row["model_fallback_level"] == 1
    assert row["it_energy_mid_kwh"] == pytest.approx(0.004, rel=1e-12)
    assert usage(warehouse, "acme", OPEN, custom)["model_fallback_level"] >= 5


def test_where_only_the_energy_per_call_is_known_the_plain_formulas_hold(
    frozen: dict[str, Any],
) -> None:
    warehouse, custom = frozen["warehouse"], f"model = '{CUSTOM}' and energy_route = 'call'"
    row = usage(warehouse, "globex", OPEN, custom)
    [k] = warehouse.query(
        "select * from intermediate.int_factors_applied_daily where org_id = 'globex'"
        f" and usage_date = date '{OPEN:%Y-%m-%d}' and {custom}"
    )
    kwh = 3 * 0.004 * k["pue_mid"]
    assert row["energy_mid_kwh"] == pytest.approx(kwh, rel=1e-12)
    litres_per_kwh = k["wue_mid"] / k["pue_mid"] + k["ewif_mid"]
    assert row["water_mid_l"] == pytest.approx(kwh * litres_per_kwh, rel=1e-12)
    assert row["co2e_location_mid_kg"] == pytest.approx(kwh * k["location_mid"] / 1000, rel=1e-12)
    kg_per_kwh = k["location_mid"] / 1000
    assert row["co2e_location_mid_kg"] == pytest.approx(kwh * kg_per_kwh, rel=1e-12)


def test_overrides_are_cited_as_factors_in_use(frozen: dict[str, Any]) -> None:
    rows = frozen["warehouse"].query(
        "select org_id, factor_id, source, is_override from mart.factor_in_use"
        " where is_override order by all"
    )
    cited = {row["factor_id"] for row in rows}
    assert {row["org_id"] for row in rows} == {"globex"}
    assert {"override:o_1", "override:o_2", "override:o_3:model_output"} <= cited
    assert "override:o_4" not in cited
    assert all("contract" in row["source"] for row in rows)


@pytest.mark.parametrize("metric", ["energy_mid_kwh", "water_high_l", "co2e_total_market_mid_kg"])
@pytest.mark.parametrize("org_id", ["acme", "globex", "early"])
@pytest.mark.parametrize("day", [FROZEN, OPEN], ids=["frozen", "open"])
def test_explanation_sums_to_the_cell_under_both_lenses(
    frozen: dict[str, Any], metric: str, org_id: str, day: datetime
) -> None:
    warehouse = frozen["warehouse"]
    cited = {}
    for lens, schema in (("restated", "mart"), ("as_reported", "as_reported")):
        parts = warehouse.query(
            "select value, factor_ids from mart.explain("
            f"'{org_id}', date '{day:%Y-%m-%d}', '{metric}', of_lens := '{lens}')"
        )
        where = f"org_id = '{org_id}' and usage_date = date '{day:%Y-%m-%d}'"
        cell = total(warehouse, f"{schema}.org_footprint_daily", metric, where)
        assert sum(part["value"] for part in parts) == pytest.approx(cell, rel=1e-9)
        cited[lens] = {factor_id for part in parts for factor_id in part["factor_ids"]}
    later = {"restated": True, "as_reported": day is OPEN and org_id != "early"}
    for lens, is_cited in later.items():
        assert any("gpt-99" in factor_id for factor_id in cited[lens]) == is_cited


def test_restated_months_follow_later_loads(frozen: dict[str, Any]) -> None:
    warehouse = frozen["warehouse"]
    with warehouse.store() as store:
        late = event("late", org_id="acme", occurred_at=FROZEN, received_at=OPEN, **CALLS)
        store.load("3", [late])
    warehouse.build("--selector", "frequent")
    test_both_lenses_hold_the_same_activity(frozen)
    test_difference_is_explained_by_factor_rows_exactly(frozen)
