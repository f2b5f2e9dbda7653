"""Payloads: rows as objects or as values, taken apart, halved, and read back as columns."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecomind.contract.codec import microseconds
from ecomind.contract.event import EVENTS
from ecomind.contract.plain import make_landed, plain_events
from ecomind.contract.plain_rows import landed_objects, landed_values
from ingest_api.landing.parquet import to_table
from ingest_api.landing.record import SEPARATOR, halves, of_lines, parts, payload
from tests.ecomind.test_plain import GOOD, items, plain_rules, read_by_the_first, rules

RECEIPT: dict[str, Any] = {
    "org_id": "acme", "key_id": "k", "received_at": microseconds(datetime.now(UTC)),
    "receipt_id": "rcp_1", "adapter": "native_json",
}  # fmt: skip
_receipt = json.dumps(RECEIPT).encode()
NAMES = b'["event_id","provider","occurred_at","input_tokens"]'


def line(event_id: str, *, tokens: str = "1", moment: str = "2026-11-21T12:00:00Z") -> bytes:
    return f'"{event_id}","openai","{moment}",{tokens}'.encode()


def table(*payloads: bytes) -> tuple[list[dict[str, Any]], list[bytes]]:
    landed, misfits = to_table(EVENTS, payloads)
    return landed.to_pylist(), misfits


def both(
    batch: list[dict[str, Any]], *, by_the_first: bool = False, **kind: bool
) -> tuple[pa.Table | None, pa.Table] | None:
    """A batch as its values and as its objects land; None when it takes the careful way."""
    ours, body = rules(**kind), json.dumps(batch).encode()
    with read_by_the_first(by_the_first):
        events = plain_events(body)
    again = plain_events(body)
    if not events or not again or not make_landed(events, plain_rules(ours)):
        return None
    assert make_landed(again, plain_rules(ours))
    values, objects = landed_values(events), landed_objects(again)
    as_objects, misfits = to_table(EVENTS, [payload(_receipt, [of_lines(objects)])])
    assert not misfits
    if values is None:
        assert b"\\" in objects
        return None, as_objects
    as_values, misfits = to_table(EVENTS, [payload(_receipt, map(of_lines, values))])
    assert not misfits
    return as_values, as_objects


@settings(max_examples=400, deadline=None)
@given(st.lists(items(), min_size=1, max_size=4), st.booleans(), st.booleans(), st.booleans())
def test_values_land_as_objects_do(
    batch: list[dict[str, Any]], by_the_first: bool, raw: bool, conversations: bool
) -> None:
    landed = both(
        batch, by_the_first=by_the_first, raw=raw, conversations=conversations, forever=True
    )
    if landed is not None and landed[0] is not None:
        assert landed[0].equals(landed[1])


@pytest.mark.parametrize(
    "change",
    [{}, {"event_id": "a,b;[c],null"}, {"request_model": "null"},
     {"team_id": "[1,2]", "region": "é"},
     {"occurred_at": "2026-11-21T05:59:58.5-05:30"}, {"stream": True, "ttft_ms": 3},
     {"sent_at": "2026-11-21T11:59:59Z", "audio_seconds": 1.25, "sample_weight": 2e-3},
     {"operation": "embeddings", "user_id": "u"}],
    ids=lambda change: "-".join(change) or "plain",
)  # fmt: skip
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("by_the_first", [False, True])
def test_odd_values_in_any_row_land_as_they_were_sent(
    change: dict[str, Any], place: int, by_the_first: bool
) -> None:
    batch = [{**GOOD, "event_id": f"e{n}", **(change if n == place else {})} for n in range(3)]
    landed = both(batch, by_the_first=by_the_first)
    assert landed is not None and landed[0] is not None
    assert landed[0].equals(landed[1])
    assert landed[0].num_rows == 3


@pytest.mark.parametrize("text", ['a"b', "a\\b", "a\tb", "a\x1eb"])
def test_what_json_escapes_is_written_as_objects(text: str) -> None:
    landed = both([{**GOOD, "team_id": text}])
    assert landed is None or landed[0] is None


def test_records_of_any_form_land_together_each_with_its_receipt() -> None:
    other = json.dumps({**RECEIPT, "receipt_id": "rcp_2"}).encode()
    row = {"event_id": "c", "provider": "openai", "occurred_at": RECEIPT["received_at"]}
    rows, misfits = table(
        payload(_receipt, [NAMES, line("a"), line("b", tokens="null")]),
        payload(other, [json.dumps(row).encode()]),
        payload(other, [b'["event_id","occurred_at","provider"]',
                        b'"d","2026-11-21T12:00:00Z","openai"']),
    )  # fmt: skip
    assert not misfits
    told = {row["event_id"]: (row["receipt_id"], row["input_tokens"]) for row in rows}
    assert told == {
        "a": ("rcp_1", 1), "b": ("rcp_1", None), "c": ("rcp_2", None), "d": ("rcp_2", None)
    }  # fmt: skip
    assert {row["source"] for row in rows} == {"urn:ecomind:native"}


@pytest.mark.parametrize(
    "misfit",
    [line("x", tokens='"many"'), line("x", moment="soon"), b'"x"', b"", b'"x","openai",null,1'],
)
def test_a_misfit_among_values_is_set_aside_alone(misfit: bytes) -> None:
    good = [line(f"e{n}") for n in range(7)]
    rows, misfits = table(payload(_receipt, [NAMES, *good[:3], misfit, *good[3:]]))
    assert sorted(row["event_id"] for row in rows) == [f"e{n}" for n in range(7)]
    assert misfits == [payload(_receipt, [NAMES, misfit])]


@pytest.mark.parametrize("names", [b"[", b"[1]", b'["event_id"'])
def test_names_that_cannot_be_read_set_their_rows_aside(names: bytes) -> None:
    rows, misfits = table(payload(_receipt, [NAMES, line("a")]), payload(_receipt, [names, b'"b"']))
    assert [row["event_id"] for row in rows] == ["a"]
    assert len(misfits) == 1


def test_fields_that_are_not_known_are_left_out() -> None:
    names = NAMES[:-1] + b',"surprise"]'
    rows, misfits = table(payload(_receipt, [names, line("a") + b",7"]))
    assert not misfits
    assert "surprise" not in rows[0]


@pytest.mark.parametrize("head", [[], [NAMES]], ids=["objects", "values"])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_halves_hold_every_row_once(head: list[bytes], count: int) -> None:
    rows = [line(f"e{n}") for n in range(count)]
    whole = payload(_receipt, [*head, *rows])
    pieces = halves(whole)
    assert len(pieces) == min(count, 2)
    held = parts(pieces)
    assert [part.names for part in held] == [b"".join(head)]
    assert held[0].rows == b"\n".join(rows)
    assert set(held[0].receipts.split(b"\n")) == {_receipt}
    assert sum(held[0].counts) == count


def objects(needle: bytes, *payloads: bytes) -> list[dict[str, Any]]:
    return [row for part in parts(payloads) for row in part.objects(needle)]


def test_objects_are_the_rows_with_their_receipts() -> None:
    other = {**RECEIPT, "org_id": "globex"}
    whole = [
        payload(_receipt, [NAMES, line("a"), line("b", tokens="null")]),
        payload(json.dumps(other).encode(), [NAMES, line("c")]),
        payload(_receipt, [b'{"event_id":"d"}', b'{"event_id":"e"}']),
    ]
    row = {"provider": "openai", "occurred_at": "2026-11-21T12:00:00Z"}
    assert objects(b'"a"', *whole) == [{**RECEIPT, **row, "event_id": "a", "input_tokens": 1}]
    assert objects(b'"b"', *whole) == [{**RECEIPT, **row, "event_id": "b"}]
    assert objects(b'"globex"', *whole) == [{**other, **row, "event_id": "c", "input_tokens": 1}]
    assert objects(b'"e"', *whole) == [{**RECEIPT, "event_id": "e"}]
    assert [told["event_id"] for told in objects(b'"acme"', *whole)] == ["a", "b", "d", "e"]


def test_a_payload_is_one_line() -> None:
    events = plain_events(json.dumps([GOOD, GOOD]).encode()) or ()
    assert make_landed(events, plain_rules(rules()))
    whole = payload(_receipt, map(of_lines, landed_values(events) or ()))
    assert b"\n" not in whole
    assert whole.count(SEPARATOR) == 3
