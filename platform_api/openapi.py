"""The OpenAPI 3.1 document: what the routes say, and what holds for all of them.

Belongs here: adding the refusals and headers that follow from a route's nature. Does not belong
here: anything of one address alone; that stands at its route.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from platform_api.problems import MEDIA_TYPE, SCHEMA, TITLES
from platform_api.reads.health import release

DESCRIPTION = """\
Reads an organisation's published footprints and administers it. A credential sees its own
organisation only.

Send an API key as `Authorization: Bearer eco_live_...`. A person who is in several organisations
names one with the header `EcoMind-Organization`; it gives no rights.

Times are UTC. Members may be added to answers within a version; see docs/api.md for what may
change.
"""
TAGS = [
    {"name": "figures", "description": "Footprints of the published snapshot."},
    {"name": "reports", "description": "Monthly report bundles."},
    {"name": "administration", "description": "The organisation and who may do what in it."},
    {"name": "privacy", "description": "Erasing and exporting people."},
    {"name": "health", "description": "State of the service, without data of anybody."},
]
_REQUEST_ID = {
    "EcoMind-Request-Id": {
        "description": "Id of the request, for support.",
        "schema": {"type": "string", "pattern": "^req_[0-9a-f]{28}$"},
    }
}
_WITH_CREDENTIAL = (
    "invalid-credential", "sign-in-too-old", "insufficient-scope", "tenant-mismatch",
    "origin-not-allowed", "address-not-allowed", "identity-unavailable",
)  # fmt: skip
_WITH_BODY = (
    "malformed-body", "body-too-large", "unsupported-media-type", "invalid-document",
)  # fmt: skip
_ALWAYS = ("internal-error", "overloaded")
_PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}


def _names(operation: dict[str, Any]) -> Iterator[str]:
    """Problems an operation may answer with."""
    yield from _ALWAYS
    yield from operation.pop("x-problems", ())
    places = {parameter["in"] for parameter in operation.get("parameters", ())}
    if "query" in places:
        yield "invalid-parameter"
    if "path" in places:
        yield "not-found"
    if "requestBody" in operation:
        yield from _WITH_BODY
    if operation.get("security"):
        yield from _WITH_CREDENTIAL
    if {"figures", "health"} & set(operation["tags"]) and operation["operationId"] != "livez":
        yield "nothing-published"
        yield "identity-unavailable"


def _refusals(names: Iterable[str]) -> dict[str, Any]:
    by_status: dict[int, list[str]] = {}
    for name in dict.fromkeys(names):
        by_status.setdefault(TITLES[name][0], []).append(name)
    return {
        str(status): {
            "description": "; ".join(f"`{name}`: {TITLES[name][1]}" for name in found) + ".",
            "content": _PROBLEM,
        }
        for status, found in sorted(by_status.items())
    }


def _finish(operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    if "HTTPValidationError" in str(responses.get("422")):  # Ours are problem documents.
        del responses["422"]
    responses.update(_refusals(_names(operation)))
    for response in responses.values():
        response["headers"] = {**response.get("headers", {}), **_REQUEST_ID}
    operation["responses"] = dict(sorted(responses.items()))
    operation.setdefault("security", [])


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of an application."""
    told = get_openapi(
        title="EcoMind platform",
        version=release(),
        description=DESCRIPTION,
        routes=app.routes,
        tags=TAGS,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        servers=[{"url": "/"}],
    )
    for path in told["paths"].values():
        for operation in path.values():
            _finish(operation)
    schemas = told["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = dict(SCHEMA)
    return told
