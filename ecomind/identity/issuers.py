"""Where an issuer's public keys come from: the network, or this installation.

Belongs here: discovery and key sets, fetched, kept and fetched again after a rotation. Does not
belong here: what tokens say (``tokens``). This is the one module of the ground floor that talks
HTTP, as a client, and only to the issuer that the settings name.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, KeySet, OKPKey, RSAKey

from ecomind.identity.errors import IssuerUnavailable, TokenRefused
from ecomind.web_address import is_safe_address

DISCOVERY = "/.well-known/openid-configuration"
KEEP_S = 3600.0
"""How long keys are taken as current; a key the issuer withdrew is refused after that."""
REFETCH_AFTER_S = 10.0
"""How soon keys are fetched again because a token names one that is not among them."""
TIMEOUT_S = 5.0
DOCUMENT_MAX_BYTES = 256 * 1024


@dataclass(slots=True)
class _Held:
    keys: dict[str, Key]
    fetched_s: float


class RemoteKeys:
    """Keys of an issuer on the network; one instance serves many threads."""

    def __init__(self, issuer: str, *, refetch_after_s: float = REFETCH_AFTER_S) -> None:
        """Keys of ``issuer``; nothing is fetched before the first token."""
        self._issuer = issuer
        self._refetch_after_s = refetch_after_s
        self._lock = threading.Lock()
        self._held: _Held | None = None
        self._tried_s = float("-inf")

    def find(self, kid: str | None) -> Key:
        """The key of an id; without one, the issuer's only key.

        Raises ``TokenRefused`` when there is none and ``IssuerUnavailable``.
        """
        with self._lock:
            held = self._current()
            key = _pick(held.keys, kid)
            if key is None and self._may_fetch():
                key = _pick(self._fetched().keys, kid)
        if key is None:
            raise TokenRefused("the token is signed with a key that its issuer does not list")
        return key

    def _current(self) -> _Held:
        held = self._held
        if held is None:
            if not self._may_fetch():
                raise IssuerUnavailable("the identity provider cannot be reached")
            return self._fetched()
        if time.monotonic() - held.fetched_s < KEEP_S or not self._may_fetch():
            return held
        try:
            return self._fetched()
        except IssuerUnavailable:
            return held  # An issuer that is down for a while does not end everybody's session.

    def _may_fetch(self) -> bool:
        return time.monotonic() - self._tried_s >= self._refetch_after_s

    def _fetched(self) -> _Held:
        self._tried_s = time.monotonic()
        with httpx.Client(timeout=TIMEOUT_S, follow_redirects=False) as client:
            metadata = _document(client, self._issuer.rstrip("/") + DISCOVERY)
            if metadata.get("issuer") != self._issuer:
                raise IssuerUnavailable("the identity provider calls itself by another name")
            address = metadata.get("jwks_uri")
            if not isinstance(address, str) or not is_safe_address(address):
                raise IssuerUnavailable("the identity provider's keys have no safe address")
            keys = _public_keys(_document(client, address))
        self._held = _Held(keys, time.monotonic())
        return self._held


@dataclass(frozen=True, slots=True)
class OwnKeys:
    """The one key of an issuer that is this installation itself."""

    key: Key

    def find(self, kid: str | None) -> Key:
        """The key, when the token names it. Raises ``TokenRefused``."""
        if kid != self.key.kid:
            raise TokenRefused("the token is signed with a key that this installation does not use")
        return self.key


def _document(client: httpx.Client, url: str) -> dict[str, Any]:
    try:
        with client.stream("GET", url, headers={"accept": "application/json"}) as response:
            if response.status_code != 200:
                raise IssuerUnavailable(
                    f"the identity provider answers {response.status_code} at {urlsplit(url).path}"
                )
            body = b""
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > DOCUMENT_MAX_BYTES:
                    raise IssuerUnavailable("the identity provider's answer is too long")
    except httpx.HTTPError as error:
        raise IssuerUnavailable("the identity provider cannot be reached") from error
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise IssuerUnavailable("the identity provider's answer is not JSON") from error
    if not isinstance(document, dict):
        raise IssuerUnavailable("the identity provider's answer is not an object")
    return document


def _public_keys(document: dict[str, Any]) -> dict[str, Key]:
    """Keys that can verify a signature, by id. Secrets shared with clients are not among them."""
    listed = document.get("keys")
    found: dict[str, Key] = {}
    for data in listed if isinstance(listed, list) else []:
        if not isinstance(data, dict) or data.get("use", "sig") != "sig":
            continue
        try:
            keys = KeySet.import_key_set({"keys": [data]}).keys
        except (JoseError, ValueError, TypeError, KeyError):
            continue  # A key of a kind we do not know serves other tokens than ours.
        for key in keys:
            if isinstance(key, RSAKey | ECKey | OKPKey) and key.kid:
                found[key.kid] = key
    if not found:
        raise IssuerUnavailable("the identity provider lists no key that can verify a signature")
    return found


def _pick(keys: dict[str, Key], kid: str | None) -> Key | None:
    if kid is None and len(keys) == 1:
        return next(iter(keys.values()))
    return keys.get(kid or "")
