"""An installation with two organisations, keys of every role and a published snapshot."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from ecomind.identity import IdentityStore, Role, open_store
from ecomind.settings import PROJECT_ROOT, Settings
from ecomind.warehouse.snapshot import snapshot_name
from tests.orchestration.snapshot_figures import ADDITIVE, ORGANIZATIONS
from tests.orchestration.snapshot_fixture import publish_snapshot
from tests.support.shared import built_once

APP = PROJECT_ROOT / "streamlit_app" / "app.py"
PAGES = ("overview", "trends", "models", "people", "regions", "data_health", "method", "reports")
OURS, OTHERS = ORGANIZATIONS[0], ORGANIZATIONS[1]
SNAPSHOT_ID = "20261115T060012Z"


@dataclass(frozen=True)
class Installation:
    """What a test of the dashboard signs in to."""

    settings: Settings
    store: IdentityStore
    keys: dict[Role, str]
    others_key: str


def built_snapshot() -> Path:
    """A snapshot file to copy from, built once, in which the team research may be shown."""
    return built_once("dashboard", _publish) / snapshot_name(SNAPSHOT_ID)


def _publish(folder: Path) -> None:
    grow_research(publish_snapshot(folder, snapshot_id=SNAPSHOT_ID))


def install(settings: Settings, *, published: bool = True) -> Installation:
    """Organisations with keys and a published snapshot."""
    store = open_store(settings)
    for org_id, name in (OURS, OTHERS):
        store.organizations.create(org_id, name)
    keys = {
        role: store.keys.create(OURS[0], role, role.value)[0]
        for role in Role
        if role is not Role.BROWSER
    }
    others_key, _info = store.keys.create(OTHERS[0], Role.ADMIN, "admin")
    if published:
        shutil.copytree(built_snapshot().parent, settings.served_dir)
    return Installation(settings, store, keys, others_key)


def grow_research(snapshot: Path) -> None:
    """Split each person of research into three, so that the team may be shown."""
    parts = ", ".join(
        f"{name} / 3 AS {name}" if name != "events" else "events // 3 AS events"
        for name in ADDITIVE
    )
    with duckdb.connect(str(snapshot)) as connection:
        connection.execute(
            "CREATE TEMP TABLE split AS SELECT * REPLACE"
            f" (user_id || '_' || part AS user_id, {parts})"
            " FROM (SELECT u.*, part FROM mart.user_footprint_daily AS u,"
            " range(3) AS r(part) WHERE team_id = 'research')"
        )
        connection.execute("DELETE FROM mart.user_footprint_daily WHERE team_id = 'research'")
        connection.execute(
            "INSERT INTO mart.user_footprint_daily BY NAME SELECT * EXCLUDE (part) FROM split"
        )
        connection.execute(
            "INSERT INTO mart.dim_user SELECT org_id, user_id || '_' || part,"
            " display_name || ' ' || part, team_id, team_name FROM mart.dim_user,"
            " range(3) AS r(part) WHERE team_id = 'research'"
        )


def bundle(settings: Settings, org_id: str, period: str = "2026-10", *further: str) -> Path:
    """A report bundle with the files the catalogue promises, and further ones."""
    directory = settings.reports_dir / org_id / period / "v001"
    directory.mkdir(parents=True)
    (directory / "facts.csv").write_text("datapoint_id,value\nai_electricity_use,1.5\n")
    (directory / "report.pdf").write_bytes(b"%PDF-1.7\n")
    for name in further:
        (directory / name).write_text("x\n")
    files = json.dumps({key: {} for key in ("facts.csv", "report.pdf", *further)})
    published = datetime(2026, 11, 15, 6, tzinfo=UTC).isoformat()
    (directory / "manifest.json").write_text(
        f'{{"snapshot": {{"snapshot_id": "{SNAPSHOT_ID}", "published_at": "{published}"}},'
        f' "files": {files}}}'
    )
    return directory
