"""What the endpoint answers, as bytes.

Belongs here: problem documents (RFC 9457) and their fixed words. Does not belong here: when
to send which, or answers in another format's own shape (``dialects``).
"""

from __future__ import annotations

from typing import Any

import msgspec

JSON = ("content-type", "application/json")
PROBLEM_JSON = ("content-type", "application/problem+json")
PROBLEM_TYPE_PREFIX = "urn:ecomind:problem:"

TITLES: dict[str, tuple[int, str]] = {
    "malformed-body": (400, "Body cannot be read"),
    "bad-encoding": (400, "Body is not what its Content-Encoding says"),
    "decompression-bomb": (400, "Body grows too much when decompressed"),
    "invalid-parameter": (400, "Parameter of the address is not valid"),
    "invalid-credential": (401, "API key is missing, unknown, revoked or expired"),
    "insufficient-scope": (403, "Key lacks a scope"),
    "origin-not-allowed": (403, "Key may not be used by this origin"),
    "network-not-allowed": (403, "Key may not be used from this address"),
    "org-suspended": (403, "Organisation is suspended"),
    "tenant-mismatch": (403, "org_id in the body is not the organisation of the credential"),
    "not-found": (404, "There is nothing at this address"),
    "method-not-allowed": (405, "Method is not supported here"),
    "body-timeout": (408, "Body did not arrive in time"),
    "part-differs": (409, "This part was received before with other bytes"),
    "import-incomplete": (409, "Parts of the import are missing"),
    "import-complete": (409, "The import is complete and takes no more parts"),
    "body-too-large": (413, "Body exceeds the limit"),
    "unsupported-media-type": (415, "Content-Type is not supported here"),
    "unsupported-encoding": (415, "Content-Encoding is not supported here"),
    "no-valid-event": (422, "No event in the body is valid"),
    "not-replayable": (422, "Nothing was kept of the refused item"),
    "invalid-document": (422, "Body is not what this address takes"),
    "rate-limited": (429, "Too many events in a short time; nothing of this request was stored"),
    "internal-error": (500, "The server made a mistake; nothing of this request was stored"),
    "not-durable": (
        503,
        "Event log cannot accept writes now; nothing of this request was stored",
    ),
    "search-too-long": (503, "Search took too long or too many are under way"),
    "imports-unavailable": (503, "Imports cannot be looked up now; send the same request again"),
    "identity-unavailable": (503, "Keys cannot be checked now; nothing was stored"),
}
"""Problems by name: status and title."""


class Reply(msgspec.Struct, frozen=True):
    """An HTTP answer but for the headers that every answer carries."""

    status: int
    body: bytes
    headers: list[tuple[str, str]] = msgspec.field(default_factory=lambda: [JSON])


class Refused(Exception):
    """A request of which nothing was stored: a problem's name, extra headers and members.

    A value of the request is never among the members.
    """

    def __init__(
        self, name: str, *, headers: tuple[tuple[str, str], ...] = (), **members: Any
    ) -> None:
        """``retry_after_s`` among the members also becomes a header.

        ``status`` is the problem's own; a dialect may tell its clients another.
        """
        super().__init__(name)
        self.name = name
        self.status = TITLES[name][0]
        self.members = members
        self.headers = headers
        if "retry_after_s" in members:
            self.headers = (*headers, ("retry-after", str(members["retry_after_s"])))

    @property
    def sentence(self) -> str:
        """Title and detail in one."""
        detail = self.members.get("detail")
        title = TITLES[self.name][1]
        return f"{title}: {detail}" if detail else title


def json_reply(status: int, document: Any) -> Reply:
    """An answer holding ``document``."""
    return Reply(status, msgspec.json.encode(document))


def problem(refused: Refused, instance: str) -> Reply:
    """A problem document."""
    status, title = refused.status, TITLES[refused.name][1]
    document = {"type": PROBLEM_TYPE_PREFIX + refused.name, "title": title, "status": status}
    document.update(refused.members)
    document["instance"] = instance
    return Reply(status, msgspec.json.encode(document), [PROBLEM_JSON, *refused.headers])
