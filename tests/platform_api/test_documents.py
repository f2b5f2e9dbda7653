"""The documents server, run for real on a free port."""

from __future__ import annotations

import base64
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ecomind.identity import Role, open_store
from ecomind.identity.credentials import credential_of as key_of
from ecomind.settings import PROJECT_ROOT, Settings
from platform_api.server import CannotServe, listen
from tests.support.outlived import ends_with_tests

ORG_ID = "aurelia"
OUTPUT = "platform.log"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    number = free_port()
    monkeypatch.setenv("ECOMIND_PLATFORM_PORT", str(number))
    return number


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of one server for all tests; each has the documents folder and keys of its own."""
    home = tmp_path_factory.mktemp("documents") / "home"
    settings = Settings(home=home, node="testnode", platform_port=free_port())
    open_store(settings).organizations.create(ORG_ID, "Aurelia Health")
    environment = {
        **os.environ,
        "ECOMIND_HOME": str(home),
        "ECOMIND_NODE": "testnode",
        "ECOMIND_PLATFORM_PORT": str(settings.platform_port),
    }
    log = home / OUTPUT
    with log.open("wb") as output:
        process = ends_with_tests(
            subprocess.Popen(
                [sys.executable, "-m", "platform_api"],
                cwd=PROJECT_ROOT,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        )
    try:
        for _attempt in range(300):
            assert process.poll() is None, log.read_text()
            try:
                httpx.get(f"http://127.0.0.1:{settings.platform_port}/livez").raise_for_status()
                break
            except httpx.ConnectError:
                time.sleep(0.05)
        yield settings
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture
def keys(served: Settings) -> dict[Role, str]:
    store = open_store(served)
    return {
        role: store.keys.create(ORG_ID, role, role.value)[0]
        for role in Role
        if role is not Role.BROWSER
    }


@pytest.fixture
def server(served: Settings, keys: dict[Role, str]) -> Iterator[str]:
    """The server's address, before any documents were built."""
    shutil.rmtree(served.documents_dir, ignore_errors=True)
    yield f"http://127.0.0.1:{served.platform_port}"
    output = (served.home / OUTPUT).read_bytes()
    for key in keys.values():
        assert key.encode() not in output


def build(settings: Settings) -> Path:
    folder = settings.documents_dir
    for name in ("dbt", "data"):
        (folder / name / "validations").mkdir(parents=True)
        (folder / name / "index.html").write_text(f"<h1>{name} pages</h1>")
        (folder / name / "validations" / "run.html").write_text("<p>passed</p>")
    (folder / "dbt" / "manifest.json").write_text("{}")
    (folder / "dbt" / ".hidden").write_text("hidden")
    (settings.home / "outside.txt").write_text("outside")
    (folder / "dbt" / "link.txt").symlink_to(settings.home / "outside.txt")
    return folder


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def test_a_key_opens_the_pages(server: str, served: Settings, keys: dict[Role, str]) -> None:
    build(served)
    key = keys[Role.ANALYST]
    assert "dbt pages" in httpx.get(f"{server}/dbt/", auth=("anyone", key)).text
    assert "data pages" in httpx.get(f"{server}/data/index.html", headers=bearer(key)).text
    assert "passed" in httpx.get(f"{server}/data/validations/run.html", headers=bearer(key)).text
    manifest = httpx.get(f"{server}/dbt/manifest.json", headers=bearer(key))
    assert manifest.headers["content-type"] == "application/json"
    index = httpx.get(f"{server}/", auth=("", key)).text
    assert 'href="/dbt/index.html"' in index
    assert 'href="/data/index.html"' in index


def test_nothing_without_a_valid_key(server: str, served: Settings, keys: dict[Role, str]) -> None:
    build(served)
    wrong = keys[Role.ANALYST][:-1] + ("0" if keys[Role.ANALYST][-1] != "0" else "1")
    for path in ("/", "/dbt/", "/dbt/manifest.json", "/dbt/missing", "/other/"):
        for headers in (
            {},
            bearer(wrong),
            {"authorization": "Bearer"},
            {"authorization": "Basic %%%"},
        ):
            answer = httpx.get(server + path, headers=headers)
            assert answer.status_code == 401, (path, headers)
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["www-authenticate"].startswith("Basic ")
            assert "pages</h1>" not in answer.text


