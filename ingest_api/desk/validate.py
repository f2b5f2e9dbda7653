"""What would become of a document: judged as on intake, stored nowhere."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from ecomind.identity import Scope
from ingest_api.desk import schemas
from ingest_api.desk.base import Answer, Call, Desk, Endpoint, Parameter
from ingest_api.intake import Request
from ingest_api.replies import Refused, Reply, json_reply
from ingest_api.routes import BY_PATH, Format

_EVENTS = BY_PATH["/v1/events"]


def _by_name() -> Mapping[str, Format]:
    found: dict[str, Format] = {}
    for route in (_EVENTS, *BY_PATH.values()):
        for each in route.all_formats:
            found.setdefault(each.adapter.name, each)
    return found


FORMATS = _by_name()
"""Every format that is taken anywhere, by the name of its adapter."""


def _format(name: str) -> Format:
    if name not in FORMATS:
        raise ValueError("it must be one of " + ", ".join(FORMATS))
    return FORMATS[name]


async def _validate(desk: Desk, call: Call) -> Reply:
    found = call.values.get("format") or _EVENTS.format_of(call.document.headers)
    if found is None:
        raise Refused("unsupported-media-type", supported=sorted(_EVENTS.formats))
    request = Request(found.adapter, call.document, call.tenant, call.sortable_id)
    outcome = await desk.intake.validate(request)
    results = [replace(result, rejection_id=msgspec.UNSET) for result in outcome.results]
    document = {
        "durability": "none",
        "accepted": outcome.accepted,
        "duplicate": outcome.duplicate,
        "rejected": outcome.rejected,
        "results": results,
    }
    return json_reply(200, document)


ENDPOINTS = (
    Endpoint(
        "POST",
        "/v1/validate",
        "Judge AI calls without storing anything.",
        _validate,
        answers={200: Answer("What would become of each item.", schemas.VALIDATED)},
        scopes=(Scope.INGEST_WRITE,),
        parameters=(
            Parameter(
                "format",
                "query",
                "Name of the format; by default what the Content-Type means at /v1/events.",
                {"type": "string", "enum": list(FORMATS)},
                _format,
            ),
        ),
        body={media_type: schemas.body_of(media_type) for media_type in _EVENTS.formats},
        refusals=("malformed-body", "unsupported-media-type"),
    ),
)
