"""Properties of the method, over calls that Hypothesis draws.

Belongs here: what must hold whatever the calls and the factors are: more is never less, cached is
never dearer than fresh, low <= mid <= high, nothing is added twice, nothing is lost or made by the
way events are cut. Does not belong here: single values (``test_method``).

A build takes seconds, so Hypothesis draws all calls first and one build holds them all: each call
and each variant of it is a row of its own, and a failure names the call.
"""

from __future__ import annotations

import csv
import random
import shutil
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.dbt_project.calls import (
    CALLS_COUNT,
    VARIANTS,
    Call,
    alone_and_together,
    as_event,
    bundle,
    drawn,
    moved_to_cache,
)
from tests.dbt_project.warehouse import DATA_TESTS, MARTS, ROOT, Warehouse, copy_project

SCENARIOS = ("low", "mid", "high")
STEMS = {
    "it_energy": "kwh",
    "energy": "kwh",
    "water_onsite": "l",
    "water_offsite": "l",
    "water_offsite_without_hydro": "l",
    "water": "l",
    "co2e_location": "kg",
    "co2e_market": "kg",
    "co2e_embodied": "kg",
    "co2e_total_location": "kg",
    "co2e_total_market": "kg",
}
FIGURES = tuple(f"{stem}_{s}_{unit}" for stem, unit in STEMS.items() for s in SCENARIOS)
EXACT = 1e-12
"""Relative rounding of a handful of multiplications."""
CONSERVED = 1e-9


@pytest.fixture(scope="module")
def calls() -> list[Call]:
    return drawn()


