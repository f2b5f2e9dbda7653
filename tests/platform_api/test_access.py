"""Every address for every role and kind of credential, against the declared table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from ecomind.identity import Role
from ecomind.warehouse.held import Snapshots
from platform_api.app import api
from platform_api.service import Service
from tests.platform_api.access_table import TABLE, Row
from tests.platform_api.running import OTHERS, OURS, Platform

PREFIX = "urn:ecomind:problem:"
CASES = [pytest.param(*key, id=" ".join(key)) for key in TABLE]
GUARDED = [pytest.param(*key, id=" ".join(key)) for key, row in TABLE.items() if row.roles]


def ask(
    platform: Platform, method: str, row: Row, credential: str | None, **how: str
) -> httpx.Response:
    """Use an address as its row says; ``of`` names whose thing it is about."""
    org_id = how.pop("of", OURS)
    headers = {} if credential is None else {"authorization": f"Bearer {credential}"}
    headers |= {name.replace("_", "-"): value for name, value in how.items()}
    body = None if row.body is None else row.body(platform, org_id)
    return platform.client.request(
        method, row.address(platform, org_id), headers=headers, json=body
    )


def refused(answer: httpx.Response, status: int, name: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == PREFIX + name


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


@pytest.mark.parametrize(("method", "path"), CASES)
@pytest.mark.parametrize("role", Role)
def test_a_role_gets_what_the_table_says(
    platform: Platform, method: str, path: str, role: Role
) -> None:
    row = TABLE[method, path]
    org_id = platform.new_organization() if row.is_final else OURS
    answer = ask(platform, method, row, platform.key(role, org_id), of=org_id)
    if row.roles is None or role in row.roles:
        assert answer.status_code == row.success, answer.text
    else:
        refused(answer, 403, "insufficient-scope")


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_another_organisation_is_out_of_reach(platform: Platform, method: str, path: str) -> None:
    row = TABLE[method, path]
    for role in Role:
        key = platform.key(role, OTHERS)
        named = ask(platform, method, row, key, ecomind_organization=OURS)
        refused(named, 403, "tenant-mismatch")
        if row.names_an_object:
            found = ask(platform, method, row, key)
            expected = (404, "not-found") if role in (row.roles or ()) else (
                403, "insufficient-scope"
            )  # fmt: skip
            refused(found, *expected)


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_without_a_valid_credential_nothing(platform: Platform, method: str, path: str) -> None:
    row = TABLE[method, path]
    good = platform.key(Role.OWNER)
    for credential in (None, "eco_live_", good[:-1], good.swapcase(), revoked(platform),
                       expired(platform)):  # fmt: skip
        answer = ask(platform, method, row, credential)
        refused(answer, 401, "invalid-credential")
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_a_key_narrower_than_its_role_has_no_more_than_it_names(
    platform: Platform, method: str, path: str
) -> None:
    row = TABLE[method, path]
    key, _ = platform.store.keys.create(OURS, Role.OWNER, "narrow", scopes=["billing:read"])
    refused(ask(platform, method, row, key), 403, "insufficient-scope")


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_a_suspended_organisation_and_a_key_from_elsewhere_get_nothing(
    platform: Platform, method: str, path: str
) -> None:
    row, org_id = TABLE[method, path], platform.new_organization()
    key, _ = platform.store.keys.create(org_id, Role.OWNER, "net", networks=["192.0.2.0/24"])
    refused(ask(platform, method, row, key, of=org_id), 403, "address-not-allowed")
    platform.store.organizations.suspend(org_id)
    owner = platform.key(Role.OWNER, org_id)
    refused(ask(platform, method, row, owner, of=org_id), 403, "insufficient-scope")


def revoked(platform: Platform) -> str:
    text, info = platform.store.keys.create(OURS, Role.OWNER, "revoked")
    platform.store.keys.revoke(info.org_id, info.key_id)
    return text


def expired(platform: Platform) -> str:
    past = datetime.now(UTC) - timedelta(seconds=1)
    return platform.store.keys.create(OURS, Role.OWNER, "expired", past)[0]
