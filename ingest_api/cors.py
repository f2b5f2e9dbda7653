"""What browsers ask before and read after a request from another origin.

Belongs here: the headers of CORS, for the keys that browsers hold. Does not belong here: which
origins a key names (``ecomind.identity``).

Only browsers' keys are meant for browsers: no page can read an answer to any other key.
"""

from __future__ import annotations

from ingest_api.headers import Headers
from ingest_api.replies import Reply

REMEMBERED_S = 86_400
_ALLOWED = (
    "authorization, x-api-key, content-type, content-encoding, idempotency-key, ecomind-sdk,"
    " ecomind-attempt, ecomind-sent-at"
)
_EXPOSED = "ecomind-request-id, ecomind-rejected, retry-after, ratelimit, ratelimit-policy"
_VARY = ("vary", "origin")


def asks(headers: Headers) -> str | None:
    """The origin of a preflight request, or None when it is not one."""
    if headers.get("access-control-request-method") is None:
        return None
    return headers.get("origin")


def preflight(origin: str) -> Reply:
    """The answer to a preflight of an origin that is known."""
    headers = [
        ("access-control-allow-origin", origin),
        ("access-control-allow-methods", "POST"),
        ("access-control-allow-headers", _ALLOWED),
        ("access-control-max-age", str(REMEMBERED_S)),
        _VARY,
    ]
    return Reply(204, b"", headers)


def readable(origin: str) -> list[tuple[str, str]]:
    """Headers that let a page of an origin read an answer."""
    return [
        ("access-control-allow-origin", origin),
        ("access-control-expose-headers", _EXPOSED),
        _VARY,
    ]
