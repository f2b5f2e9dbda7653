"""The one seam of the control store: locked, audited, all or nothing; and its audit log."""

from __future__ import annotations

import multiprocessing
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from ecomind.cli import main
from ecomind.identity import (
    INSTALLATION,
    Action,
    Actor,
    Conflict,
    IdentityError,
    IdentityStore,
    JobKind,
    NewOverride,
    NotFound,
    Preferences,
    Role,
    open_store,
)
from ecomind.identity.database import WriteOutsideChange, writing
from ecomind.identity.local_identity import LOCAL_ISSUER
from ecomind.identity.tables import TeamRow
from ecomind.settings import Settings


@pytest.fixture
def store(either: Settings) -> Iterator[IdentityStore]:
    opened = open_store(either, Actor("key:abc", Role.OWNER))
    opened.organizations.create("acme", "Acme")
    yield opened
    opened.close()


@pytest.fixture
def engine(store: IdentityStore) -> Engine:
    return store.changes.engine


def tamper(engine: Engine, *statements: str) -> None:
    with writing(engine) as connection, connection.begin():
        for statement in statements:
            connection.execute(text(statement))


def actions(store: IdentityStore, org_id: str = "acme") -> list[str]:
    return [entry.action for entry in reversed(store.audit.entries(org_id))]


def verdict(store: IdentityStore, org_id: str = "acme") -> str | None:
    (found,) = store.audit.verify(org_id)
    return found.broken


def test_nobody_writes_outside_a_change(store: IdentityStore, engine: Engine) -> None:
    row = TeamRow(org_id="acme", team_id="x", name="X")
    with pytest.raises(WriteOutsideChange), Session(engine) as session, session.begin():
        session.add(row)
    for statement in ("DELETE FROM team", "UPDATE team SET name = ''", "DROP TABLE team"):
        with pytest.raises(WriteOutsideChange), engine.begin() as connection:
            connection.execute(text(statement))
    with pytest.raises(WriteOutsideChange), store.changes.read() as session:
        session.add(TeamRow(org_id="acme", team_id="x", name="X"))
        session.flush()
    with pytest.raises(WriteOutsideChange), store.changes.note() as session:
        session.execute(text("INSERT INTO team VALUES ('acme', 'x', 'X')"))
    assert store.directory.teams() == []


def test_only_the_seam_opens_connections_that_write() -> None:
    root = Path(__file__).resolve().parents[2]
    rooms = ("ecomind", "ingest_api", "dlt_pipelines", "orchestration", "platform_api")
    files = [path for room in (*rooms, "streamlit_app") for path in (root / room).rglob("*.py")]
    opening = re.compile(r"\bwriting\(|\bopen_engine\(|create_engine\(|_MAY_WRITE")
    found = {
        path.relative_to(root).as_posix() for path in files if opening.search(path.read_text())
    }
    assert found == {
        "ecomind/identity/changes.py",
        "ecomind/identity/database.py",
        "ecomind/identity/migrations/__init__.py",
        "ecomind/identity/store.py",
    }


def test_every_change_is_recorded_with_who_what_and_to_what(store: IdentityStore) -> None:
    change_everything(store)
    missing = set(Action)
    for log in ("acme", "gone", INSTALLATION):
        missing -= {Action(entry.action) for entry in store.audit.entries(log, limit=1000)}
    assert missing == {Action.DENIED}
    entry = store.audit.entries("acme", limit=1000)[-2]
    assert (entry.actor, entry.role, entry.action) == ("key:abc", "owner", "organization.rename")
    assert (entry.target, entry.outcome, entry.facts) == (
        "organization", "done", {"name": "Acme Ltd"},
    )  # fmt: skip
    assert [found.broken for found in store.audit.verify()] == [None, None, None]


