"""People at the platform: their organisation, their role, and how lately they signed in."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt
from joserfc.jwk import OKPKey

from ecomind.identity import Role
from ecomind.identity.local_identity import LOCAL_ISSUER
from tests.platform_api.running import OTHERS, OURS, Platform

ORGANIZATION = "EcoMind-Organization"


@pytest.fixture
def person(platform: Platform) -> Iterator[str]:
    """An admin of one organisation, who is removed again."""
    store = platform.store
    person_id = store.people.add(LOCAL_ISSUER, "Ada", subject=f"ada-{secrets.token_hex(4)}")
    store.people.set_member(OURS, person_id, Role.ADMIN)
    yield person_id
    for member in store.people.memberships(person_id):
        store.people.remove_member(member.org_id, person_id)


def session_of(platform: Platform, person_id: str) -> str:
    return platform.store.sessions.redeem(platform.store.sign_in_codes.create(person_id).text).token


def aged(platform: Platform, token: str, seconds: int) -> str:
    """The same session as if the person had signed in that long ago."""
    key = OKPKey.import_key(_private(platform))
    key.ensure_kid()
    claims = jwt.decode(token, key, ["Ed25519"]).claims
    claims |= {"auth_time": int(time.time()) - seconds}
    return jwt.encode({"alg": "Ed25519", "kid": key.kid}, claims, key, ["Ed25519"])


def _private(platform: Platform) -> Ed25519PrivateKey:
    seed = (platform.home / "secrets" / "session-key").read_bytes()
    return Ed25519PrivateKey.from_private_bytes(seed)


def get(platform: Platform, path: str, token: str, **headers: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"} | headers
    return httpx.get(f"{platform.url}{path}", headers=headers)


def test_a_person_reads_and_administers_where_they_are_a_member(
    platform: Platform, person: str
) -> None:
    store, token = platform.store, session_of(platform, person)
    assert get(platform, "/v1/today", token).status_code == 200
    assert get(platform, "/v1/keys", token).status_code == 200
    elsewhere = get(platform, "/v1/today", token, **{ORGANIZATION: OTHERS})
    assert elsewhere.status_code == 403
    assert OTHERS not in elsewhere.text
    store.people.set_member(OURS, person, Role.VIEWER)
    assert get(platform, "/v1/keys", token).status_code == 403
    store.people.set_member(OTHERS, person, Role.BILLING)
    unnamed = get(platform, "/v1/today", token)
    assert (unnamed.status_code, "name one of" in unnamed.text) == (403, True)
    ours = get(platform, "/v1/aggregate/daily?group_by=team", token, **{ORGANIZATION: OURS})
    theirs = get(platform, "/v1/aggregate/daily?group_by=team", token, **{ORGANIZATION: OTHERS})
    assert (ours.status_code, theirs.status_code) == (200, 403)
    assert OTHERS not in ours.text
    store.people.disable(person)
    ended = get(platform, "/v1/today", token, **{ORGANIZATION: OURS})
    assert (ended.status_code, token in ended.text) == (401, False)
    store.people.enable(person)


def test_keys_are_made_after_a_fresh_sign_in_only(platform: Platform, person: str) -> None:
    fresh = session_of(platform, person)
    old = aged(platform, fresh, 700)
    assert get(platform, "/v1/keys", old).status_code == 200
    body = {"role": "viewer", "name": "wall"}

    def make(token: str) -> httpx.Response:
        headers = {"authorization": f"Bearer {token}"}
        return httpx.post(f"{platform.url}/v1/keys", json=body, headers=headers)

    refused = make(old)
    assert refused.status_code == 401
    assert refused.json()["type"].endswith("sign-in-too-old")
    assert 'error="insufficient_user_authentication"' in refused.headers["www-authenticate"]
    assert make(aged(platform, fresh, 500)).status_code == 201
    made = make(fresh)
    assert made.status_code == 201
    address = f"{platform.url}/v1/keys/{made.json()['key_id']}"
    # Ending a key never waits for anyone to sign in again.
    revoked = httpx.delete(address, headers={"authorization": f"Bearer {old}"})
    assert revoked.status_code == 204
    entry = next(e for e in platform.store.audit.entries(OURS) if e.target == "key.create")
    assert (entry.actor, entry.outcome) == (f"person:{person}", "denied")
