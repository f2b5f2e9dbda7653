"""People at the platform: their organisation, their role, and how lately they signed in."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import httpx
import pytest

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


def get(platform: Platform, path: str, token: str, **headers: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"} | headers
    return httpx.get(f"{platform.url}{path}", headers=headers)


def test_a_person_reads_and_administers_where_they_are_a_member(
    platform: Platform, person: str
) -> None:
    store, token = platform.store, platform.session(person)
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
    fresh = platform.session(person)
    old = platform.aged(fresh, 700)
    assert get(platform, "/v1/keys", old).status_code == 200
    body = {"role": "viewer", "name": "wall"}

    def make(token: str) -> httpx.Response:
        headers = {"authorization": f"Bearer {token}"}
        return httpx.post(f"{platform.url}/v1/keys", json=body, headers=headers)

    refused = make(old)
    assert refused.status_code == 401
    assert refused.json()["type"].endswith("sign-in-too-old")
    assert 'error="insufficient_user_authentication"' in refused.headers["www-authenticate"]
    assert make(platform.aged(fresh, 500)).status_code == 201
    assert make(fresh).status_code == 201
    entry = next(e for e in platform.store.audit.entries(OURS) if e.target == "key.create")
    assert (entry.actor, entry.outcome) == (f"person:{person}", "denied")
