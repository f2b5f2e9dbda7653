"""The OpenAPI 3.1 document, from the tables of addresses and the contract.

Belongs here: rendering. Does not belong here: anything of an endpoint that its table could say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ingest_api.desk import schemas
from ingest_api.desk.base import Answer, Endpoint, Schema
from ingest_api.desk.families import NATIVE, Family, family_of
from ingest_api.desk.table import ENDPOINTS
from ingest_api.encodings import ACCEPTED
from ingest_api.replies import TITLES
from ingest_api.routes import BY_PATH, Route

_ON_EVERY_BODY = ("bad-encoding", "decompression-bomb", "body-too-large", "unsupported-encoding",
                  "body-timeout", "not-durable", "rate-limited")  # fmt: skip
_WITH_A_KEY = ("invalid-credential", "insufficient-scope", "origin-not-allowed",
               "network-not-allowed", "org-suspended", "identity-unavailable")  # fmt: skip
_ON_INTAKE = ("malformed-body", "unsupported-media-type", "tenant-mismatch", "no-valid-event")
_WITHOUT_BODY = (204, 304)
_AS_THEY_ARE: Mapping[int, int] = {}
_SECURITY: list[dict[str, list[str]]] = [{"bearer": []}, {"apiKey": []}, {"basic": []}]
_HEADERS = {
    "ecomind-request-id": {
        "description": "Id of the request, for support.",
        "schema": {"type": "string", "pattern": "^req_[0-9a-f]{28}$"},
    },
    "ecomind-durability": {
        "description": "What an accepted event survives: fsync is a crash of the machine.",
        "schema": {"type": "string"},
    },
}
_STATES: Mapping[str, str] = {
    "/livez": "Whether the process runs.",
    "/readyz": "Whether events are taken now.",
    "/health": "State of the log, without data of anybody.",
}


def _version() -> str:
    try:
        return version("ecomind")
    except PackageNotFoundError:
        return "unknown"


def _content(media_type: str, schema: Schema, example: Any = None) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": schema}
    if example is not None:
        content["example"] = example
    return {media_type: content}


def _response(status: int, answer: Answer, also: Iterable[str]) -> dict[str, Any]:
    response: dict[str, Any] = {"description": answer.description, "headers": _HEADERS}
    if status not in _WITHOUT_BODY:
        content = _content(answer.media_type, answer.schema, answer.example)
        response["content"] = content | {each: {"schema": {"type": "string"}} for each in also}
    return response


def _refusals(
    names: Iterable[str], refusal: Mapping[str, Schema], statuses: Mapping[int, int]
) -> dict[str, Any]:
    by_status: dict[int, list[str]] = {}
    for name in names:
        status = TITLES[name][0]
        by_status.setdefault(statuses.get(status, status), []).append(name)
    return {
        str(status): {
            "description": "; ".join(f"`{name}`: {TITLES[name][1]}" for name in found) + ".",
            "headers": _HEADERS,
            "content": {media_type: {"schema": schema} for media_type, schema in refusal.items()},
        }
        for status, found in sorted(by_status.items())
    }


def _responses(
    refusals: Iterable[str], family: Family, statuses: Mapping[int, int] = _AS_THEY_ARE
) -> dict[str, Any]:
    names = dict.fromkeys((*refusals, "internal-error"))
    responses = _refusals(names, family.refusal, statuses)
    for status, answer in family.answers.items():
        responses[str(status)] = _response(status, answer, family.also)
    return dict(sorted(responses.items()))


def _intake(route: Route) -> dict[str, Any]:
    dialect = route.default.dialect
    refusals = (*_ON_INTAKE, *_WITH_A_KEY, *_ON_EVERY_BODY)
    responses = _responses(refusals, family_of(dialect), dialect.statuses)
    content: dict[str, Any] = {}
    for media_type, each in route.formats.items():
        name = each.adapter.name
        is_single = route.mints_event_ids and name == "native_json"
        schema = schemas.EVENT if is_single else _body_schema(name, media_type)
        example = schemas.EXAMPLE_EVENT if name == "native_json" else None
        content |= _content(media_type, schema, example)
    formats = ", ".join(dict.fromkeys(each.adapter.name for each in route.formats.values()))
    return {
        "summary": route.summary,
        "description": f"Formats: {formats}. Content-Encoding: {ACCEPTED}. Scope `ingest:write`.",
        "operationId": _operation_id("post", route.path),
        "tags": ["intake"],
        "security": _SECURITY,
        "requestBody": {"required": True, "content": content},
        "responses": responses,
    }


def _body_schema(adapter: str, media_type: str) -> Schema:
    if adapter == "native_json":
        return schemas.EVENTS_JSON
    return {} if "json" in media_type else {"type": "string"}


def _operation_id(method: str, path: str) -> str:
    words = path.replace("{", "").replace("}", "").replace(".", "_").strip("/").replace("/", "_")
    return f"{method}_{words or 'index'}"


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    refusals: list[str] = list(endpoint.refusals)
    if any(parameter.place == "query" for parameter in endpoint.parameters):
        refusals.append("invalid-parameter")
    if any(parameter.place == "path" for parameter in endpoint.parameters):
        refusals.append("not-found")
    if endpoint.scopes:
        refusals += _WITH_A_KEY
    if endpoint.body is not None:
        refusals += _ON_EVERY_BODY
    operation: dict[str, Any] = {
        "summary": endpoint.summary,
        "operationId": _operation_id(endpoint.method.lower(), endpoint.path),
        "tags": ["desk" if endpoint.scopes else "documents"],
        "security": _SECURITY if endpoint.scopes else [],
        "responses": _responses(refusals, Family(endpoint.answers, NATIVE.refusal)),
    }
    scopes = " or ".join(f"`{scope.value}`" for scope in endpoint.scopes)
    words = (endpoint.description, f"Scope {scopes}." if scopes else "No key is needed.")
    operation["description"] = " ".join(word for word in words if word)
    if endpoint.parameters:
        operation["parameters"] = [
            {
                "name": parameter.name,
                "in": parameter.place,
                "required": parameter.place == "path",
                "description": parameter.description,
                "schema": parameter.schema,
            }
            for parameter in endpoint.parameters
        ]
    if endpoint.body is not None:
        content: dict[str, Any] = {}
        for media_type, schema in endpoint.body.items():
            content |= _content(media_type, schema)
        operation["requestBody"] = {"required": endpoint.is_body_required, "content": content}
    return operation


def _state(path: str, summary: str) -> dict[str, Any]:
    family = Family({200: Answer(summary)}, NATIVE.refusal)
    return {
        "summary": summary,
        "operationId": _operation_id("get", path),
        "tags": ["health"],
        "security": [],
        "responses": _responses(("not-durable",), family),
    }


def document() -> dict[str, Any]:
    """The OpenAPI document of every address this service has."""
    paths: dict[str, dict[str, Any]] = {path: {"post": _intake(r)} for path, r in BY_PATH.items()}
    for endpoint in ENDPOINTS:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    for path, summary in _STATES.items():
        paths[path] = {"get": _state(path, summary)}
    event = schemas.event_schema()
    del event["$schema"]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "EcoMind ingest",
            "version": _version(),
            "description": "Takes AI calls as metadata, never their content, and tells what became "
            "of them. An organisation's key sees that organisation only.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in ("intake", "desk", "documents", "health")],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": {"Event": event, "Stored": schemas.STORED, "Problem": schemas.PROBLEM},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "basic": {"type": "http", "scheme": "basic"},
            },
        },
    }
