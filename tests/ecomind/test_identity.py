"""Keys, organisations and the permission table."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta

import pytest

from ecomind.identity import IdentityError, Role, Scope, open_store
from ecomind.identity.keys import KeyText
from ecomind.identity.secrets_file import SecretUnusable, installation_secret
from ecomind.settings import Settings


def test_a_key_opens_its_own_organisation_only(settings: Settings) -> None:
    store = open_store(settings)
    for org_id in ("acme", "beta"):
        store.organizations.create(org_id, org_id.title())
    text, info = store.keys.create("acme", Role.INGEST, "gateway")
    principal = store.authenticate(text)
    assert principal is not None
    assert (principal.org_id, principal.subject_id) == ("acme", info.key_id)
    assert principal.may(Scope.INGEST_WRITE)
    assert not principal.may(Scope.MARTS_READ)


def test_revoked_expired_and_altered_keys_open_nothing(settings: Settings) -> None:
    store = open_store(settings)
    store.organizations.create("acme", "Acme")
    revoked, info = store.keys.create("acme", Role.ADMIN, "")
    store.keys.revoke(info.org_id, info.key_id)
    expired, _ = store.keys.create(
        "acme", Role.ADMIN, "", expires_at=datetime.now(UTC) - timedelta(seconds=1)
    )
    good, _ = store.keys.create("acme", Role.ADMIN, "")
    parsed = KeyText.parse(good)
    assert parsed is not None
    forged = str(KeyText(parsed.key_id, KeyText.new().secret))
    typed_wrong = good[:-1] + ("a" if good[-1] != "a" else "b")
    for text in (revoked, expired, forged, typed_wrong, str(KeyText.new()), "", "eco_live_"):
        assert store.authenticate(text) is None
    assert store.authenticate(good) is not None


EXTENSION = "chrome-extension://abcdefghijklmnopabcdefghijklmnop"


def test_a_key_of_a_browser_names_its_origins_and_is_told_by_its_text(settings: Settings) -> None:
    store = open_store(settings)
    store.organizations.create("acme", "Acme")
    text, info = store.keys.create("acme", Role.BROWSER, "", origins=[EXTENSION])
    assert text.startswith("eco_pub_")
    assert info.origins == (EXTENSION,)
    principal = store.authenticate(text)
    assert principal is not None
    assert (principal.origins, principal.events_per_min) == ({EXTENSION}, 60)
    assert principal.scopes == {Scope.INGEST_WRITE, Scope.TOTALS_READ}
    assert store.authenticate(text.replace("eco_pub_", "eco_live_")) is None
    ordinary, _ = store.keys.create("acme", Role.INGEST, "", events_per_min=7)
    assert store.authenticate(ordinary.replace("eco_live_", "eco_pub_")) is None
    principal = store.authenticate(ordinary)
    assert principal is not None
    assert (principal.origins, principal.events_per_min) == (None, 7)
    assert store.browser_origins() == {EXTENSION}
    store.keys.revoke(info.org_id, info.key_id)
    assert store.browser_origins() == frozenset()
    for origins in (["https://app.example"], ["https://app.example", EXTENSION]):
        page = store.authenticate(store.keys.create("acme", Role.BROWSER, "", origins=origins)[0])
        assert page is not None
        assert page.scopes == {Scope.INGEST_WRITE}, "anybody can read a page with its key"


@pytest.mark.parametrize(
    "origin", ["*", "null", "https://x.org/", "https://X.org", "x.org", "https://x.org y://z"]
)
def test_what_is_no_origin_is_refused(settings: Settings, origin: str) -> None:
    store = open_store(settings)
    store.organizations.create("acme", "Acme")
    with pytest.raises(IdentityError, match="is not an origin"):
        store.keys.create("acme", Role.BROWSER, "", origins=[origin])
    for role, origins in ((Role.BROWSER, []), (Role.INGEST, [EXTENSION])):
        with pytest.raises(IdentityError, match="names its origins"):
            store.keys.create("acme", role, "", origins=origins)


def test_secrets_are_nowhere_in_the_store(settings: Settings) -> None:
    store = open_store(settings)
    store.organizations.create("acme", "Acme")
    text, info = store.keys.create("acme", Role.ADMIN, "")
    key = KeyText.parse(text)
    assert key is not None
    stored = b"".join(path.read_bytes() for path in settings.home.rglob("control.db*"))
    assert info.key_id.encode() in stored
    assert key.secret.encode() not in stored
    assert key.secret not in repr(key)


def test_pseudonyms_are_keyed_per_organisation(settings: Settings) -> None:
    store = open_store(settings)
    for org_id in ("acme", "beta"):
        store.organizations.create(org_id, org_id)
    assert store.pseudonym("acme", "bob") == store.pseudonym("acme", "bob")
    assert store.pseudonym("acme", "bob") != store.pseudonym("beta", "bob")
    assert open_store(settings).pseudonym("acme", "bob") == store.pseudonym("acme", "bob")


@pytest.mark.parametrize("bad", ["", "Acme", "a b", "../x", "a" * 65, "ä"])
def test_bad_identifiers_are_refused(settings: Settings, bad: str) -> None:
    with pytest.raises(IdentityError):
        open_store(settings).organizations.create(bad, "x")


def test_mistakes_are_told_in_a_sentence(settings: Settings) -> None:
    store = open_store(settings)
    store.organizations.create("acme", "Acme")
    with pytest.raises(IdentityError, match="already exists"):
        store.organizations.create("acme", "Acme")
    with pytest.raises(IdentityError, match="no organisation nope"):
        store.keys.create("nope", Role.INGEST, "")
    with pytest.raises(IdentityError, match="no team nope"):
        store.directory.create_user("acme", "bob", "Bob", "nope")
    with pytest.raises(IdentityError, match="a rule watches one of"):
        store.rules.set_alert("acme", "r", "requests", 1)


def test_the_installation_secret_is_private_and_not_replaced(settings: Settings) -> None:
    secret = installation_secret(settings.secrets_dir, "key-pepper")
    path = settings.secrets_dir / "key-pepper"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert installation_secret(settings.secrets_dir, "key-pepper") == secret
    path.write_bytes(b"short")
    with pytest.raises(SecretUnusable, match="restore it from a backup"):
        installation_secret(settings.secrets_dir, "key-pepper")
