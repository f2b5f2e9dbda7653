"""Keys that browsers hold, and what browsers ask for."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from ecomind.identity import Role
from ingest_api.credentials import STALENESS_S
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
    return store.keys.create("acme", Role.BROWSER, "extension", origins=[EXTENSION])[0]


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


class Page(BaseHTTPRequestHandler):
    """An empty page, so that a browser has an origin."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        pass


@contextmanager
def pages() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


FETCH = """async ([url, key, body]) => {
    const headers = {"authorization": "Bearer " + key, "content-type": "application/json"};
    try {
        const answer = await fetch(url, {method: "POST", headers, body});
        return [answer.status, answer.headers.get("ratelimit-policy")];
    } catch (error) { return [0, String(error)]; }
}"""


def wait_until_known(running: Running, origin: str) -> None:
    """Which origins there are is remembered for some seconds."""
    deadline = time.monotonic() + STALENESS_S + 10
    while preflight(running, origin).status_code != 204:
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.browser
def test_a_real_browser_sends_from_named_origins_and_reads_the_answer(running: Running) -> None:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("Chromium is not installed")
    ordinary = running.key("acme")
    arguments = ["--no-sandbox", "--disable-gpu", "--no-first-run"]
    with pages() as named, pages() as unnamed, sync_api.sync_playwright() as playwright:
        key = running.store.keys.create("acme", Role.BROWSER, "page", origins=[named])[0]
        wait_until_known(running, named)
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        page = browser.new_page()

        def fetch(origin: str, key: str, name: str) -> Any:
            page.goto(origin)
            return page.evaluate(FETCH, [f"{running.url}/v1/events", key, json.dumps(event(name))])

        assert fetch(named, key, "from-page") == [
            202,
            '"events";q=60;w=60, "org-events";q=1200000;w=60',
        ]
        assert fetch(unnamed, key, "refused")[0] == 0
        # The preflight tells only origins apart, so an ordinary key's events come in from a named
        # one; the page cannot read the answer.
        assert fetch(named, ordinary, "unread")[0] == 0
        browser.close()
    rows = wait_for_rows(running.home, "events", {"from-page"})
    assert "refused" not in rows