@pytest.fixture(scope="module")
def warehouse(calls: list[Call], tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Every call and every variant of it, in one load."""
    warehouse = Warehouse(tmp_path_factory.mktemp("properties"))
    rows = alone_and_together(calls)
    for index, call in enumerate(calls):
        for name, change in {**VARIANTS, "moved_to_cache": moved_to_cache}.items():
            rows.append(as_event(name, index, call, **change(call)))
        rows.append(as_event("bundle", index, call, **bundle(call)))
        rows += [
            as_event("singles", index, call, event_id=f"{index}-{number}")
            for number in range(call.bundled)
        ]
    with warehouse.store() as store:
        store.load("1", rows)
    warehouse.build(*DATA_TESTS)
    return warehouse


def by_call(warehouse: Warehouse, org_id: str) -> dict[str, np.ndarray]:
    """FIGURES per project; each call's row of usage_footprint_daily."""
    rows = warehouse.query(
        f"select project_id, {', '.join(FIGURES)} from intermediate.usage_footprint_daily"
        f" where org_id = '{org_id}'"
    )
    assert len({row["project_id"] for row in rows}) == len(rows)
    return {row["project_id"]: np.array([row[name] for name in FIGURES]) for row in rows}


def assert_never_less(
    more: dict[str, np.ndarray], less: dict[str, np.ndarray], calls: list[Call]
) -> int:
    """No figure of ``more`` is below that of ``less``; how many calls rose at all."""
    assert set(more) == set(less) == {str(index) for index in range(len(calls))}
    for key, values in more.items():
        lower = values < less[key] * (1 - EXACT)
        names = [name for name, is_lower in zip(FIGURES, lower, strict=True) if is_lower]
        assert not names, (names, asdict(calls[int(key)]))
    return sum(bool((values > less[key]).any()) for key, values in more.items())


def test_calls_are_many_and_unlike(calls: list[Call], warehouse: Warehouse) -> None:
    assert len(calls) == CALLS_COUNT
    routes = warehouse.query(
        "select energy_route, count(*) as n from intermediate.usage_footprint_daily"
        " where org_id = 'alone' group by all"
    )
    assert {row["energy_route"]: row["n"] > 10 for row in routes} == dict.fromkeys(
        ("token", "unit", "measured", "cache_hit"), True
    )


@pytest.mark.parametrize("variant", VARIANTS)
def test_more_tokens_never_lower_a_figure(
    warehouse: Warehouse, calls: list[Call], variant: str
) -> None:
    rose = assert_never_less(by_call(warehouse, variant), by_call(warehouse, "alone"), calls)
    assert rose > CALLS_COUNT / 4


def test_cached_tokens_never_cost_more_than_fresh_ones(
    warehouse: Warehouse, calls: list[Call]
) -> None:
    fell = assert_never_less(
        by_call(warehouse, "alone"), by_call(warehouse, "moved_to_cache"), calls
    )
    assert fell > CALLS_COUNT / 5


@pytest.mark.parametrize(
    "table", ["intermediate.usage_footprint_daily", *map("mart.{}".format, MARTS)]
)
def test_scenarios_are_in_order_and_totals_add_one_view_of_electricity(
    warehouse: Warehouse, table: str
) -> None:
    unordered = " or ".join(
        f"{stem}_low_{unit} > {stem}_mid_{unit} * (1 + {EXACT})"
        f" or {stem}_mid_{unit} > {stem}_high_{unit} * (1 + {EXACT})"
        for stem, unit in STEMS.items()
    )
    assert warehouse.query(f"select * from {table} where {unordered}") == []
    for view in ("location", "market"):
        for s in SCENARIOS:
            total, parts = (
                f"co2e_total_{view}_{s}_kg",
                f"(co2e_{view}_{s}_kg + co2e_embodied_{s}_kg)",
            )
            differ = f"abs({total} - {parts}) > {CONSERVED} * {parts}"
            assert warehouse.query(f"select * from {table} where {differ}") == []
    views = "co2e_market_mid_kg <> co2e_location_mid_kg and co2e_embodied_mid_kg > 0"
    assert warehouse.query(f"select 1 from {table} where {views} limit 1")


def raise_factors(path: Path, *factor_types: str) -> None:
    """Multiply every figure of these types by a ratio of its own key, from 1 to below 3."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if row["factor_type"] in factor_types:
            ratio = 1 + 2 * random.Random(row["key"]).random()
            for s in SCENARIOS:
                row[f"value_{s}"] = repr(float(row[f"value_{s}"]) * ratio)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def dearer(
    calls: list[Call], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, np.ndarray]]:
    """Figures per call with a higher PUE, and with higher grid factors."""
    project = copy_project(tmp_path_factory.mktemp("dearer"))
    warehouse = Warehouse(project / "data", project)
    with warehouse.store() as store:
        store.load("1", alone_and_together(calls))
    found = {}
    for name, factor_types in {"pue": ("pue",), "grid": ("grid_location", "grid_market")}.items():
        shutil.rmtree(project / "seeds")
        shutil.copytree(ROOT / "seeds", project / "seeds")
        for path in (project / "seeds").glob("factor_*.csv"):
            raise_factors(path, *factor_types)
        warehouse.build(*DATA_TESTS, "--select", "+usage_footprint_daily")
        found[name] = by_call(warehouse, "alone")
    return found


@pytest.mark.parametrize(
    ("name", "untouched"),
    [
        ("pue", ("it_energy", "water_onsite", "co2e_embodied")),
        ("grid", ("energy", "water", "co2e_embodied")),
    ],
)
def test_higher_factors_never_lower_a_figure(
    warehouse: Warehouse,
    calls: list[Call],
    dearer: dict[str, dict[str, np.ndarray]],
    name: str,
    untouched: tuple[str, ...],
) -> None:
    more, less = dearer[name], by_call(warehouse, "alone")
    assert assert_never_less(more, less, calls) > CALLS_COUNT / 2
    same = [FIGURES.index(f"{stem}_{s}_{STEMS[stem]}") for stem in untouched for s in SCENARIOS]
    for key, values in more.items():
        assert values[same].tolist() == less[key][same].tolist()


def test_a_bundle_of_equal_calls_equals_the_calls(warehouse: Warehouse, calls: list[Call]) -> None:
    bundles, singles = by_call(warehouse, "bundle"), by_call(warehouse, "singles")
    assert set(bundles) == set(singles) == {str(index) for index in range(len(calls))}
    for key, values in bundles.items():
        np.testing.assert_allclose(
            values, singles[key], rtol=CONSERVED, atol=0, err_msg=str(calls[int(key)])
        )


def test_marts_are_the_sums_of_their_events(warehouse: Warehouse, calls: list[Call]) -> None:
    # A row of its own per event on one side, rows of many events on the other.
    total = ", ".join(f"sum({name})" for name in FIGURES)
    base = "from intermediate.usage_footprint_daily where org_id"
    [expected] = warehouse.query(f"select sum(events), {total} {base} = 'alone'")
    [rows] = warehouse.query(f"select count(*) as n {base} = 'together'")
    assert expected["sum(events)"] == len(calls) > rows["n"]
    for mart in MARTS:
        for org_id in ("alone", "together"):
            [found] = warehouse.query(
                f"select sum(events), {total} from mart.{mart} where org_id = '{org_id}'"
            )
            np.testing.assert_allclose(
                list(found.values()), list(expected.values()), rtol=CONSERVED, atol=0
            )


def marts_of(warehouse: Warehouse, mart: str) -> dict[tuple[Any, ...], list[float]]:
    """Numbers of a mart per key, of the organisations that both warehouses hold."""
    rows = warehouse.query(f"select * from mart.{mart} where org_id in ('alone', 'together')")
    return {
        tuple(value for value in row.values() if not isinstance(value, int | float)): [
            np.nan if value is None else float(value)
            for value in row.values()
            if value is None or isinstance(value, int | float)
        ]
        for row in rows
    }


def test_marts_are_the_same_however_the_events_arrive(
    warehouse: Warehouse, calls: list[Call], tmp_path: Path
) -> None:
    # Other hours of the same days, another order, three loads of which two follow the first
    # build, and repeats in any later load.
    again = Warehouse(tmp_path)
    loads: dict[int, list[tuple[int, dict[str, Any]]]] = {1: [], 2: [], 3: []}
    moved = [replace(call, second=call.other_second) for call in calls]
    repeats = 0
    for position, row in enumerate(alone_and_together(moved)):
        call = moved[position // 2]
        loads[call.load].append((call.order, row))
        if call.repeated_in is not None and call.repeated_in >= call.load:
            later = row["received_at"] + timedelta(minutes=call.repeated_in)
            repeat = {**row, "received_at": later, "receipt_id": "again"}
            loads[call.repeated_in].append((call.order // 2, repeat))
            repeats += 1
    assert repeats > CALLS_COUNT / 4
    for number, rows in loads.items():
        assert len(rows) > CALLS_COUNT / 4
        ordered = [row for _, row in sorted(rows, key=lambda pair: pair[0])]
        with again.store() as store:
            store.load(str(number), ordered)
        if number != 2:
            again.build(*(DATA_TESTS if number == 1 else ("--selector", "frequent")))
    for mart in MARTS:
        expected, found = marts_of(warehouse, mart), marts_of(again, mart)
        assert set(found) == set(expected)
        np.testing.assert_allclose(
            [found[key] for key in expected], list(expected.values()), rtol=CONSERVED, atol=0
        )