def change_everything(store: IdentityStore) -> None:
    """Use every method that changes something; new ones are found by their action."""
    org = "acme"
    store.organizations.rename(org, "Acme Ltd")
    store.organizations.configure(org, Preferences(analysts_see_people=True, audit_days=30))
    store.organizations.suspend(org)
    store.organizations.resume(org)
    store.directory.create_team(org, "search", "Search")
    store.directory.rename_team(org, "search", "Find")
    user = store.directory.create_user(org, "bob", "Bob", "search")
    store.directory.change_user(org, user, "Robert", None)
    store.directory.delete_user(org, user)
    store.directory.delete_team(org, "search")
    person = store.people.add("https://idp", "Ann", email="ann@example.org")
    store.people.change(person, display_name="Anne", email="ann@example.org")
    store.people.bind(person, "s-1")
    store.people.set_member(org, person, Role.ANALYST)
    store.people.remove_member(org, person)
    invited = {"display_name": "Ann of Acme", "role": Role.VIEWER}
    assert store.people.invite(org, "https://idp", "ann@example.org", **invited) == person
    assert store.people.principal(person, org) is not None
    store.people.remove_member(org, person)
    store.people.disable(person)
    store.people.enable(person)
    store.people.sign_out(person)
    local = store.people.add(LOCAL_ISSUER, "Owner", subject="owner")
    store.sessions.redeem(store.sign_in_codes.create(local).text)
    _, key = store.keys.create(org, Role.INGEST, "gateway")
    store.keys.rotate(org, key.key_id)
    store.keys.revoke(org, key.key_id)
    store.rules.set_alert(org, "r", "energy_mid_kwh", 1)
    store.rules.delete_alert(org, "r")
    store.rules.set_schedule(org, "m", recipients=["ann@example.org"])
    store.rules.delete_schedule(org, "m")
    new = NewOverride(
        org_id=org, factor_type="model_call", key="own-model", value_mid=1.0,
        valid_from=datetime.now(UTC).date(), reason="measured",
    )  # fmt: skip
    store.overrides.withdraw(store.overrides.record(new), "wrong")
    store.freezes.freeze(org, "2024-02")
    job = store.jobs.request(org, JobKind.ERASURE, user)
    assert store.jobs.take(JobKind.EXPORT) is None
    assert store.jobs.take(JobKind.ERASURE) is not None
    store.jobs.finish(job.job_id, result_path="x")
    store.jobs.forget_result(job.job_id)
    store.audit.prune(INSTALLATION, datetime.now(UTC) - timedelta(days=1))
    store.organizations.create("gone", "Gone")
    store.organizations.delete("gone")
    store.audit.prune("gone", store.audit.entries("gone")[0].recorded_at)


def test_what_fails_leaves_neither_rows_nor_entries(store: IdentityStore) -> None:
    before = actions(store)
    with pytest.raises(RuntimeError), store.changes.make(Action.TEAM_CREATE, "acme", "t") as change:
        change.session.add(TeamRow(org_id="acme", team_id="x", name="X"))
        change.session.flush()
        raise RuntimeError
    with pytest.raises(NotFound, match="no team nope"):
        store.directory.create_user("acme", "bob", "Bob", "nope")
    with pytest.raises(NotFound, match="no organisation nope"):
        store.directory.create_team("nope", "x", "X")
    assert store.directory.teams() == []
    assert actions(store) == before
    assert store.audit.entries("nope") == []


def test_what_changes_nothing_is_no_change(store: IdentityStore) -> None:
    store.rules.set_alert("acme", "r", "energy_mid_kwh", 1)
    before = actions(store)
    store.rules.set_alert("acme", "r", "energy_mid_kwh", 1)
    store.organizations.rename("acme", "Acme")
    store.organizations.configure("acme", Preferences())
    store.organizations.resume("acme")
    assert actions(store) == before


def test_together_is_all_or_nothing(store: IdentityStore) -> None:
    before = actions(store)
    with pytest.raises(Conflict), store.together("acme") as within:
        within.directory.create_team("acme", "one", "One")
        assert [row["team_id"] for row in within.directory.teams()] == ["one"]
        within.directory.create_team("acme", "one", "One")
    assert (store.directory.teams(), actions(store)) == ([], before)
    with store.together("acme") as within:
        within.directory.create_team("acme", "one", "One")
        with pytest.raises(Conflict):
            within.directory.create_team("acme", "one", "One")
        within.directory.create_team("acme", "two", "Two")
    assert [row["team_id"] for row in store.directory.teams()] == ["one", "two"]
    assert verdict(store) is None


def test_a_secret_is_no_fact(store: IdentityStore) -> None:
    text_, _ = store.keys.create("acme", Role.INGEST, "gateway")
    with pytest.raises(ValueError, match="no fact"):
        store.changes.record(Action.SIGN_IN, "acme", "session", with_key=text_)


def test_the_log_is_append_only(store: IdentityStore, engine: Engine) -> None:
    statements = [
        "UPDATE audit_entry SET actor = 'nobody'",
        "UPDATE audit_entry SET sequence = sequence + 10",
        "DELETE FROM audit_entry",
    ]
    if engine.dialect.name == "postgresql":
        statements.append("TRUNCATE audit_entry")
    for statement in statements:
        with pytest.raises(DBAPIError, match="append-only"):
            tamper(engine, statement)
    assert verdict(store) is None


def unsealed(engine: Engine) -> None:
    """What someone with the database's password can do."""
    if engine.dialect.name == "postgresql":
        tamper(engine, "DROP TRIGGER audit_entry_sealed ON audit_entry")
    else:
        tamper(engine, *(f"DROP TRIGGER audit_entry_not_{x}" for x in ("changed", "removed")))


