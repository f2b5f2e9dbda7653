"""The fast way of plain events has the outcome of the careful way, always."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecomind.contract import plain_forms
from ecomind.contract.codec import EPOCH, Rules, judge
from ecomind.contract.event import CLIENT_FIELDS
from ecomind.contract.fields import Field
from ecomind.contract.plain import (
    PlainRules,
    as_item,
    make_landed,
    plain_events,
    plain_lines,
)
from ecomind.contract.plain_rows import landed_objects

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "event_id": "e-1",
    "occurred_at": "2026-11-21T11:59:58.123456+02:00",
    "provider": "openai",
    "request_model": "gpt-4o",
    "input_tokens": 120,
    "output_tokens": 30,
}
DEFAULTS = {f.name: f.default for f in CLIENT_FIELDS if f.default is not None}
TIMES = st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1))  # noqa: DTZ001 (offset follows)


def rules(*, raw: bool = False, conversations: bool = False, forever: bool = False) -> Rules:
    return Rules(
        org_id="acme",
        received_at=NOW,
        max_future=timedelta(seconds=300),
        max_age=None if forever else timedelta(days=400),
        pseudonymise=lambda text: f"u_{len(text)}_{text[:1]}",
        keep_raw_user_ids=raw,
        keep_conversation_ids=conversations,
    )


def plain_rules(ours: Rules) -> PlainRules:
    earliest = EPOCH if ours.max_age is None else NOW - ours.max_age
    return PlainRules(
        earliest, NOW + ours.max_future, ours.pseudonymise,
        ours.keep_raw_user_ids, ours.keep_conversation_ids,
    )  # fmt: skip


def landed(event: Any, ours: Rules) -> dict[str, Any] | None:
    """The landed row of the fast way, or None when it leaves the event to the careful way."""
    if not make_landed([event], plain_rules(ours)):
        return None
    return {**DEFAULTS, **json.loads(landed_objects([event]))}


def values(field: Field) -> st.SearchStrategy[Any]:
    """Values that mostly fit a field, and some that do not."""
    odd = st.one_of(st.none(), st.just(""), st.just(1.5), st.just("x" * 300), st.just([]))
    if field.choices:
        good: st.SearchStrategy[Any] = st.sampled_from(field.choices)
    elif field.kind == "timestamp":
        good = TIMES.map(lambda t: t.replace(tzinfo=UTC).isoformat())
    elif field.kind == "integer":
        good = st.one_of(st.integers(-1, 600), st.sampled_from([10**8, 10**9, 5.0, True]))
    elif field.kind == "number":
        good = st.one_of(st.floats(0, 1e6, allow_nan=False), st.integers(0, 9))
    elif field.kind == "boolean":
        good = st.booleans()
    elif field.kind == "tags":
        good = st.dictionaries(st.sampled_from(["a", "b.c", "A", ""]), st.text(max_size=3))
    else:
        good = st.sampled_from(
            ["a", "eu", "US", "someone@example.org", "gpt-4o", "é", "a b", "a\n", "\x7f"]
        )
    return st.one_of(good, good, good, good, good, good, good, odd)


@st.composite
def items(draw: st.DrawFn) -> dict[str, Any]:
    item = dict(GOOD)
    for field in draw(st.lists(st.sampled_from(CLIENT_FIELDS), max_size=8)):
        item[field.name] = draw(values(field))
    if draw(st.integers(0, 9)) == 0:
        item[draw(st.sampled_from(["model", "org_id", "prompt", "surprise", "ts"]))] = "x"
    for name in draw(st.lists(st.sampled_from(sorted(GOOD)), max_size=1)):
        del item[name]
    return item


def codes(judged: Any) -> list[tuple[str, str]]:
    return [(problem.code, problem.pointer) for problem in judged.problems]


@settings(max_examples=600, deadline=None)
@given(items(), st.booleans(), st.booleans(), st.booleans())
def test_both_ways_land_and_refuse_the_same(
    item: dict[str, Any], raw: bool, conversations: bool, forever: bool
) -> None:
    ours = rules(raw=raw, conversations=conversations, forever=forever)
    body = json.dumps(item).encode()
    careful = judge(json.loads(body), ours)
    events = plain_events(body)
    if events is None:
        return
    (event,) = events
    # A refused event is told by the careful way; it must not have been changed by then.
    told = as_item(event)
    fast = landed(event, ours)
    if fast is None:
        again = judge(told, ours)
        assert (codes(again), again.row) == (codes(careful), careful.row)
        assert again.event_id == careful.event_id
        return
    assert careful.row is not None
    assert fast == careful.row
    assert careful.warnings == ()


@contextmanager
def read_by_the_first(is_so: bool) -> Iterator[None]:
    """Whether the first event of a body says what to have room for, as in large bodies."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plain_forms, "_LARGE_BYTES", 0 if is_so else 2**30)
        patch.setattr(plain_forms, "_by_names", {})
        yield


@settings(max_examples=300, deadline=None)
@given(st.lists(items(), min_size=2, max_size=4), st.booleans(), st.booleans())
def test_many_land_as_each_alone_or_nothing_is_changed(
    batch: list[dict[str, Any]], conversations: bool, by_the_first: bool
) -> None:
    ours = rules(conversations=conversations)
    with read_by_the_first(by_the_first):
        events = plain_events(json.dumps(batch).encode())
    if events is None:
        return
    careful = [judge(item, ours).row for item in batch]
    told = [as_item(event) for event in events]
    if make_landed(events, plain_rules(ours)):
        lines = landed_objects(events).split(b"\n")
        assert [{**DEFAULTS, **json.loads(line)} for line in lines] == careful
    else:
        assert [as_item(event) for event in events] == told
        alone = [landed(event, ours) for event in events]
        assert all(row in (None, expected) for row, expected in zip(alone, careful, strict=True))


