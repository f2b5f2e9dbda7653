"""How each family of formats answers, for the OpenAPI document.

Belongs here: statuses, media types and shapes by dialect. Does not belong here: answering
(``ingest_api.dialects``); generated requests hold the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ingest_api.desk import schemas
from ingest_api.desk.base import Answer, Schema
from ingest_api.dialects.base import Dialect

_STORED: Schema = {"$ref": "#/components/schemas/Stored"}
_PROBLEMS: Mapping[str, Schema] = {
    "application/problem+json": {"$ref": "#/components/schemas/Problem"}
}


@dataclass(frozen=True, slots=True)
class Family:
    """Answers by status, and the media types and shapes of refusals.

    ``also``: media types an answer may have beside its own.
    """

    answers: Mapping[int, Answer]
    refusal: Mapping[str, Schema]
    also: tuple[str, ...] = ()


NATIVE = Family(
    {
        202: Answer("Everything is on the disk.", _STORED, schemas.EXAMPLE_STORED),
        207: Answer("Some items are on the disk, some were rejected.", _STORED),
    },
    _PROBLEMS,
)
_LANGFUSE_ITEM = schemas.record(
    {"id": {"type": "string"}, "status": {"type": "integer"}},
    {"message": {"type": "string"}, "error": {"type": "string"}},
)
_LANGFUSE_ITEMS: Schema = {"type": "array", "items": _LANGFUSE_ITEM}
_STATUS = schemas.record({"code": {"type": "integer"}, "message": {"type": "string"}})

_FAMILIES: Mapping[str, Family] = {
    "native": NATIVE,
    "litellm": NATIVE,
    "greenscale": Family({200: Answer("At least one call is on the disk.", _STORED)}, _PROBLEMS),
    "openmeter": Family(
        {204: Answer("At least one event is on the disk; `ecomind-rejected` counts the others.")},
        _PROBLEMS,
    ),
    "langfuse": Family(
        {
            207: Answer(
                "What became of each event, by its id.",
                schemas.record({"successes": _LANGFUSE_ITEMS, "errors": _LANGFUSE_ITEMS}),
            )
        },
        {
            "application/json": schemas.record(
                {name: {"type": "string"} for name in ("message", "error", "instance")}
            )
        },
    ),
    "otlp": Family(
        {
            200: Answer(
                "Taken; `partialSuccess` counts and explains what was rejected.",
                {"type": "object", "properties": {"partialSuccess": {"type": "object"}}},
            )
        },
        {"application/json": _STATUS, "application/x-protobuf": {"type": "string"}},
        also=("application/x-protobuf",),
    ),
}


def family_of(dialect: Dialect) -> Family:
    """The family a dialect belongs to; those of one family share the beginning of their names."""
    return _FAMILIES[dialect.name.partition("_")[0]]
