"""People sign in to the dashboard in a real browser, with a real identity provider and with codes.

Screenshots are left in pytest's temporary folder, or in ECOMIND_SCREENSHOTS when that is set.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from ecomind.identity import INSTALLATION, IdentityStore, Role
from ecomind.identity.first_owner import ensure_owner
from ecomind.settings import get_settings
from streamlit_app.session import RECHECK_S
from tests.streamlit_app import test_browser
from tests.streamlit_app.support import OTHERS, OURS, install
from tests.streamlit_app.test_browser import LOCAL, running, screenshots
from tests.support import identity_provider
from tests.support.identity_provider import CLIENT_ID, CLIENT_SECRET, Provider, free_port

sync_api = test_browser.sync_api
pytestmark = test_browser.pytestmark
PEOPLE = {
    "ada": {"email": "ada@example.org", "email_verified": True},
    "bob": {"email": "bob@example.org", "email_verified": True},
    "cid": {"email": "cid@example.org", "email_verified": True},
}
WITHIN_MS = 20_000
"""How long a page may take to be drawn on a busy machine; not what is measured here."""


@dataclass
class House:
    """A dashboard whose people sign in with a provider, and a browser beside it."""

    url: str
    store: IdentityStore
    provider: Provider
    playwright: Any


@dataclass
class Signing:
    """The login page of such a dashboard, in a browser that nobody used before."""

    url: str
    store: IdentityStore
    provider: Provider
    folder: Path
    page: Any
    context: Any


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A dashboard with an identity provider; its tests are of different people."""
    port, folder = free_port(), tmp_path_factory.mktemp("sign-in")
    secret = folder / "client-secret"
    secret.write_text(f"{CLIENT_SECRET}\n")
    redirect = f"http://127.0.0.1:{port}/oauth2callback"
    with (
        pytest.MonkeyPatch.context() as patch,
        identity_provider.running("RS256", redirect, PEOPLE) as provider,
    ):
        patch.setenv("ECOMIND_HOME", str(folder / "home"))
        patch.setenv("ECOMIND_NODE", "testnode")
        patch.setenv("ECOMIND_OIDC_ISSUER", provider.issuer)
        patch.setenv("ECOMIND_OIDC_CLIENT_ID", CLIENT_ID)
        patch.setenv("ECOMIND_OIDC_CLIENT_SECRET_FILE", str(secret))
        get_settings.cache_clear()
        installed = install(get_settings())
        with (
            running(installed.keys, patch, folder, port) as url,
            sync_api.sync_playwright() as playwright,
        ):
            yield House(url, installed.store, provider, playwright)
        assert CLIENT_SECRET not in (folder / "dashboard.log").read_text()
    get_settings.cache_clear()


@pytest.fixture
def signing(house: House, tmp_path: Path) -> Iterator[Signing]:
    """A browser at the login page."""
    problems: list[str] = []
    context = test_browser.browser(house.playwright, tmp_path)
    page = context.new_page()
    page.set_default_timeout(WITHIN_MS)
    # The provider's own pages ask for fonts elsewhere; ours ask for nothing.
    context.route(lambda asked: urlsplit(asked).hostname not in LOCAL, _nothing)
    watch(context, page, problems, house.url)
    page.goto(house.url)
    page.get_by_role("textbox", name="Access key").wait_for()
    yield Signing(house.url, house.store, house.provider, screenshots(tmp_path), page, context)
    context.close()
    assert problems == []


def watch(context: Any, page: Any, problems: list[str], url: str) -> None:
    """Collect what our own pages complain of or ask for elsewhere, not what the provider's do."""

    def asked(request: Any) -> None:
        # A frame that is only being made has no address yet, and asks for nothing but its page.
        is_ours = not request.is_navigation_request() and request.frame.url.startswith(url)
        if is_ours and urlsplit(request.url).hostname not in LOCAL:
            problems.append(f"request to {request.url}")

    def said(line: Any) -> None:
        # The console repeats refusals, and Streamlit looks for itself below a page's address.
        address = line.location["url"]
        is_expected = "status of 403" in line.text or "/_stcore/" in address
        is_shut = "/people" in page.url
        if line.type == "error" and address.startswith(url) and not (is_expected or is_shut):
            problems.append(f"console {line.text} {line.location}")

    context.on("request", asked)
    page.on("console", said)
    page.on("pageerror", lambda error: problems.append(f"exception {error}"))


def _nothing(route: Any) -> None:
    route.fulfill(status=204)


def sign_in_as(signing: Signing, name: str) -> None:
    """Go to the provider, be somebody there, agree, and come back."""
    page = signing.page
    page.get_by_role("button", name="Sign in with your organisation").click()
    page.wait_for_url(f"{signing.provider.issuer}/**")
    page.locator("input[name=login]").fill(name)
    page.locator("input[name=password]").fill("any")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(f"{signing.url}/**")


