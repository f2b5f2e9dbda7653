"""Seed files: columns explained, names leading to figures, broken rows refused by name."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.dbt_project.warehouse import ROOT, Warehouse, copy_project

SEEDS = ROOT / "seeds"
FILES = sorted(SEEDS.rglob("*.csv"))
FOUNDATION = ("--select", "resource_type:seed tag:factors fqn:ecomind.staging")
Rows = list[dict[str, str]]


def rows_of(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def put(file: str, name: str, **change: str) -> tuple[str, Callable[[Rows], Rows]]:
    """Change the last row that has ``name`` in any of its columns."""

    def edit(rows: Rows) -> Rows:
        next(row for row in reversed(rows) if name in row.values()).update(change)
        return rows

    return file, edit


def drop(file: str, name: str) -> tuple[str, Callable[[Rows], Rows]]:
    """Take the rows away that have ``name`` in any of their columns."""

    def edit(rows: Rows) -> Rows:
        kept = [row for row in rows if name not in row.values()]
        assert len(kept) < len(rows), name
        return kept

    return file, edit


def repeat(file: str, name: str) -> tuple[str, Callable[[Rows], Rows]]:
    """Append a copy of the last row that has ``name`` in any of its columns."""

    def edit(rows: Rows) -> Rows:
        return [*rows, next(row for row in reversed(rows) if name in row.values())]

    return file, edit


def failures(
    home: Path, *changes: tuple[str, Callable[[Rows], Rows]]
) -> dict[str, list[dict[str, Any]]]:
    """Rows of each test that fails on a copy of the seeds with these changes."""
    project = copy_project(home / "project")
    for file, edit in changes:
        path = project / "seeds" / file
        rows = edit(rows_of(path))
        with path.open("w", encoding="utf-8", newline="") as lines:
            writer = csv.DictWriter(lines, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    warehouse = Warehouse(project / "data", project)
    done = warehouse.dbt(
        "build", *FOUNDATION, "--indirect-selection", "cautious", "--store-failures"
    )
    assert done.returncode == 1, done.stdout[-3000:]
    results = json.loads((warehouse.home / "target" / "run_results.json").read_text())["results"]
    assert not [result["message"] for result in results if result["status"] == "error"]
    return {
        result["unique_id"].split(".")[2]: warehouse.query(f"from {result['relation_name']}")
        for result in results
        if result["status"] == "fail"
    }


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Seeds of the parsed project by name."""
    warehouse = Warehouse(tmp_path_factory.mktemp("parsed"))
    parsed = warehouse.dbt("parse", "--vars", "ecologits_parity: true")
    assert parsed.returncode == 0, parsed.stdout
    manifest = json.loads((warehouse.home / "target" / "manifest.json").read_text())
    seeds = [node for node in manifest["nodes"].values() if node["resource_type"] == "seed"]
    return {node["name"]: node for node in seeds}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_column_of_a_seed_has_a_description_and_a_type(
    path: Path, nodes: dict[str, Any]
) -> None:
    node, columns = nodes[path.stem], set(rows_of(path)[0])
    assert node["description"].strip()
    described = {name for name, column in node["columns"].items() if column["description"].strip()}
    assert described == columns
    assert set(node["config"]["column_types"]) == columns


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.stem.startswith("factor_")], ids=lambda path: path.stem
)
def test_values_of_a_factor_family_name_their_unit_and_rule(
    path: Path, nodes: dict[str, Any]
) -> None:
    columns = nodes[path.stem]["columns"]
    assert all("Unit: " in columns[f"value_{s}"]["description"] for s in ("low", "mid", "high"))
    assert "Rule: " in columns["value_mid"]["description"]


def test_bands_of_models_are_those_of_their_score() -> None:
    scores = {
        row["score"]: row["geometric_sd"] for row in rows_of(SEEDS / "data_quality_scores.csv")
    }
    assert sorted(scores) == ["1", "2", "3", "4", "5"]
    models = {row["model_key"]: row["gsd"] for row in rows_of(SEEDS / "models.csv")}
    for row in rows_of(SEEDS / "factor_model_energy.csv"):
        assert models[row["key"]] == scores[row["dq_score"]], row["factor_id"]


