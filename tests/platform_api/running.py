"""A running platform over a really published warehouse of two organisations.

Belongs here: the usage, the published snapshot, and starting and stopping the service. Does not
belong here: expectations.

Every id of an organisation holds its name, so that a leak is found by looking for the name.
"""

from __future__ import annotations

import itertools
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt
from joserfc.jwk import OKPKey

from ecomind.identity import Actor, IdentityStore, Role, open_store
from ecomind.identity.local_identity import LOCAL_ISSUER
from ecomind.settings import PROJECT_ROOT, Settings
from ecomind.warehouse.publish import publish
from tests.dbt_project.raw_store import RECEIVED, RawStore, event
from tests.dbt_project.warehouse import AFTER_A_LOAD, Warehouse
from tests.support.outlived import ends_with_tests

START_S = 60
OURS, OTHERS = "aurelia", "borealis"
ORGANIZATIONS = {OURS: "Aurelia Health", OTHERS: "Borealis Freight"}
TEAMS = {"research": 6, "support": 5, "platform": 2}
"""People by team; the last is small, and the second joins it where people are not shown."""
DAYS = 3
MODELS = (
    {"provider": "openai", "request_model": "gpt-4o"},
    {"provider": "openai", "request_model": "gpt-4o-mini", "region": "eastus"},
    {
        "provider": "anthropic",
        "request_model": "claude-opus-4",
        "inference_geo": "DE",
        "source": "urn:example:gateway",
    },
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def team_of(org_id: str, name: str) -> str:
    return f"{org_id}-{name}"


def people_of(org_id: str) -> Iterator[tuple[str, str]]:
    """User and team ids."""
    for team, count in TEAMS.items():
        for number in range(count):
            yield f"u_{org_id}_{team}_{number}", team_of(org_id, team)


def days(last: date) -> list[date]:
    return [last - timedelta(days=n) for n in reversed(range(DAYS))]


def usage(org_id: str, last: date) -> Iterator[dict[str, Any]]:
    """A few calls of everybody on each day, some of nobody known."""
    for day in days(last):
        noon = datetime(day.year, day.month, day.day, tzinfo=UTC)
        for number, (user_id, team_id) in enumerate([*people_of(org_id), (None, None)]):
            shape = MODELS[number % len(MODELS)]
            yield event(
                f"{day}-{number}",
                org_id=org_id,
                occurred_at=noon,
                received_at=noon,
                user_id=user_id,
                team_id=team_id,
                request_count=2,
                input_tokens=1_000 + 10 * number,
                output_tokens=200 + number,
                **shape,
            )


def _control(store: RawStore, org_id: str) -> None:
    organization = {"org_id": org_id, "name": ORGANIZATIONS[org_id], "created_at": RECEIVED}
    store.append("control_organizations", [organization], "1")
    teams = [
        {"org_id": org_id, "team_id": team_of(org_id, name), "name": f"{org_id} {name}"}
        for name in TEAMS
    ]
    store.append("control_teams", teams, "1")
    users = [
        {"org_id": org_id, "user_id": user, "display_name": f"{user} name", "team_id": team}
        for user, team in people_of(org_id)
    ]
    store.append("control_users", users, "1")


def published(home: Path, last: date) -> None:
    """Build the warehouse of both organisations by the real dbt project and publish it."""
    settings = Settings(home=home)
    warehouse = Warehouse.before_events(settings.warehouse_dir)
    with warehouse.store() as store:
        for org_id in ORGANIZATIONS:
            _control(store, org_id)
        outcomes = [{"org_id": org_id, "last_received_at": RECEIVED} for org_id in ORGANIZATIONS]
        store.append("ingest_outcomes", outcomes, "1")
        store.load("1", [row for org_id in ORGANIZATIONS for row in usage(org_id, last)])
    warehouse.build(*AFTER_A_LOAD)
    publish(settings, "run-1")


@dataclass
class Platform:
    """A service below ``home``, started when used as a context."""

    home: Path
    last_day: date
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = Settings(home=self.home, node="testnode", platform_port=self.port)
        self.store: IdentityStore = open_store(self.settings, Actor.system("tests"))
        self.output = self.home / "platform.log"
        self.client = httpx.Client(base_url=self.url, timeout=60)
        self._keys: dict[tuple[str, Role], str] = {}
        self._numbers = itertools.count(1)
        for org_id, name in ORGANIZATIONS.items():
            self.store.organizations.create(org_id, name)

    def key(self, role: Role, org_id: str = OURS) -> str:
        """A key of a role, made once."""
        if (org_id, role) not in self._keys:
            origins = [f"https://{org_id}.example"] if role is Role.BROWSER else []
            made = self.store.keys.create(org_id, role, f"{org_id} {role.value}", origins=origins)
            self._keys[org_id, role] = made[0]
        return self._keys[org_id, role]

    def person(self, role: Role, org_id: str = OURS) -> str:
        """A new person of a role."""
        subject = f"{org_id}-{role.value}-{next(self._numbers)}"
        person_id = self.store.people.add(LOCAL_ISSUER, subject, subject=subject)
        self.store.people.set_member(org_id, person_id, role)
        return person_id

    def session(self, person_id: str) -> str:
        """The token of a person who signs in now."""
        code = self.store.sign_in_codes.create(person_id).text
        return self.store.sessions.redeem(code).token

    def aged(self, token: str, seconds: int) -> str:
        """The same session as if the person had signed in that long ago."""
        seed = (self.home / "secrets" / "session-key").read_bytes()
        key = OKPKey.import_key(Ed25519PrivateKey.from_private_bytes(seed))
        key.ensure_kid()
        claims = jwt.decode(token, key, ["Ed25519"]).claims
        claims |= {"auth_time": int(time.time()) - seconds}
        return jwt.encode({"alg": "Ed25519", "kid": key.kid}, claims, key, ["Ed25519"])

    def new_organization(self) -> str:
        """An organisation of its own, for what cannot be undone."""
        org_id = f"{OURS}-{next(self._numbers)}"
        self.store.organizations.create(org_id, org_id)
        return org_id

    def number(self) -> int:
        """A number nobody else got."""
        return next(self._numbers)

    def headers(self, role: Role, org_id: str = OURS, **more: str) -> dict[str, str]:
        more = {name.replace("_", "-"): value for name, value in more.items()}
        return {"authorization": f"Bearer {self.key(role, org_id)}", **more}

    def get(
        self, path: str, role: Role = Role.ADMIN, org_id: str = OURS, **more: str
    ) -> httpx.Response:
        return self.client.get(path, headers=self.headers(role, org_id, **more))

    def __enter__(self) -> Platform:
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("ECOMIND_")},
            "ECOMIND_HOME": str(self.home),
            "ECOMIND_NODE": "testnode",
            "ECOMIND_PLATFORM_PORT": str(self.port),
        }
        with self.output.open("ab") as output:
            self._process = ends_with_tests(
                subprocess.Popen(
                    [sys.executable, "-m", "platform_api"],
                    cwd=PROJECT_ROOT,
                    env=environment,
                    stdout=output,
                    stderr=output,
                )
            )
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            assert self._process.poll() is None, self.output.read_text()
            try:
                self.client.get("/livez").raise_for_status()
                return self
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError("the platform did not start")

    def __exit__(self, *_error: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)
        self.client.close()


def bundle(platform: Platform, org_id: str) -> Path:
    """A report bundle of October, of which the second organisation has the second version."""
    version = 1 if org_id == OURS else 2
    directory = platform.settings.reports_dir / org_id / "2026-10" / f"v{version:03d}"
    if directory.is_dir():
        return directory
    directory.mkdir(parents=True)
    (directory / "facts.csv").write_text(f"datapoint_id,org\nai_electricity_use,{org_id}\n")
    (directory / "report.pdf").write_bytes(b"%PDF-1.7\n")
    manifest = {
        "snapshot": {"snapshot_id": "20261101t000000000000z", "published_at": "2026-11-01T00:00Z"},
        "files": {"facts.csv": {}, "report.pdf": {}},
    }
    (directory / "manifest.json").write_text(json.dumps(manifest))
    return directory
