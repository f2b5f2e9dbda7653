"""The contract: what is kept, what is refused and why, and that nothing quotes a value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecomind.contract.codec import Rules, judge, microseconds
from ecomind.contract.event import CLIENT_FIELDS, CONTENT_KEYS, EVENTS
from ecomind.contract.exports import EXPORTS, drifted, export, json_schema
from ecomind.contract.landing import LandedName, arrow_schema
from ecomind.settings import PROJECT_ROOT

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
RULES = Rules(
    org_id="acme",
    received_at=NOW,
    max_future=timedelta(minutes=5),
    max_age=timedelta(days=400),
    pseudonymise=lambda value: f"u_{len(value)}",
)
EVENT: Mapping[str, Any] = {
    "event_id": "e1",
    "occurred_at": "2026-11-21T11:00:00Z",
    "provider": "openai",
    "request_model": "gpt-4o",
    "input_tokens": 100,
    "output_tokens": 10,
}


def codes(item: object) -> list[tuple[str, str]]:
    return [(problem.code, problem.pointer) for problem in judge(item, RULES).problems]


def accepted(**changes: Any) -> dict[str, Any]:
    judged = judge({**EVENT, **changes}, RULES)
    assert judged.problems == ()
    assert judged.row is not None
    return judged.row


def test_the_original_shape_is_accepted() -> None:
    judged = judge(
        {
            "event_id": "e1",
            "org_id": "acme",
            "user_id": "bob",
            "provider": "openai",
            "model": "gpt-4o",
            "tokens_in": 5,
            "tokens_out": 3,
            "region": "westeurope",
            "ts": "2026-11-21T12:00:00+01:00",
        },
        RULES,
    )
    assert judged.problems == ()
    assert judged.warnings == ()
    assert judged.row is not None
    expected = {"request_model": "gpt-4o", "input_tokens": 5, "output_tokens": 3, "user_id": "u_3"}
    assert expected.items() <= judged.row.items()
    assert judged.row["occurred_at"] == microseconds(datetime(2026, 11, 21, 11, tzinfo=UTC))


def test_content_is_dropped_and_named_but_not_quoted() -> None:
    judged = judge({**EVENT, "prompt": "CANARY", "messages": ["CANARY"], "x y": "CANARY"}, RULES)
    assert "CANARY" not in repr(judged)
    assert {(warned.code, warned.field) for warned in judged.warnings} == {
        ("content_discarded", "prompt"),
        ("content_discarded", "messages"),
        ("unknown_field", "?"),
    }


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"event_id": None}, ("missing_field", "/event_id")),
        ({"event_id": ""}, ("invalid_value", "/event_id")),
        ({"occurred_at": "2026-11-21T11:00:00"}, ("invalid_value", "/occurred_at")),
        ({"occurred_at": "yesterday"}, ("invalid_value", "/occurred_at")),
        ({"occurred_at": "2026-11-21T12:05:01Z"}, ("future_timestamp", "/occurred_at")),
        ({"occurred_at": "2025-10-17T11:59:59Z"}, ("too_old", "/occurred_at")),
        ({"provider": "Open AI"}, ("invalid_value", "/provider")),
        ({"request_model": None}, ("missing_field", "/request_model")),
        ({"input_tokens": -1}, ("bad_token_count", "/input_tokens")),
        ({"input_tokens": "7"}, ("bad_token_count", "/input_tokens")),
        ({"input_tokens": 1.5}, ("bad_token_count", "/input_tokens")),
        ({"output_tokens": 100_000_001}, ("bad_token_count", "/output_tokens")),
        ({"cache_read_input_tokens": 101}, ("subset_exceeds_total", "/cache_read_input_tokens")),
        ({"reasoning_output_tokens": 11}, ("subset_exceeds_total", "/reasoning_output_tokens")),
        ({"status": "fine"}, ("invalid_value", "/status")),
        ({"sample_weight": 0}, ("invalid_value", "/sample_weight")),
        ({"client_country": "Germany"}, ("invalid_value", "/client_country")),
        ({"tags": {"Bad": "x"}}, ("invalid_value", "/tags")),
        ({"org_id": "other"}, ("tenant_mismatch", "/org_id")),
    ],
)
def test_refusals(change: dict[str, Any], problem: tuple[str, str]) -> None:
    assert codes({**EVENT, **change}) == [problem]


def test_caches_together_may_not_exceed_the_input() -> None:
    item = {**EVENT, "cache_read_input_tokens": 60, "cache_write_input_tokens": 60}
    assert codes(item) == [("subset_exceeds_total", "/cache_read_input_tokens")]


def test_every_bad_field_is_named() -> None:
    item = {**EVENT, "input_tokens": -1, "provider": "", "status": 7}
    assert {pointer for _, pointer in codes(item)} == {"/input_tokens", "/provider", "/status"}


def test_an_import_may_be_old() -> None:
    rules = Rules("acme", NOW, timedelta(minutes=5), None, None)
    assert judge({**EVENT, "occurred_at": "2023-11-16T18:17:03Z"}, rules).problems == ()


def test_a_canonical_name_wins_over_its_alias() -> None:
    judged = judge({**EVENT, "tokens_in": 7}, RULES)
    assert judged.row is not None
    assert judged.row["input_tokens"] == 100
    assert [(warned.code, warned.field) for warned in judged.warnings] == [
        ("alias_ignored", "tokens_in")
    ]


def test_conversations_are_dropped_unless_kept() -> None:
    assert "conversation_id" not in accepted(conversation_id="c1")
    kept = judge(
        {**EVENT, "conversation_id": "c1"},
        Rules("acme", NOW, timedelta(0), None, lambda _: "u_x", keep_conversation_ids=True),
    )
    assert kept.row is not None
    assert kept.row["conversation_id"] == "u_x"


def test_tags_are_landed_as_json_in_one_order() -> None:
    assert accepted(tags={"b": "2", "a": "1"})["tags"] == '{"a":"1","b":"2"}'


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_judging_never_raises(item: object) -> None:
    judged = judge(item, RULES)
    assert (judged.row is None) == bool(judged.problems)


@given(
    st.dictionaries(
        st.sampled_from([field.name for field in CLIENT_FIELDS]),
        st.none() | st.integers() | st.floats() | st.text(max_size=4) | st.booleans(),
    )
)
def test_judging_fields_never_raises_and_lands_only_the_contract(item: dict[str, Any]) -> None:
    judged = judge({**EVENT, **item}, RULES)
    assert (judged.row is None) == bool(judged.problems)
    if judged.row is not None:
        assert judged.row.keys() <= {field.name for field in CLIENT_FIELDS}


def test_copies_equal_the_contract() -> None:
    assert drifted(PROJECT_ROOT) == []


def test_drift_is_noticed_and_mended(tmp_path: Path) -> None:
    assert drifted(tmp_path) == list(EXPORTS)
    export(tmp_path)
    page = tmp_path / "docs/reference/event-fields.md"
    page.write_text(page.read_text() + "edited by hand\n")
    assert drifted(tmp_path) == ["docs/reference/event-fields.md"]


def test_the_schema_says_what_the_codec_does() -> None:
    properties = json.loads(json_schema())["properties"]
    assert set(properties) == {field.name for field in CLIENT_FIELDS}
    assert not CONTENT_KEYS & set(properties)


def test_contract_fields_are_consistent() -> None:
    names = [field.name for field in EVENTS.fields]
    assert len(names) == len(set(names))
    aliases = [alias for field in CLIENT_FIELDS for alias in field.aliases]
    assert not set(aliases) & (set(names) | CONTENT_KEYS)
    assert len(arrow_schema(EVENTS)) == len(names)


@pytest.mark.parametrize(
    "name", ["../x.parquet", "a-1-b.parquet", "A-000000000001-s.parquet", "a-000000000001-s.tmp"]
)
def test_other_names_are_no_landed_files(name: str) -> None:
    assert LandedName.parse(name) is None


def test_landed_names_sort_by_sequence() -> None:
    names = [LandedName("n", number, "s") for number in (2, 10, 1)]
    assert [name.sequence for name in sorted(names)] == [1, 2, 10]
    assert [LandedName.parse(str(name)) for name in names] == names