@pytest.mark.parametrize(
    "change",
    [{"event_id": "a b"}, {"provider": "Open AI"}, {"source": "urn:é"},
     {"occurred_at": "2026-11-21T12:06:00Z"}, {"output_tokens": 1, "reasoning_output_tokens": 2},
     {"audio_seconds": 1.5, "tags": {"a": "b"}, "input_tokens": 1, "audio_input_tokens": 2}],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_one_misfit_leaves_the_others_unchanged(change: dict[str, Any]) -> None:
    ordinary = {**GOOD, "user_id": "u", "tags": {"b": "1"}} if "tags" in change else GOOD
    events = plain_events(json.dumps([ordinary, {**GOOD, **change}, ordinary]).encode()) or ()
    told = [as_item(event) for event in events]
    assert len(told) == 3
    assert not make_landed(events, plain_rules(rules()))
    assert [as_item(event) for event in events] == told
    assert [landed(event, rules()) is None for event in events] == [False, True, False]


@pytest.mark.parametrize("read", [plain_events, plain_lines])
def test_ordinary_events_are_plain(read: Any) -> None:
    """Without this, the test above could compare nothing."""
    ordinary = {**GOOD, "user_id": "u", "tags": {"b": "1", "a": "2"}, "cache_read_input_tokens": 9}
    (event,) = read(json.dumps(ordinary).encode())
    row = landed(event, rules())
    assert row is not None
    assert row == judge(ordinary, rules()).row
    assert (row["user_id"], row["tags"]) == ("u_1_u", '{"a":"2","b":"1"}')
    assert row["occurred_at"] == 1_795_255_198_123_456


@pytest.mark.parametrize(
    "body",
    [b"", b"7", b"[", b'{"event_id":', b"[1]", b"[[]]", b'["\xff"]', b"[" * 100_000,
     b'[{"a":' + b"[" * 100_000 + b"}", b'{"a":' + b"[" * 100_000 + b"\n",
     b'[{"a":"' + b"\xff" * 9_000 + b'"}]',
     json.dumps([GOOD, {**GOOD, "org_id": "acme"}]).encode(),
     json.dumps([GOOD, {**GOOD, "prompt": "text"}]).encode(),
     json.dumps({"events": [GOOD]}).encode()],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_the_careful_way(body: bytes) -> None:
    assert plain_events(body) is None
    assert body == b"" or plain_lines(body) is None


def test_events_out_of_time_take_the_careful_way() -> None:
    for moment in ("2026-11-21T12:06:00Z", "2025-10-01T00:00:00Z"):
        (event,) = plain_events(json.dumps({**GOOD, "occurred_at": moment}).encode()) or ()
        assert landed(event, rules()) is None


SOME = {"stream": True, "tags": {"b": "1"}, "cache_read_input_tokens": 9, "user_id": "u"}


@pytest.mark.parametrize("first", [{}, SOME], ids=["less", "more"])
@pytest.mark.parametrize("others", [{}, SOME, {"source": "urn:x", "response_model": "m"}])
def test_the_first_event_of_a_large_body_decides_nothing_but_the_speed(
    first: dict[str, Any], others: dict[str, Any]
) -> None:
    ours = rules()
    batch = [{**GOOD, **first}, *({**GOOD, "event_id": f"e-{n}", **others} for n in range(100))]
    rows = [judge(item, ours).row for item in batch]
    lines = b"\n".join(json.dumps(item).encode() for item in batch)
    for read, body in ((plain_events, json.dumps(batch).encode()), (plain_lines, lines)):
        events = read(body)
        assert events is not None and make_landed(events, plain_rules(ours))
        told = landed_objects(events).split(b"\n")
        assert [{**DEFAULTS, **json.loads(line)} for line in told] == rows


def test_a_large_body_has_room_for_what_its_first_event_tells() -> None:
    batch = [{**GOOD, "region": "eu"}, *([GOOD] * 200)]
    events = plain_events(json.dumps(batch).encode()) or ()
    assert set(type(events[0]).__struct_fields__) == {*GOOD, "region"}
    assert {type(event) for event in events} == {type(events[0])}


def test_made_up_fields_fill_no_memory() -> None:
    with read_by_the_first(is_so=True):
        optional = [field.name for field in CLIENT_FIELDS if not field.required]
        for pair in list(combinations(optional, 2))[: 2 * plain_forms._FORMS_MAX]:
            plain_events(json.dumps([{**GOOD, **dict.fromkeys(pair, 1)}]).encode())
            plain_events(json.dumps([{**GOOD, f"x_{pair}": 1}]).encode())
        assert len(plain_forms._by_names) == plain_forms._FORMS_MAX


def test_what_holds_a_default_is_left_out() -> None:
    (event,) = plain_events(json.dumps(GOOD).encode()) or ()
    assert make_landed([event], plain_rules(rules()))
    assert not DEFAULTS.keys() & json.loads(landed_objects([event])).keys()


@pytest.mark.parametrize("name", ["event_id", "provider", "source", "cost_currency"])
def test_a_name_does_not_end_with_a_newline(name: str) -> None:
    value = {**GOOD, "cost_currency": "EUR"}.get(name, "urn:x")
    item = {**GOOD, name: f"{value}\n"}
    assert judge({**GOOD, name: value}, rules()).row
    assert [code for code, _ in codes(judge(item, rules()))] == ["invalid_value"]
    for event in plain_events(json.dumps(item).encode()) or ():
        assert landed(event, rules()) is None
