"""Things of an organisation, made for the purpose of being addressed, and bodies that make more."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from ecomind.identity import JobKind, NewOverride, Role
from tests.platform_api.running import Platform

ISSUER = "https://login.example.org"


def team(platform: Platform, org_id: str) -> str:
    team_id = f"{org_id}-team-{platform.number()}"
    platform.store.directory.create_team(org_id, team_id, f"{org_id} team")
    return team_id


def new_team(platform: Platform, org_id: str) -> Any:
    return {"team_id": f"{org_id}-new-{platform.number()}", "name": f"{org_id} new"}


def user(platform: Platform, org_id: str) -> str:
    reference = f"{org_id}-user-{platform.number()}"
    return platform.store.directory.create_user(org_id, reference, reference)


def new_user(platform: Platform, org_id: str) -> Any:
    reference = f"{org_id}-user-{platform.number()}"
    return {"user_ref": reference, "display_name": reference}


def member(platform: Platform, org_id: str, role: Role = Role.VIEWER) -> str:
    email = f"{org_id}-{platform.number()}@example.org"
    person_id = platform.store.people.add(ISSUER, email, email=email)
    platform.store.people.set_member(org_id, person_id, role)
    return person_id


def new_member(platform: Platform, org_id: str) -> Any:
    email = f"{org_id}-{platform.number()}@example.org"
    return {"email": email, "display_name": email, "issuer": ISSUER, "role": "analyst"}


def key(platform: Platform, org_id: str) -> str:
    return platform.store.keys.create(org_id, Role.INGEST, f"{org_id} sends")[1].key_id


def new_override(platform: Platform, org_id: str) -> Any:
    day = date(2024, 1, 1) + timedelta(days=platform.number())
    return {
        "factor_type": "pue",
        "key": "azure/eastus",
        "value_mid": 1.2,
        "valid_from": day.isoformat(),
        "valid_to": (day + timedelta(days=1)).isoformat(),
        "reason": f"measured by {org_id}",
    }


def override(platform: Platform, org_id: str) -> str:
    body = new_override(platform, org_id)
    days = {name: date.fromisoformat(body.pop(name)) for name in ("valid_from", "valid_to")}
    return platform.store.overrides.record(NewOverride(org_id=org_id, **body, **days))


def alert(platform: Platform, org_id: str) -> str:
    rule_id = f"{org_id}-rule-{platform.number()}"
    platform.store.rules.set_alert(org_id, rule_id, "energy_mid_kwh", 1.0)
    return rule_id


def report_job(platform: Platform, org_id: str) -> str:
    return platform.store.jobs.request(org_id, JobKind.REPORT, "2026-10").job_id


def somebody(platform: Platform, org_id: str) -> Any:
    return {"user_ref": f"{org_id}-{platform.number()}@example.org"}


def privacy_job(platform: Platform, org_id: str) -> str:
    user_id = platform.store.pseudonym(org_id, f"somebody {platform.number()}")
    return platform.store.jobs.request(org_id, JobKind.EXPORT, user_id).job_id


def exported(platform: Platform, org_id: str) -> str:
    """An export that was made, as the orchestration leaves it."""
    job_id = privacy_job(platform, org_id)
    platform.store.jobs.resume(JobKind.EXPORT)
    path = platform.settings.exports_dir / org_id / f"{job_id}.zip"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"PK\x05\x06" + bytes(18))
    result = str(path.relative_to(platform.settings.exports_dir))
    expires_at = datetime.now(UTC) + timedelta(days=7)
    platform.store.jobs.finish(job_id, result_path=result, expires_at=expires_at)
    return job_id
