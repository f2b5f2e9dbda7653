"""Receiving a request's events: judge each, store the good and the reasons.

Belongs here: what happens between an authenticated body and its outcome, free of HTTP servers.
Does not belong here: reading formats (``adapters``), wording answers (``dialects``), the rules
(``ecomind.contract``), or how bytes become durable (``landing``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import msgspec

from ecomind.contract.codec import (
    Judged,
    Problem,
    Rules,
    Warned,
    judge,
    judge_bucket,
    microseconds,
)
from ecomind.contract.plain import PlainEvent, PlainRules, as_item, landed_json
from ecomind.settings import Settings
from ingest_api.adapters.base import Adapter, Bucket, Document, MalformedBody, Named, TooManyItems
from ingest_api.credentials import Tenant
from ingest_api.ids import sortable, uuid7
from ingest_api.landing import frame
from ingest_api.outcome import Outcome
from ingest_api.replies import Refused

_YIELD_EVERY = 250
_LARGE_BYTES = 2**20
"""Bodies from this size on are judged one at a time: parsed, they are many times as large."""
_MINTED = Warned("event_id_minted", "event_id")
_NOT_FOR_BROWSERS = ("team_id", "cost_amount", "cost_currency")
"""Fields whoever holds the public key of a browser may not set."""
_NO_BUCKETS = Problem("not_allowed_for_key", "", "a browser's key sends calls, not usage reports")
_encode = msgspec.json.Encoder().encode


class Log(Protocol):
    """Where records become durable (``landing.log.EventLog``)."""

    def append(self, frames: bytes) -> Awaitable[None]:
        """Store whole records."""


class Request(msgspec.Struct, frozen=True):
    """A document and who sent it; ``sortable_id`` names its request and its receipt."""

    adapter: Adapter
    document: Document
    tenant: Tenant
    sortable_id: str
    mints_event_ids: bool = False


class _Judging(msgspec.Struct):
    """A request on its way: its rules, what every row of it holds, and what became of it."""

    rules: Rules
    receipt: dict[str, Any]
    outcome: Outcome
    is_foreign: bool
    plain_rules: PlainRules
    receipt_json: bytes
    """The receipt, as a landed row begins with it."""
    frames: list[bytes] = msgspec.field(default_factory=list)
    seen: dict[tuple[str, str], Any] = msgspec.field(default_factory=dict)


def _with_event_id(item: object) -> tuple[object, bool]:
    if isinstance(item, Mapping) and item.get("event_id") is None:
        return {**item, "event_id": uuid7()}, True
    return item, False


def _of_a_browser(item: object) -> tuple[object, tuple[Warned, ...]]:
    """An item without what a browser's key may not set, and what was taken away."""
    if isinstance(item, Bucket):
        return _NO_BUCKETS, ()
    if type(item) is PlainEvent:
        item = as_item(item)
    if not isinstance(item, Mapping):
        return item, ()
    names = [name for name in _NOT_FOR_BROWSERS if item.get(name) is not None]
    rest = {key: value for key, value in item.items() if key not in names}
    return rest, tuple(Warned("not_allowed_for_key", name) for name in names)


def _parsed(request: Request) -> Sequence[object]:
    try:
        return request.adapter.parse(request.document)
    except MalformedBody as error:
        request.tenant.allowance.charge(1)  # Reading it was work, too.
        raise Refused("malformed-body", detail=str(error)) from None
    except TooManyItems:
        request.tenant.allowance.charge(1)
        raise _too_many(request.document.items_max) from None


def _too_many(limit: int) -> Refused:
    return Refused("body-too-large", stage="items", limit_items=limit)


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
        self._large = asyncio.Lock()
        self._max_future = timedelta(seconds=settings.max_future_s)
        self._max_age = timedelta(days=settings.max_event_age_days)

    async def receive(self, request: Request) -> Outcome:
        """What became of a request, once its accepted items and its rejections are durable.

        Raises ``Refused`` or ``NotDurable`` when nothing of it was stored.
        """
        judging = await self._judged(request)
        if judging.frames:
            await self._log.append(b"".join(judging.frames))
        return judging.outcome

    async def validate(self, request: Request) -> Outcome:
        """What would become of a request; nothing is stored. Raises ``Refused``."""
        return (await self._judged(request)).outcome

    async def _judged(self, request: Request) -> _Judging:
        if len(request.document.body) < _LARGE_BYTES:
            return await self._judge_all(request, self._admitted(request, _parsed(request)))
        async with self._large:
            # Reading a large body takes up to seconds, in which others are answered.
            items = await asyncio.to_thread(_parsed, request)
            return await self._judge_all(request, self._admitted(request, items))

    def _admitted(self, request: Request, items: Sequence[object]) -> Sequence[object]:
        limit = self._settings.max_batch_events
        is_too_many = len(items) > limit
        request.tenant.allowance.charge(1 if is_too_many else len(items) or 1)
        if is_too_many:
            raise _too_many(limit)
        return items

    def _judging(self, request: Request) -> _Judging:
        tenant, received_at = request.tenant, datetime.now(UTC)
        outcome = Outcome(request.sortable_id, received_at)
        rules = Rules(
            org_id=tenant.org_id,
            received_at=received_at,
            max_future=self._max_future,
            max_age=None if tenant.may_import else self._max_age,
            pseudonymise=tenant.pseudonymise,
            keep_raw_user_ids=self._settings.keep_raw_user_ids,
            keep_conversation_ids=self._settings.keep_conversation_ids,
        )
        receipt = {
            "org_id": tenant.org_id,
            "key_id": tenant.key_id,
            "received_at": microseconds(received_at),
            "receipt_id": outcome.receipt_id,
            "adapter": request.adapter.name,
        }
        receipt_json = _encode(receipt)[:-1] + b","
        return _Judging(
            rules, receipt, outcome, request.adapter.is_foreign, PlainRules.of(rules), receipt_json
        )

    async def _judge_all(self, request: Request, items: Sequence[object]) -> _Judging:
        judging, withheld = self._judging(request), None
        if isinstance(items, Named):
            judging.outcome.names, judging.outcome.passed = items.names, items.passed
        if request.tenant.origins is not None:
            items, withheld = zip(*map(_of_a_browser, items), strict=True) if items else ((), ())
        for index, sent in enumerate(items):
            if index % _YIELD_EVERY == _YIELD_EVERY - 1:
                await asyncio.sleep(0)  # A large batch must not hold up everybody else.
            if type(sent) is not PlainEvent or not _accept_plain(judging, index, sent):
                _take(judging, index, sent, request.mints_event_ids, withheld)
        return judging


