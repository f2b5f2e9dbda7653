"""Bulk imports in numbered parts, resumed where they were interrupted.

Belongs here: sessions and their parts over HTTP. Does not belong here: reading parts (``parts``)
or remembering them (``ecomind.identity.imports``).
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from ecomind.identity import Scope
from ecomind.identity.imports import ImportClosed, ImportInfo, PartDiffers, PartInfo
from ingest_api.adapters.base import Adapter, Document
from ingest_api.desk import schemas
from ingest_api.desk.base import (
    Answer,
    Call,
    Desk,
    Endpoint,
    Parameter,
    matching,
    object_of,
    utc_text,
    whole_number,
)
from ingest_api.ids import sortable
from ingest_api.intake import Request
from ingest_api.outcome import Outcome
from ingest_api.replies import Refused, Reply, json_reply

T = TypeVar("T")
_log = logging.getLogger("ingest_api")
_PARTS_MAX = 100_000
_NAME_MAX = 200
_MEDIA_TYPES = {
    "application/x-ndjson": "import_ndjson",
    "application/ndjson": "import_ndjson",
    "application/jsonl": "import_ndjson",
    "application/json": "import_json",
    "text/csv": "import_csv",
    "application/vnd.apache.parquet": "import_parquet",
}
"""Formats of parts by their names in landed rows; the first is for bodies that name none."""

_LISTED_MAX = 1000
"""Most items whose errors an answer lists, and most missing parts it names."""


def _session(desk: Desk, info: ImportInfo) -> dict[str, Any]:
    return {
        "import_id": info.import_id,
        "name": info.name,
        "state": "open" if info.completed_at is None else "complete",
        "created_at": utc_text(info.created_at),
        "completed_at": None if info.completed_at is None else utc_text(info.completed_at),
        "limits": {
            "part_bytes": desk.settings.max_body_bytes,
            "part_events": desk.settings.max_batch_events,
            "parts": _PARTS_MAX,
        },
    }


def _with_parts(desk: Desk, info: ImportInfo) -> dict[str, Any]:
    stored = desk.store.imports.parts(info.import_id)
    return {
        **_session(desk, info),
        "accepted": sum(part.accepted for part in stored),
        "duplicate": sum(part.duplicate for part in stored),
        "rejected": sum(part.rejected for part in stored),
        "parts": [
            {
                "part": part.number,
                "sha256": part.sha256,
                "accepted": part.accepted,
                "duplicate": part.duplicate,
                "rejected": part.rejected,
            }
            for part in stored
        ],
    }


async def _stored(work: Callable[[], T]) -> T:
    """What the control store says, asked beside the event loop. Raises ``Refused``."""
    try:
        return await asyncio.to_thread(work)
    except SQLAlchemyError as error:
        _log.error("the control store failed with %s", type(error).__name__)
        raise Refused("imports-unavailable", retry_after_s=5) from None


def _found(desk: Desk, call: Call) -> ImportInfo:
    info = desk.store.imports.find(call.org_id, call.values["import_id"])
    if info is None:
        raise Refused("not-found")
    return info


async def _create(desk: Desk, call: Call) -> Reply:
    name = object_of(call.document.body).get("name")
    if name is not None and not (isinstance(name, str) and len(name) <= _NAME_MAX):
        detail = f"name must be a string of at most {_NAME_MAX} characters"
        raise Refused("invalid-document", pointer="/name", detail=detail)
    import_id = f"imp_{sortable()}"

    def create() -> ImportInfo:
        return desk.store.imports.create(import_id, call.org_id, call.tenant.key_id, name)

    reply = json_reply(201, _session(desk, await _stored(create)))
    reply.headers.append(("location", f"/v1/imports/{import_id}"))
    return reply


async def _show(desk: Desk, call: Call) -> Reply:
    return json_reply(200, await _stored(lambda: _with_parts(desk, _found(desk, call))))


def _claim(desk: Desk, call: Call, sha256: str) -> str | None:
    info, number = _found(desk, call), call.values["part"]
    try:
        return desk.store.imports.claim(info.import_id, number, sha256)
    except PartDiffers:
        raise Refused("part-differs", part=number) from None
    except ImportClosed:
        raise Refused("import-complete") from None


def _media_type(call: Call) -> str:
    content_type = call.document.headers.get("content-type")
    if content_type is None:
        return next(iter(_MEDIA_TYPES))
    essence = content_type.partition(";")[0].strip().lower()
    if essence not in _MEDIA_TYPES:
        raise Refused("unsupported-media-type", supported=sorted(_MEDIA_TYPES))
    return essence


def _read(desk: Desk, adapter: str, document: Document, sha256: str) -> list[object]:
    from ingest_api.desk import parts  # noqa: PLC0415 (half a second, for those who ask)

    bounds = parts.Bounds(desk.settings.max_batch_events, desk.settings.max_decoded_bytes)
    return parts.read(adapter, document, bounds, sha256)


async def _put(desk: Desk, call: Call) -> Reply:
    essence = _media_type(call)
    sha256 = await asyncio.to_thread(lambda: hashlib.sha256(call.document.body).hexdigest())
    known = await _stored(lambda: _claim(desk, call, sha256))
    if known is not None:
        return _answered(msgspec.json.decode(known))
    imports, import_id, number = desk.store.imports, call.values["import_id"], call.values["part"]
    try:
        adapter, document = _MEDIA_TYPES[essence], call.document
        items = await asyncio.to_thread(_read, desk, adapter, document, sha256)
        taken = Adapter(adapter, (), lambda _: items, is_foreign=False)
        outcome = await desk.intake.receive(Request(taken, document, call.tenant, call.sortable_id))
    except BaseException:
        await asyncio.shield(_stored(lambda: imports.release(import_id, number)))
        raise
    call.judged(adapter, outcome)
    answer = _answer(import_id, number, outcome)
    part = PartInfo(number, sha256, outcome.accepted, outcome.duplicate, outcome.rejected)
    text = msgspec.json.encode(answer).decode()
    await _stored(lambda: imports.record(import_id, part, text))
    return _answered(answer)


def _answer(import_id: str, number: int, outcome: Outcome) -> dict[str, Any]:
    rejected = [result for result in outcome.results if result.result == "rejected"]
    return {
        "import_id": import_id,
        "part": number,
        "receipt_id": outcome.receipt_id,
        "received_at": outcome.received_text,
        "durability": "fsync",
        "accepted": outcome.accepted,
        "duplicate": outcome.duplicate,
        "rejected": outcome.rejected,
        "results": rejected[:_LISTED_MAX],
        "results_omitted": len(rejected[_LISTED_MAX:]),
    }


def _answered(answer: dict[str, Any]) -> Reply:
    if not answer["rejected"]:
        return json_reply(202, answer)
    reply = json_reply(207, answer)
    reply.headers.append(("ecomind-rejected", str(answer["rejected"])))
    return reply


def _complete_now(desk: Desk, call: Call, count: int) -> dict[str, Any]:
    info = _found(desk, call)
    missing, beyond = desk.store.imports.complete(info.import_id, count)
    if missing or beyond:
        raise Refused(
            "import-incomplete",
            missing=missing[:_LISTED_MAX],
            missing_count=len(missing),
            unexpected=beyond[:_LISTED_MAX],
        )
    return _with_parts(desk, _found(desk, call))


async def _complete(desk: Desk, call: Call) -> Reply:
    count = object_of(call.document.body).get("parts")
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= _PARTS_MAX:
        detail = f"parts must be a whole number from 0 to {_PARTS_MAX}"
        raise Refused("invalid-document", pointer="/parts", detail=detail)
    return json_reply(200, await _stored(lambda: _complete_now(desk, call, count)))


_SESSION = {
    "import_id": schemas.sortable("imp"),
    "name": schemas.nullable("string"),
    "state": {"enum": ["open", "complete"]},
    "created_at": schemas.TIME,
    "completed_at": schemas.nullable("string"),
    "limits": schemas.record(
        {"part_bytes": schemas.COUNT, "part_events": schemas.COUNT, "parts": schemas.COUNT}
    ),
}
_COUNTS = {"accepted": schemas.COUNT, "duplicate": schemas.COUNT, "rejected": schemas.COUNT}
_SHA256 = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_PART_SHOWN = schemas.record({"part": schemas.COUNT, "sha256": _SHA256, **_COUNTS})
_SHOWN = schemas.record(
    {
        **_SESSION,
        **_COUNTS,
        "parts": {"type": "array", "items": _PART_SHOWN},
    }
)
_STORED = schemas.record(
    {
        "import_id": schemas.sortable("imp"),
        "part": schemas.COUNT,
        "receipt_id": schemas.sortable("rcp"),
        "received_at": schemas.TIME,
        "durability": {"const": "fsync"},
        **_COUNTS,
        "results": {"type": "array", "items": schemas.RESULT},
        "results_omitted": schemas.COUNT,
    }
)
_IMPORT_ID = Parameter(
    "import_id",
    "path",
    "The import's id.",
    schemas.sortable("imp"),
    matching("imp_[0-9a-f]{28}", "an import's id"),
)
_PART = Parameter(
    "part",
    "path",
    "The part's number, from 1.",
    {"type": "integer", "minimum": 1, "maximum": _PARTS_MAX},
    whole_number(1, _PARTS_MAX),
)
_MAY_IMPORT = (Scope.INGEST_IMPORT,)

ENDPOINTS = (
    Endpoint(
        "POST",
        "/v1/imports",
        "Begin a bulk import.",
        _create,
        answers={201: Answer("The import, without parts yet.", schemas.record(_SESSION))},
        scopes=_MAY_IMPORT,
        body={
            "application/json": {
                "type": "object",
                "properties": {"name": {"type": ["string", "null"], "maxLength": _NAME_MAX}},
                "examples": [{"name": "calls of 2024"}],
            }
        },
        is_body_required=False,
        refusals=("malformed-body", "invalid-document", "imports-unavailable"),
    ),
    Endpoint(
        "GET",
        "/v1/imports/{import_id}",
        "See which parts an import has.",
        _show,
        answers={200: Answer("The import, its totals and its parts.", _SHOWN)},
        scopes=_MAY_IMPORT,
        parameters=(_IMPORT_ID,),
        refusals=("imports-unavailable",),
    ),
    Endpoint(
        "PUT",
        "/v1/imports/{import_id}/parts/{part}",
        "Send a part of an import.",
        _put,
        answers={
            202: Answer("Every row is on the disk.", _STORED),
            207: Answer("Rows were rejected; `results` lists these.", _STORED),
        },
        scopes=_MAY_IMPORT,
        parameters=(_IMPORT_ID, _PART),
        body={
            media_type: schemas.EVENTS_JSON if media_type == "application/json" else {}
            for media_type in _MEDIA_TYPES
        },
        description="The same bytes again are answered as before and not stored again; other bytes "
        "under a number that was taken are refused. Events may be of any age. Rows without an "
        "`event_id` get one from the part's bytes and the row's number.",
        refusals=(
            "malformed-body",
            "unsupported-media-type",
            "part-differs",
            "import-complete",
            "imports-unavailable",
        ),
    ),
    Endpoint(
        "POST",
        "/v1/imports/{import_id}/complete",
        "End an import when all its parts are there.",
        _complete,
        answers={200: Answer("The import, complete.", _SHOWN)},
        scopes=_MAY_IMPORT,
        parameters=(_IMPORT_ID,),
        body={
            "application/json": {
                "type": "object",
                "required": ["parts"],
                "properties": {"parts": {"type": "integer", "minimum": 0, "maximum": _PARTS_MAX}},
                "examples": [{"parts": 12}],
            }
        },
        refusals=("malformed-body", "invalid-document", "import-incomplete", "imports-unavailable"),
    ),
)
