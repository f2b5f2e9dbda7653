"""Answers a client may keep: entity tags and the headers that go with them.

Belongs here: making tags and comparing them. Does not belong here: what is answered.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from fastapi import Request, Response

from ecomind.identity import Principal

REVALIDATED = "private, no-cache"
"""Kept by the client alone, and asked about each time."""


def tag(principal: Principal, *parts: object) -> str:
    """The entity tag of what a principal reads: equal only for the same rights and parts.

    Weak, since sums may differ in their last bit from one reading to the next.
    """
    rights = sorted(scope.value for scope in principal.scopes)
    told = json.dumps([principal.org_id, rights, *map(str, parts)])
    return f'W/"{hashlib.sha256(told.encode()).hexdigest()[:32]}"'


def is_known(request: Request, etag: str) -> bool:
    """Whether the client has the representation of a tag already (``If-None-Match``)."""
    known = request.headers.get("if-none-match")
    if known is None:
        return False
    opaque = etag.removeprefix("W/")
    return any(each.strip().removeprefix("W/") in (opaque, "*") for each in known.split(","))


def headers(etag: str) -> dict[str, str]:
    """Headers of an answer with a tag."""
    return {
        "etag": etag,
        "cache-control": REVALIDATED,
        "vary": "Accept, Authorization, EcoMind-Organization, Origin",
    }


def not_modified(etag: str) -> Response:
    """The answer to a client that has it already."""
    return Response(status_code=304, headers=headers(etag))


DOCUMENTED: Mapping[str, object] = {
    "ETag": {
        "description": "Of this representation; send it as If-None-Match to hear of changes only.",
        "schema": {"type": "string"},
    }
}
