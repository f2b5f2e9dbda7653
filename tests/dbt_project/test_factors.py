"""Factor files: provenance, licences, and what a broken or a new factor does."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.dbt_project.raw_store import RECEIVED, event
from tests.dbt_project.warehouse import DATA_TESTS, ROOT, Warehouse, copy_project

SEEDS = ROOT / "seeds"
FACTOR_FILES = sorted(SEEDS.glob("factor_*.csv"))


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def rewrite(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.parametrize("path", FACTOR_FILES, ids=lambda path: path.stem)
def test_every_factor_says_where_it_comes_from(path: Path) -> None:
    for row in rows_of(path):
        assert row["factor_id"] == f"{row['factor_type']}:{row['key']}:{row['valid_from']}"
        assert row["source"] and row["licence"] and row["unit"] and row["factor_set_id"]
        assert row["source_url"].startswith("https://")
        assert "ODbL" not in row["licence"]
        assert float(row["value_low"]) <= float(row["value_mid"]) <= float(row["value_high"])
        assert 1 <= int(row["dq_score"]) <= 5


def test_ids_are_unique_and_superseded_rows_end_where_their_successor_begins() -> None:
    rows = {row["factor_id"]: row for path in FACTOR_FILES for row in rows_of(path)}
    assert len(rows) == sum(len(rows_of(path)) for path in FACTOR_FILES)
    superseding = [row for row in rows.values() if row["supersedes_id"]]
    assert len(superseding) > 150
    for row in superseding:
        assert rows[row["supersedes_id"]]["valid_to"] == row["valid_from"]


def test_notice_names_the_licences_of_the_factors() -> None:
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    for name in ("Ember", "World Resources Institute", "Our World in Data", "ML.ENERGY"):
        assert name in notice
    assert "Mozilla Public License" in notice and "EcoLogits" in notice


@pytest.fixture(scope="module")
def editable(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A built warehouse whose factor files may be changed."""
    project = copy_project(tmp_path_factory.mktemp("project"))
    warehouse = Warehouse(project / "data", project)
    with warehouse.store() as store:
        calls = {"input_tokens": 1000, "output_tokens": 1000}
        old = RECEIVED - timedelta(days=200)
        store.load(
            "1",
            [
                event("old", occurred_at=old, inference_geo="DE", **calls),
                event("new", inference_geo="DE", **calls),
                event("us", provider="azure", region="eastus", **calls),
            ],
        )
    warehouse.build(*DATA_TESTS)
    return warehouse


def grams_per_kwh(warehouse: Warehouse, zone: str) -> dict[date, float]:
    rows = warehouse.query(
        "select usage_date, co2e_location_mid_kg / energy_mid_kwh * 1000 as grams"
        f" from intermediate.usage_footprint_daily where zone_id = '{zone}'"
    )
    return {row["usage_date"]: row["grams"] for row in rows}


def test_new_factor_reaches_every_day_without_touching_the_rollup(editable: Warehouse) -> None:
    before = editable.figures("intermediate.int_usage_hourly")
    assert list(grams_per_kwh(editable, "DEU").values()) == pytest.approx([329.65, 329.65])
    path = editable.project_root / "seeds" / "factor_grid_country.csv"
    rows = rows_of(path)
    [present] = [row for row in rows if row["key"] == "DEU" and not row["valid_to"]]
    present["valid_to"] = "2026-07-01"
    rows.append(
        {
            **present,
            "factor_id": "grid_location:DEU:2026-07-01",
            "valid_from": "2026-07-01",
            "valid_to": "",
            "supersedes_id": present["factor_id"],
            "value_low": "300",
            "value_mid": "300",
            "value_high": "300",
        }
    )
    rewrite(path, rows)
    editable.build("--selector", "factors")
    editable.build("--selector", "frequent")
    grams = grams_per_kwh(editable, "DEU")
    assert [grams[day] for day in sorted(grams)] == pytest.approx([329.65, 300.0])
    assert editable.figures("intermediate.int_usage_hourly") == before


def test_basis_of_us_regions_is_an_option(editable: Warehouse) -> None:
    assert list(grams_per_kwh(editable, "US-SRVC").values()) == pytest.approx([269.0], rel=1e-3)
    editable.build("--selector", "frequent", ECOMIND_US_GRID_BASIS="ember")
    assert not grams_per_kwh(editable, "US-SRVC")
    assert list(grams_per_kwh(editable, "USA").values()) == pytest.approx([384.40])


@pytest.mark.parametrize(
    ("file", "key", "change", "message"),
    [
        (
            "factor_embodied.csv",
            "*",
            {"value_low": "50"},
            "Failure in test factor_low_mid_high_are_in_order",
        ),
        (
            "factor_grid_country.csv",
            "FRA",
            {"valid_to": "2026-01-01"},
            "Failure in test factor_validities_have_no_gap",
        ),
        (
            "factor_grid_country.csv",
            "SWE",
            {"valid_from": "2024-06-01"},
            "Failure in test factor_validities_do_not_overlap",
        ),
        (
            "factor_water.csv",
            "USA",
            {"source_url": ""},
            "Failure in test factor_water_rows_are_complete",
        ),
    ],
    ids=["order", "gap", "overlap", "source"],
)
def test_broken_factor_file_stops_the_build_and_leaves_the_marts(
    editable: Warehouse, file: str, key: str, change: dict[str, str], message: str
) -> None:
    before = editable.figures("mart.org_footprint_daily")
    path = editable.project_root / "seeds" / file
    original = path.read_bytes()
    rows = rows_of(path)
    next(row for row in reversed(rows) if row["key"] == key).update(change)
    rewrite(path, rows)
    try:
        result = editable.dbt(
            *("build", "--select", path.stem, "int_factor_rows", "int_factors"),
            *("--indirect-selection", "cautious"),
        )
    finally:
        path.write_bytes(original)
    assert result.returncode == 1
    assert message in result.stdout
    assert editable.figures("mart.org_footprint_daily") == before
