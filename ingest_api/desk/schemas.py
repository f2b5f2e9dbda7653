"""JSON Schemas of what the endpoints take and answer, for the OpenAPI document.

Belongs here: shapes shared by endpoints. Does not belong here: the contract (``ecomind.contract``
exports its own schema).
"""

from __future__ import annotations

import json
from typing import Any

from ingest_api.desk.base import Schema
from ingest_api.replies import PROBLEM_TYPE_PREFIX, TITLES

STATES = ("stored", "landed", "loaded")
"""In the write-ahead log; in the landing zone; in the warehouse's raw store."""

TIME: Schema = {"type": "string", "format": "date-time"}
COUNT: Schema = {"type": "integer", "minimum": 0}
EVENT: Schema = {"$ref": "#/components/schemas/Event"}
EXAMPLE_EVENT = {
    "event_id": "call-1",
    "occurred_at": "2026-11-21T09:30:00Z",
    "provider": "openai",
    "request_model": "gpt-4o",
    "input_tokens": 1200,
    "output_tokens": 300,
    "region": "eastus",
    "team_id": "platform",
}
EXAMPLE_RECEIPT = "rcp_01a1b2c3d4e50123456789abcdef"
EXAMPLE_REJECTION = "rej_01a1b2c3d4e50123456789abcdef"
EXAMPLE_IMPORT = "imp_01a1b2c3d4e50123456789abcdef"


def record(required: dict[str, Schema], optional: dict[str, Schema] | None = None) -> Schema:
    """An object with these members; more may be added in later releases."""
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
    }


def sortable(prefix: str) -> Schema:
    """An id of ours."""
    return {"type": "string", "pattern": f"^{prefix}_[0-9a-f]{{28}}$"}


def nullable(kind: str) -> Schema:
    """A value that may be missing."""
    return {"type": [kind, "null"]}


EVENTS_JSON: Schema = {
    "anyOf": [
        EVENT,
        {"type": "array", "items": EVENT},
        {"type": "object", "required": ["events"],
         "properties": {"events": {"type": "array", "items": EVENT}}},
    ]
}  # fmt: skip
_ERROR = record(
    {"code": {"type": "string"}, "pointer": {"type": "string"}, "detail": {"type": "string"}}
)
_WARNING = record({"code": {"type": "string"}, "field": {"type": "string"}})
RESULT = record(
    {
        "index": COUNT,
        "event_id": nullable("string"),
        "result": {"enum": ["accepted", "duplicate", "rejected"]},
    },
    {
        "rejection_id": sortable("rej"),
        "errors": {"type": "array", "items": _ERROR},
        "warnings": {"type": "array", "items": _WARNING},
    },
)
_COUNTS = {"accepted": COUNT, "duplicate": COUNT, "rejected": COUNT}
_RESULTS = {"results": {"type": "array", "items": RESULT}}
STORED = record(
    {"receipt_id": sortable("rcp"), "received_at": TIME, "durability": {"const": "fsync"}}
    | _COUNTS
    | _RESULTS
)
VALIDATED = record({"durability": {"const": "none"}} | _COUNTS | _RESULTS)
ITEM_ERROR = record(
    {
        "index": COUNT,
        "event_id": nullable("string"),
        "rejection_id": sortable("rej"),
        "code": {"type": "string"},
        "pointer": {"type": "string"},
        "detail": {"type": "string"},
    }
)
PROBLEM = record(
    {
        "type": {"enum": [PROBLEM_TYPE_PREFIX + name for name in TITLES]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "instance": {"type": "string"},
    },
    {"detail": {"type": "string"}, "errors": {"type": "array", "items": ITEM_ERROR}},
)
EXAMPLE_PROBLEM = {
    "type": PROBLEM_TYPE_PREFIX + "invalid-credential",
    "title": TITLES["invalid-credential"][1],
    "status": 401,
    "instance": "/v1/events#req_01a1b2c3d4e50123456789abcdef",
}
EXAMPLE_STORED = {
    "receipt_id": EXAMPLE_RECEIPT,
    "received_at": "2026-11-21T09:30:00.412Z",
    "durability": "fsync",
    "accepted": 1,
    "duplicate": 0,
    "rejected": 0,
    "results": [{"index": 0, "event_id": "call-1", "result": "accepted"}],
}


def event_schema() -> dict[str, Any]:
    """The contract's schema of an event."""
    from ecomind.contract.exports import json_schema  # noqa: PLC0415 (half a second, for those who ask)

    return json.loads(json_schema())  # type: ignore[no-any-return]


def body_of(media_type: str) -> Schema:
    """What is known of a body by its media type alone."""
    if media_type == "application/json":
        return EVENTS_JSON
    return {}
