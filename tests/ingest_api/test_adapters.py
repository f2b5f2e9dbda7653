"""Rules of single formats that their samples do not show."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ingest_api.adapters import (
    bedrock,
    cursor,
    helicone,
    hosts,
    langfuse,
    litellm,
    usage,
    usage_pages,
)
from ingest_api.adapters.base import Adapter, Bucket, Document, MalformedBody, TooManyItems
from ingest_api.adapters.reading import event_id, lines, moment, tags, urn
from ingest_api.routes import BY_PATH
from tests.ingest_api.samples import document, sample


def only(adapter: Adapter, value: Any) -> Any:
    (item,) = adapter.parse(Document(json.dumps(value).encode(), {}))
    return item


def payload(**members: Any) -> dict[str, Any]:
    (held,) = json.loads(sample("litellm_generic_api.json"))
    return {**held, **members}


@pytest.mark.parametrize(
    ("host", "model", "place"),
    [
        ("bedrock-runtime.eu-west-1.amazonaws.com", "anthropic.claude-x", ("region", "eu-west-1")),
        ("bedrock-runtime-fips.us-gov-west-1.amazonaws.com", None, ("region", "us-gov-west-1")),
        ("bedrock-runtime.eu-west-1.amazonaws.com", "eu.anthropic.claude-x", ("geo", "eu")),
        ("bedrock-runtime.us-east-1.amazonaws.com", "global.anthropic.claude-x", ("geo", "global")),
        ("europe-west4-aiplatform.googleapis.com", None, ("region", "europe-west4")),
        ("aiplatform.googleapis.com", None, None),
        ("swedencentral.api.cognitive.microsoft.com", None, ("region", "swedencentral")),
        ("contoso.openai.azure.com", None, None),
        ("eu.api.openai.com", None, ("geo", "eu")),
        ("api.openai.com", None, None),
        ("bedrock-runtime.eu-west-1.amazonaws.com.evil.example", None, None),
        (None, None, None),
    ],
)
def test_a_host_tells_where_or_nothing(host: Any, model: Any, place: Any) -> None:
    found = hosts.place(host, model)
    told = {"region": "region", "geo": "inference_geo"}
    assert found.get(told[place[0]]) == place[1] if place else found == {}
    assert bool(found) == ("region_source" in found)


def test_only_the_host_of_an_address_is_taken() -> None:
    assert hosts.host_of("https://user:pass@API.OpenAI.com:443/v1?key=x") == "api.openai.com"
    assert hosts.host_of("http://[::1") is None
    assert hosts.provider_of("contoso.openai.azure.com") == "azure.ai.openai"
    assert hosts.provider_of("api.openai.com.evil.example") is None


@pytest.mark.parametrize(
    ("counted", "totals"),
    [
        ({"prompt_tokens": 100, "prompt_tokens_details": {"cached_tokens": 60}}, (100, None)),
        ({"input_tokens": 100, "input_tokens_details": {"cached_tokens": 60}}, (100, None)),
        ({"input_tokens": 10, "cache_read_input_tokens": 60, "output_tokens": 5}, (70, 5)),
        ({"prompt_tokens": 10, "prompt_tokens_details": {"cached_tokens": 60}}, (70, None)),
        (
            {"completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 50}},
            (None, 55),
        ),
        ({}, (None, None)),
        (None, (None, None)),
    ],
)
def test_totals_include_their_parts(counted: Any, totals: tuple[Any, Any]) -> None:
    found = usage.of_answer(counted)
    assert (found.get("input_tokens"), found.get("output_tokens")) == totals


def test_odd_counts_are_handed_on_for_the_contract_to_refuse() -> None:
    assert usage.with_cache(5, "x") == "x"
    assert usage.with_cache(None, 3) is None
    assert usage.consistent({"input_tokens": "x"}) == {"input_tokens": "x"}


def test_a_failed_try_of_litellm_has_an_id_of_its_own() -> None:
    told = {"error_class": "RateLimitError", "error_code": "429", "error_message": "secret"}
    failed = only(litellm.ADAPTER, payload(status="failure", error_information=told))
    succeeded = only(litellm.ADAPTER, payload())
    assert failed["event_id"] != succeeded["event_id"]
    assert failed["event_id"].startswith(succeeded["event_id"])
    assert (failed["status"], failed["error_type"], failed["http_status"]) == (
        "error", "RateLimitError", 429)  # fmt: skip


def test_litellm_s_ids_without_a_call_id_hold_the_start() -> None:
    """Answer ids are not unique: some servers repeat them."""
    one = only(litellm.ADAPTER, payload(litellm_call_id=None, startTime=1795255198.0))
    two = only(litellm.ADAPTER, payload(litellm_call_id=None, startTime=1795255199.0))
    assert one["event_id"] != two["event_id"]
    assert one["event_id"].startswith("chatcmpl-9f2.")
    assert "event_id" not in only(litellm.ADAPTER, payload(litellm_call_id=None, id=None))


@pytest.mark.parametrize(
    ("members", "user"),
    [
        ({"user_api_key_user_id": "u-1", "user_api_key_user_email": "a@b.c"}, "u-1"),
        ({"user_api_key_user_id": "default_user_id"}, "end-user"),
        ({"user_api_key_user_id": None}, "end-user"),
    ],
)
def test_litellm_s_person(members: dict[str, Any], user: str) -> None:
    assert only(litellm.ADAPTER, payload(metadata=members, end_user="end-user"))["user_id"] == user


def test_litellm_s_mail_address_stands_in_for_nobody_else_known() -> None:
    sent = payload(metadata={"user_api_key_user_email": "a@b.c"}, end_user=None)
    assert only(litellm.ADAPTER, sent)["user_id"] == "a@b.c"


def test_litellm_s_requests_that_no_model_answers_are_no_calls() -> None:
    sent = payload(call_type="afile_list", total_tokens=0)
    assert list(litellm.ADAPTER.parse(Document(json.dumps(sent).encode(), {}))) == []
    assert only(litellm.ADAPTER, payload(call_type="_arealtime"))["operation"] == "other"
    assert only(litellm.ADAPTER, payload(call_type="aembedding"))["operation"] == "embeddings"
    assert only(litellm.ADAPTER, payload(cache_hit=True))["status"] == "cache_hit"


@pytest.mark.parametrize(
    ("name", "provider"),
    [("vertex_ai", "gcp.vertex_ai"), ("XAI", "x_ai"), ("my gate/way", "my_gate_way"),
     ("openai", "openai"), (None, "unknown"), ("_", "unknown")],
)  # fmt: skip
def test_litellm_s_providers(name: Any, provider: str) -> None:
    assert litellm.provider_name(name) == provider


def record(**members: Any) -> Any:
    return only(bedrock.ADAPTER, {**json.loads(sample("bedrock_invocation_log.json")), **members})


def test_bedrock_s_cross_region_model_names_a_geography_only() -> None:
    found = record(inferenceRegion=None)
    assert (found["inference_geo"], found["region_source"]) == ("us", "provider_reported")
    assert "region" not in found
    one_region = record(inferenceRegion=None, modelId="anthropic.claude-opus-5-v1:0")
    assert one_region["region"] == "us-east-1"


def test_bedrock_s_roles_are_services_and_its_users_people() -> None:
    assert record()["service"] == "answer-api"
    person = record(identity={"arn": "arn:aws:iam::123456789012:user/teams/ada"})
    assert person["user_id"] == "ada"
    assert "service" not in person


def test_bedrock_counts_its_cache_apart() -> None:
    counts = {"inputTokenCount": 10, "cacheReadInputTokenCount": 20, "cacheWriteInputTokenCount": 5}
    assert record(input=counts)["input_tokens"] == 35
    profile = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-pro-v1:0"
    assert record(modelId=profile)["request_model"] == "us.amazon.nova-pro-v1:0"
    assert record(schemaType="Other").code == "unsupported_type"


def generation(kind: str, name: str, **body: Any) -> dict[str, Any]:
    moment = "2026-11-21T10:00:00Z"
    return {"id": name, "type": f"generation-{kind}", "timestamp": moment, "body": body}


def test_a_langfuse_call_still_running_is_not_counted_yet() -> None:
    batch = {"batch": [generation("create", "e1", id="g", model="m")]}
    items = langfuse.ADAPTER.parse(Document(json.dumps(batch).encode(), {}))
    assert list(items) == []
    assert items.passed == ["e1"]  # type: ignore[attr-defined]


def test_a_langfuse_update_in_a_batch_of_its_own_counts() -> None:
    counts = {"promptTokens": 3, "completionTokens": 1}
    batch = {"batch": [generation("update", "e2", id="g", usage=counts)]}
    item = only(langfuse.ADAPTER, batch)
    assert (item["event_id"], item["input_tokens"], item["output_tokens"]) == ("g", 3, 1)
    assert (item["response_model"], item["occurred_at"]) == ("unknown", "2026-11-21T10:00:00Z")


def test_cursor_s_events_without_tokens_are_calls_of_unknown_usage() -> None:
    page = json.loads(sample("cursor_filtered_usage_events.json"))
    del page["usageEvents"][0]["tokenUsage"]
    item = only(cursor.ADAPTER, page)
    assert item["usage_source"] == "missing"
    assert "input_tokens" not in item


def test_usage_pages_take_nothing_but_usage() -> None:
    page = json.loads(sample("openai_usage_completions_page.json"))
    page["data"][0]["results"][0]["object"] = "organization.costs.result"
    assert only(usage_pages.OPENAI, page).code == "unsupported_type"
    with pytest.raises(MalformedBody):
        usage_pages.OPENAI.parse(Document(b'{"data": {}}', {}))
    batch = json.loads(sample("anthropic_usage_report_messages_page.json"))
    batch["data"][0]["results"][0]["service_tier"] = "batch"
    bucket = only(usage_pages.ANTHROPIC, batch)
    assert isinstance(bucket, Bucket)
    assert bucket.fields["batch"] is True


def test_tags_are_spelled_as_the_contract_has_them() -> None:
    pairs = [("Cost Center", "7"), ("9lives", "x"), ("long", "y" * 129), ("n", 3), (None, "z")]
    assert tags(pairs) == {"cost_center": "7"}
    assert tags([]) is None
    assert len(tags((f"t{n}", "v") for n in range(40)) or ()) == 16


def test_ids_and_sources_fit_the_contract() -> None:
    assert event_id("plain-1") == "plain-1"
    assert str(event_id("with space")).startswith("h_")
    assert event_id("x" * 129) == event_id("x" * 129)
    assert urn("greenscale", "my app/é") == "urn:greenscale:my%20app%2F%C3%A9"


def test_moments_out_of_this_world_are_none() -> None:
    assert moment(0) == datetime(1970, 1, 1, tzinfo=UTC)
    for odd in (1e300, float("nan"), -1, "1", None, True, 10**400):
        assert moment(odd) is None


def test_a_helicone_log_of_no_possible_time_is_refused_by_the_contract() -> None:
    log = json.loads(sample("helicone_async_log.json"))
    log["timing"]["startTime"]["seconds"] = 10**400
    assert "occurred_at" not in only(helicone.ADAPTER, log)


def test_many_lines_that_are_not_json_are_not_looked_at_one_by_one() -> None:
    with pytest.raises(MalformedBody):
        lines(b"x\n" * 60_000)


@pytest.mark.parametrize("path", ["/v1/integrations/litellm", "/api/v1/events"])
def test_more_items_than_a_request_may_hold_are_not_read(path: str) -> None:
    adapter = BY_PATH[path].default.adapter
    with pytest.raises(TooManyItems):
        adapter.parse(Document(b"[{},{},{}]", {}, items_max=2))


def test_a_sample_in_place_of_another_is_refused_not_guessed() -> None:
    with pytest.raises(MalformedBody):
        usage_pages.ANTHROPIC.parse(document("native_event.json"))
