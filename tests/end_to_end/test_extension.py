"""A call in a browser, all the way: extension, ingest API, one load, and the daily marts.

The built extension runs in a real Chromium, the ingest API in its own process with a real key for
browsers; the provider is a server on this machine that the browser takes for claude.ai.
"""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.dbt_project import extension_vectors
from tests.support import extension
from tests.support.installation import Installation

CALL = "https://claude.ai/api/organizations/o/chat_conversations/c/completion"
SECRET = "kanarienvogel-7f3a91"
WAIT_S = 30

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(extension.missing() is not None, reason=str(extension.missing())),
    pytest.mark.skipif(extension.chromium() is None, reason="Chromium is not installed"),
]


class Provider(BaseHTTPRequestHandler):
    """A page for every address, and an answer to every message."""

    def do_GET(self) -> None:
        self._answer("text/html", b"<!doctype html><title>chat</title>")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self._answer("text/event-stream", f"data: {SECRET}\n\n".encode())

    def _answer(self, content_type: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        pass


@contextmanager
def provider(folder: Path) -> Iterator[int]:
    """Port of a provider with a certificate of its own."""
    key, certificate = folder / "tls.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=claude.ai", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def extension_origin(dist: Path) -> str:
    """The origin Chromium gives the extension, by the key in its manifest."""
    key = json.loads((dist / "manifest.json").read_text(encoding="utf-8"))["key"]
    digest = hashlib.sha256(base64.b64decode(key)).hexdigest()[:32]
    return "chrome-extension://" + "".join(chr(ord("a") + int(digit, 16)) for digit in digest)


@contextmanager
def browser(profile: Path, dist: Path, port: int) -> Iterator[Any]:
    """Chromium with the extension; every name but this machine's leads to the provider."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(profile),
            executable_path=extension.chromium(),
            args=[
                f"--disable-extensions-except={dist}",
                f"--load-extension={dist}",
                f"--host-resolver-rules=MAP * 127.0.0.1:{port}, EXCLUDE localhost",
                "--ignore-certificate-errors",
                "--no-sandbox",
            ],
        )
        yield context
        context.close()


def until(page: Any, expression: str) -> Any:
    """The value of an expression in a page once it is true."""
    deadline = time.monotonic() + WAIT_S
    while not (value := page.evaluate(expression)):
        assert time.monotonic() < deadline, expression
        time.sleep(0.1)
    return value


def chat(context: Any, origin: str, backend: str, key: str) -> None:
    """Connect the extension, make one call in a page, and wait until its event was delivered."""
    settings = {"localOnly": False, "backendUrl": backend, "orgId": "acme", "userId": "ada",
                "apiKey": key}  # fmt: skip
    consent = {"version": 1, "givenAt": "2026-11-20T12:00:00Z"}
    desk = context.new_page()
    desk.goto(f"{origin}/options.html")
    desk.evaluate("v => chrome.storage.local.set(v)", {"settings": settings, "consent": consent})
    page = context.new_page()
    page.goto("https://claude.ai/")
    body = json.dumps({"prompt": SECRET})
    page.evaluate("([url, body]) => fetch(url, {method: 'POST', body})", [CALL, body])
    until(desk, "chrome.storage.local.get('queue').then(({queue}) => queue?.items.length === 1)")
    desk.evaluate("chrome.alarms.create('send', {when: Date.now()})")
    until(desk, "chrome.storage.local.get('queue').then(({queue}) => queue.lastSentAt)")


def test_a_call_in_the_browser_is_in_the_daily_marts(tmp_path: Path) -> None:
    dist = tmp_path / "dist"
    extension.run("build:e2e", "--out", str(dist))
    origin = extension_origin(dist)
    installation = Installation.after_first_load(tmp_path / "home")
    key = tmp_path / "extension.key"
    installation.ecomind("org", "create", "acme", "--name", "Acme")
    installation.ecomind("key", "create", "acme", "--role", "browser", "--name", "extension",
                         "--origin", origin, "--out", str(key))  # fmt: skip
    backend = f"http://localhost:{installation.settings.ingest_port}"
    with (
        provider(tmp_path) as port,
        installation.ingest(),
        browser(tmp_path / "profile", dist, port) as context,
    ):
        chat(context, origin, backend, key.read_text(encoding="utf-8").strip())
    installation.ecomind("load")

    [(calls, low, mid, high)] = installation.query(
        "select calls, energy_low_kwh, energy_mid_kwh, energy_high_kwh"
        " from mart.source_footprint_daily where org_id = 'acme' and source = 'ext-chrome'"
    )
    assert calls == 1
    [case] = [c for c in extension_vectors.cases() if c["name"] == "anthropic-web by the call"]
    expected = case["expected"]["energy_kwh"]
    assert {"low": low, "mid": mid, "high": high} == pytest.approx(expected, rel=1e-9)
    assert installation.query("select provider, model from mart.model_footprint_daily") == [
        ("anthropic", "unknown")
    ]
    for path in installation.home.rglob("*"):
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes(), path
