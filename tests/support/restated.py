"""An installation whose September and October were restated after they were frozen.

Belongs here: usage, a later factor set and overrides, built by the real dbt project and
published. Does not belong here: what a page or a report says about it.
"""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from ecomind.identity import Role, open_store
from ecomind.settings import Settings
from ecomind.warehouse.publish import publish
from ecomind.warehouse.snapshot import current_snapshot
from tests.dbt_project.raw_store import RECEIVED, event
from tests.dbt_project.test_lenses import override, publish_later
from tests.dbt_project.warehouse import DATA_TESTS, Warehouse, copy_project
from tests.support.shared import built_once

ORG_ID, ORG_NAME = "globex", "Globex"
OTHER_ORG_ID = "acme"
"""The organisation that test warehouses begin with."""
FIRST_DAY, LAST_DAY = date(2026, 9, 1), date(2026, 11, 14)
RECEIVED_AT = datetime(2026, 11, 15, tzinfo=UTC)
SHAPES: tuple[dict[str, Any], ...] = (
    {"provider": "azure", "region": "eastus", "input_tokens": 900_000, "output_tokens": 210_000},
    {"inference_geo": "DE", "input_tokens": 500_000, "output_tokens": 90_000},
    {"provider": "startup", "request_model": "gpt-99-turbo", "output_tokens": 60_000},
    {"provider": "google", "request_model": "gemini-2.5-flash", "region": "europe-west1",
     "input_tokens": 2_000_000, "output_tokens": 400_000},
)  # fmt: skip
OVERRIDES = [
    override(ORG_ID, 1, factor_type="grid_market", key="azure-openai", unit="gCO2e/kWh", mid=12.0),
    override(ORG_ID, 2, factor_type="pue", key="azure/eastus", unit="kWh/IT kWh", mid=1.5,
             valid_from=date(2026, 10, 1)),
]  # fmt: skip


def _events(org_id: str) -> list[dict[str, Any]]:
    days = [FIRST_DAY + timedelta(days=n) for n in range((LAST_DAY - FIRST_DAY).days + 1)]
    return [
        event(
            f"{day}-{number}",
            org_id=org_id,
            occurred_at=datetime(day.year, day.month, day.day, 9, tzinfo=UTC),
            received_at=RECEIVED_AT,
            **shape,
        )
        for day in days
        for number, shape in enumerate(SHAPES)
        if day.weekday() < 5 or number == 0
    ]


def restated_snapshot() -> Path:
    """A published snapshot with restated months, built once in a test run."""
    settings = Settings(home=built_once("restated", _build))
    return current_snapshot(settings).path


def _build(home: Path) -> None:
    settings = Settings(home=home)
    project = copy_project(home / "project")
    warehouse = Warehouse(settings.warehouse_dir, project)
    with warehouse.store() as store:
        organization = {"org_id": ORG_ID, "name": ORG_NAME, "created_at": RECEIVED}
        store.append("control_organizations", [organization], "1")
        outcome = {"org_id": ORG_ID, "last_received_at": RECEIVED_AT}
        store.append("ingest_outcomes", [outcome], "1")
        store.load("1", [*_events(ORG_ID), *_events(OTHER_ORG_ID)])
    warehouse.build(*DATA_TESTS)
    publish_later(project / "seeds")
    with warehouse.store() as store:
        store.append("control_factor_overrides", OVERRIDES, "2")
        store.complete("2")
    warehouse.build("--selector", "complete", *DATA_TESTS)
    publish(settings, "run-0001")


def install_restated(settings: Settings) -> dict[Role, str]:
    """Serve that snapshot from ``settings.home``; returns keys of its organisation."""
    shutil.copytree(restated_snapshot().parent, settings.served_dir)
    store = open_store(settings)
    store.organizations.create(ORG_ID, ORG_NAME)
    return {
        role: store.keys.create(ORG_ID, role, role.value)[0]
        for role in Role
        if role is not Role.BROWSER
    }