def _take(
    judging: _Judging,
    index: int,
    sent: object,
    mints_event_ids: bool,
    withheld: Sequence[tuple[Warned, ...]] | None,
) -> None:
    """Judge any item and store it, or why not."""
    if isinstance(sent, Bucket):
        _take_bucket(judging, index, judge_bucket(sent.fields, judging.rules))
        return
    item = as_item(sent) if type(sent) is PlainEvent else sent
    item, is_minted = _with_event_id(item) if mints_event_ids else (item, False)
    if isinstance(item, Problem):
        judged = Judged(None, None, (item,))
    else:
        judged = judge(item, judging.rules, is_foreign=judging.is_foreign)
    if withheld:
        judged = msgspec.structs.replace(judged, warnings=(*judged.warnings, *withheld[index]))
    if judged.row is not None:
        _accept(judging, index, judged.row, _warnings(judged, is_minted))
    else:
        _reject(judging, index, judged, is_minted)


def _accept_plain(judging: _Judging, index: int, event: Any) -> bool:
    """Store an event that came as the contract wants it; False when it must be judged."""
    payload = landed_json(event, judging.plain_rules)
    if payload is None:
        return False
    judging.frames.append(frame.encode(frame.EVENT, judging.receipt_json + payload[1:]))
    outcome, event_id = judging.outcome, event.event_id
    if judging.seen.setdefault((event.source, event_id), event) is event:
        outcome.accepted += 1
        outcome.results.append({"index": index, "event_id": event_id, "result": "accepted"})
    else:
        outcome.duplicate += 1
        outcome.results.append({"index": index, "event_id": event_id, "result": "duplicate"})
    return True


def _accept(
    judging: _Judging, index: int, event: dict[str, Any], warnings: list[dict[str, str]]
) -> None:
    outcome = judging.outcome
    judging.frames.append(frame.encode(frame.EVENT, _encode({**judging.receipt, **event})))
    result: dict[str, Any] = {"index": index, "event_id": event["event_id"], "result": "accepted"}
    # Only repeats within one request are known here; all others are resolved in the warehouse.
    if judging.seen.setdefault((event["source"], event["event_id"]), event) is event:
        outcome.accepted += 1
    else:
        result["result"] = "duplicate"
        outcome.duplicate += 1
    if warnings:
        result["warnings"] = warnings
    outcome.results.append(result)


def _take_bucket(judging: _Judging, index: int, judged: Judged) -> None:
    if judged.row is None:
        _reject(judging, index, judged, is_minted=False)
        return
    judging.frames.append(frame.encode(frame.BUCKET, _encode({**judging.receipt, **judged.row})))
    result: dict[str, Any] = {"index": index, "event_id": None, "result": "accepted"}
    warnings = _warnings(judged, is_minted=False)
    if warnings:
        result["warnings"] = warnings
    judging.outcome.accepted += 1
    judging.outcome.results.append(result)


def _reject(judging: _Judging, index: int, judged: Judged, is_minted: bool) -> None:
    outcome, first = judging.outcome, judged.problems[0]
    rejection_id = f"rej_{sortable()}"
    event_id = None if is_minted else judged.event_id
    row = {
        **judging.receipt,
        "rejection_id": rejection_id,
        "item_index": index,
        "event_id": event_id,
        "code": first.code,
        "pointer": first.pointer,
    }
    if judged.kept is not None:
        row["item"] = _encode(judged.kept).decode()
    judging.frames.append(frame.encode(frame.REJECT, _encode(row)))
    outcome.rejected += 1
    outcome.is_all_of_others = outcome.is_all_of_others and first.code == "tenant_mismatch"
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
    outcome.results.append(result)
