"""The dashboard as started for people, in a real browser, in both themes.

Screenshots are left in pytest's temporary folder, or in ECOMIND_SCREENSHOTS when that is set.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from ecomind.identity import Role
from ecomind.settings import Settings, get_settings
from streamlit_app.launch import command
from tests.streamlit_app.support import OURS, SNAPSHOT_ID, bundle, install
from tests.support.identity_provider import free_port
from tests.support.outlived import ends_with_tests
from tests.support.restated import install_restated

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TITLES = (
    "Overview",
    "Trends",
    "Models",
    "People and teams",
    "Regions",
    "Data health",
    "Method",
    "Reports",
)
CHARTS = {"Overview": 4, "Trends": 1, "Models": 2, "People and teams": 1, "Regions": 2}
LOCAL = {"127.0.0.1", "localhost", "::1"}


Dashboard = tuple[str, dict[Role, str]]


@pytest.fixture
def dashboard(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Dashboard]:
    """The address of a running dashboard and the keys that open it."""
    keys = install(settings).keys
    bundle(settings, OURS[0])
    with running(keys, monkeypatch, tmp_path) as url:
        yield url, keys


@pytest.fixture
def restated_dashboard(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Dashboard]:
    """The same over an organisation with restated months."""
    keys = install_restated(settings)
    with running(keys, monkeypatch, tmp_path) as url:
        yield url, keys


@contextmanager
def running(
    keys: dict[Role, str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    port: int | None = None,
) -> Iterator[str]:
    """The address of a dashboard; when it ends, its log must hold no key and no traceback."""
    port = port or free_port()
    monkeypatch.setenv("ECOMIND_DASHBOARD_PORT", str(port))
    get_settings.cache_clear()
    log = tmp_path / "dashboard.log"
    with log.open("wb") as output:
        process = ends_with_tests(
            subprocess.Popen(
                command(get_settings()), env=os.environ, stdout=output, stderr=subprocess.STDOUT
            )
        )
        url = f"http://127.0.0.1:{port}"
        try:
            for _attempt in range(600):
                assert process.poll() is None, log.read_text()
                try:
                    httpx.get(f"{url}/_stcore/health").raise_for_status()
                    break
                except httpx.TransportError:
                    time.sleep(0.1)
            yield url
        finally:
            process.terminate()
            process.wait(timeout=20)
    text = log.read_text()
    assert "Traceback" not in text, text
    assert not [role for role, key in keys.items() if key in text]


def screenshots(tmp_path: Path) -> Path:
    """The folder that keeps the screenshots."""
    folder = Path(os.environ.get("ECOMIND_SCREENSHOTS") or tmp_path / "screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.mark.parametrize(
    ("scheme", "role", "timezone"),
    [("light", Role.ADMIN, "America/Los_Angeles"), ("dark", Role.VIEWER, "Asia/Tokyo")],
)
def test_every_page_in_a_browser(
    dashboard: Dashboard, tmp_path: Path, scheme: str, role: Role, timezone: str
) -> None:
    url, keys = dashboard
    problems: list[str] = []
    folder = screenshots(tmp_path)
    with sync_api.sync_playwright() as playwright:
        context = browser(playwright, tmp_path, color_scheme=scheme, timezone_id=timezone)
        page = context.new_page()
        watch(context, page, problems)
        page.goto(url)
        key = page.get_by_role("textbox", name="Access key")
        key.wait_for()
        page.screenshot(path=folder / f"login-{scheme}.png")
        key.fill(keys[role])
        page.get_by_role("button", name="Sign in").click()
        for title in TITLES:
            visit(page, title)
            page.screenshot(path=folder / f"{title.split()[0].lower()}-{scheme}.png")
            page.set_viewport_size({"width": 1366, "height": 900})
            assert keys[role] not in page.content()
            assert keys[role] not in page.url
        check_download(page)
        page.get_by_role("button", name="Sign out").click()
        key.wait_for()
        # The form may stand a moment before the last parts of the old page are gone.
        sync_api.expect(page.get_by_text(OURS[1])).to_have_count(0)
        assert OURS[1] not in page.content()
        assert not [c for c in context.cookies() if keys[role] in str(c)]
        stored = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
        assert keys[role] not in stored
        context.close()
    assert problems == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_lens_in_a_browser(restated_dashboard: Dashboard, tmp_path: Path, scheme: str) -> None:
    url, keys = restated_dashboard
    problems: list[str] = []
    folder = screenshots(tmp_path)
    with sync_api.sync_playwright() as playwright:
        context = browser(playwright, tmp_path, color_scheme=scheme)
        page = context.new_page()
        watch(context, page, problems)
        page.goto(url)
        page.get_by_role("textbox", name="Access key").fill(keys[Role.ANALYST])
        page.get_by_role("button", name="Sign in").click()
        page.get_by_text("As reported", exact=True).click()
        for title in ("Overview", "Reports"):
            visit(page, title, "restated since: Oct 2026")
            page.screenshot(path=folder / f"as-reported-{title.lower()}-{scheme}.png")
            page.set_viewport_size({"width": 1366, "height": 900})
        page.get_by_role("table").get_by_text("override:o_2").wait_for()
        # Within the session: a link that opened anew would ask for the key again.
        page.get_by_test_id("stPageLink").get_by_role("link").click()
        page.get_by_role("heading", name="Factors in use").wait_for()
        sync_api.expect(page.get_by_role("radio", name="As reported")).to_be_checked()
        context.close()
    assert problems == []


def browser(playwright: sync_api.Playwright, tmp_path: Path, **how: Any) -> sync_api.BrowserContext:
    """A browser of its own on the machine's Chromium."""
    return playwright.chromium.launch_persistent_context(
        tmp_path / "browser",
        executable_path=CHROMIUM,
        headless=True,
        args=ARGUMENTS,
        viewport={"width": 1366, "height": 900},
        **how,
    )


def watch(context: sync_api.BrowserContext, page: sync_api.Page, problems: list[str]) -> None:
    """Collect console errors, exceptions and every request that leaves this machine."""

    def request(url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in LOCAL:
            problems.append(f"request to {url}")

    context.on("request", lambda sent: request(sent.url))
    page.on("websocket", lambda opened: request(opened.url))
    page.on("pageerror", lambda error: problems.append(f"exception {error}"))
    page.on(
        "console",
        lambda line: problems.append(f"console {line.text}") if line.type == "error" else None,
    )


def visit(page: sync_api.Page, title: str, words: str = SNAPSHOT_ID) -> None:
    """Open a page from the navigation, wait until it is drawn and show it whole."""
    page.get_by_role("link", name=title, exact=True).click()
    page.get_by_role("heading", name=title, exact=True, level=1).wait_for()
    page.locator("[data-test-script-state=notRunning]").first.wait_for(state="attached")
    page.get_by_text(words).first.wait_for()
    charts = page.locator("[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg")
    if title in CHARTS:
        charts.nth(CHARTS[title] - 1).wait_for()
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": 1366, "height": max(900, int(height) + 10)})
    page.wait_for_timeout(700)
    assert page.get_by_test_id("stException").count() == 0
    if title in CHARTS:
        charts.nth(CHARTS[title] - 1).wait_for()


def check_download(page: sync_api.Page) -> None:
    """The CSV of the listed bundle arrives as it is on disk."""
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV", exact=True).click()
    assert download.value.suggested_filename == f"{OURS[0]}-2026-10-v1-facts.csv"
    assert "ai_electricity_use" in Path(download.value.path()).read_text()
