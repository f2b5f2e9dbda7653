"""What the endpoint answers, as bytes.

Belongs here: problem documents (RFC 9457) and their fixed words. Does not belong here: when
to send which.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

JSON = ("content-type", "application/json")
PROBLEM_JSON = ("content-type", "application/problem+json")
_TYPE_PREFIX = "urn:ecomind:problem:"

_TITLES: dict[str, tuple[int, str]] = {
    "malformed-body": (400, "Body cannot be read"),
    "invalid-credential": (401, "API key is missing, unknown, revoked or expired"),
    "insufficient-scope": (403, "Key lacks a scope"),
    "tenant-mismatch": (403, "org_id in the body is not the organisation of the credential"),
    "not-found": (404, "There is nothing at this address"),
    "method-not-allowed": (405, "Method is not supported here"),
    "body-too-large": (413, "Body exceeds the limit"),
    "unsupported-media-type": (415, "Content-Type is not supported here"),
    "unsupported-encoding": (415, "Content-Encoding is not supported here"),
    "no-valid-event": (422, "No event in the body is valid"),
    "internal-error": (500, "The server made a mistake; nothing of this request was stored"),
    "not-durable": (
        503,
        "Event log cannot accept writes now; nothing of this request was stored",
    ),
    "identity-unavailable": (503, "Keys cannot be checked now; nothing was stored"),
}


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer but for the headers that every answer carries."""

    status: int
    body: bytes
    headers: list[tuple[str, str]] = field(default_factory=lambda: [JSON])


def json_reply(status: int, document: Any) -> Reply:
    """An answer holding ``document``."""
    return Reply(status, msgspec.json.encode(document))


def problem(
    name: str,
    instance: str,
    *,
    headers: tuple[tuple[str, str], ...] = (),
    **members: Any,
) -> Reply:
    """A problem document; ``members`` extend it. A value of the request is never among them."""
    status, title = _TITLES[name]
    document = {"type": _TYPE_PREFIX + name, "title": title, "status": status}
    if "retry_after_s" in members:
        headers = (*headers, ("retry-after", str(members["retry_after_s"])))
    document.update(members)
    document["instance"] = instance
    return Reply(status, msgspec.json.encode(document), [PROBLEM_JSON, *headers])
