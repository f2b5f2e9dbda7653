"""Every address for every role and kind of credential, against the declared table.

A test walks all addresses and tells every one that does not do what the table says.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from ecomind.identity import Role
from ecomind.identity.permissions import MEMBERS
from ecomind.warehouse.held import Snapshots
from platform_api.app import api
from platform_api.service import Service
from tests.platform_api.access_table import TABLE, Row
from tests.platform_api.running import OTHERS, OURS, Platform

PREFIX = "urn:ecomind:problem:"
ORGANIZATION = "EcoMind-Organization"
Told = tuple[int, str]
"""An answer's status, and the name of its problem if it is one."""
GUARDED = {key: row for key, row in TABLE.items() if row.roles is not None}
NO_JSON = b'{"name": '
SCOPE, CREDENTIAL = (403, "insufficient-scope"), (401, "invalid-credential")
TENANT, PLACE = (403, "tenant-mismatch"), (403, "address-not-allowed")


def use(
    platform: Platform, method: str, row: Row, credential: str | None, org_id: str, **headers: str
) -> httpx.Response:
    """Use an address as its row says, on something made for the purpose."""
    return _send(platform, method, row.address(platform, org_id), credential, headers,
                 json=None if row.body is None else row.body(platform, org_id))  # fmt: skip


class Untouched:
    """Things of an organisation that are asked for by those who get nothing: made once."""

    def __init__(self, platform: Platform, org_id: str) -> None:
        self._platform, self._org_id = platform, org_id
        self._made: dict[tuple[str, str], tuple[str, Any]] = {}

    def ask(
        self,
        key: tuple[str, str],
        credential: str | None,
        body: bytes | None = None,
        **headers: str,
    ) -> Told:
        if key not in self._made:
            row, platform, org_id = TABLE[key], self._platform, self._org_id
            content = None if row.body is None else row.body(platform, org_id)
            self._made[key] = (row.address(platform, org_id), content)
        address, content = self._made[key]
        if body is not None:
            headers |= {"content-type": "application/json"}
            sent = _send(self._platform, key[0], address, credential, headers, content=body)
        else:
            sent = _send(self._platform, key[0], address, credential, headers, json=content)
        return told(sent)


def _send(
    platform: Platform,
    method: str,
    address: str,
    credential: str | None,
    headers: dict[str, str],
    **body: Any,
) -> httpx.Response:
    if credential is not None:
        headers = headers | {"authorization": f"Bearer {credential}"}
    return platform.client.request(method, address, headers=headers, **body)


def told(answer: httpx.Response) -> Told:
    if answer.status_code < 400:
        return answer.status_code, ""
    assert answer.headers["content-type"] == "application/problem+json"
    if answer.status_code == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")
    return answer.status_code, answer.json()["type"].removeprefix(PREFIX)


@pytest.fixture(scope="module")
def ours(platform: Platform) -> Untouched:
    return Untouched(platform, OURS)


def test_every_address_has_a_row_and_every_row_an_address(platform: Platform) -> None:
    routes = api(Service(platform.settings, platform.store, Snapshots(platform.settings))).routes
    found = {
        (method, each.route.path)
        for each in iter_route_contexts(routes)
        if isinstance(each.route, APIRoute)
        for method in each.route.methods
    }
    assert found == {(method, path.partition("?")[0]) for method, path in TABLE}
    document = platform.client.get("/openapi.json").json()["paths"]
    assert found == {(method.upper(), path) for path, each in document.items() for method in each}


@pytest.mark.parametrize("role", Role)
def test_a_key_gets_what_the_table_says(platform: Platform, ours: Untouched, role: Role) -> None:
    wrong = {}
    for key, row in TABLE.items():
        if row.roles is not None and role not in row.roles:
            found, expected = ours.ask(key, platform.key(role)), SCOPE
        else:
            org_id = platform.new_organization() if row.is_final else OURS
            answer = use(platform, key[0], row, platform.key(role, org_id), org_id)
            found, expected = told(answer), (row.success, "")
        if found != expected:
            wrong[key] = found
    assert wrong == {}