def overview(page: Any) -> None:
    page.get_by_role("heading", name="Overview").wait_for()


def test_an_invited_person_signs_in_with_the_provider_until_the_membership_ends(
    signing: Signing,
) -> None:
    store, page, issuer = signing.store, signing.page, signing.provider.issuer
    page.screenshot(path=signing.folder / "sign-in-ways.png")
    sign_in_as(signing, "bob")
    page.get_by_text("an administrator must invite you").wait_for()
    ada = store.people.add(issuer, "Ada", email="ada@example.org")
    store.people.set_member(OURS[0], ada, Role.VIEWER)
    sign_in_as(signing, "ada")
    overview(page)
    assert "code=" not in page.url
    found = store.people.find(issuer, "ada")
    assert found is not None
    assert found.person_id == ada
    signed = [
        entry for entry in store.audit.entries(INSTALLATION) if entry.actor == f"person:{ada}"
    ]
    assert {entry.action for entry in signed} == {"person.bind", "session.begin"}
    # The sign-in is the browser's: another tab and a reload have it, too.
    page.reload()
    overview(page)
    assert [c for c in signing.context.cookies() if not c["httpOnly"]] == [
        c for c in signing.context.cookies() if c["name"] == "_streamlit_xsrf"
    ]
    store.people.remove_member(OURS[0], ada)
    page.wait_for_timeout(RECHECK_S * 1000)
    page.get_by_role("link", name="Trends").click()
    page.get_by_role("textbox", name="Access key").wait_for()
    assert OURS[1] not in page.content()
    page.reload()
    page.get_by_text("not a member of any organisation").wait_for()


def test_signing_out_signs_out_at_the_provider_too(signing: Signing) -> None:
    store, page = signing.store, signing.page
    cid = store.people.add(signing.provider.issuer, "Cid", subject="cid")
    store.people.set_member(OURS[0], cid, Role.BILLING)
    sign_in_as(signing, "cid")
    page.get_by_role("heading", name="Totals").wait_for()
    assert page.get_by_test_id("stSidebarNavLink").all_inner_texts() == []
    page.screenshot(path=signing.folder / "totals.png")
    page.goto(f"{signing.url}/people")
    page.get_by_role("dialog").get_by_text("not found").wait_for()
    page.goto(signing.url)
    page.get_by_role("heading", name="Totals").wait_for()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{signing.provider.issuer}/**")
    page.get_by_role("button", name="Yes, sign me out").click()
    page.get_by_role("textbox", name="Access key").wait_for()
    assert not [c for c in signing.context.cookies() if c["name"].startswith("_streamlit_user")]


def test_a_code_opens_every_organisation_of_its_owner_once(signing: Signing) -> None:
    store, page = signing.store, signing.page
    owner, _is_new = ensure_owner(store)
    code = store.sign_in_codes.create(owner.person_id)
    with signing.context.expect_page() as opening:
        page.get_by_role("link", name="one-time code").click()
    page = opening.value
    page.set_default_timeout(WITHIN_MS)
    page.get_by_label("One-time code").fill("NOT-A-CODE")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("alert").wait_for()
    page.screenshot(path=signing.folder / "one-time-code.png")
    page.get_by_label("One-time code").fill(code.text.lower())
    page.get_by_role("button", name="Sign in").click()
    overview(page)
    page.get_by_text("as owner").wait_for()
    (cookie,) = [c for c in signing.context.cookies() if c["name"] == "ecomind_session"]
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    first, second = sorted((OURS, OTHERS), key=lambda organization: organization[1])
    page.get_by_text(f"Signed in for {first[1]}").wait_for()
    page.get_by_role("combobox", name="Organisation").click()
    page.get_by_role("option", name=second[1]).click()
    page.get_by_text(f"Signed in for {second[1]}").wait_for()
    page.screenshot(path=signing.folder / "second-organisation.png")
    page.reload()
    overview(page)
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("textbox", name="Access key").wait_for()
    assert "ecomind_session" not in {c["name"] for c in signing.context.cookies()}
    again = httpx.post(f"{signing.url}/sign-in", data={"code": code.text})
    assert (again.status_code, again.headers.get("set-cookie")) == (403, None)


def test_nobody_is_signed_in_by_another_site(signing: Signing) -> None:
    owner, _is_new = ensure_owner(signing.store)
    data = {"code": signing.store.sign_in_codes.create(owner.person_id).text}
    address = f"{signing.url}/sign-in"
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
        answer = httpx.post(address, data=data, headers=headers)
        assert (answer.status_code, answer.headers.get("set-cookie")) == (403, None)
    assert httpx.post(address, data={"code": "A" * 5000}).status_code == 400
    assert httpx.post(address, content=b"\xff").status_code == 400
    assert httpx.post(address, data={}).status_code == 403
    answer = httpx.post(address, data=data, headers={"origin": signing.url})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    page = httpx.get(address)
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
