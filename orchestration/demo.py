"""Setting up the demonstration: its organisations, keys, rules and calls.

Belongs here: composing the demo generator, the control store and the import client. Does not
belong here: the calls themselves (``ecomind.demo``).
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from ecomind.demo.cast import ORGANIZATIONS, Organization
from ecomind.demo.generator import demo_calls
from ecomind.identity import IdentityStore, Role, open_store
from ecomind.settings import Settings

DAILY_ENERGY_ALERT_KWH = 1.0


def keys_dir(settings: Settings) -> Path:
    """Folder of the demonstration's keys, readable by the owner only."""
    return settings.secrets_dir / "demo-keys"


def key_path(settings: Settings, org_id: str, role: Role) -> Path:
    """File of one demonstration key."""
    return keys_dir(settings) / f"{org_id}-{role.value}.key"


def _write_key(store: IdentityStore, settings: Settings, org_id: str, role: Role) -> None:
    path = key_path(settings, org_id, role)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    text, _ = store.keys.create(org_id, role, f"demonstration ({role.value})")
    path.touch(mode=0o600)
    path.write_text(text + "\n", encoding="utf-8")


def create_organizations(settings: Settings) -> list[Organization]:
    """Create the demonstration's organisations that do not exist yet; returns the new ones."""
    store = open_store(settings)
    known = {row["org_id"] for row in store.organizations.rows()}
    new = [organization for organization in ORGANIZATIONS if organization.org_id not in known]
    for organization in new:
        org_id = organization.org_id
        store.organizations.create(org_id, organization.name)
        for team in organization.teams:
            store.directory.create_team(org_id, team.team_id, team.name)
            for person in team.people:
                display_name = person.replace("-", " ").title()
                store.directory.create_user(org_id, person, display_name, team.team_id)
        store.rules.set_alert(org_id, "daily-energy", "energy_mid_kwh", DAILY_ENERGY_ALERT_KWH)
        for role in (Role.INGEST, Role.ADMIN, Role.VIEWER):
            _write_key(store, settings, org_id, role)
    return new


def last_demo_day(now: datetime | None = None) -> date:
    """Yesterday (UTC): the demonstration ends with the last whole day."""
    return ((now or datetime.now(UTC)) - timedelta(days=1)).date()


def write_calls(organization: Organization, last_day: date, folder: Path) -> Path:
    """Write an organisation's calls as NDJSON, ready to be imported; returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{organization.org_id}.ndjson"
    with path.open("w", encoding="utf-8") as file:
        for event in demo_calls(organization, last_day):
            file.write(json.dumps(event) + "\n")
    return path
