"""Receiving a request's events: judge each, store the good and the reasons.

Belongs here: what happens between an authenticated body and its outcome, free of HTTP servers.
Does not belong here: reading formats (``adapters``), wording answers (``dialects``), the rules
(``ecomind.contract``), or how bytes become durable (``landing``).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from datetime import timedelta
from operator import attrgetter
from typing import Any, Protocol

import msgspec

from ecomind.contract.codec import EPOCH, Judged, Problem, Rules, Warned, judge, judge_bucket
from ecomind.contract.plain import PlainRules, as_item, make_landed
from ecomind.contract.plain_forms import PlainEvent
from ecomind.contract.plain_rows import landed_objects, landed_values
from ecomind.settings import Settings
from ingest_api.adapters.base import Adapter, Bucket, Document, MalformedBody, Named, TooManyItems
from ingest_api.credentials import Tenant
from ingest_api.ids import sortable, uuid7
from ingest_api.landing import frame, record
from ingest_api.outcome import Outcome, Result
from ingest_api.replies import Refused

_PLAIN_AT_ONCE, _YIELD_EVERY = 500, 250
_MICROSECONDS_A_SECOND, _SECOND = 1_000_000, timedelta(seconds=1)
_KNOWN_RULES_MAX = 10_000
_MANY = 100
"""From so many plain events on, a record holds their values. Fewer do not pay for the names, and
records that each have other names must cost the sealer no more than events sent alone."""
_LARGE_BYTES = 2**20
"""Bodies from this size on are judged one at a time: parsed, they are many times as large."""
_MINTED = Warned("event_id_minted", "event_id")
_NOT_FOR_BROWSERS = ("team_id", "cost_amount", "cost_currency")
"""Fields whoever holds the public key of a browser may not set."""
_NO_BUCKETS = Problem("not_allowed_for_key", "", "a browser's key sends calls, not usage reports")
_encode = msgspec.json.Encoder().encode
_identity = attrgetter("source", "event_id")


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
    """A request on its way: its rules, what became of it, and what is to be stored of it."""

    request: Request
    outcome: Outcome
    receipt: bytes
    """What every row of the request holds, as JSON."""
    plain_rules: PlainRules
    rules: Rules | None = None
    """The same for the careful way, once something takes it."""
    plain: list[Any] = msgspec.field(default_factory=list)
    """Landed events that came as the contract wants them."""
    rows: dict[bytes, list[bytes]] = msgspec.field(default_factory=dict)
    """All other rows as JSON, by the kind of record they go into."""
    seen: set[tuple[str, str]] = msgspec.field(default_factory=set)

    def store(self, kind: bytes, row: Mapping[str, Any]) -> None:
        """Add a row to what is to be stored."""
        self.rows.setdefault(kind, []).append(_encode(row))

    def records(self) -> bytes:
        """What is to be stored: a record per kind of row, or nothing."""
        many = landed_values(self.plain) if len(self.plain) >= _MANY else None
        frames = [] if many is None else [self._record(frame.EVENT, map(record.of_lines, many))]
        if self.plain and many is None:
            lines = record.of_lines(landed_objects(self.plain))
            self.rows.setdefault(frame.EVENT, []).append(lines)
        return b"".join(frames + [self._record(kind, rows) for kind, rows in self.rows.items()])

    def _record(self, kind: bytes, rows: Iterable[bytes]) -> bytes:
        return frame.encode(kind, record.payload(self.receipt, rows))


def _with_event_id(item: object) -> tuple[object, bool]:
    if isinstance(item, Mapping) and item.get("event_id") is None:
        return {**item, "event_id": uuid7()}, True
    return item, False


def _restricted(item: object, tenant: Tenant) -> tuple[object, tuple[Warned, ...]]:
    """An item without what the key may not set, and what was taken away.

    A browser's key sets neither team nor cost; one of a project sets no other project.
    """
    if isinstance(item, Bucket):
        return _NO_BUCKETS, ()
    if isinstance(item, PlainEvent):
        item = as_item(item)
    if not isinstance(item, Mapping):
        return item, ()
    names = _NOT_FOR_BROWSERS if tenant.origins is not None else ()
    if tenant.project_id is not None and item.get("project_id") != tenant.project_id:
        names = (*names, "project_id")
    taken = [name for name in names if item.get(name) is not None]
    rest = {key: value for key, value in item.items() if key not in taken}
    if tenant.project_id is not None:
        rest["project_id"] = tenant.project_id
    return rest, tuple(Warned("not_allowed_for_key", name) for name in taken)


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


def _warnings(judged: Judged, is_minted: bool) -> tuple[dict[str, str], ...]:
    if not is_minted and not judged.warnings:
        return ()
    warnings = (*judged.warnings, _MINTED) if is_minted else judged.warnings
    return tuple({"code": w.code, "field": w.field} for w in warnings)


class Intake:
    """Judges and stores requests of any tenant."""

    def __init__(self, settings: Settings, log: Log) -> None:
        """Take limits from ``settings`` and store in ``log``."""
        self._settings = settings
        self._log = log
        self._large = asyncio.Lock()
        self._known_rules: dict[str, tuple[Tenant, int, PlainRules]] = {}
        """By key: whose they are, and the second they hold for."""
        self._max_future = timedelta(seconds=settings.max_future_s)
        self._max_age = timedelta(days=settings.max_event_age_days)

    async def receive(self, request: Request) -> Outcome:
        """What became of a request, once its accepted items and its rejections are durable.

        Raises ``Refused`` or ``NotDurable`` when nothing of it was stored.
        """
        judging = await self._judged(request)
        records, outcome = judging.records(), judging.outcome
        del judging  # Of a large batch, megabytes; the next request gets them while they are warm.
        if records:
            await self._log.append(records)
        return outcome

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
        tenant = request.tenant
        received_us = time.time_ns() // 1000
        outcome = Outcome(request.sortable_id, received_us)
        # Every part of it is of letters that JSON holds as they are.
        receipt = (
            f'{{"org_id":"{tenant.org_id}","key_id":"{tenant.key_id}","received_at":{received_us}'
            f',"receipt_id":"{outcome.receipt_id}","adapter":"{request.adapter.name}"}}'
        )
        plain_rules = self._plain_rules(tenant, received_us // _MICROSECONDS_A_SECOND)
        return _Judging(request, outcome, receipt.encode(), plain_rules)

    def _plain_rules(self, tenant: Tenant, received_s: int) -> PlainRules:
        """The same for all requests within a second, so a little stricter than they might be."""
        known = self._known_rules.get(tenant.key_id)
        if known is not None and known[0] is tenant and known[1] == received_s:
            return known[2]
        since_epoch, max_age = timedelta(seconds=received_s), self._max_age_of(tenant)
        second = EPOCH + since_epoch
        rules = PlainRules(
            EPOCH if max_age is None or max_age > since_epoch else second + _SECOND - max_age,
            second + self._max_future,
            tenant.pseudonymise,
            self._settings.keep_raw_user_ids,
            self._settings.keep_conversation_ids,
        )
        if len(self._known_rules) >= _KNOWN_RULES_MAX:
            self._known_rules.clear()
        self._known_rules[tenant.key_id] = tenant, received_s, rules
        return rules

    def _max_age_of(self, tenant: Tenant) -> timedelta | None:
        """How old an event may be; None is as old as it likes."""
        max_age = None if tenant.may_import else self._max_age
        if tenant.countable_days is None:
            return max_age
        countable = timedelta(days=tenant.countable_days)
        return countable if max_age is None else min(max_age, countable)

    def _rules(self, judging: _Judging) -> Rules:
        if judging.rules is None:
            plain, tenant = judging.plain_rules, judging.request.tenant
            judging.rules = Rules(
                org_id=tenant.org_id,
                received_at=EPOCH + timedelta(microseconds=judging.outcome.received_us),
                max_future=self._max_future,
                max_age=self._max_age_of(tenant),
                pseudonymise=tenant.pseudonymise,
                keep_raw_user_ids=plain.keep_raw_user_ids,
                keep_conversation_ids=plain.keep_conversation_ids,
            )
        return judging.rules

    async def _judge_all(self, request: Request, items: Sequence[object]) -> _Judging:
        judging, withheld = self._judging(request), None
        if isinstance(items, Named):
            judging.outcome.names, judging.outcome.passed = items.names, items.passed
        tenant = request.tenant
        if items and (tenant.origins is not None or tenant.project_id is not None):
            allowed = (_restricted(item, tenant) for item in items)
            items, withheld = zip(*allowed, strict=True)
        # A large batch must not hold up everybody else.
        for start in range(0, len(items), _PLAIN_AT_ONCE):
            if start:
                await asyncio.sleep(0)
            some = items[start : start + _PLAIN_AT_ONCE]
            if _take_plain(judging, start, some):
                continue
            for index, sent in enumerate(some, start):
                if index % _YIELD_EVERY == _YIELD_EVERY - 1:
                    await asyncio.sleep(0)
                if not _take_plain(judging, index, (sent,)):
                    _take(judging, self._rules(judging), index, sent, withheld)
        return judging


def _take_plain(judging: _Judging, start: int, items: Sequence[Any]) -> bool:
    """Store items if all of them are as the contract wants them; else nothing has happened."""
    if not isinstance(items[0], PlainEvent) or not make_landed(items, judging.plain_rules):
        return False
    judging.plain += items
    _count_stored(judging, start, list(map(_identity, items)))
    return True


def _take(
    judging: _Judging,
    rules: Rules,
    index: int,
    sent: object,
    withheld: Sequence[tuple[Warned, ...]] | None,
) -> None:
    """Judge any item and store it, or why not."""
    if isinstance(sent, Bucket):
        reference = judging.request.tenant.pseudonymise_reference
        if reference is not None:
            rules = msgspec.structs.replace(rules, pseudonymise=reference)
        _take_bucket(judging, index, judge_bucket(sent.fields, rules))
        return
    request = judging.request
    item = as_item(sent) if isinstance(sent, PlainEvent) else sent
    item, is_minted = _with_event_id(item) if request.mints_event_ids else (item, False)
    if isinstance(item, Problem):
        judged = Judged(None, None, (item,))
    else:
        judged = judge(item, rules, is_foreign=request.adapter.is_foreign)
    if withheld:
        judged = msgspec.structs.replace(judged, warnings=(*judged.warnings, *withheld[index]))
    if judged.row is None:
        _reject(judging, index, judged, is_minted)
        return
    judging.store(frame.EVENT, judged.row)
    _count_stored(judging, index, [(judged.row["source"], judged.row["event_id"])])
    judging.outcome.results[-1].warnings = _warnings(judged, is_minted)


def _count_stored(judging: _Judging, start: int, keys: Sequence[tuple[str, str]]) -> None:
    """Tell of items stored one after another; ``keys`` are their sources and event ids."""
    outcome, seen = judging.outcome, judging.seen
    # Only repeats within one request are known here; all others are resolved in the warehouse.
    add, tell, repeated = seen.add, outcome.results.append, 0
    for index, key in enumerate(keys, start):
        if key in seen:
            repeated += 1
            tell(Result(index, key[1], "duplicate"))
        else:
            add(key)
            tell(Result(index, key[1], "accepted"))
    outcome.duplicate += repeated
    outcome.accepted += len(keys) - repeated


def _take_bucket(judging: _Judging, index: int, judged: Judged) -> None:
    if judged.row is None:
        _reject(judging, index, judged, is_minted=False)
        return
    judging.store(frame.BUCKET, judged.row)
    judging.outcome.accepted += 1
    warnings = _warnings(judged, is_minted=False)
    judging.outcome.results.append(Result(index, None, "accepted", warnings=warnings))


def _reject(judging: _Judging, index: int, judged: Judged, is_minted: bool) -> None:
    outcome, first = judging.outcome, judged.problems[0]
    rejection_id = f"rej_{sortable()}"
    event_id = None if is_minted else judged.event_id
    row = {
        "rejection_id": rejection_id,
        "item_index": index,
        "event_id": event_id,
        "code": first.code,
        "pointer": first.pointer,
    }
    if judged.kept is not None:
        row["item"] = _encode(judged.kept).decode()
    judging.store(frame.REJECT, row)
    outcome.rejected += 1
    outcome.is_all_of_others = outcome.is_all_of_others and first.code == "tenant_mismatch"
    outcome.results.append(
        Result(
            index,
            event_id,
            "rejected",
            rejection_id,
            tuple(
                {"code": p.code, "pointer": p.pointer, "detail": p.detail} for p in judged.problems
            ),
            _warnings(judged, is_minted=False),
        )
    )
