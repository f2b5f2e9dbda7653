"""Models: described with grain and steps, columns with unit and formula, contracts, tests, order.

Belongs here: what the auditor's pages of dbt must say of a model, and where in a build it stands.
Does not belong here: the seeds (test_seed_files.py).
"""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from tests.dbt_project.warehouse import DATA_TESTS, Warehouse

Node = dict[str, Any]
FACTOR_TABLES = ("int_factor_rows", "int_factors", "factor_in_use")
FACTOR_WORDS = {
    "unit": ("Unit", "gCO2e/kWh"),
    "value_low": ("10th percentile", "Unit: ", "Rule: "),
    "value_mid": ("Central value", "Unit: ", "Rule: "),
    "value_high": ("90th percentile", "Unit: ", "Rule: "),
    "dq_score": ("1 to 5", "Rule: "),
    "basis": ("Boundary", "Rule: "),
}


class Documented:
    """The parsed project and, for each model, the columns its relation has."""

    def __init__(self, warehouse: Warehouse) -> None:
        manifest = json.loads((warehouse.home / "target" / "manifest.json").read_text())
        nodes = manifest["nodes"].values()
        self.parents: dict[str, list[str]] = manifest["parent_map"]
        self.models: dict[str, Node] = {
            node["name"]: node for node in nodes if node["resource_type"] == "model"
        }
        self.tests = {
            parent.split(".")[-1]: node["name"]
            for node in nodes
            if node["resource_type"] == "test"
            for parent in node["depends_on"]["nodes"]
        }
        built: dict[tuple[str, str], list[str]] = {}
        for row in warehouse.query(
            "select table_schema, table_name, column_name from information_schema.columns"
            " where table_catalog = 'marts' order by ordinal_position"
        ):
            built.setdefault((row["table_schema"], row["table_name"]), []).append(
                row["column_name"]
            )
        self.columns = {
            name: built[node["schema"], node["alias"]] for name, node in self.models.items()
        }
        self.metrics = warehouse.query("select metric, unit, formula from mart.footprint_metric")


@pytest.fixture(scope="module")
def documented(tmp_path_factory: pytest.TempPathFactory) -> Documented:
    warehouse = Warehouse(tmp_path_factory.mktemp("documented"))
    warehouse.build(*DATA_TESTS, "--vars", "ecologits_parity: true")
    return Documented(warehouse)


def lacks(node: Node, yields: list[str], tests: dict[str, str]) -> list[str]:
    """What the description of a model lacks, in words."""
    name, text, columns = node["name"], node["description"], node["columns"]
    found = [f"{name}: no {word}" for word in ("Grain: ", "Step") if word not in text]
    if not node["config"]["contract"]["enforced"]:
        found.append(f"{name}: no contract")
    if name not in tests:
        found.append(f"{name}: no test")
    if list(columns) != yields:
        found.append(f"{name}: describes {list(columns)}, yields {yields}")
    for column in columns.values():
        told = column["description"]
        if not told.strip():
            found.append(f"{name}.{column['name']}: no description")
        if not column["data_type"]:
            found.append(f"{name}.{column['name']}: no type")
        if column["data_type"] == "double" and "Unit: " not in told and "Formula: " not in told:
            found.append(f"{name}.{column['name']}: neither unit nor formula")
    return found


def test_every_model_and_column_is_described_and_held_to_it(documented: Documented) -> None:
    found = [
        gap
        for name, node in documented.models.items()
        for gap in lacks(node, documented.columns[name], documented.tests)
    ]
    assert not found, "\n".join(found)
    assert {"ecologits_parity", "stg_loads", "as_reported_rpt_datapoint"} <= set(documented.models)


def test_what_a_model_lacks_is_found(documented: Documented) -> None:
    node, yields = documented.models["org_footprint_daily"], documented.columns
    broken = copy.deepcopy(node)
    broken["description"] = "Daily figures."
    broken["config"]["contract"]["enforced"] = False
    broken["columns"]["energy_mid_kwh"].update(description="Energy.", data_type="double")
    broken["columns"]["events"].update(description=" ", data_type=None)
    del broken["columns"]["water_mid_l"]
    found = " ".join(lacks(broken, yields["org_footprint_daily"], {}))
    for gap in ("Grain", "Step", "contract", "test", "describes", "description", "type", "unit"):
        assert gap in found, gap


def test_formulas_of_metrics_are_told_in_the_words_of_the_method(documented: Documented) -> None:
    names = {row["metric"] for row in documented.metrics}
    footprints = [node for node in documented.models.values() if names <= set(node["columns"])]
    assert len(footprints) == 14
    for node in footprints:
        for row in documented.metrics:
            told = node["columns"][row["metric"]]["description"]
            words = row["formula"].split(" = ")[1]
            assert f"Formula: {words}" in told, (node["name"], row["metric"])
            assert f"Unit: {row['unit']}" in told, (node["name"], row["metric"])


def test_the_ledger_is_written_after_every_table_that_follows_loads(
    documented: Documented,
) -> None:
    ledger = documented.models["int_loads_rolled_up"]["unique_id"]
    before, waiting = set(), [ledger]
    while waiting:
        for parent in documented.parents[waiting.pop()]:
            if parent not in before:
                before.add(parent)
                waiting.append(parent)
    following = {
        node["unique_id"]
        for node in documented.models.values()
        if node["config"]["materialized"] == "incremental" and node["unique_id"] != ledger
    }
    assert len(following) > 10
    assert following <= before


@pytest.mark.parametrize("table", FACTOR_TABLES)
def test_columns_of_factors_tell_unit_meaning_and_rule(documented: Documented, table: str) -> None:
    columns = documented.models[table]["columns"]
    for name, words in FACTOR_WORDS.items():
        assert all(word in columns[name]["description"] for word in words), name
