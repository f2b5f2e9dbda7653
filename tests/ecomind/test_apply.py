"""Organisations as a file says: the plan, making it, and mistakes told by line."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from ecomind.cli import main
from ecomind.identity import IdentityStore, Preferences, Role, open_store
from ecomind.identity.keys import KeyText
from ecomind.settings import Settings

FILE = """\
organizations:
  acme:
    name: Acme
    settings:
      analysts_see_people: true
    retention:
      rejects_days: 30
      audit_days: 1095
    teams:
      search: Search
    users:
      - id: bob@acme.example
        name: Bob
        team: search
    members:
      - issuer: https://idp.example
        email: ann@acme.example
        name: Ann
        role: owner
        user: bob@acme.example
    keys:
      gateway: {role: ingest, networks: [192.0.2.0/24]}
    alerts:
      daily-energy: {metric: energy_mid_kwh, threshold: 2.5}
    reports:
      monthly: {recipients: [esg@acme.example], formats: [pdf, csv]}
  beta:
    name: Beta
"""
PLAN = """\
acme
  + organization
  ~ settings: analysts_see_people False -> True, rejects_days None -> 30, audit_days None -> 1095
  + team search
  + user Bob
  + member Ann (owner)
  + key gateway (ingest)
  + alert daily-energy
  + report monthly
beta
  + organization
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "organizations.yaml"
    path.write_text(FILE)
    return path


@pytest.fixture
def store(either: Settings) -> IdentityStore:
    return open_store(either)


def apply(file: Path, *options: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(main, ["apply", str(file), *options], input=answer)


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_a_file_makes_what_it_says_once(store: IdentityStore, file: Path) -> None:
    dry = apply(file, "--dry-run")
    assert (dry.output, dry.exit_code) == (PLAN + "nothing was changed\n", 0)
    assert store.organizations.listed() == []
    assert store.audit.entries("acme") == []

    made = apply(file)
    assert made.exit_code == 0
    assert made.output.startswith(PLAN + "key acme/gateway: eco_live_")
    key = made.output.split()[-1]
    found = store.authenticate(key)
    assert found is not None
    assert (found.org_id, found.role) == ("acme", Role.INGEST)
    acme = store.organizations.get("acme")
    assert acme.preferences == Preferences(True, None, 30, None, 1095)
    bob = store.pseudonym("acme", "bob@acme.example")
    assert store.directory.users("acme")[0]["user_id"] == bob
    (member,) = store.people.members("acme")
    assert (member.role, member.user_id, member.person.subject) == (Role.OWNER, bob, None)
    assert store.rules.schedules("acme")[0]["formats"] == ["pdf", "csv"]
    assert [found.broken for found in store.audit.verify()] == [None, None, None]

    entries = len(store.audit.entries("acme"))
    again = apply(file)
    assert (again.output, again.exit_code) == ("nothing to change\n", 0)
    assert len(store.audit.entries("acme")) == entries


def test_a_changed_file_changes_that_and_removes_only_when_told(
    store: IdentityStore, file: Path
) -> None:
    apply(file)
    store.people.bind(store.people.members("acme")[0].person.person_id, "s-1")
    document = yaml.safe_load(FILE)
    acme = document["organizations"]["acme"]
    acme.update(name="Acme Ltd", teams={"find": "Find"}, keys={}, alerts={})
    acme["users"] = [{"id": "eve", "name": "Eve"}]
    acme["members"][0]["name"] = "Anne"
    del acme["reports"], acme["retention"]
    file.write_text(yaml.safe_dump(document))
    kept = [
        "acme",
        "  ~ organization: Acme -> Acme Ltd",
        "  + team find",
        "  + user Eve",
        "  ~ person Anne: name Ann -> Anne",
    ]
    assert apply(file, "--dry-run").output.splitlines() == [*kept, "nothing was changed"]
    removed = ["  - alert daily-energy", "  - key gateway", "  - user Bob", "  - team search"]
    refused = apply(file, "--prune", answer="n\n")
    assert refused.exit_code == 1
    assert refused.output.splitlines()[: len(kept) + 4] == [*kept, *removed]
    assert store.organizations.get("acme").name == "Acme"
    assert apply(file, "--prune", "--yes").exit_code == 0
    assert apply(file, "--prune").output == "nothing to change\n"
    assert [row["team_id"] for row in store.directory.teams("acme")] == ["find"]
    assert store.keys.listed("acme")[0].revoked_at is not None
    assert store.rules.schedules("acme") != []
    assert store.organizations.get("acme").preferences.audit_days == 1095


def test_keys_may_go_to_files(store: IdentityStore, file: Path, tmp_path: Path) -> None:
    result = apply(file, "--keys-dir", str(tmp_path / "keys"))
    path = tmp_path / "keys" / "acme-gateway.key"
    assert "eco_live" not in result.output
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert KeyText.parse(path.read_text().strip()) is not None


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "name: Beta",
            "name: Beta\n    colour: red",
            "29: organizations.beta.colour: Extra inputs",
        ),
        ("role: ingest", "role: king", "22: organizations.acme.keys.gateway.role: Input should be"),
        ("role: owner", "role: ingest", "19: organizations.acme.members.0.role: a person's role"),
        (
            "metric: energy_mid_kwh",
            "metric: joy",
            "24: organizations.acme.alerts.daily-energy: a r",
        ),
        ("team: search", "team: nope", "12: organizations.acme.users.0: there is no team nope"),
        ("192.0.2.0/24", "everywhere", "22: organizations.acme.keys.gateway: everywhere is not"),
        ("audit_days: 1095", "audit_days: 0", "7: organizations.acme.retention: audit_days is at"),
        ("  beta:", "  acme:", "27: acme stands here twice"),
        ("  beta:", "  Beta!:", "28: organizations.Beta!: an organisation's id may hold"),
        ("name: Beta", "name: [", "29: "),
        (FILE, "", "is empty"),
        (FILE, "- 1", "1: Input should be"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_nothing_is_changed(
    settings: Settings, file: Path, old: str, new: str, told: str
) -> None:
    edit(file, old, new)
    for options in (["--dry-run"], []):
        result = apply(file, *options)
        assert result.exit_code == 1
        assert told in result.output
        assert result.output.count("\n") <= 1
    assert open_store(settings).organizations.listed() == []


def test_a_key_is_not_changed_under_the_hand(settings: Settings, file: Path) -> None:
    assert apply(file).exit_code == 0
    edit(file, "role: ingest,", "role: import,")
    result = apply(file)
    assert "22: organizations.acme.keys.gateway: a key is not changed (role ingest" in result.output


def test_a_file_that_is_not_there_is_told(settings: Settings, tmp_path: Path) -> None:
    assert "cannot be read" in apply(tmp_path / "nope.yaml").output
