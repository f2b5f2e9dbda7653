"""What became of a request: its rows, counted by how far they have come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecomind.contract.bucket import BUCKETS
from ecomind.contract.event import EVENTS, REJECTS
from ecomind.contract.fields import Table
from ecomind.identity import Scope
from ingest_api.desk import schemas
from ingest_api.desk.base import Answer, Call, Desk, Endpoint, Parameter, matching, utc_text
from ingest_api.replies import Refused, Reply, json_reply

if TYPE_CHECKING:
    from ingest_api.desk.search import Found

_PATTERN = "rcp_[0-9a-f]{28}"
_ORDERS: dict[str, str] = {
    EVENTS.name: "event_id",
    REJECTS.name: "rejection_id",
    BUCKETS.name: "receipt_id",
}


def _found(desk: Desk, org_id: str, receipt_id: str) -> list[Found]:
    from ingest_api.desk.search import Search, Wanted, around  # noqa: PLC0415 (half a second, for those who ask)

    search = Search(desk.settings)
    received_from, received_to = around(receipt_id.removeprefix("rcp_"))

    def of(table: Table) -> list[Found]:
        order = _ORDERS[table.name]
        wanted = Wanted(
            table, org_id, received_from, received_to, order, "receipt_id", receipt_id,
            columns=("receipt_id", order, "adapter"),
        )  # fmt: skip
        return search.newest(wanted)

    found = [each for table in (EVENTS, BUCKETS, REJECTS) for each in of(table)]
    if not found and not search.is_complete:
        raise Refused("search-too-long", retry_after_s=5)
    return found


async def _receipt(desk: Desk, call: Call) -> Reply:
    receipt_id = call.values["receipt_id"]
    found = await desk.searches.run(call.org_id, lambda: _found(desk, call.org_id, receipt_id))
    if not found:
        raise Refused("not-found", detail=_NOT_FOUND)
    states = {state: {"accepted": 0, "rejected": 0} for state in schemas.STATES}
    for each in found:
        states[each.state]["rejected" if each.table is REJECTS else "accepted"] += 1
    totals = {
        name: sum(counts[name] for counts in states.values()) for name in ("accepted", "rejected")
    }
    document = {
        "receipt_id": receipt_id,
        "received_at": utc_text(found[0].row["received_at"]),
        "adapter": found[0].row["adapter"],
        "state": next(state for state in schemas.STATES if any(states[state].values())),
        **totals,
        "states": states,
    }
    return json_reply(200, document)


_NOT_FOUND = (
    "no stored request of this organisation has this receipt; one that another machine took may "
    "show after a few seconds"
)
_COUNTS = schemas.record({"accepted": schemas.COUNT, "rejected": schemas.COUNT})
RECEIPT = schemas.record(
    {
        "receipt_id": schemas.sortable("rcp"),
        "received_at": schemas.TIME,
        "adapter": {"type": "string"},
        "state": {"enum": list(schemas.STATES)},
        "accepted": schemas.COUNT,
        "rejected": schemas.COUNT,
        "states": schemas.record({state: _COUNTS for state in schemas.STATES}),
    }
)

ENDPOINTS = (
    Endpoint(
        "GET",
        "/v1/receipts/{receipt_id}",
        "Ask what became of a request.",
        _receipt,
        answers={200: Answer("Its items by how far they have come.", RECEIPT)},
        scopes=(Scope.EVENTS_READ,),
        parameters=(
            Parameter(
                "receipt_id",
                "path",
                "The receipt of the answer.",
                schemas.sortable("rcp"),
                matching(_PATTERN, "a receipt"),
            ),
        ),
        description="`state` is that of the item least far: stored (in the write-ahead log, on the "
        "disk), landed (in the landing zone), loaded (in the warehouse, counted by the next "
        "refresh). Repeats count as accepted here; the warehouse counts them once.",
        refusals=("search-too-long",),
    ),
)
