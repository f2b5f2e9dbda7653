"""A real OpenID Connect provider, oidc-provider for Node, as a process on loopback.

Belongs here: starting, stopping and rotating the keys of it, and signing in there as a program
does. Does not belong here: what is tested with it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from tests.support.outlived import ends_with_tests

HERE = Path(__file__).parent / "oidc_provider"
CLIENT_ID, CLIENT_SECRET = "ecomind-dashboard", "of-this-test-run-only"
_STARTS_WITHIN_S = 30.0


def new_key(algorithm: str = "RS256") -> Key:
    """A private signing key, as a provider lists it."""
    parameters = {"use": "sig", "alg": algorithm}
    if algorithm == "RS256":
        key: Key = RSAKey.generate_key(2048, parameters, auto_kid=True)
    elif algorithm == "ES256":
        key = ECKey.generate_key("P-256", parameters, auto_kid=True)
    else:
        key = OKPKey.generate_key("Ed25519", parameters, auto_kid=True)
    return key


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Provider:
    """A provider; its keys are known here, so that tests can sign what it never would."""

    algorithm: str
    redirect_uri: str
    people: Mapping[str, Mapping[str, Any]]
    id_token_s: int = 300
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.key = new_key(self.algorithm)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        given = {
            "port": self.port,
            "keys": [self.key.as_dict(private=True)],
            "algorithm": self.algorithm,
            "clientId": CLIENT_ID,
            "clientSecret": CLIENT_SECRET,
            "redirectUris": [self.redirect_uri],
            "people": self.people,
            "idTokenSeconds": self.id_token_s,
        }
        self._process = ends_with_tests(
            subprocess.Popen(
                ["node", "provider.mjs", json.dumps(given)],
                cwd=HERE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )
        )  # fmt: skip
        deadline = time.monotonic() + _STARTS_WITHIN_S
        while time.monotonic() < deadline:
            assert self._process.poll() is None, "the provider ended by itself"
            try:
                httpx.get(f"{self.issuer}/.well-known/openid-configuration").raise_for_status()
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError("the provider did not answer")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=20)
            self._process = None

    def rotate(self) -> None:
        """Start again with another key; the one before is listed no more."""
        self.stop()
        self.key = new_key(self.algorithm)
        self.start()

    def claims(self, subject: str = "ada", **changed: Any) -> dict[str, Any]:
        """What an ID token of this provider says; None leaves a claim out."""
        now = int(time.time())
        claims = {
            "iss": self.issuer, "sub": subject, "aud": CLIENT_ID, "iat": now, "exp": now + 300,
        }  # fmt: skip
        return {name: value for name, value in (claims | changed).items() if value is not None}

    def sign(self, claims: Mapping[str, Any], key: Key | None = None, **header: Any) -> str:
        signer = key or self.key
        told = {"alg": self.algorithm, "kid": self.key.kid} | header
        registry = JWSRegistry(algorithms=[told["alg"]], strict_check_header=False)
        return jwt.encode(told, dict(claims), signer, registry=registry)

    def id_token(self, name: str) -> str:
        """Sign in as a person and get an ID token, by the code flow with PKCE."""
        verifier = secrets.token_urlsafe(32)
        digest = hashlib.sha256(verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        with httpx.Client(timeout=_STARTS_WITHIN_S) as client:
            answer = client.get(
                f"{self.issuer}/auth",
                params={
                    "client_id": CLIENT_ID, "redirect_uri": self.redirect_uri,
                    "scope": "openid email", "response_type": "code", "code_challenge": challenge,
                    "code_challenge_method": "S256", "state": "s", "nonce": "n",
                },
            )  # fmt: skip
            code = self._walk(client, answer, name)
            answer = client.post(
                f"{self.issuer}/token",
                data={
                    "grant_type": "authorization_code", "code": code, "code_verifier": verifier,
                    "redirect_uri": self.redirect_uri,
                },
                auth=(CLIENT_ID, CLIENT_SECRET),
            )  # fmt: skip
            token: str = answer.raise_for_status().json()["id_token"]
            return token

    def _walk(self, client: httpx.Client, answer: httpx.Response, name: str) -> str:
        """Follow redirects and answer the provider's two forms until it sends the code."""
        for _step in range(12):
            if answer.is_redirect:
                address = urljoin(str(answer.url), answer.headers["location"])
                if address.startswith(self.redirect_uri):
                    return parse_qs(urlsplit(address).query)["code"][0]
                answer = client.get(address)
                continue
            form = re.search(r'action="([^"]+)"', answer.text)
            prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)
            assert form is not None and prompt is not None, answer.text
            data = {"prompt": prompt[1], "login": name, "password": "any"}
            answer = client.post(urljoin(str(answer.url), form[1]), data=data)
        raise AssertionError("the provider sent no code")


@contextmanager
def running(
    algorithm: str, redirect_uri: str, people: Mapping[str, Mapping[str, Any]], **how: Any
) -> Iterator[Provider]:
    """A provider that runs meanwhile; skips the test where it is not installed."""
    if shutil.which("node") is None or not (HERE / "node_modules").is_dir():
        pytest.skip("the identity provider of the tests takes Node.js: see tests/support")
    provider = Provider(algorithm, redirect_uri, people, **how)
    provider.start()
    try:
        yield provider
    finally:
        provider.stop()
