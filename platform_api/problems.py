"""Errors as problem documents (RFC 9457).

Belongs here: every problem by name, and the shape of an error answer. Does not belong here: when
there is one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import JSONResponse

TYPE_PREFIX = "urn:ecomind:problem:"
"""As in the answers of the ingest API: a name means the same in both."""
MEDIA_TYPE = "application/problem+json"

TITLES: Mapping[str, tuple[int, str]] = {
    "malformed-body": (400, "Body cannot be read"),
    "invalid-parameter": (400, "Parameter of the address is not valid"),
    "invalid-credential": (401, "Credential is missing, unknown, revoked or expired"),
    "sign-in-too-old": (401, "This takes a fresh sign-in"),
    "insufficient-scope": (403, "Credential lacks a scope"),
    "tenant-mismatch": (403, "Organisation named is not that of the credential"),
    "origin-not-allowed": (403, "Key may not be used by this origin"),
    "address-not-allowed": (403, "Key may not be used from this network address"),
    "not-found": (404, "There is nothing at this address"),
    "method-not-allowed": (405, "Method is not supported here"),
    "not-acceptable": (406, "None of the accepted media types is served here"),
    "conflict": (409, "The change contradicts what is stored"),
    "snapshot-gone": (410, "The pages were of figures that are no longer kept; start again"),
    "precondition-failed": (412, "It was changed since it was read"),
    "body-too-large": (413, "Body exceeds the limit"),
    "unsupported-media-type": (415, "Content-Type is not supported here"),
    "invalid-document": (422, "Body is not what this address takes"),
    "internal-error": (500, "The server made a mistake; nothing was changed"),
    "nothing-published": (503, "No figures are published yet"),
    "identity-unavailable": (503, "Credentials cannot be checked now; nothing was changed"),
    "overloaded": (503, "Too many requests are under way"),
}
"""Problems by name: status and title."""

RETRY_AFTER_S = 1


class Refused(Exception):
    """A request that is not fulfilled: a problem's name, a sentence, extra headers and members.

    A value of the request is never among them.
    """

    def __init__(
        self,
        name: str,
        detail: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[Mapping[str, str]] = (),
    ) -> None:
        """``errors`` name the parameters or members at fault and what is wrong with each."""
        super().__init__(name)
        self.name, self.detail, self.errors = name, detail, errors
        self.headers = dict(headers or {})
        if TITLES[name][0] == 503:
            self.headers.setdefault("retry-after", str(RETRY_AFTER_S))


def wrong_parameter(name: str, detail: str) -> Refused:
    """A parameter of the address that is not valid."""
    return Refused("invalid-parameter", errors=[{"parameter": name, "detail": detail}])


def wrong_member(pointer: str, detail: str) -> Refused:
    """A member of the body that is not valid, by its JSON pointer."""
    return Refused("invalid-document", errors=[{"pointer": pointer, "detail": detail}])


def answer(refused: Refused, request_id: str = "") -> JSONResponse:
    """The problem document of a refusal."""
    status, title = TITLES[refused.name]
    body: dict[str, Any] = {
        "type": TYPE_PREFIX + refused.name,
        "title": title,
        "status": status,
    }
    if refused.detail:
        body["detail"] = refused.detail
    if refused.errors:
        body["errors"] = list(refused.errors)
    if request_id:
        body["instance"] = request_id
    return JSONResponse(body, status_code=status, headers=refused.headers, media_type=MEDIA_TYPE)


SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "description": "A problem document (RFC 9457). `type` is stable; the words are for people.",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "enum": sorted(TYPE_PREFIX + name for name in TITLES)},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "instance": {"type": "string", "description": "The request's id, for support."},
        "errors": {
            "type": "array",
            "description": "What is at fault: a parameter, or a member by its JSON pointer.",
            "items": {
                "type": "object",
                "required": ["detail"],
                "properties": {
                    "parameter": {"type": "string"},
                    "pointer": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
    "examples": [
        {
            "type": TYPE_PREFIX + "invalid-parameter",
            "title": TITLES["invalid-parameter"][1],
            "status": 400,
            "errors": [{"parameter": "group_by", "detail": "is one of org, team, user"}],
            "instance": "req_5c1f0d6e9b7a4c21a9e4f3d2b1a0",
        }
    ],
}
