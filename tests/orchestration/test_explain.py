"""Explanations of published figures: parts sum to the cell, whatever the metric, key and route."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner

from ecomind.cli import main
from ecomind.identity import Principal, Role
from ecomind.identity.permissions import PERMISSIONS
from ecomind.settings import Settings, get_settings
from ecomind.warehouse.explanation import Cell, ExplanationError, explain
from ecomind.warehouse.publish import publish
from ecomind.warehouse.reader import OrgReader
from ecomind.warehouse.snapshot import SnapshotRef
from tests.dbt_project.raw_store import event
from tests.dbt_project.warehouse import AFTER_A_LOAD, Warehouse
from tests.orchestration.snapshot_fixture import changed, publish_snapshot

DAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TOKENS = {"input_tokens": 3000, "cache_read_input_tokens": 500, "output_tokens": 700}
ROUTES: dict[str, dict[str, Any]] = {
    "token": TOKENS,
    "token_input_only": {"input_tokens": 900},
    "token_output_only": {"output_tokens": 250},
    "call": {"request_count": 3},
    "unit": {"operation": "image_generation", "images_count": 2, "request_model": "some-image"},
    "measured": {"measured_energy_wh": 8.0},
    "reported": {"reported_energy_wh": 2.0, **TOKENS},
    "cache_hit": {"status": "cache_hit", **TOKENS},
    "no_inference": {"status": "error"},
}
METRICS = (
    "it_energy_low_kwh",
    "energy_mid_kwh",
    "water_onsite_mid_l",
    "water_offsite_high_l",
    "water_low_l",
    "water_offsite_without_hydro_mid_l",
    "co2e_location_mid_kg",
    "co2e_market_high_kg",
    "co2e_embodied_low_kg",
    "co2e_total_location_mid_kg",
    "co2e_total_market_mid_kg",
)
KEYS: tuple[dict[str, str], ...] = (
    {},
    {"provider": "openai", "model": "gpt-4o"},
    {"user": "u_1"},
    {"team": "t1"},
    {"team": "unattributed", "model": "gpt-4o"},
    {"region": "eastus"},
    {"region": "unknown", "zone": "FRA"},
    {"region": "unknown", "zone": "USA"},
)
MARTS = {
    "org_footprint_daily": {},
    "model_footprint_daily": KEYS[1],
    "user_footprint_daily": KEYS[2],
    "team_footprint_daily": KEYS[3],
    "region_footprint_daily": {**KEYS[5], "provider": "openai"},
}


def events() -> Iterator[dict[str, Any]]:
    """Every route; places by region, by name and by default; with and without team and user."""
    for route, values in ROUTES.items():
        yield event(f"route-{route}", occurred_at=NOON, user_id="u_1", **values)
        yield event(f"team-{route}", occurred_at=NOON, team_id="t1", batch=True, **values)
    places: tuple[dict[str, str], ...]
    places = ({"region": "eastus"}, {"inference_geo": "fr"}, {"inference_geo": "USA"}, {})
    for i, place in enumerate((*places, *places)):
        tokens = {"input_tokens": 1000 + 17 * i, "output_tokens": 100 + 7 * i}
        yield event(f"place-{i}", occurred_at=NOON, sample_weight=2.0, **tokens, **place)
    many = {"input_tokens": 90_000, "output_tokens": 4_000, "request_count": 40}
    yield event("many", occurred_at=NOON, **many)
    yield event("unknown", occurred_at=NOON, **{**TOKENS, "request_model": "no-such-name"})
    yield event("other", org_id="other", occurred_at=NOON, **TOKENS)
    yield event("other-day", occurred_at=NOON.replace(day=19), **TOKENS)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> SnapshotRef:
    """A snapshot by the real publication of marts by the real dbt project."""
    settings = Settings(home=tmp_path_factory.mktemp("explain"))
    warehouse = Warehouse.before_events(settings.warehouse_dir)
    assert (warehouse.raw, warehouse.marts) == (settings.raw_database, settings.marts_database)
    with warehouse.store() as store:
        store.load("1", list(events()))
    warehouse.build(*AFTER_A_LOAD)
    return publish(settings, "run")


def reader(snapshot: SnapshotRef, role: Role = Role.ADMIN, org_id: str = "acme") -> OrgReader:
    return OrgReader(snapshot, Principal(org_id, org_id, "k", role, PERMISSIONS[role]))


@pytest.mark.parametrize(
    ("metric", "keys"),
    [(metric, {}) for metric in METRICS]
    + [(metric, keys) for keys in KEYS[1:] for metric in ("water_high_l", METRICS[-1])],
    ids=str,
)
def test_parts_sum_to_the_cell(snapshot: SnapshotRef, metric: str, keys: dict[str, str]) -> None:
    found = explain(reader(snapshot), Cell(DAY, metric, **keys))
    assert found.value > 0
    assert sum(p["value"] for p in found.parts) == pytest.approx(found.value, rel=1e-9)
    assert sum(p["events"] for p in found.parts) == found.events


@pytest.mark.parametrize(("mart", "keys"), MARTS.items())
def test_the_cell_is_that_of_the_mart(
    snapshot: SnapshotRef, mart: str, keys: dict[str, str]
) -> None:
    columns = {"user": "user_id", "team": "team_id"}
    rows = [
        row
        for row in reader(snapshot).mart(mart, DAY, DAY).to_pylist()
        if all(row[columns.get(key, key)] == value for key, value in keys.items())
    ]
    for metric in METRICS[::3]:
        found = explain(reader(snapshot), Cell(DAY, metric, **keys))
        assert found.value == pytest.approx(sum(row[metric] for row in rows), rel=1e-12)
        assert found.events == sum(row["events"] for row in rows)


def test_every_route_is_explained_with_its_own_factors(snapshot: SnapshotRef) -> None:
    found = explain(reader(snapshot), Cell(DAY, "energy_mid_kwh"))
    by_route: dict[str, set[str]] = {}
    for part in found.parts:
        types = {factor_id.split(":")[0] for factor_id in part["factor_ids"]}
        by_route.setdefault(part["energy_route"], set()).update(types)
    token = {"method_parameter", "model_output", "model_input", "model_context", "pue"}
    assert by_route == {
        "token": token,
        "token_input_only": token,
        "token_output_only": token,
        "call": {"model_call", "method_parameter", "pue"},
        "unit": {"unit_image", "method_parameter", "pue"},
        "measured": {"pue"},
        "reported": {"pue"},
        "cache_hit": set(),
        "no_inference": set(),
    }
    known = {factor["factor_id"] for factor in found.factors}
    assert known == {factor_id for part in found.parts for factor_id in part["factor_ids"]}
    assert all(f["source"] and f["source_url"] and f["licence"] for f in found.factors)


def test_the_printed_numbers_give_the_printed_result(snapshot: SnapshotRef) -> None:
    checked = 0
    for metric in METRICS:
        for part in explain(reader(snapshot), Cell(DAY, metric)).parts:
            for step in part["steps"]:
                checked += check_step(step)
    assert checked > 100


def check_step(step: str) -> bool:
    """Compute the second to last member of a chain of equations and compare it to the last."""
    if "no inference ran" in step or "before any inference" in step:
        return False
    *_, numbers, result = step.split(" = ")
    operations = re.sub(r"(?<=\d) (kWh|Wh|kg|L|g)(/[A-Za-z]+)*(?= |$|\))", "", numbers)
    assert not re.search(r"[a-df-wyzA-Z]", operations), operations
    [value] = duckdb.execute(f"select ({operations.replace(' x ', ' * ')})::double").fetchall()[0]
    assert value == pytest.approx(float(result.split(" ")[0]), rel=1e-4, abs=1e-12), step
    return True


def test_what_was_assumed_is_said(snapshot: SnapshotRef) -> None:
    parts = explain(reader(snapshot), Cell(DAY, "co2e_market_mid_kg")).parts
    said = {part["energy_route"]: " ".join(part["assumptions"]) for part in parts}
    assert "211 per call" in said["token_input_only"]
    assert "1155 per call" in said["token_output_only"]
    [unknown] = [part for part in parts if part["model"] == "no-such-name"]
    assert unknown["model_found_by"] == "the default tier of the provider"
    assert {part["zone_found_by"] for part in parts if part["region"] == "eastus"} == {
        "the cloud region, at a cloud that hosts the provider"
    }
    fallback = [part for part in parts if part["is_market_fallback"]]
    assert all(any("location-based" in a for a in p["assumptions"]) for p in fallback if p["value"])


@pytest.mark.parametrize(
    ("cell", "org_id", "sentence"),
    [
        (Cell(DAY, "joules"), "acme", "there is no metric joules; there are co2e_embodied_high_kg"),
        (Cell(DAY, 'x") from y --'), "acme", "there is no metric"),
        (Cell(DAY, METRICS[0], model="none"), "acme", "no usage of 2026-11-20, model none"),
        (Cell(DAY, METRICS[0], user="u_1"), "other", "no usage of 2026-11-20, user u_1"),
        (Cell(date(2020, 1, 1), METRICS[0]), "acme", "usage from 2026-11-19 to 2026-11-20"),
        (Cell(DAY, METRICS[0]), "nobody", "nothing is published of an organisation nobody"),
    ],
)
def test_what_cannot_be_explained_is_told(
    snapshot: SnapshotRef, cell: Cell, org_id: str, sentence: str
) -> None:
    with pytest.raises(ExplanationError, match=re.escape(sentence)):
        explain(reader(snapshot, org_id=org_id), cell)


def test_a_cell_of_one_person_needs_the_scope(snapshot: SnapshotRef) -> None:
    viewer = reader(snapshot, Role.VIEWER)
    assert explain(viewer, Cell(DAY, METRICS[0])).value > 0
    with pytest.raises(PermissionError, match="people:read"):
        explain(viewer, Cell(DAY, METRICS[0], user="u_1"))


def test_parts_that_do_not_sum_to_the_figure_are_refused(
    snapshot: SnapshotRef, tmp_path: Path
) -> None:
    statement = "update mart.org_footprint_daily set energy_mid_kwh = energy_mid_kwh * 2"
    path = changed(snapshot.path, tmp_path / "changed.duckdb", statement)
    copy = SnapshotRef("", path, snapshot.published_at, snapshot.data_through)
    with pytest.raises(ExplanationError, match="please report it"):
        explain(reader(copy), Cell(DAY, "energy_mid_kwh"))


def test_the_command_prints_text_and_json(
    snapshot: SnapshotRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECOMIND_HOME", str(snapshot.path.parent.parent))
    get_settings.cache_clear()
    words = ["explain", "acme", str(DAY), "--region", "eastus", "--metric", "co2e_market_mid_kg"]
    text = CliRunner().invoke(main, words).output
    assert "co2e_market_mid_kg of acme, 2026-11-20, region eastus" in text
    assert "grid_market:" in text or "grid_location:US-SRVC" in text
    found = json.loads(CliRunner().invoke(main, [*words, "--json"]).output)
    assert sum(p["value"] for p in found["parts"]) == pytest.approx(found["value"], rel=1e-9)
    assert {"value", "unit", "source", "source_url", "licence", "data_year", "dq_score"} <= set(
        found["factors"][0]
    )
    wrong = CliRunner().invoke(main, [*words, "--model", "none"])
    assert wrong.exit_code == 1
    assert wrong.output.startswith("Error: acme has no usage of")
    get_settings.cache_clear()


def test_a_snapshot_without_explanations_says_so(tmp_path: Path) -> None:
    path = publish_snapshot(tmp_path)
    old = SnapshotRef("", path, NOON, None)
    with pytest.raises(ExplanationError, match="too old to be explained"):
        explain(reader(old), Cell(DAY, METRICS[0]))
