"""What became of an event: every row received under its id, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ecomind.contract.event import EVENTS, REJECTS
from ecomind.contract.fields import Table
from ecomind.identity import Scope
from ingest_api.desk import schemas
from ingest_api.desk.base import Answer, Call, Desk, Endpoint, Parameter, matching
from ingest_api.desk.rows import (
    RECEIVED,
    SEARCHED,
    SPAN_DAYS,
    event_of,
    item_of,
    receipt_of,
    searched,
    span,
    span_parameters,
)
from ingest_api.replies import Refused, Reply, json_reply

if TYPE_CHECKING:
    from ecomind.warehouse.superseded import Superseded
    from ingest_api.desk.search import Found

_EVENT_ID = r"[\x21-\x7e]{1,128}"
_SOURCE = r"[\x21-\x7e]{1,256}"
_MOST = 100
_DEFAULT_SOURCE = next(f.default for f in EVENTS.fields if f.name == "source")


def _source(found: Found) -> Any:
    if found.table is EVENTS:
        return found.row["source"]
    return (item_of(found.row) or {}).get("source", _DEFAULT_SOURCE)


def _shown(found: Found, losers: Mapping[str, Superseded]) -> dict[str, Any]:
    row = found.row
    if found.table is EVENTS:
        shown = {"state": found.state, **receipt_of(row), "event": event_of(row)}
        winner = losers.get(row["source"]) if found.state == "loaded" else None
        if winner is not None:
            shown["state"] = "superseded"
            shown["superseded_by"] = {
                "source": winner.by_source,
                "event_id": winner.by_event_id,
                "reason": winner.reason,
            }
        return shown
    return {
        "state": "rejected",
        **receipt_of(row),
        "rejection_id": row["rejection_id"],
        "code": row["code"],
        "pointer": row["pointer"],
        "event": item_of(row) or {},
    }


def _losers(desk: Desk, org_id: str, event_id: str, found: list[Found]) -> Mapping[str, Superseded]:
    """By source, those of the found events that do not count."""
    if all(each.state != "loaded" for each in found):
        return {}
    from ecomind.warehouse.superseded import superseded  # noqa: PLC0415 (half a second, for those who ask)

    return {each.source: each for each in superseded(desk.settings, org_id, event_id)}


def _look(desk: Desk, call: Call) -> dict[str, Any]:
    from ingest_api.desk.search import Search, Wanted  # noqa: PLC0415 (half a second, for those who ask)

    event_id, source = call.values["event_id"], call.values.get("source")
    begin, end = span(call.values, "received_")
    search = Search(desk.settings)

    def of(table: Table, order: str) -> list[Found]:
        wanted = Wanted(table, call.org_id, begin, end, order, "event_id", event_id)
        found = search.newest(wanted, _MOST)
        return [each for each in found if source is None or _source(each) == source]

    found = [*of(EVENTS, "event_id"), *of(REJECTS, "rejection_id")]
    if not found:
        if search.is_complete:
            detail = "no event of this organisation with this id was received in this time"
            told = searched(begin, end, True)
            raise Refused("not-found", detail=detail, searched=told)
        raise Refused("search-too-long", retry_after_s=5, detail="narrow it with received_from")
    found.sort(key=lambda each: each.row["received_at"], reverse=True)
    losers = _losers(desk, call.org_id, event_id, found)
    shown = [_shown(each, losers) for each in found]
    return {
        "event_id": event_id,
        "state": shown[0]["state"],
        "received": shown,
        "searched": searched(begin, end, search.is_complete),
    }


async def _event(desk: Desk, call: Call) -> Reply:
    return json_reply(200, await desk.searches.run(call.org_id, lambda: _look(desk, call)))


EVENT_STATES = ["stored", "landed", "loaded", "superseded", "rejected"]
_RECEIVED = schemas.record(
    {"state": {"enum": EVENT_STATES}, **RECEIVED, "event": {"type": "object"}},
    {
        "rejection_id": schemas.sortable("rej"),
        "code": {"type": "string"},
        "pointer": {"type": "string"},
        "superseded_by": schemas.record(
            {name: {"type": "string"} for name in ("source", "event_id", "reason")}
        ),
    },
)
_ANSWER = schemas.record(
    {
        "event_id": {"type": "string"},
        "state": {"enum": EVENT_STATES},
        "received": {"type": "array", "items": _RECEIVED},
        "searched": SEARCHED,
    }
)

ENDPOINTS = (
    Endpoint(
        "GET",
        "/v1/events/{event_id}",
        "Ask what became of an event.",
        _event,
        answers={200: Answer("Every time it was received, newest first.", _ANSWER)},
        scopes=(Scope.EVENTS_READ,),
        parameters=(
            Parameter(
                "event_id",
                "path",
                "The event's id.",
                {"type": "string", "pattern": f"^{_EVENT_ID}$"},
                matching(_EVENT_ID, "an event's id"),
            ),
            Parameter(
                "source",
                "query",
                "Only of this source; by default of all.",
                {"type": "string", "pattern": f"^{_SOURCE}$"},
                matching(_SOURCE, "a source"),
            ),
            *span_parameters("received_"),
        ),
        description=f"Looks through the last {SPAN_DAYS} days unless told otherwise. An event "
        "received several times counts once in the warehouse; one that is superseded does not "
        "count, as another tells of the same call.",
        refusals=("search-too-long",),
    ),
)
