"""Receiving a request's events: judge each, store the good and the reasons, answer.

Belongs here: what happens between an authenticated body and its answer, free of HTTP servers.
Does not belong here: reading formats (``adapters``), the rules (``ecomind.contract``), or how
bytes become durable (``landing``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import msgspec

from ecomind.contract.codec import Judged, Problem, Rules, Warned, judge, microseconds
from ecomind.settings import Settings
from ingest_api.adapters import Adapter, MalformedBody
from ingest_api.credentials import Tenant
from ingest_api.ids import sortable, uuid7
from ingest_api.landing import frame
from ingest_api.replies import Reply, json_reply, problem

_YIELD_EVERY = 250
_MINTED = Warned("event_id_minted", "event_id")
_encode = msgspec.json.Encoder().encode


class Log(Protocol):
    """Where records become durable (``landing.log.EventLog``)."""

    def append(self, frames: bytes) -> Awaitable[None]:
        """Store whole records."""


@dataclass(frozen=True, slots=True)
class Request:
    """A body and where it came from; ``sortable_id`` names its request and its receipt."""

    adapter: Adapter
    body: bytes
    tenant: Tenant
    path: str
    sortable_id: str
    mint_event_ids: bool = False

    @property
    def instance(self) -> str:
        """This request as the instance of a problem."""
        return f"{self.path}#req_{self.sortable_id}"


@dataclass(slots=True)
class _Tally:
    frames: list[bytes] = field(default_factory=list)
    results: list[dict[str, Any]] = field(default_factory=list)
    seen: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0
    is_foreign: bool = True


def _with_event_id(item: object) -> tuple[object, bool]:
    if isinstance(item, Mapping) and item.get("event_id") is None:
        return {**item, "event_id": uuid7()}, True
    return item, False


def _warnings(judged: Judged, is_minted: bool) -> list[dict[str, str]]:
    if not is_minted and not judged.warnings:
        return []
    warnings = (*judged.warnings, _MINTED) if is_minted else judged.warnings
    return [{"code": w.code, "field": w.field} for w in warnings]


class Intake:
    """Judges and stores requests of any tenant."""

    def __init__(self, settings: Settings, log: Log) -> None:
        """Take limits from ``settings`` and store in ``log``."""
        self._settings = settings
        self._log = log
        self._max_future = timedelta(seconds=settings.max_future_s)
        self._max_age = timedelta(days=settings.max_event_age_days)

    async def receive(self, request: Request) -> Reply:
        """Answer a request once its accepted events and its rejections are durable.

        Raises ``NotDurable`` when nothing of it was stored.
        """
        try:
            items = request.adapter.parse(request.body)
        except MalformedBody as error:
            return problem("malformed-body", request.instance, detail=str(error))
        limit = self._settings.max_batch_events
        if len(items) > limit:
            return problem("body-too-large", request.instance, stage="items", limit_items=limit)
        if not items:
            detail = "the body holds no event"
            return problem("no-valid-event", request.instance, detail=detail, rejected=0, errors=[])
        received_at = datetime.now(UTC)
        tally = await self._judge_all(request, items, received_at)
        await self._log.append(b"".join(tally.frames))
        return _answer(request, received_at, tally)

    def _rules(self, tenant: Tenant, received_at: datetime) -> Rules:
        return Rules(
            org_id=tenant.org_id,
            received_at=received_at,
            max_future=self._max_future,
            max_age=None if tenant.may_import else self._max_age,
            pseudonymise=tenant.pseudonymise,
            keep_raw_user_ids=self._settings.keep_raw_user_ids,
            keep_conversation_ids=self._settings.keep_conversation_ids,
        )

    async def _judge_all(
        self, request: Request, items: Sequence[object], received_at: datetime
    ) -> _Tally:
        rules = self._rules(request.tenant, received_at)
        receipt = {
            "org_id": request.tenant.org_id,
            "key_id": request.tenant.key_id,
            "received_at": microseconds(received_at),
            "receipt_id": f"rcp_{request.sortable_id}",
            "adapter": request.adapter.name,
        }
        tally = _Tally()
        for index, sent in enumerate(items):
            if index % _YIELD_EVERY == _YIELD_EVERY - 1:
                await asyncio.sleep(0)  # A large batch must not hold up everybody else.
            item, is_minted = _with_event_id(sent) if request.mint_event_ids else (sent, False)
            if isinstance(item, Problem):
                judged = Judged(None, None, (item,))
            else:
                judged = judge(item, rules)
            if judged.event is not None:
                _accept(tally, receipt, index, judged.event, _warnings(judged, is_minted))
            else:
                _reject(tally, receipt, index, judged, is_minted)
        return tally


def _accept(
    tally: _Tally,
    receipt: dict[str, Any],
    index: int,
    event: dict[str, Any],
    warnings: list[dict[str, str]],
) -> None:
    tally.frames.append(frame.encode(frame.EVENT, _encode({**receipt, **event})))
    result: dict[str, Any] = {"index": index, "event_id": event["event_id"], "result": "accepted"}
    # Only repeats within one request are known here; all others are resolved in the warehouse.
    if tally.seen.setdefault((event["source"], event["event_id"]), event) is event:
        tally.accepted += 1
    else:
        result["result"] = "duplicate"
        tally.duplicate += 1
    if warnings:
        result["warnings"] = warnings
    tally.results.append(result)


def _reject(
    tally: _Tally, receipt: dict[str, Any], index: int, judged: Judged, is_minted: bool
) -> None:
    first = judged.problems[0]
    rejection_id = f"rej_{sortable()}"
    event_id = None if is_minted else judged.event_id
    row = {
        **receipt,
        "rejection_id": rejection_id,
        "item_index": index,
        "event_id": event_id,
        "code": first.code,
        "pointer": first.pointer,
    }
    tally.frames.append(frame.encode(frame.REJECT, _encode(row)))
    tally.rejected += 1
    tally.is_foreign = tally.is_foreign and first.code == "tenant_mismatch"
    result: dict[str, Any] = {
        "index": index,
        "event_id": event_id,
        "result": "rejected",
        "rejection_id": rejection_id,
        "errors": [
            {"code": p.code, "pointer": p.pointer, "detail": p.detail} for p in judged.problems
        ],
    }
    if judged.warnings:
        result["warnings"] = _warnings(judged, is_minted=False)
    tally.results.append(result)


def _answer(request: Request, received_at: datetime, tally: _Tally) -> Reply:
    if not tally.accepted:
        return _nothing_accepted(request, tally)
    document = {
        "receipt_id": f"rcp_{request.sortable_id}",
        "received_at": received_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "durability": "fsync",
        "accepted": tally.accepted,
        "duplicate": tally.duplicate,
        "rejected": tally.rejected,
        "results": tally.results,
    }
    if not tally.rejected:
        return json_reply(202, document)
    reply = json_reply(207, document)
    reply.headers.append(("ecomind-rejected", str(tally.rejected)))
    return reply


def _nothing_accepted(request: Request, tally: _Tally) -> Reply:
    errors = [
        {
            "index": result["index"],
            "event_id": result["event_id"],
            "rejection_id": result["rejection_id"],
            **error,
        }
        for result in tally.results
        for error in result["errors"]
    ]
    return problem(
        "tenant-mismatch" if tally.is_foreign else "no-valid-event",
        request.instance,
        headers=(("ecomind-rejected", str(tally.rejected)),),
        rejected=tally.rejected,
        errors=errors,
    )
