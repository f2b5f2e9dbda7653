"""Calls the browser extension counts, with the figures that it and the warehouse must both give.

Belongs here: reading the shared fixture, what dbt makes of its events, and writing that back after
the seeds changed. Does not belong here: the extension's side, which its own tests hold to the same
file.

    python -m tests.dbt_project.extension_vectors --write
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ecomind.contract.codec import Rules, judge
from tests.dbt_project.raw_store import EVENT
from tests.dbt_project.warehouse import DATA_TESTS, ROOT, Warehouse

FIXTURE = ROOT / "ext-chrome" / "fixtures" / "golden.json"
ORGANIZATION = "extension"
SCENARIOS = ("low", "mid", "high")
FIGURES = {
    "energy_kwh": "energy_{}_kwh",
    "water_l": "water_{}_l",
    "co2e_kg": "co2e_total_location_{}_kg",
}
_RULES = Rules(
    org_id=ORGANIZATION,
    received_at=datetime(2026, 11, 21, tzinfo=UTC),
    max_future=timedelta(minutes=5),
    max_age=timedelta(days=400),
    pseudonymise=None,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Case = dict[str, Any]


def cases() -> list[Case]:
    """The calls of the fixture: name, event as it is sent, figures."""
    found: list[Case] = json.loads(FIXTURE.read_text(encoding="utf-8"))["cases"]
    return found


def raw_event(case: Case) -> dict[str, Any]:
    """The event as the ingest API lands it, alone in its project."""
    judged = judge(case["event"], _RULES)
    assert judged.row is not None, (case["name"], judged.problems)
    assert not judged.warnings, (case["name"], judged.warnings)
    occurred_at = _EPOCH + timedelta(microseconds=judged.row["occurred_at"])
    landed = {**judged.row, "occurred_at": occurred_at, "org_id": ORGANIZATION}
    receipt = ("key_id", "received_at", "receipt_id", "adapter", "landed_file")
    return {**{name: EVENT[name] for name in receipt}, **landed, "project_id": case["name"]}


def figures(warehouse: Warehouse, names: Iterable[str]) -> dict[str, dict[str, dict[str, float]]]:
    """What the warehouse computed, by case, figure and scenario."""
    rows = warehouse.query(
        f"select * from intermediate.usage_footprint_daily where org_id = '{ORGANIZATION}'"
    )
    by_name = {row["project_id"]: row for row in rows}
    return {
        name: {
            figure: {s: by_name[name][column.format(s)] for s in SCENARIOS}
            for figure, column in FIGURES.items()
        }
        for name in names
    }


def _write() -> None:
    held = json.loads(FIXTURE.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as home:
        warehouse = Warehouse(Path(home))
        with warehouse.store() as store:
            store.load("1", [raw_event(case) for case in held["cases"]])
        warehouse.build(*DATA_TESTS)
        found = figures(warehouse, [case["name"] for case in held["cases"]])
    for case in held["cases"]:
        case["expected"] = found[case["name"]]
    FIXTURE.write_text(json.dumps(held, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(__doc__)
    _write()
