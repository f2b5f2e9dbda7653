"""Every sample gives the golden output."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ingest_api.adapters import (
    bedrock,
    cloudevents,
    cursor,
    greenscale,
    helicone,
    langfuse,
    litellm,
    native_json,
    native_ndjson,
    usage_pages,
)
from ingest_api.adapters.base import Adapter
from ingest_api.replies import TITLES
from tests.ingest_api.samples import document, expected, judged, plain, rows, sample

CALLS: dict[str, Adapter] = {
    "cloudevents_structured.json": cloudevents.STRUCTURED,
    "litellm_generic_api.json": litellm.ADAPTER,
    "litellm_openmeter_cloudevent.json": cloudevents.OPENMETER,
    "greenscale_callback.json": greenscale.ADAPTER,
    "langfuse_ingestion_batch.json": langfuse.ADAPTER,
    "bedrock_invocation_log.json": bedrock.ADAPTER,
    "cursor_filtered_usage_events.json": cursor.ADAPTER,
}
PAGES: tuple[tuple[str, Adapter], ...] = (
    ("openai_usage_completions_page.json", usage_pages.OPENAI),
    ("anthropic_usage_report_messages_page.json", usage_pages.ANTHROPIC),
)


def golden(name: str) -> list[dict[str, Any]]:
    return [plain(row) for row in expected()["calls"][name]]


def test_every_golden_sample_is_held_by_a_test() -> None:
    names = {name for name in expected()["calls"] if not name.startswith("otlp_")}
    assert names == set(CALLS)
    assert len(expected()["usage_buckets"]) == len(PAGES)


@pytest.mark.parametrize("name", CALLS)
def test_a_sample_gives_its_calls(name: str) -> None:
    assert rows(CALLS[name], document(name)) == golden(name)


@pytest.mark.parametrize("place", range(len(PAGES)))
def test_a_page_gives_its_buckets(place: int) -> None:
    name, adapter = PAGES[place]
    found = rows(adapter, document(name))
    assert [row.pop("connector") for row in found] == [adapter.name]
    assert found == [plain(expected()["usage_buckets"][place])]


def test_binary_and_batched_cloudevents_say_the_same_as_structured() -> None:
    (structured,) = golden("cloudevents_structured.json")
    binary = rows(cloudevents.BINARY, document("cloudevents_binary.http.json"))
    first, second = rows(cloudevents.BATCH, document("cloudevents_batch.json"))
    assert binary == [structured]
    assert first == structured
    assert second == {
        **structured,
        "event_id": "01977d2e-6c1a-7b3e-9a10-5f2c4d8e9b02",
        "user_id": "u_77aa",
        "sample_weight": 10,
    }


def test_native_samples_are_taken_as_they_are() -> None:
    one = json.loads(sample("native_event.json"))
    assert rows(native_json.ADAPTER, document("native_event.json")) == [plain(one)]
    lines = [json.loads(line) for line in sample("native_batch.ndjson").splitlines()]
    assert rows(native_ndjson.ADAPTER, document("native_batch.ndjson")) == [
        plain(line) for line in lines
    ]


def test_the_native_batch_is_answered_as_in_the_sample() -> None:
    """The third event is refused for its reason; the answer's shape is held by another test."""
    results = [
        judged(item, native_json.ADAPTER)
        for item in native_json.ADAPTER.parse(document("native_batch.json"))
    ]
    assert [result.row is not None for result in results] == [True, True, False]
    told = json.loads(sample("response_207_mixed.json"))["results"][2]
    (problem,) = results[2].problems
    assert (results[2].event_id, problem.code, problem.pointer) == (
        told["event_id"],
        told["errors"][0]["code"],
        told["errors"][0]["pointer"],
    )


def test_problem_documents_have_the_sample_s_names_and_statuses() -> None:
    for told in json.loads(sample("problems.json")).values():
        name = told["type"].rpartition("/")[2]
        assert TITLES[name][0] == told["status"]


def test_a_helicone_log_gives_its_call() -> None:
    (row,) = rows(helicone.ADAPTER, document("helicone_async_log.json"))
    assert row.pop("event_id").startswith("hl_")
    assert row == plain(
        {
            "source": "urn:helicone:async",
            "occurred_at": "2026-11-21T09:59:58.120Z",
            "user_id": "u_8f31",
            "provider": "unknown",
            "request_model": "gpt-5-mini",
            "response_model": "gpt-5-mini-2026-02-01",
            "http_status": 200,
            "input_tokens": 1834,
            "output_tokens": 412,
            "usage_source": "gateway_reported",
            "duration_ms": 2310.0,
            "provider_response_id": "chatcmpl-9f2",
            "tags": {"team": "cc-1042"},
        }
    )


def test_an_anthropic_analytics_page_gives_its_bucket() -> None:
    name = "anthropic_analytics_usage_report_page.json"
    (row,) = rows(usage_pages.ANTHROPIC, document(name))
    assert row == plain(
        {
            "connector": "anthropic_usage",
            "bucket_start": "2026-11-20T00:00:00Z",
            "bucket_end": "2026-11-21T00:00:00Z",
            "provider": "anthropic",
            "model": "claude-opus-5",
            "service": "claude_code",
            "inference_geo": "global",
            "request_count": 61,
            "input_tokens": 5200 + 40000 + 900,
            "cache_read_input_tokens": 40000,
            "cache_write_input_tokens": 900,
            "output_tokens": 7000,
        }
    )


@pytest.mark.parametrize("name", [*CALLS, "helicone_async_log.json"])
def test_the_same_bytes_give_the_same_ids(name: str) -> None:
    adapter = CALLS.get(name, helicone.ADAPTER)
    first, again = (rows(adapter, document(name)) for _ in range(2))
    assert first == again
