"""The optional model that computes what EcoLogits 0.11.3 computes, row by row.

The expected figures are EcoLogits' own answers with every digit of the float, so the tolerance of
1e-6 is one of the calculation and not of printed digits. Printed with 6 significant digits, as
such vectors are usually passed on, a figure may be off by 5e-6 by the printing alone.
"""

from __future__ import annotations

import csv
import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from tests.dbt_project.ecologits_reference import OUTPUT_TOKENS, PAIRS, PROVIDER_DEFAULT, ZONES
from tests.dbt_project.test_factors import rewrite
from tests.dbt_project.warehouse import ROOT, Warehouse, copy_project

PARITY = ("--select", "tag:parity", "--vars", "ecologits_parity: true")
FOLDER = Path("seeds", "parity")
KEYS = ("provider", "model", "output_tokens", "zone")
FIGURES = tuple(
    f"{metric}_{bound}"
    for metric in ("energy_kwh", "gwp_usage_kg", "gwp_embodied_kg", "gwp_kg", "water_l")
    for bound in ("min", "max")
)
TOLERANCE = 1e-6

Row = dict[str, Any]


def rows_of(name: str, root: Path = ROOT) -> list[Row]:
    with (root / FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def by_key(rows: list[Row]) -> dict[tuple[str, ...], Row]:
    keyed = {tuple(str(row[key]) for key in KEYS): row for row in rows}
    assert len(keyed) == len(rows)
    return keyed


def deviation(found: float, expected: float) -> float:
    """Relative deviation."""
    return abs(found - expected) / abs(expected)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """An otherwise empty warehouse with the parity nodes."""
    warehouse = Warehouse(tmp_path_factory.mktemp("parity"))
    warehouse.build(*PARITY)
    return warehouse


def test_the_vectors_are_420_rows_of_20_models_3_lengths_and_7_zones() -> None:
    vectors = by_key(rows_of("ecologits_vectors"))
    lengths = map(str, OUTPUT_TOKENS)
    combinations = itertools.product(PAIRS, lengths, (PROVIDER_DEFAULT, *ZONES))
    assert vectors.keys() == {(*pair, tokens, zone) for pair, tokens, zone in combinations}
    assert len(vectors) == 420
    for row in vectors.values():
        assert all(0 < float(row[figure]) < 1 for figure in FIGURES)
        # Printed with few digits the vectors could not show a deviation of 1e-6.
        assert max(len(row[figure].partition("e")[0]) for figure in FIGURES) >= 15


def test_every_row_is_what_ecologits_answers(built: Warehouse) -> None:
    expected = by_key(rows_of("ecologits_vectors"))
    found = by_key(built.query("select * from parity.ecologits_parity"))
    assert len(found) == 420
    assert found.keys() == expected.keys()
    largest = {
        figure: max(
            (deviation(found[key][figure], float(row[figure])), key)
            for key, row in expected.items()
        )
        for figure in FIGURES
    }
    for figure, (worst, key) in largest.items():
        print(f"{figure:20} largest deviation {worst:.2e} at {' '.join(key)}")
    assert {name: case for name, case in largest.items() if case[0] > TOLERANCE} == {}


def test_rounded_to_six_digits_nothing_differs(built: Warehouse) -> None:
    found = by_key(built.query("select * from parity.ecologits_parity"))
    for key, row in by_key(rows_of("ecologits_vectors")).items():
        for figure in FIGURES:
            assert f"{found[key][figure]:.6g}" == f"{float(row[figure]):.6g}", (key, figure)


def test_only_the_parity_nodes_are_built(built: Warehouse) -> None:
    tables = built.query("select distinct schema_name from duckdb_tables() where not internal")
    assert {row["schema_name"] for row in tables if row["schema_name"] != "raw"} == {"parity"}


def test_a_constant_off_by_a_hundred_thousandth_is_noticed(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    rows = rows_of("ecologits_constants", project)
    for row in rows:
        if row["name"] == "gpu_energy_gamma":
            row["value"] = repr(float(row["value"]) * (1 + 1e-5))
    rewrite(project / FOLDER / "ecologits_constants.csv", rows)
    (tmp_path / "home").mkdir()
    warehouse = Warehouse(tmp_path / "home", project)
    result = warehouse.dbt("build", *PARITY)
    assert result.returncode != 0
    assert "Failure in test ecologits_parity_holds" in result.stdout


def test_ordinary_builds_do_not_know_it(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    parsed = warehouse.dbt("parse")
    assert parsed.returncode == 0, parsed.stdout
    nodes = json.loads((tmp_path / "target" / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    assert "model.ecomind.org_footprint_daily" in nodes
    assert [name for name in nodes if "ecologits" in name or "parity" in name] == []


@pytest.mark.parametrize("name", ["constants", "models", "providers", "zones"])
def test_every_input_says_where_it_comes_from(name: str) -> None:
    for row in rows_of(f"ecologits_{name}"):
        assert row["source"].startswith("EcoLogits 0.11.3")
        assert row["source_url"].startswith("https://")
        assert row["licence"].startswith("MPL-2.0")
