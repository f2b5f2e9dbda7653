"""People sign in: with an identity provider's tokens, and with the installation's own."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ecomind.identity import (
    INSTALLATION,
    Forbidden,
    IdentityError,
    IdentityStore,
    Role,
    Scope,
    Subject,
    open_store,
)
from ecomind.identity.credentials import NotAuthenticated, OtherOrganization, principal_of
from ecomind.identity.errors import IssuerUnavailable, SignInTooOld, TokenRefused
from ecomind.identity.issuers import RemoteKeys
from ecomind.identity.local_identity import LOCAL_ISSUER, LocalIssuer
from ecomind.identity.tokens import LEEWAY_S, TOKEN_MAX_CHARACTERS, Expected, verify
from ecomind.settings import Settings, get_settings
from tests.support import identity_provider
from tests.support.identity_provider import CLIENT_ID, Provider, new_key

PEOPLE = {
    "ada": {"email": "ada@example.org", "email_verified": True},
    "eve": {"email": "ada@example.org", "email_verified": False},
}
REDIRECT = "http://127.0.0.1:9/oauth2callback"


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with identity_provider.running("RS256", REDIRECT, PEOPLE) as started:
        yield started


@pytest.fixture
def store(
    settings: Settings, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> Iterator[IdentityStore]:
    """Two organisations; ada, whom the provider knows, is an analyst of one."""
    monkeypatch.setenv("ECOMIND_OIDC_ISSUER", provider.issuer)
    monkeypatch.setenv("ECOMIND_OIDC_CLIENT_ID", CLIENT_ID)
    get_settings.cache_clear()
    opened = open_store(get_settings())
    opened.organizations.create("acme", "Acme")
    opened.organizations.create("bell", "Bell")
    ada = opened.people.add(provider.issuer, "Ada", subject="ada")
    opened.people.set_member("acme", ada, Role.ANALYST)
    yield opened
    opened.close()


def ada_of(store: IdentityStore, provider: Provider) -> str:
    found = store.people.find(provider.issuer, "ada")
    assert found is not None
    return found.person_id


def refusal(store: IdentityStore, token: str) -> str:
    with pytest.raises(NotAuthenticated) as caught:
        principal_of(store, f"Bearer {token}")
    assert token not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
def test_other_signatures_of_a_real_provider(algorithm: str) -> None:
    with identity_provider.running(algorithm, REDIRECT, PEOPLE) as other:
        expected = Expected(other.issuer, CLIENT_ID, RemoteKeys(other.issuer), CLIENT_ID)
        claims = verify(other.id_token("ada"), expected)
    assert (claims.subject, claims.verified_email) == ("ada", "ada@example.org")
    assert abs(claims.signed_in_at - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_provider_s_token_opens_what_the_membership_allows(
    store: IdentityStore, provider: Provider
) -> None:
    token = provider.id_token("ada")
    principal = principal_of(store, f"Bearer {token}")
    assert (principal.org_id, principal.role, principal.kind) == (
        "acme", Role.ANALYST, Subject.PERSON,
    )  # fmt: skip
    assert not principal.may(Scope.PEOPLE_READ)
    store.people.set_member("acme", principal.subject_id, Role.VIEWER)
    assert principal_of(store, f"Bearer {token}").role is Role.VIEWER
    store.people.remove_member("acme", principal.subject_id)
    with pytest.raises(OtherOrganization, match="not a member of any"):
        principal_of(store, f"Bearer {token}")


def test_claims_give_no_organisation_and_no_role(store: IdentityStore, provider: Provider) -> None:
    claims = provider.claims(org_id="bell", role="owner", roles=["owner"], groups=["admin"])
    principal = principal_of(store, f"Bearer {provider.sign(claims)}")
    assert (principal.org_id, principal.role) == ("acme", Role.ANALYST)
    with pytest.raises(OtherOrganization):
        principal_of(store, f"Bearer {provider.sign(claims)}", "bell")


def test_who_is_in_several_organisations_names_one(
    store: IdentityStore, provider: Provider
) -> None:
    store.people.set_member("bell", ada_of(store, provider), Role.OWNER)
    token = provider.sign(provider.claims())
    with pytest.raises(OtherOrganization, match="name one of acme, bell"):
        principal_of(store, f"Bearer {token}")
    assert principal_of(store, f"Bearer {token}", "bell").role is Role.OWNER
    assert principal_of(store, f"Bearer {token}", "acme").role is Role.ANALYST
    store.organizations.suspend("acme")
    assert principal_of(store, f"Bearer {token}", "acme").scopes == frozenset()
    store.organizations.delete("acme")
    assert principal_of(store, f"Bearer {token}").org_id == "bell"


def test_a_token_that_says_the_wrong_thing_is_refused(
    store: IdentityStore, provider: Provider
) -> None:
    now = int(time.time())
    wrong: list[tuple[dict[str, object], str]] = [
        ({"exp": now - LEEWAY_S - 5}, "expired"),
        ({"exp": None}, "exp"),
        ({"exp": float("inf")}, "not valid"),
        ({"exp": "tomorrow"}, "not valid"),
        ({"exp": True}, "not valid"),
        ({"exp": 10**300}, "not a time"),
        ({"nbf": now + LEEWAY_S + 60}, "not valid"),
        ({"iat": now + LEEWAY_S + 60}, "not valid"),
        ({"iat": None}, "iat"),
        ({"aud": "another-application"}, "not valid"),
        ({"aud": None}, "aud"),
        ({"aud": ["another", "application"]}, "not valid"),
        ({"aud": {"sub": CLIENT_ID}}, "not valid"),
        ({"aud": [CLIENT_ID, "another"]}, "several audiences"),
        ({"aud": [CLIENT_ID, "another"], "azp": "another"}, "another application"),
        ({"azp": "another"}, "another application"),
        ({"client_id": "another"}, "another application"),
        ({"sub": None}, "sub"),
        ({"sub": ["ada"]}, "not valid"),
        ({"sub": "nobody"}, "invite"),
        ({"auth_time": "now"}, "not a time"),
    ]
    for changed, said in wrong:
        assert said in refusal(store, provider.sign(provider.claims(**changed))), changed


def test_what_clocks_and_lists_may_differ_in_is_accepted(
    store: IdentityStore, provider: Provider
) -> None:
    for late_s in (-LEEWAY_S // 2, LEEWAY_S // 2):
        now = int(time.time())
        changed = {"exp": now + late_s} if late_s < 0 else {"nbf": now + late_s}
        token = provider.sign(provider.claims(**changed))
        assert principal_of(store, f"Bearer {token}").org_id == "acme"
    for audience in ([CLIENT_ID], [CLIENT_ID, "another"]):
        token = provider.sign(provider.claims(aud=audience, azp=CLIENT_ID))
        assert principal_of(store, f"Bearer {token}").org_id == "acme"


def test_a_signature_that_is_not_the_provider_s_is_refused(
    store: IdentityStore, provider: Provider
) -> None:
    claims = provider.claims()
    good = provider.sign(claims)
    head, body, signature = good.split(".")
    public = provider.key.as_pem(private=False)
    as_hs256 = f"{_part({'alg': 'HS256', 'kid': provider.key.kid})}.{body}"
    mac = hmac.new(public, as_hs256.encode(), hashlib.sha256).digest()
    forged = {
        "none": f"{_part({'alg': 'none'})}.{body}.",
        "NONE": f"{_part({'alg': 'NONE', 'kid': provider.key.kid})}.{body}.{signature}",
        "hs256 with the public key": f"{as_hs256}.{_bytes(mac)}",
        "another key": provider.sign(claims, new_key("RS256")),
        "unknown kid": provider.sign(claims, kid="unknown"),
        "other body": f"{head}.{_part(provider.claims('eve'))}.{signature}",
        "no signature": f"{head}.{body}.",
        "garbage": "a.b.c",
        "dots": "..",
        "long": f"{head}.{body}.{'A' * TOKEN_MAX_CHARACTERS}",
        "array": f"{head}.{_part([1])}.{signature}",
        "deep": f"{head}.{_encoded('[' * 4000)}.{signature}",
    }
    for what, token in forged.items():
        assert refusal(store, token), what
    with pytest.raises(NotAuthenticated):
        principal_of(store, f"Bearer {good}x")
    for token in (good, provider.sign(claims, x5t="abc", nonce="from another product")):
        assert principal_of(store, f"Bearer {token}").org_id == "acme"


def test_other_issuers_are_refused(store: IdentityStore, provider: Provider) -> None:
    said = refusal(store, provider.sign(provider.claims(iss="https://id.example.org")))
    assert "not trusted" in said
    # Signed by the provider, but in the name of the installation itself.
    as_local = provider.sign(provider.claims(iss=LOCAL_ISSUER, aud="ecomind"))
    assert "not use" in refusal(store, as_local)
    stranger = LocalIssuer(b"x" * 32)
    assert "not use" in refusal(store, stranger.session("ada").token)


def test_rotated_keys_are_fetched_and_withdrawn_ones_refused(provider: Provider) -> None:
    keys = RemoteKeys(provider.issuer, refetch_after_s=0)
    expected = Expected(provider.issuer, CLIENT_ID, keys, CLIENT_ID)
    before = provider.sign(provider.claims())
    assert verify(before, expected).subject == "ada"
    provider.rotate()
    assert verify(provider.id_token("ada"), expected).subject == "ada"
    with pytest.raises(TokenRefused, match="does not list"):
        verify(before, expected)


def test_unknown_keys_do_not_make_the_provider_be_asked_again_and_again(
    provider: Provider,
) -> None:
    keys = RemoteKeys(provider.issuer, refetch_after_s=3600)
    expected = Expected(provider.issuer, CLIENT_ID, keys, CLIENT_ID)
    assert verify(provider.sign(provider.claims()), expected).subject == "ada"
    provider.rotate()
    for _ in range(3):
        with pytest.raises(TokenRefused, match="does not list"):
            verify(provider.sign(provider.claims()), expected)


def test_a_provider_that_is_down_is_no_refusal_and_ends_no_session(provider: Provider) -> None:
    keys = RemoteKeys(provider.issuer, refetch_after_s=0)
    expected = Expected(provider.issuer, CLIENT_ID, keys, CLIENT_ID)
    token = provider.sign(provider.claims())
    provider.stop()
    with pytest.raises(IssuerUnavailable, match="cannot be reached"):
        verify(token, expected)
    provider.start()
    assert verify(token, expected).subject == "ada"
    provider.stop()
    assert verify(token, expected).subject == "ada"
    provider.start()


def test_an_issuer_is_who_it_says_it_is(provider: Provider) -> None:
    with pytest.raises(IssuerUnavailable, match="another name"):
        RemoteKeys(provider.issuer.replace("127.0.0.1", "localhost")).find("any")
    with pytest.raises(IssuerUnavailable, match="404"):
        RemoteKeys(f"{provider.issuer}/elsewhere").find("any")


def test_disabling_and_signing_out_hold_from_the_next_request(
    store: IdentityStore, provider: Provider
) -> None:
    token, ada = provider.sign(provider.claims(iat=int(time.time()) - 10)), ada_of(store, provider)
    assert principal_of(store, f"Bearer {token}").subject_id == ada
    store.people.disable(ada)
    assert "disabled" in refusal(store, token)
    store.people.enable(ada)
    assert principal_of(store, f"Bearer {token}").subject_id == ada
    store.people.sign_out(ada)
    assert "signed out" in refusal(store, token)
    later = provider.sign(provider.claims(iat=int(time.time()) + 2))
    assert principal_of(store, f"Bearer {later}").subject_id == ada


def test_an_invitation_is_taken_up_by_a_verified_address_once(
    store: IdentityStore, provider: Provider
) -> None:
    invited = store.people.add(provider.issuer, "Ada too", email="Guest@example.org")
    store.people.set_member("bell", invited, Role.VIEWER)
    said = {"email": "guest@example.org"}
    for unverified in ({}, {"email_verified": False}, {"email_verified": "true"}):
        token = provider.sign(provider.claims("guest", **said, **unverified))
        assert "invite" in refusal(store, token)
    token = provider.sign(provider.claims("guest", **said, email_verified=True))
    assert principal_of(store, f"Bearer {token}").subject_id == invited
    thief = provider.sign(provider.claims("thief", **said, email_verified=True))
    assert "invite" in refusal(store, thief)
    assert store.audit.entries(INSTALLATION)[0].actor == f"person:{invited}"
    assert store.audit.entries(INSTALLATION)[0].action == "person.bind"


def test_an_audience_of_its_own_shuts_out_the_dashboard_s_tokens(
    store: IdentityStore, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECOMIND_OIDC_AUDIENCE", "https://ecomind.example.org/api")
    get_settings.cache_clear()
    strict = open_store(get_settings())
    id_token = provider.id_token("ada")
    assert "aud" in refusal(strict, id_token)
    assert strict.sessions.sign_in_with_id_token(id_token).subject == "ada"
    for_api = provider.sign(provider.claims(aud="https://ecomind.example.org/api", azp=CLIENT_ID))
    assert principal_of(strict, f"Bearer {for_api}").org_id == "acme"
    with pytest.raises(TokenRefused):
        strict.sessions.sign_in_with_id_token(for_api)
    strict.close()


def test_a_dashboard_sign_in_outlives_its_id_token_by_hours_not_days(
    store: IdentityStore, provider: Provider
) -> None:
    now = int(time.time())
    morning = provider.sign(provider.claims(iat=now - 11 * 3600, exp=now - 10 * 3600))
    assert "expired" in refusal(store, morning)
    sign_in = store.sessions.sign_in_with_id_token(morning)
    assert store.sessions.principal_in(sign_in).org_id == "acme"
    assert timedelta(0) < sign_in.ends_at - datetime.now(UTC) < timedelta(hours=1, minutes=1)
    yesterday = provider.sign(provider.claims(iat=now - 13 * 3600, exp=now + 3600))
    with pytest.raises(TokenRefused, match="expired"):
        store.sessions.sign_in_with_id_token(yesterday)


def test_a_code_opens_one_session_once(either: Settings) -> None:
    store = open_store(either)
    store.organizations.create("acme", "Acme")
    owner = store.people.add(LOCAL_ISSUER, "Owner", subject="owner")
    store.people.set_member("acme", owner, Role.OWNER)
    first = store.sign_in_codes.create(owner)
    code = store.sign_in_codes.create(owner)
    with pytest.raises(TokenRefused, match="unknown, was used"):
        store.sessions.redeem(first.text)
    session = store.sessions.redeem(f" {code.text.lower()} ")
    assert timedelta(hours=11) < session.expires_at - datetime.now(UTC) <= timedelta(hours=12)
    principal = principal_of(store, f"Bearer {session.token}")
    assert (principal.role, principal.subject_id) == (Role.OWNER, owner)
    for text in (code.text, "", "AAAAA-" * 5, session.token):
        with pytest.raises(TokenRefused):
            store.sessions.redeem(text)
    entries = [(e.action, e.actor) for e in store.audit.entries(INSTALLATION)]
    assert entries[0] == ("session.begin", f"person:{owner}")
    late = store.sign_in_codes.create(owner, timedelta(seconds=-1))
    with pytest.raises(TokenRefused):
        store.sessions.redeem(late.text)
    store.people.disable(owner)
    with pytest.raises(IdentityError, match="disabled"):
        store.sign_in_codes.create(owner)
    with pytest.raises(NotAuthenticated, match="disabled"):
        principal_of(store, f"Bearer {session.token}")
    store.close()


def test_no_code_and_no_session_is_stored(settings: Settings) -> None:
    store = open_store(settings)
    owner = store.people.add(LOCAL_ISSUER, "Owner", subject="owner")
    unused = store.sign_in_codes.create(owner)
    session_ = store.sessions.redeem(unused.text)
    waiting = store.sign_in_codes.create(owner)
    store.close()
    secrets = [code.text.replace("-", "").encode() for code in (unused, waiting)]
    secrets += [code.text.encode() for code in (unused, waiting)] + [session_.token.encode()]
    for file in settings.home.rglob("*"):
        if file.is_file():
            assert not [secret for secret in secrets if secret in file.read_bytes()], file
    key = settings.secrets_dir / "session-key"
    assert (key.stat().st_mode & 0o777, len(key.read_bytes())) == (0o600, 32)


def test_what_cannot_be_undone_takes_a_fresh_sign_in(
    store: IdentityStore, provider: Provider
) -> None:
    now = int(time.time())
    fresh = principal_of(store, f"Bearer {provider.sign(provider.claims(auth_time=now - 60))}")
    store.require_fresh(fresh, "key.create")
    old = principal_of(store, f"Bearer {provider.sign(provider.claims(auth_time=now - 700))}")
    with pytest.raises(SignInTooOld, match="last 10 minutes") as caught:
        store.require_fresh(old, "key.create")
    assert isinstance(caught.value, Forbidden)
    denied = store.audit.entries("acme")[0]
    assert (denied.action, denied.target, denied.outcome) == (
        "access.denied", "key.create", "denied",
    )  # fmt: skip
    with pytest.raises(SignInTooOld):
        store.require_fresh(replace(fresh, signed_in_at=None), "key.create")
    text, _info = store.keys.create("acme", Role.ADMIN, "key")
    store.require_fresh(principal_of(store, f"Bearer {text}"), "key.create")


def test_only_safe_issuers_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for issuer in ("http://id.example.org", "https://u:p@id.example.org", "id", "ftp://127.0.0.1"):
        monkeypatch.setenv("ECOMIND_OIDC_ISSUER", issuer)
        with pytest.raises(ValueError, match="https"):
            Settings()
    monkeypatch.setenv("ECOMIND_OIDC_ISSUER", "https://id.example.org")
    with pytest.raises(ValueError, match="oidc_client_id"):
        Settings()


def _part(value: object) -> str:
    return _encoded(json.dumps(value))


def _encoded(text: str) -> str:
    return _bytes(text.encode())


def _bytes(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