def test_names_that_lead_nowhere_are_refused_with_file_row_and_reason(tmp_path: Path) -> None:
    found = failures(
        tmp_path,
        put("provider_aliases.csv", "aliyun", provider="nobody"),
        put("provider_defaults.csv", "xai", default_zone_id="US-XX"),
        put("provider_defaults.csv", "groq", default_model_key="*/tier-none"),
        put("provider_defaults.csv", "perplexity", host_clouds="aws;nimbus"),
        drop("provider_defaults.csv", "*"),
        drop("factor_facility.csv", "pue:ibm:2025-01-01"),
        drop("factor_facility.csv", "wue:cohere:2025-01-01"),
        put("cloud_regions.csv", "eu-west-1", zone_id="ZZZ"),
        put("countries.csv", "SE", zone_id="ZZZ"),
        drop("factor_water.csv", "water_offsite:USA:2020-01-01"),
        put("model_aliases.csv", "chatgpt-4o-latest", model_key="openai/none"),
        put("model_families.csv", "^gpt-4o.*mini", model_key="openai/none"),
        drop("factor_model_energy.csv", "model_context:openai/gpt-4o:2026-11-21"),
        put("factor_grid_country.csv", "DEU", supersedes_id="grid_location:DEU:1999-01-01"),
        put("factor_grid_country.csv", "SWE", supersedes_id="grid_location:FRA:2024-01-01"),
        put("factor_grid_country.csv", "NOR", supersedes_id="grid_location:NOR:2025-01-01"),
    )
    told = {
        (test, row["file"], row["name"], row["reason"])
        for test, rows in found.items()
        if test.endswith("_resolve")
        for row in rows
    }
    models, regions, later = (
        "model_names_resolve",
        "cloud_regions_resolve",
        "superseded_factors_resolve",
    )
    defaults, grid = "provider_defaults.csv", "factor_grid_country.csv"
    nowhere = "has no grid_location factor"
    dry = "has no water_offsite factor, nor has the zone it falls back to"
    facility = "of the provider in factor_facility.csv"
    unlike = "supersedes_id names a factor of another type or key"
    gap = "the superseded row does not end where this one begins"
    expected = {
        (
            "providers_resolve",
            "provider_aliases.csv",
            "aliyun",
            "provider nobody is not in " + defaults,
        ),
        ("providers_resolve", defaults, "xai", f"default_zone_id US-XX {nowhere}"),
        ("providers_resolve", defaults, "xai", f"default_zone_id US-XX {dry}"),
        (
            "providers_resolve",
            defaults,
            "perplexity",
            "a cloud of aws;nimbus is not in cloud_regions.csv",
        ),
        ("providers_resolve", defaults, "*", "no row for any other provider"),
        ("providers_resolve", defaults, "ibm", f"no pue {facility}"),
        ("providers_resolve", defaults, "cohere", f"no wue {facility}"),
        (models, defaults, "groq", "model */tier-none is not in models.csv"),
        (
            models,
            "model_aliases.csv",
            "chatgpt-4o-latest",
            "model openai/none is not in models.csv",
        ),
        (models, "model_families.csv", "^gpt-4o.*mini", "model openai/none is not in models.csv"),
        (models, "models.csv", "openai/gpt-4o", "no model_context in factor_model_energy.csv"),
        (regions, "cloud_regions.csv", "aws/eu-west-1", f"zone_id ZZZ {nowhere}"),
        (regions, "cloud_regions.csv", "azure/eastus", f"zone_id US-SRVC {dry}"),
        (
            regions,
            "cloud_regions.csv",
            "azure/ukwest",
            "no wue of the region nor of provider cohere",
        ),
        ("countries_resolve", "countries.csv", "SE", f"zone_id ZZZ {nowhere}"),
        (later, grid, "grid_location:DEU:2025-01-01", "supersedes_id names no factor"),
        (later, grid, "grid_location:SWE:2025-01-01", unlike),
        (later, grid, "grid_location:NOR:2025-01-01", gap),
    }
    assert expected <= told
    # Beyond them only the other regions without water or without a WUE of their own.
    assert {row[0] for row in told - expected} == {regions}
    assert all("US-" in row[3] or "cohere" in row[3] for row in told - expected)


def test_scores_and_repeated_names_are_refused_with_their_row(tmp_path: Path) -> None:
    found = failures(
        tmp_path,
        put("factor_embodied.csv", "embodied:*:2025-01-01", dq_score="7"),
        put("provider_defaults.csv", "ibm", dq_score=""),
        repeat("countries.csv", "SE"),
        repeat("model_families.csv", "^gpt-4o"),
        put("model_aliases.csv", "chatgpt-4o-latest", published_at=""),
    )
    told = {tuple(row.values()) for rows in found.values() for row in rows}
    assert ("embodied:*:2025-01-01", 7) in told
    assert any(row[0] == "ibm" for row in told)
    assert any(row[0] == "SE" and row[-1] == 2 for row in told)
    assert any(row[0] == 30 and row[-1] == 2 for row in told)
    assert ("model_aliases", "chatgpt-4o-latest", "published_at") in told
    assert len(found) >= 5
