"""The permission table, the one place that enforces it, and the rules that keep owners apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from ecomind.identity import (
    MACHINES,
    PERMISSIONS,
    Actor,
    Conflict,
    Forbidden,
    IdentityError,
    IdentityStore,
    NotFound,
    Preferences,
    Principal,
    Role,
    Scope,
    open_store,
)
from ecomind.identity.keys import KeyText
from ecomind.settings import Settings

ISSUER = "https://idp.example"


@pytest.fixture
def store(settings: Settings) -> Iterator[IdentityStore]:
    opened = open_store(settings)
    opened.organizations.create("acme", "Acme")
    opened.organizations.create("beta", "Beta")
    yield opened
    opened.close()


def principal(store: IdentityStore, role: Role, org_id: str = "acme") -> Principal:
    origins = ["https://app.example"] if role is Role.BROWSER else []
    text, _ = store.keys.create(org_id, role, role.value, origins=origins)
    found = store.authenticate(text)
    assert found is not None
    return found


def test_the_table_says_what_the_roles_may() -> None:
    assert set(PERMISSIONS) == set(Role)
    may = {scope: {role for role in Role if scope in PERMISSIONS[role]} for scope in Scope}
    owners = {Role.OWNER}
    admins = {Role.OWNER, Role.ADMIN}
    analysts = {*admins, Role.ANALYST}
    readers = {*analysts, Role.VIEWER}
    assert may == {
        Scope.INGEST_WRITE: set(MACHINES),
        Scope.INGEST_IMPORT: {Role.IMPORT},
        Scope.EVENTS_READ: {*analysts, Role.INGEST, Role.IMPORT},
        Scope.EVENTS_REPLAY: {*admins, Role.INGEST, Role.IMPORT},
        Scope.TOTALS_READ: {*readers, Role.BILLING},
        Scope.MARTS_READ: readers,
        Scope.PEOPLE_READ: admins,
        Scope.REPORTS_READ: readers,
        Scope.REPORTS_REQUEST: analysts,
        Scope.FACTORS_READ: readers,
        Scope.FACTORS_WRITE: admins,
        Scope.ALERTS_WRITE: analysts,
        Scope.ADMIN_KEYS: admins,
        Scope.ADMIN_MEMBERS: admins,
        Scope.ADMIN_ORG: admins,
        Scope.ADMIN_PRIVACY: admins,
        Scope.ADMIN_NOTIFY: admins,
        Scope.ORG_DELETE: owners,
        Scope.BILLING_READ: {*owners, Role.BILLING},
        Scope.BILLING_WRITE: {*owners, Role.BILLING},
        Scope.AUDIT_READ: analysts,
    }


def test_who_lacks_a_scope_is_refused_and_the_refusal_recorded(store: IdentityStore) -> None:
    viewer = principal(store, Role.VIEWER)
    store.authorize(viewer, Scope.MARTS_READ)
    with pytest.raises(Forbidden, match="the role viewer and not the right admin:keys"):
        store.authorize(viewer, Scope.ADMIN_KEYS)
    with pytest.raises(Forbidden, match="belongs to another organisation"):
        store.authorize(viewer, Scope.MARTS_READ, "beta")
    entries = store.audit.entries("acme", limit=2)
    assert [(entry.target, entry.outcome) for entry in entries] == [
        ("marts:read", "denied"), ("admin:keys", "denied"),
    ]  # fmt: skip
    assert {entry.actor for entry in entries} == {f"key:{viewer.subject_id}"}
    assert all("beta" not in str(entry) for entry in entries)
    assert [entry.action for entry in store.audit.entries("beta")] == ["organization.create"]
    assert all(found.broken is None for found in store.audit.verify())


def test_a_flood_of_refusals_does_not_fill_the_log(store: IdentityStore) -> None:
    sender, viewer = principal(store, Role.INGEST), principal(store, Role.VIEWER)
    before = len(store.audit.entries("acme", limit=1000))
    for _ in range(200):
        for each in (sender, viewer):
            with pytest.raises(Forbidden):
                store.authorize(each, Scope.ADMIN_ORG)
    added = len(store.audit.entries("acme", limit=1000)) - before
    assert added == 1 + 20


def test_analysts_see_people_where_the_organization_says_so(store: IdentityStore) -> None:
    text, _ = store.keys.create("acme", Role.ANALYST, "")
    person = store.people.add(ISSUER, "Ann", subject="1")
    store.people.set_member("acme", person, Role.ANALYST, user_id="u_1")

    def seen() -> list[bool]:
        found = [store.authenticate(text), store.people.principal(person, "acme")]
        return [each is not None and each.may(Scope.PEOPLE_READ) for each in found]

    assert seen() == [False, False]
    store.organizations.configure("acme", Preferences(analysts_see_people=True))
    assert seen() == [True, True]
    assert not principal(store, Role.VIEWER).may(Scope.PEOPLE_READ)
    with pytest.raises(IdentityError, match="at least 1 day"):
        store.organizations.configure("acme", Preferences(raw_days=0))


def test_a_suspended_organization_may_nothing_until_it_is_resumed(store: IdentityStore) -> None:
    text, _ = store.keys.create("acme", Role.OWNER, "")
    store.organizations.suspend("acme")
    found = store.authenticate(text)
    assert found is not None
    assert (found.scopes, found.is_suspended) == (frozenset(), True)
    with pytest.raises(Forbidden, match="acme is suspended"):
        store.authorize(found, Scope.MARTS_READ)
    store.organizations.resume("acme")
    found = store.authenticate(text)
    assert found is not None
    store.authorize(found, Scope.ORG_DELETE)


def test_a_membership_is_what_the_store_says_now(store: IdentityStore) -> None:
    person = store.people.add(ISSUER, "Ann", email="ann@example.org")
    assert store.people.find(ISSUER, "s-1") is None
    invited = store.people.invited(ISSUER, "ANN@example.org")
    assert invited is not None
    store.people.bind(invited.person_id, "s-1")
    assert store.people.invited(ISSUER, "ann@example.org") is None
    with pytest.raises(Conflict, match="taken up already"):
        store.people.bind(person, "s-2")
    assert store.people.principal(person, "acme") is None
    store.people.set_member("acme", person, Role.VIEWER, "u_1")
    store.people.set_member("beta", person, Role.OWNER)
    found = store.people.principal(person, "acme")
    assert found is not None
    assert (found.role, found.user_id, found.kind.value) == (Role.VIEWER, "u_1", "person")
    assert {each.org_id for each in store.people.memberships(person)} == {"acme", "beta"}
    store.people.remove_member("acme", person)
    assert store.people.principal(person, "acme") is None
    store.people.disable(person)
    assert store.people.principal(person, "beta") is None
    with pytest.raises(NotFound):
        store.people.remove_member("acme", person)
    for role in MACHINES:
        with pytest.raises(IdentityError, match="a person's role is one of"):
            store.people.set_member("acme", person, role)
    with pytest.raises(Conflict):
        store.people.add(ISSUER, "Ann", subject="s-1")
    with pytest.raises(Conflict):
        store.people.add(ISSUER, "Ann", email="Ann@example.org")


def test_an_admin_touches_no_owner_and_the_refusal_is_recorded(store: IdentityStore) -> None:
    owner, other = (store.people.add(ISSUER, name, subject=name) for name in ("o", "x"))
    store.people.set_member("acme", owner, Role.OWNER)
    _, owners_key = store.keys.create("acme", Role.OWNER, "")
    admin = store.acting(principal(store, Role.ADMIN))
    admin.people.set_member("acme", other, Role.ADMIN)
    refused = (
        lambda: admin.people.set_member("acme", other, Role.OWNER),
        lambda: admin.people.set_member("acme", owner, Role.VIEWER),
        lambda: admin.people.remove_member("acme", owner),
        lambda: admin.keys.create("acme", Role.OWNER, ""),
        lambda: admin.keys.revoke("acme", owners_key.key_id),
        lambda: admin.keys.rotate("acme", owners_key.key_id),
    )
    for attempt in refused:
        with pytest.raises(Forbidden, match="only an owner"):
            attempt()
    entries = store.audit.entries("acme", limit=len(refused))
    assert {(entry.action, entry.outcome, entry.role) for entry in entries} == {
        ("access.denied", "denied", "admin")
    }
    assert entries[-1].target == f"member.set person/{other}"
    roles = {each.person.person_id: each.role for each in store.people.members("acme")}
    assert roles == {owner: Role.OWNER, other: Role.ADMIN}
    with pytest.raises(Conflict, match="last owner"):
        store.people.remove_member("acme", owner)
    with pytest.raises(Conflict, match="last owner"):
        store.people.set_member("acme", owner, Role.ADMIN)


def test_a_refusal_within_several_changes_undoes_them_and_is_recorded(
    store: IdentityStore,
) -> None:
    admin = store.acting(principal(store, Role.ADMIN))
    with pytest.raises(Forbidden), admin.together("acme") as within:
        within.directory.create_team("acme", "one", "One")
        within.keys.create("acme", Role.OWNER, "")
    assert store.directory.teams() == []
    assert [entry.action for entry in store.audit.entries("acme", limit=1)] == ["access.denied"]


def test_a_narrow_key_holds_less_and_makes_none_that_holds_more(store: IdentityStore) -> None:
    text, info = store.keys.create("acme", Role.ADMIN, "", scopes=["admin:keys"])
    assert info.scopes == {Scope.ADMIN_KEYS}
    found = store.authenticate(text)
    assert found is not None
    assert found.scopes == {Scope.ADMIN_KEYS}
    narrow = store.acting(found)
    narrow.keys.create("acme", Role.ADMIN, "", scopes=["admin:keys"])
    for role, scopes in ((Role.ADMIN, None), (Role.ADMIN, ["marts:read"]), (Role.INGEST, None)):
        with pytest.raises(Forbidden, match="makes none that may do more"):
            narrow.keys.create("acme", role, "", scopes=scopes)
    with pytest.raises(IdentityError, match="admin:keys is no scope of the role viewer"):
        store.keys.create("acme", Role.VIEWER, "", scopes=["admin:keys"])


def test_a_rotated_key_opens_with_two_secrets_and_later_with_one(store: IdentityStore) -> None:
    first, info = store.keys.create("acme", Role.INGEST, "")
    second, rotated = store.keys.rotate("acme", info.key_id)
    assert rotated.key_id == info.key_id
    assert rotated.previous_until is not None
    assert [store.authenticate(text) is not None for text in (first, second)] == [True, True]
    third, _ = store.keys.rotate("acme", info.key_id, timedelta(hours=1))
    opened = [store.authenticate(text) is not None for text in (first, second, third)]
    assert opened == [False, True, True]
    fourth, _ = store.keys.rotate("acme", info.key_id, timedelta(0))
    opened = [store.authenticate(text) is not None for text in (third, fourth)]
    assert opened == [False, True]
    with pytest.raises(NotFound):
        store.keys.rotate("beta", info.key_id)
    store.keys.revoke("acme", info.key_id)
    assert store.authenticate(fourth) is None
    with pytest.raises(Conflict, match="revoked or expired"):
        store.keys.rotate("acme", info.key_id)
    browser, info = store.keys.create("acme", Role.BROWSER, "", origins=["https://app.example"])
    again, _ = store.keys.rotate("acme", info.key_id)
    assert again.startswith("eco_pub_")
    assert store.authenticate(again) is not None
    parsed = KeyText.parse(browser)
    assert parsed is not None
    assert str(parsed) == browser


def test_when_a_key_was_used_is_known_to_the_minute(store: IdentityStore) -> None:
    text, info = store.keys.create("acme", Role.INGEST, "")
    _, unused = store.keys.create("acme", Role.INGEST, "")
    for _ in range(3):
        assert store.authenticate(text) is not None
    assert store.keys.get("acme", info.key_id).last_used_at is None
    for _ in range(2):
        store.note_key_uses()
        assert store.authenticate(text) is not None
    used = store.keys.get("acme", info.key_id).last_used_at
    assert used is not None
    assert (used.second, used.microsecond) == (0, 0)
    assert store.keys.get("acme", unused.key_id).last_used_at is None


def test_a_key_may_be_bound_to_networks(store: IdentityStore) -> None:
    text, info = store.keys.create(
        "acme", Role.INGEST, "", networks=["192.0.2.0/24", "2001:db8::/32"]
    )
    assert info.networks == ("192.0.2.0/24", "2001:db8::/32")
    found = store.authenticate(text)
    assert found is not None
    inside = ("192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1")
    assert [found.admits(address) for address in inside] == [True] * 3
    assert [found.admits(address) for address in ("198.51.100.1", "", "x")] == [False] * 3
    assert replace(found, networks=()).admits("198.51.100.1")
    for wrong in ("192.0.2.1/24", "everywhere", "192.0.2.0/99"):
        with pytest.raises(IdentityError, match="is not a network"):
            store.keys.create("acme", Role.INGEST, "", networks=[wrong])


def test_the_actor_is_who_it_is_done_for(store: IdentityStore) -> None:
    admin = principal(store, Role.ADMIN)
    _, info = store.acting(admin).keys.create("acme", Role.INGEST, "")
    assert info.created_by == f"key:{admin.subject_id}"
    assert store.audit.entries("acme", limit=1)[0].actor == f"key:{admin.subject_id}"
    assert Actor.command_line().name.startswith("cli:")
