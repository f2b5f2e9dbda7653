"""Sending batches to the endpoint until each is answered for good.

Belongs here: HTTP, retries and what an answer says about each item. Does not belong here: where
the items come from, or talking to a person.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec

_ATTEMPTS = 8
_PAUSE_MAX_S = 30.0
_TIMEOUT_S = 60.0
_RETRIED = frozenset({408, 429, 502, 503, 504})


class CannotSend(Exception):
    """Why the import stops, in one sentence."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """An item the endpoint refused: its position in the batch and the reasons."""

    index: int
    errors: list[dict[str, str]]


@dataclass(slots=True)
class Answer:
    """What became of a batch."""

    accepted: int = 0
    rejected: list[Rejected] = field(default_factory=list)


class Sender:
    """Sends batches of items to one endpoint with one key."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        on_wait: Callable[[float, str], None] = lambda seconds, why: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """``on_wait`` hears of pauses (seconds, why)."""
        self._client = httpx.Client(
            base_url=url,
            headers={"authorization": f"Bearer {key}"},
            timeout=_TIMEOUT_S,
            follow_redirects=False,
        )
        self._url = url
        self._on_wait = on_wait
        self._sleep = sleep

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def send(self, items: Sequence[dict[str, Any]]) -> Answer:
        """Send items until they are answered for good. Raises ``CannotSend``."""
        body = msgspec.json.encode(items)
        response = self._answered("POST", "/v1/events", body, "application/json")
        if response.status_code == 413 and len(items) > 1:
            middle = len(items) // 2
            left, right = self.send(items[:middle]), self.send(items[middle:])
            moved = [Rejected(r.index + middle, r.errors) for r in right.rejected]
            return Answer(left.accepted + right.accepted, left.rejected + moved)
        return _read(response, len(items))

    def ask(
        self, method: str, path: str, document: dict[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Status and document of another address of the endpoint. Raises ``CannotSend``."""
        body = b"" if document is None else msgspec.json.encode(document)
        return self.exchange(method, path, body, "application/json")

    def exchange(
        self, method: str, path: str, body: bytes, content_type: str
    ) -> tuple[int, dict[str, Any]]:
        """As ``ask``, with a body of any type."""
        response = self._answered(method, path, body, content_type)
        return response.status_code, _document(response)

    def _answered(self, method: str, path: str, body: bytes, content_type: str) -> httpx.Response:
        why, headers = "", {"content-type": content_type}
        for attempt in range(_ATTEMPTS):
            advised_s = 0.0
            try:
                response = self._client.request(method, path, content=body, headers=headers)
            except httpx.InvalidURL as error:
                raise CannotSend(f"{self._url} is not an address: {error}") from error
            except httpx.TransportError as error:
                why = f"{self._url} does not answer ({type(error).__name__})"
            else:
                if response.status_code not in _RETRIED:
                    return response
                advised_s = _retry_after_s(response)
                why = f"{self._url} answers {response.status_code} {_title(response)}"
            if attempt + 1 < _ATTEMPTS:
                pause_s = min(_PAUSE_MAX_S, max(advised_s, _backoff_s(attempt)))
                self._on_wait(pause_s, why)
                self._sleep(pause_s)
        raise CannotSend(f"{why} after {_ATTEMPTS} attempts")


def _backoff_s(attempt: int) -> float:
    return random.uniform(0.25, 0.5) * float(2**attempt)  # noqa: S311 (jitter)


def _retry_after_s(response: httpx.Response) -> float:
    try:
        return float(response.headers.get("retry-after", "0"))
    except ValueError:
        return 0.0


def _document(response: httpx.Response) -> dict[str, Any]:
    try:
        return msgspec.json.decode(response.content, type=dict[str, Any])
    except msgspec.DecodeError:
        return {}


def _title(response: httpx.Response) -> str:
    document = _document(response)
    return str(document.get("reason") or document.get("title") or "")


def _read(response: httpx.Response, items: int) -> Answer:
    document = _document(response)
    status = response.status_code
    if status in (202, 207) and "results" in document:
        rejected = [
            Rejected(result["index"], result["errors"])
            for result in document["results"]
            if result["result"] == "rejected"
        ]
        return Answer(items - len(rejected), rejected)
    if status in (403, 422) and "errors" in document:
        by_index: dict[int, list[dict[str, str]]] = {}
        for error in document["errors"]:
            by_index.setdefault(error["index"], []).append(error)
        return Answer(0, [Rejected(index, errors) for index, errors in by_index.items()])
    detail = document.get("detail")
    words = f"{document.get('title', 'an answer that is not understood')}"
    raise CannotSend(f"the endpoint answers {status}: {words}{f' ({detail})' if detail else ''}")
