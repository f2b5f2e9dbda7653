"""Keys that browsers hold, and what browsers ask for."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from ecomind.identity import Role
from tests.ingest_api.running import FAST, Running, event, wait_for_rows

EXTENSION = "chrome-extension://abcdefghijklmnopabcdefghijklmnop"
ELSEWHERE = "https://elsewhere.example"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    service = Running(tmp_path_factory.mktemp("browsers"), **FAST)
    yield service.start()
    service.close()


@pytest.fixture(scope="module")
def browser_key(running: Running) -> str:
    running.key("acme")
    store = running.store
    return store.create_key("acme", Role.BROWSER, "extension", origins=[EXTENSION])[0]


def preflight(running: Running, origin: str, path: str = "/v1/events") -> httpx.Response:
    asked = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization, content-type",
    }
    return running.client.options(path, headers=asked)


def has_cors_headers(response: httpx.Response) -> bool:
    return any(name.startswith("access-control-") for name in response.headers)


def test_a_preflight_is_answered_for_named_origins_only(running: Running, browser_key: str) -> None:
    answer = preflight(running, EXTENSION)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == EXTENSION
    assert answer.headers["access-control-max-age"] == "86400"
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert {"authorization", "content-type"} <= {
        name.strip() for name in answer.headers["access-control-allow-headers"].split(",")
    }
    for origin in (ELSEWHERE, "null", EXTENSION.upper()):
        refused = preflight(running, origin)
        assert refused.status_code == 403
        assert refused.json()["type"] == "urn:ecomind:problem:origin-not-allowed"
        assert not has_cors_headers(refused)
    assert preflight(running, EXTENSION, "/nowhere").status_code == 404
    assert running.client.options("/v1/events").status_code == 405


def test_a_key_of_a_browser_works_from_its_origins_only(running: Running, browser_key: str) -> None:
    sent = {"headers": {"origin": EXTENSION}}
    answer = running.post("/v1/events", browser_key, json=event("from-extension"), **sent)
    assert answer.status_code == 202
    assert answer.headers["access-control-allow-origin"] == EXTENSION
    assert answer.headers["vary"] == "origin"
    assert "retry-after" in answer.headers["access-control-expose-headers"]
    assert answer.headers["ratelimit-policy"].startswith('"events";q=60;w=60')
    for headers in ({}, {"origin": ELSEWHERE}):
        refused = running.post("/v1/events", browser_key, json=event("x"), headers=headers)
        assert refused.status_code == 403
        assert refused.json()["type"] == "urn:ecomind:problem:origin-not-allowed"
        assert not has_cors_headers(refused)


def test_an_ordinary_key_is_not_for_pages(running: Running, browser_key: str) -> None:
    ordinary = running.key("acme")
    sent = {"origin": EXTENSION}
    answer = running.post("/v1/events", ordinary, json=event("ordinary"), headers=sent)
    assert answer.status_code == 202
    assert not has_cors_headers(answer)


def test_a_browser_sets_neither_team_nor_cost(running: Running, browser_key: str) -> None:
    sent = {"headers": {"origin": EXTENSION}}
    call = event("limited", team_id="board", cost_amount=1e6, cost_currency="EUR", user_id="ada")
    answer = running.post("/v1/events", browser_key, json=call, **sent)
    assert answer.status_code == 202
    assert answer.json()["results"][0]["warnings"] == [
        {"code": "not_allowed_for_key", "field": name}
        for name in ("team_id", "cost_amount", "cost_currency")
    ]
    row = wait_for_rows(running.home, "events", {"limited"})["limited"]
    assert (row["team_id"], row["cost_amount"], row["cost_currency"]) == (None, None, None)
    assert row["user_id"] == running.store.pseudonym("acme", "ada")
