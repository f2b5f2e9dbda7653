"""`ecomind person`: people from the command line, and the owner of a first start."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

from ecomind.cli import main
from ecomind.identity import Role, open_store
from ecomind.identity.credentials import NotAuthenticated, principal_of
from ecomind.identity.first_owner import ensure_owner
from ecomind.settings import Settings, get_settings


def run(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(main, list(arguments))


def said(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.output


def refused(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.output
    return result.output


def test_a_person_comes_in_changes_and_goes(settings: Settings) -> None:
    said("org", "create", "acme", "--name", "Acme")
    code = said("person", "add", "ada", "--org", "acme", "--role", "viewer").split()[-1]
    store = open_store(settings)
    token = f"Bearer {store.sessions.redeem(code).token}"
    assert principal_of(store, token).role is Role.VIEWER
    said("person", "set-role", "ada", "--org", "acme", "--role", "admin", "--user", "ada@acme.com")
    principal = principal_of(store, token)
    assert (principal.role, principal.user_id) == (
        Role.ADMIN, store.pseudonym("acme", "ada@acme.com"),
    )  # fmt: skip
    assert "acme (admin)" in said("person", "list", "--org", "acme")
    for command, why in (("disable", "disabled"), ("sign-out", "signed out")):
        said("person", command, "ada")
        with pytest.raises(NotAuthenticated, match=why):
            principal_of(store, token)
        said("person", "enable", "ada")
    said("person", "remove", "ada", "--org", "acme")
    assert "ada" not in said("person", "list", "--org", "acme")
    assert "exists already" in refused("person", "add", "ada", "--org", "acme", "--role", "viewer")
    assert "there is no person" in refused("person", "sign-in-code", "nobody")
    assert "last owner" in refused("person", "remove", "owner", "--org", "acme")
    store.close()


def test_people_of_a_provider_take_a_provider(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    said("org", "create", "acme", "--name", "Acme")
    invite = ("person", "invite", "ada@example.org", "--org", "acme", "--role", "viewer")
    assert "ECOMIND_OIDC_ISSUER" in refused(*invite)
    monkeypatch.setenv("ECOMIND_OIDC_ISSUER", "https://id.example.org")
    monkeypatch.setenv("ECOMIND_OIDC_CLIENT_ID", "ecomind")
    get_settings.cache_clear()
    assert said(*invite).endswith("http://127.0.0.1:8501\n")
    assert "person already" in refused(*invite)
    assert "not a code" in refused("person", "sign-in-code", "ada@example.org")
    subject = ("person", "add", "00u1", "--subject", "--org", "acme", "--role", "billing")
    said(*subject)
    assert "https://id.example.org" in said("person", "list")


def test_a_refused_addition_leaves_nobody_behind(settings: Settings) -> None:
    assert "no organisation" in refused("person", "add", "ada", "--org", "x", "--role", "viewer")
    store = open_store(settings)
    assert store.people.listed() == []
    store.close()


def test_the_first_owner_owns_what_nobody_else_does(settings: Settings) -> None:
    store = open_store(settings)
    store.organizations.create("acme", "Acme")
    owner, is_new = ensure_owner(store)
    assert is_new
    store.organizations.create("bell", "Bell")
    boss = store.people.add("https://id.example.org", "Boss", subject="boss")
    store.people.set_member("bell", boss, Role.OWNER)
    assert ensure_owner(store) == (owner, False)
    owned = [each.org_id for each in store.people.memberships(owner.person_id)]
    assert owned == ["acme"]
    store.close()