def test_a_key_without_the_right_is_refused(
    server: str, served: Settings, keys: dict[Role, str]
) -> None:
    build(served)
    for role in (Role.VIEWER, Role.INGEST, Role.IMPORT):
        answer = httpx.get(f"{server}/dbt/", headers=bearer(keys[role]))
        assert answer.status_code == 403
        assert "audit:read" in answer.json()["detail"]


def test_a_revoked_key_stops_at_once(server: str, served: Settings, keys: dict[Role, str]) -> None:
    build(served)
    headers = bearer(keys[Role.ADMIN])
    assert httpx.get(f"{server}/dbt/", headers=headers).status_code == 200
    store = open_store(served)
    for info in store.keys.listed(ORG_ID):
        if info.role is Role.ADMIN:
            store.keys.revoke(ORG_ID, info.key_id)
    assert httpx.get(f"{server}/dbt/", headers=headers).status_code == 401


def test_pages_not_built_yet_say_so(server: str, keys: dict[Role, str]) -> None:
    headers = bearer(keys[Role.OWNER])
    answer = httpx.get(f"{server}/dbt/", headers=headers)
    assert answer.status_code == 404
    assert "not built yet" in answer.json()["detail"]
    index = httpx.get(f"{server}/", headers=headers)
    assert index.status_code == 200
    assert "not built yet" in index.text
    assert "href" not in index.text


OUTSIDE = (
    "/dbt/../../outside.txt",
    "/dbt/%2e%2e/%2e%2e/outside.txt",
    "/dbt/..%2f..%2foutside.txt",
    "/dbt/..%5coutside.txt",
    "/dbt/link.txt",
    "/dbt/.hidden",
    "/dbt//etc/passwd",
    "/dbt/%00",
    "/control.db",
    "/..%2fcontrol.db",
    "/secrets/key-pepper",
    "/dbt/missing.html",
)


def test_no_path_leads_outside(server: str, served: Settings, keys: dict[Role, str]) -> None:
    build(served)
    for path in OUTSIDE:
        target = httpx.URL(server).copy_with(raw_path=path.encode())
        answer = httpx.get(target, headers=bearer(keys[Role.OWNER]))
        assert answer.status_code == 404, path
        assert "outside" not in answer.text
        assert "location" not in answer.headers


def test_every_answer_carries_the_security_headers(
    server: str, served: Settings, keys: dict[Role, str]
) -> None:
    build(served)
    headers = bearer(keys[Role.OWNER])
    answers = [
        httpx.get(f"{server}/dbt/", headers=headers),
        httpx.get(f"{server}/dbt/missing", headers=headers),
        httpx.get(f"{server}/dbt/"),
        httpx.post(f"{server}/dbt/", headers=headers),
        httpx.get(f"{server}/dbt", headers=headers, follow_redirects=False),
    ]
    assert [answer.status_code for answer in answers] == [200, 404, 401, 405, 404]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "server" not in answer.headers


def test_a_port_in_use_is_one_sentence(port: int, settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with pytest.raises(CannotServe, match=f"port {port} on 127.0.0.1 is in use"):
            listen(settings)
        done = subprocess.run(
            [sys.executable, "-m", "platform_api"],
            cwd=PROJECT_ROOT,
            env=os.environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "is in use" in done.stderr


def test_keys_are_read_from_both_schemes() -> None:
    basic = base64.b64encode(b"someone:the:key").decode()
    assert key_of(f"Basic {basic}") == "the:key"
    assert key_of("bearer abc") == "abc"
    for useless in ("", "Bearer", "Digest abc", "Basic ====", "Basic " + "!" * 5):
        assert key_of(useless) is None
