"""Rejected items of an organisation: listing them, and judging one anew with corrections.

Never shows a value that was at fault: none was kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ecomind.contract.codec import EPOCH, microseconds
from ecomind.contract.event import CLIENT_FIELDS, REJECTS
from ecomind.identity import Scope
from ingest_api.adapters.base import Adapter
from ingest_api.desk import schemas
from ingest_api.desk.base import (
    Answer,
    Call,
    Desk,
    Endpoint,
    Parameter,
    Schema,
    matching,
    object_of,
    whole_number,
)
from ingest_api.desk.rows import (
    RECEIVED,
    SEARCHED,
    SPAN_DAYS,
    item_of,
    receipt_of,
    searched,
    span,
    span_parameters,
)
from ingest_api.dialects.native import NATIVE
from ingest_api.intake import Request
from ingest_api.replies import Refused, Reply, json_reply

if TYPE_CHECKING:
    from ingest_api.desk.search import Found

_ID = "rej_[0-9a-f]{28}"
_CURSOR = r"\d{1,17}_[0-9a-f]{28}"
_CODE = "[a-z_]{1,64}"
_LIMIT, _LIMIT_MAX = 100, 500
_PERSONAL = tuple(field.name for field in CLIENT_FIELDS if field.pseudonymised)
_ALIASES = {alias: field.name for field in CLIENT_FIELDS for alias in field.aliases}


def _shown(found: Found) -> dict[str, Any]:
    row = found.row
    return {
        "rejection_id": row["rejection_id"],
        "state": found.state,
        **receipt_of(row),
        "index": row["item_index"],
        "event_id": row.get("event_id"),
        "code": row["code"],
        "pointer": row["pointer"],
        "is_replayable": row.get("item") is not None,
        "item": item_of(row),
    }


def _place(cursor: str) -> tuple[datetime, str]:
    moment, _, identifier = cursor.partition("_")
    try:
        return EPOCH + timedelta(microseconds=int(moment)), f"rej_{identifier}"
    except OverflowError:
        raise Refused(
            "invalid-parameter", parameter="cursor", detail="it must be a next_cursor"
        ) from None


def _cursor(row: Mapping[str, Any]) -> str:
    identifier = row["rejection_id"].removeprefix("rej_")
    return f"{microseconds(row['received_at'])}_{identifier}"


def _list(desk: Desk, call: Call) -> dict[str, Any]:
    from ingest_api.desk.search import Search, Wanted  # noqa: PLC0415 (half a second, for those who ask)

    begin, end = span(call.values, "")
    code, limit = call.values.get("code"), call.values.get("limit", _LIMIT)
    before = None
    if "cursor" in call.values:
        before = _place(call.values["cursor"])
        end = max(begin, min(end, before[0]))
    search = Search(desk.settings)
    wanted = Wanted(
        REJECTS, call.org_id, begin, end, "rejection_id",
        None if code is None else "code", code, before,
    )  # fmt: skip
    found = search.newest(wanted, limit + 1)
    if not found and not search.is_complete:
        raise Refused("search-too-long", retry_after_s=5, detail="narrow it with from and to")
    page = found[:limit]
    has_more = len(found) > limit or (bool(page) and not search.is_complete)
    return {
        "rejections": [_shown(each) for each in page],
        "next_cursor": _cursor(page[-1].row) if has_more else None,
        "searched": searched(begin, end, search.is_complete),
    }


async def _rejections(desk: Desk, call: Call) -> Reply:
    return json_reply(200, await desk.searches.run(call.org_id, lambda: _list(desk, call)))


def _find(desk: Desk, org_id: str, rejection_id: str) -> Mapping[str, Any]:
    from ingest_api.desk.search import Search, Wanted, around  # noqa: PLC0415 (half a second, for those who ask)

    search = Search(desk.settings)
    # A rejection is named when it is judged: a large or slow body was received well before.
    begin, end = around(rejection_id.removeprefix("rej_"))
    wanted = Wanted(
        REJECTS, org_id, begin - (end - begin), end, "rejection_id", "rejection_id", rejection_id
    )
    found = search.newest(wanted, 1)
    if found:
        return found[0].row
    raise (
        Refused("not-found") if search.is_complete else Refused("search-too-long", retry_after_s=5)
    )


def _corrected(item: Mapping[str, Any], corrections: Mapping[str, Any]) -> dict[str, Any]:
    """The kept fields with corrections over them; null takes a field away."""
    named = {_ALIASES.get(name, name): value for name, value in corrections.items()}
    merged = {**item, **named}
    return {name: value for name, value in merged.items() if value is not None}


def _pseudonymised_once(
    pseudonymise: Callable[[str], str], item: Mapping[str, Any], corrections: Mapping[str, Any]
) -> Callable[[str], str]:
    """Kept ids of people are pseudonyms already, corrected ones are not."""
    kept = {item[name] for name in _PERSONAL if name in item and name not in corrections}
    return lambda value: value if value in kept else pseudonymise(value)


async def _replay(desk: Desk, call: Call) -> Reply:
    rejection_id = call.values["rejection_id"]
    corrections = object_of(call.document.body)
    row = await desk.searches.run(call.org_id, lambda: _find(desk, call.org_id, rejection_id))
    item = item_of(row)
    if item is None:
        told = "it was not an object" if row["code"] != "tenant_mismatch" else _OF_OTHERS
        raise Refused("not-replayable", code=row["code"], detail=f"{told}: send the item itself")
    tenant = replace(
        call.tenant,
        pseudonymise=_pseudonymised_once(call.tenant.pseudonymise, item, corrections),
    )
    merged = _corrected(item, corrections)
    adapter = Adapter("replay", (), lambda _: (merged,), is_foreign=False)
    outcome = await desk.intake.receive(Request(adapter, call.document, tenant, call.sortable_id))
    call.judged(adapter.name, outcome)
    return NATIVE.judged(outcome)


_OF_OTHERS = "it named another organisation, so nothing of it was kept"
_REJECTION = schemas.record(
    {
        "rejection_id": schemas.sortable("rej"),
        "state": {"enum": ["stored", "landed", "loaded"]},
        **RECEIVED,
        "index": schemas.COUNT,
        "event_id": schemas.nullable("string"),
        "code": {"type": "string"},
        "pointer": {"type": "string"},
        "is_replayable": {"type": "boolean"},
        "item": schemas.nullable("object"),
    }
)
_PAGE = schemas.record(
    {
        "rejections": {"type": "array", "items": _REJECTION},
        "next_cursor": schemas.nullable("string"),
        "searched": SEARCHED,
    }
)
_CORRECTIONS: Schema = {
    "type": "object",
    "description": "Contract fields to put over the kept ones; null takes one away.",
    "examples": [{"input_tokens": 1200}],
}

ENDPOINTS = (
    Endpoint(
        "GET",
        "/v1/rejections",
        "List rejected items, newest first.",
        _rejections,
        answers={200: Answer("A page of rejections.", _PAGE)},
        scopes=(Scope.EVENTS_READ,),
        parameters=(
            *span_parameters(""),
            Parameter(
                "code",
                "query",
                "Only with this code.",
                {"type": "string", "pattern": f"^{_CODE}$"},
                matching(_CODE, "a rejection code"),
            ),
            Parameter(
                "limit",
                "query",
                f"Most in a page; by default {_LIMIT}.",
                {"type": "integer", "minimum": 1, "maximum": _LIMIT_MAX},
                whole_number(1, _LIMIT_MAX),
            ),
            Parameter(
                "cursor",
                "query",
                "The `next_cursor` of the page before.",
                {"type": "string", "pattern": f"^{_CURSOR}$"},
                matching(_CURSOR, "a next_cursor"),
            ),
        ),
        description=f"Looks through the last {SPAN_DAYS} days unless told otherwise. `item` holds "
        "the fields that were valid by themselves, never a value that was at fault.",
        refusals=("search-too-long",),
    ),
    Endpoint(
        "POST",
        "/v1/rejections/{rejection_id}/replay",
        "Judge a rejected item anew, with corrections.",
        _replay,
        answers={202: Answer("The corrected item is on the disk.", schemas.STORED)},
        scopes=(Scope.EVENTS_REPLAY,),
        parameters=(
            Parameter(
                "rejection_id",
                "path",
                "The rejection's id.",
                schemas.sortable("rej"),
                matching(_ID, "a rejection's id"),
            ),
        ),
        body={"application/json": _CORRECTIONS},
        is_body_required=False,
        description="Corrections are contract fields put over the kept ones. The item keeps its "
        "`event_id`, so a replay that is repeated counts once. The rejection stays listed.",
        refusals=(
            "malformed-body", "not-replayable", "no-valid-event", "tenant-mismatch",
            "search-too-long",
        ),
    ),
)  # fmt: skip