@pytest.mark.parametrize("role", MEMBERS)
def test_a_person_gets_what_the_table_says(platform: Platform, ours: Untouched, role: Role) -> None:
    """Signed in a moment ago, and a member of each organisation that is asked."""
    person = platform.person(role)
    token, wrong = platform.session(person), {}
    for key, row in GUARDED.items():
        if role not in (row.roles or ()):
            found, expected = ours.ask(key, token, **{ORGANIZATION: OURS}), SCOPE
        else:
            org_id = OURS
            if row.is_final:
                org_id = platform.new_organization()
                platform.store.people.set_member(org_id, person, role)
            answer = use(platform, key[0], row, token, org_id, **{ORGANIZATION: org_id})
            found, expected = told(answer), (row.success, "")
        if found != expected:
            wrong[key] = found
    assert wrong == {}
    elsewhere = {key: ours.ask(key, token, **{ORGANIZATION: OTHERS}) for key in GUARDED}
    assert elsewhere == dict.fromkeys(GUARDED, TENANT)


def test_what_harms_when_a_session_is_stolen_takes_a_fresh_sign_in(platform: Platform) -> None:
    """Keys are not asked: nobody could answer (`test_a_key_gets_what_the_table_says`)."""
    person = platform.person(Role.OWNER)
    old, wrong = platform.aged(platform.session(person), 700), {}
    for key, row in GUARDED.items():
        if Role.OWNER in (row.roles or ()):
            answer = use(platform, key[0], row, old, OURS)
            is_refused = row.takes_fresh_sign_in
            expected = (401, "sign-in-too-old") if is_refused else (row.success, "")
            if told(answer) != expected:
                wrong[key] = told(answer)
    assert wrong == {}


@pytest.mark.parametrize("role", Role)
def test_another_organisation_is_out_of_reach(
    platform: Platform, ours: Untouched, role: Role
) -> None:
    theirs = platform.key(role, OTHERS)
    named = {key: ours.ask(key, theirs, **{ORGANIZATION: OURS}) for key in GUARDED}
    assert named == dict.fromkeys(GUARDED, TENANT)
    objects = {key: row for key, row in GUARDED.items() if row.names_an_object}
    found = {key: ours.ask(key, theirs) for key in objects}
    assert found == {
        key: (404, "not-found") if role in (row.roles or ()) else SCOPE
        for key, row in objects.items()
    }


def bad_credentials(platform: Platform) -> Iterator[str | None]:
    good = platform.key(Role.OWNER)
    yield from (None, "eco_live_", good[:-1], good.swapcase())
    text, info = platform.store.keys.create(OURS, Role.OWNER, "revoked")
    platform.store.keys.revoke(info.org_id, info.key_id)
    yield text
    past = datetime.now(UTC) - timedelta(seconds=1)
    yield platform.store.keys.create(OURS, Role.OWNER, "expired", past)[0]


def test_without_a_valid_credential_nothing(platform: Platform, ours: Untouched) -> None:
    for credential in bad_credentials(platform):
        found = {key: ours.ask(key, credential) for key in GUARDED}
        assert found == dict.fromkeys(GUARDED, CREDENTIAL)


def test_a_body_is_not_read_before_its_sender_may_send_it(
    platform: Platform, ours: Untouched
) -> None:
    takes_body = [key for key, row in GUARDED.items() if row.body is not None]
    allowed = platform.key(Role.OWNER)
    viewer = platform.key(Role.VIEWER)
    for headers, credential, expected in (
        ({}, None, CREDENTIAL),
        ({}, viewer, SCOPE),
        ({ORGANIZATION: OTHERS}, allowed, TENANT),
        ({}, allowed, (400, "malformed-body")),
    ):
        found = {key: ours.ask(key, credential, NO_JSON, **headers) for key in takes_body}
        assert found == dict.fromkeys(takes_body, expected)


def test_a_key_narrower_than_its_role_has_no_more_than_it_names(
    platform: Platform, ours: Untouched
) -> None:
    narrow, _ = platform.store.keys.create(OURS, Role.OWNER, "narrow", scopes=["billing:read"])
    assert {key: ours.ask(key, narrow) for key in GUARDED} == dict.fromkeys(GUARDED, SCOPE)


def test_a_suspended_organisation_and_a_key_from_elsewhere_get_nothing(platform: Platform) -> None:
    org_id = platform.new_organization()
    made = Untouched(platform, org_id)
    elsewhere, _ = platform.store.keys.create(org_id, Role.OWNER, "net", networks=["192.0.2.0/24"])
    assert {key: made.ask(key, elsewhere) for key in GUARDED} == dict.fromkeys(GUARDED, PLACE)
    platform.store.organizations.suspend(org_id)
    owner = platform.key(Role.OWNER, org_id)
    assert {key: made.ask(key, owner) for key in GUARDED} == dict.fromkeys(GUARDED, SCOPE)