TAMPERED = {
    "UPDATE audit_entry SET actor = 'nobody' WHERE sequence = 2": "entry 2 was altered",
    "UPDATE audit_entry SET facts = '{{}}' WHERE sequence = 2": "entry 2 was altered",
    "UPDATE audit_entry SET hash = previous_hash WHERE sequence = 2": "entry 2 was altered",
    "DELETE FROM audit_entry WHERE sequence = 2": "entry 2 is missing",
    "DELETE FROM audit_entry WHERE sequence = 1": "entry 1 is missing",
    "DELETE FROM audit_entry WHERE sequence >= 3": "entries after 2 are missing, up to 4",
    "UPDATE audit_chain SET pruned_sequence = 2, pruned_hash = (SELECT hash FROM audit_entry e"
    " WHERE e.org_id = '{org}' AND e.sequence = 2) WHERE true": "removed, but not by retention",
}


def test_verifying_names_the_first_entry_that_is_not_whole(
    store: IdentityStore, engine: Engine
) -> None:
    unsealed(engine)
    for number, (statement, told) in enumerate(TAMPERED.items()):
        org_id = f"org-{number}"
        store.organizations.create(org_id, org_id)
        for name in ("one", "two", "three"):
            store.directory.create_team(org_id, name, name)
        assert verdict(store, org_id) is None
        tamper(engine, f"{statement.format(org=org_id)} AND org_id = '{org_id}'")
        if "pruned" in statement:
            tamper(engine, f"DELETE FROM audit_entry WHERE org_id = '{org_id}' AND sequence <= 2")
        assert told in (verdict(store, org_id) or "whole")
    result = CliRunner().invoke(main, ["audit", "verify"])
    assert result.exit_code == 1
    assert "org-0: 1 entries checked, entry 2 was altered" in result.output
    assert "acme: 1 entries checked, all whole" in result.output
    assert f"{len(TAMPERED)} audit logs are not whole" in result.output


def test_retention_removes_and_the_rest_still_verifies(store: IdentityStore) -> None:
    for name in ("one", "two", "three"):
        store.directory.create_team("acme", name, name)
    assert store.audit.prune("acme", datetime.now(UTC) - timedelta(days=1)) == 0
    cut = store.audit.entries("acme")[1].recorded_at
    assert store.audit.prune("acme", cut) == 2
    assert actions(store) == ["team.create", "team.create", "audit.prune"]
    assert verdict(store) is None
    assert store.audit.prune("acme", datetime.now(UTC) + timedelta(days=1)) == 3
    assert actions(store) == ["audit.prune"]
    store.directory.create_team("acme", "four", "Four")
    (found,) = store.audit.verify("acme")
    assert (found.checked, found.broken) == (2, None)


def test_the_commands_show_the_log(store: IdentityStore) -> None:
    store.directory.create_team("acme", "one", "One")
    listed = CliRunner().invoke(main, ["audit", "list", "--org", "acme", "--json"])
    assert '"action": "team.create"' in listed.output
    assert '"actor": "key:abc"' in listed.output
    assert "team/one" in CliRunner().invoke(main, ["audit", "list", "--org", "acme"]).output
    verified = CliRunner().invoke(main, ["audit", "verify"])
    assert verified.exit_code == 0
    assert "acme: 2 entries checked, all whole" in verified.output


def edit(home: Path, url: str, number: int, count: int) -> None:
    """What one of several processes does, each in its own interpreter."""
    settings = Settings(home=home, control_url=url, node="testnode")  # type: ignore[arg-type]
    store = open_store(settings, Actor(f"system:{number}"))
    for step in range(count):
        store.directory.create_team("acme", f"t-{number}-{step}", "Team")
        with store.together("acme") as within:
            info = within.organizations.get("acme")
            within.organizations.rename("acme", str(int(info.name) + 1))
    store.close()


def test_processes_that_edit_at_once_lose_nothing(store: IdentityStore, either: Settings) -> None:
    store.organizations.rename("acme", "0")
    url, processes, count = either.resolved_control_url, 2, 15
    context = multiprocessing.get_context("spawn")
    started = [
        context.Process(target=edit, args=(either.home, url, number, count))
        for number in range(processes)
    ]
    for process in started:
        process.start()
    for process in started:
        process.join()
    assert [process.exitcode for process in started] == [0] * processes
    assert len(store.directory.teams("acme")) == processes * count
    assert store.organizations.get("acme").name == str(processes * count)
    (found,) = store.audit.verify("acme")
    assert (found.checked, found.broken) == (2 + 2 * processes * count, None)


def test_a_deleted_organization_lets_nobody_in_and_its_id_is_not_given_again(
    store: IdentityStore,
) -> None:
    key, _ = store.keys.create("acme", Role.OWNER, "")
    store.directory.create_user("acme", "bob", "Bob")
    store.organizations.delete("acme")
    assert store.authenticate(key) is None
    assert store.organizations.listed() == []
    assert store.directory.users("acme") == []
    with pytest.raises(NotFound):
        store.organizations.get("acme")
    with pytest.raises(IdentityError, match="already exists"):
        store.organizations.create("acme", "Acme")
    assert actions(store)[-1] == "organization.delete"
    assert verdict(store) is None
