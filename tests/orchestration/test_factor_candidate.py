"""Factor files tried out beside the warehouse."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb
import pytest

from ecomind.settings import Settings
from orchestration import factor_candidate
from orchestration.factor_candidate import FactorsRefused, judge, preview
from tests.dbt_project.raw_store import RECEIVED, event
from tests.dbt_project.warehouse import DATA_TESTS, Warehouse, copy_project
from tests.support import dbt_process


@pytest.fixture
def dbt_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same dbt without its start; one test below runs the command itself."""
    monkeypatch.setattr(factor_candidate, "run_dbt", dbt_process.run_dbt)


@pytest.fixture(scope="module")
def once_built(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A built warehouse below a home, with factor files of its own."""
    home = tmp_path_factory.mktemp("home")
    project = copy_project(tmp_path_factory.mktemp("project"))
    folder = Settings(home=home).warehouse_dir
    folder.mkdir(parents=True)
    warehouse = Warehouse(folder, project)
    with warehouse.store() as store:
        store.load("1", [event("de", inference_geo="DE", input_tokens=9, output_tokens=9)])
    warehouse.build(*DATA_TESTS)
    return warehouse


@pytest.fixture
def built(once_built: Warehouse, dbt_parsed_once: None) -> Warehouse:
    return once_built


def settings_of(warehouse: Warehouse) -> Settings:
    return Settings(home=warehouse.home.parent)


@contextmanager
def changed(warehouse: Warehouse, file: str, key: str, **change: str) -> Iterator[None]:
    """One row of a factor file changed, put back afterwards."""
    path = warehouse.project_root / "seeds" / file
    original = path.read_bytes()
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    next(row for row in reversed(rows) if row["key"] == key).update(change)
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    try:
        yield
    finally:
        path.write_bytes(original)


def project_dir(warehouse: Warehouse) -> Path:
    return warehouse.project_root / "dbt_project"


def refusal(built: Warehouse) -> str:
    """Why the files are refused; the warehouse must stay as it is."""
    before = built.marts.read_bytes()
    with pytest.raises(FactorsRefused) as refused:
        judge(settings_of(built), project_dir(built))
    assert built.marts.read_bytes() == before
    assert not (built.home / "candidate").exists()
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_figures_that_make_no_sense_are_refused_with_row_and_reason(built: Warehouse) -> None:
    with (
        changed(built, "factor_embodied.csv", "*", value_low="50"),
        changed(built, "factor_grid_us_state.csv", "US-AK", unit="g"),
    ):
        told = refusal(built)
    assert re.search(r"low mid high are in order: [^;]*embodied:\*:\S+ value_low 50", told)
    assert re.search(r"units are accepted: [^;]*:US-AK:[^;]* unit g", told)


def test_rows_that_cannot_be_read_or_cited_are_refused(built: Warehouse) -> None:
    with (
        changed(built, "factor_water.csv", "USA", source_url=""),
        changed(built, "factor_embodied.csv", "*", value_mid="many"),
    ):
        told = refusal(built)
    assert re.search(r"rows are complete: [^;]*water_offsite\S*:USA:\S* missing source_url", told)
    assert re.search("factor_embodied.*many", told)


def test_a_preview_tells_rows_and_totals_and_changes_nothing(built: Warehouse) -> None:
    before = built.marts.read_bytes()
    tenfold = {"value_low": "3296.5", "value_mid": "3296.5", "value_high": "3296.5"}
    with changed(built, "factor_grid_country.csv", "DEU", **tenfold):
        seen = preview(settings_of(built), project_dir(built))
    [row] = seen.factors
    assert row[:2] == ("changed", "factor_grid_country.csv")
    assert row[3:] == (329.65, 3296.5, "gCO2e/kWh")
    totals = {metric: (old, new) for _, metric, old, new in seen.totals}
    assert set(totals) == {
        "energy_mid_kwh",
        "water_mid_l",
        "co2e_total_location_mid_kg",
        "co2e_total_market_mid_kg",
    }
    assert totals["energy_mid_kwh"][0] == totals["energy_mid_kwh"][1]
    old, new = totals["co2e_total_location_mid_kg"]
    energy = totals["energy_mid_kwh"][0]
    assert new - old == pytest.approx(energy * (3296.5 - 329.65) / 1000)
    assert built.marts.read_bytes() == before


def test_an_override_that_makes_no_sense_is_refused_and_sound_files_pass(
    built: Warehouse,
) -> None:
    """The control store refuses such a one; a restored copy of it might hold one."""
    figures = {"value_low": 9.0, "value_mid": 5.0, "value_high": 20.0, "dq_score": 3}
    texts = {"override_id": "o_000000000001", "org_id": "acme", "factor_type": "grid_location"}
    more = {"key": "SWE", "unit": "gCO2e/kWh", "reason": "contract"}
    days = {"valid_from": date(2026, 1, 1), "recorded_at": RECEIVED}
    with built.store() as store:
        store.append("control_factor_overrides", [{**figures, **texts, **more, **days}], "1")
    try:
        assert "o_000000000001" in refusal(built)
    finally:
        with built.store() as store:
            store.execute("delete from raw.control_factor_overrides")
    judge(settings_of(built), project_dir(built))


def test_factors_are_judged_before_the_first_load(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    settings.warehouse_dir.mkdir(parents=True)
    duckdb.connect(settings.raw_database).close()
    judge(settings)
