"""What becomes of spans and log records, rule by rule, in both encodings."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ingest_api.adapters.base import Document, TooManyItems
from ingest_api.adapters.otlp import names
from ingest_api.adapters.otlp.calls import sample_weight, source_urn
from tests.ingest_api.otlp.wire import (
    ADAPTERS,
    ENCODINGS,
    END_NS,
    SPAN_ID,
    START_NS,
    TRACE_ID,
    attributes,
    encoded,
    judged,
    parsed,
    span,
    traces,
)

CALL: dict[str, Any] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "m",
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.output_tokens": 10,
}
ANTHROPIC = {**CALL, "gen_ai.provider.name": "anthropic"}


@pytest.fixture(params=ENCODINGS)
def encoding(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def call(encoding: str, of: dict[str, Any], **document: Any) -> dict[str, Any]:
    """The only call of a span with these attributes."""
    (item,) = parsed("traces", encoding, traces(span(of), **document))
    return dict(item)


def problems(item: Any) -> list[tuple[str, str]]:
    return [(problem.code, problem.pointer) for problem in judged(item).problems]


def json_item(**members: Any) -> Any:
    """The only call of a span with odd members, which only JSON can express."""
    (item,) = parsed("traces", "json", traces(span(CALL, **members)))
    return item


@pytest.mark.parametrize("field", [name for name in names.ATTRIBUTES if "tokens" in name])
def test_every_spelling_of_a_count_is_known_and_the_newest_wins(encoding: str, field: str) -> None:
    spellings = names.ATTRIBUTES[field]
    bare = {key: value for key, value in CALL.items() if "usage" not in key}
    for spelling in spellings:
        assert call(encoding, {**bare, spelling: 7})[field] == 7
    oldest_first = {name: rank for rank, name in reversed(list(enumerate(spellings, start=1)))}
    for order in (oldest_first, dict(reversed(oldest_first.items()))):
        assert call(encoding, {**bare, **order})[field] == 1


@pytest.mark.parametrize(
    "of",
    [
        {"gen_ai.operation.name": "invoke_agent"},
        {"gen_ai.operation.name": "agent_step"},
        {"gen_ai.operation.name": "invoke_workflow"},
        {"gen_ai.operation.name": "execute_tool"},
        {"gen_ai.operation.name": "plan"},
        {"gen_ai.operation.name": "fetch_response"},
        {"gen_ai.operation.name": "create_agent"},
        {"gen_ai.operation.name": "something_new"},
        {"gen_ai.operation.name": 7},
        {"ai.operationId": "ai.generateText"},
        {"ai.operationId": "ai.toolCall"},
        {"openinference.span.kind": "AGENT"},
        {"openinference.span.kind": "CHAIN"},
        {"langfuse.observation.type": "span"},
        {"traceloop.span.kind": "workflow"},
        {"gen_ai.agent.name": "researcher"},
    ],
)
def test_what_repeats_the_usage_of_others_is_no_item(encoding: str, of: dict[str, Any]) -> None:
    usage = {key: value for key, value in CALL.items() if key != "gen_ai.operation.name"}
    assert parsed("traces", encoding, traces(span({**usage, **of}))) == []


@pytest.mark.parametrize(
    "of", [{}, {"http.request.method": "GET"}, {"gen_ai.request.model": "m"},
           {"gen_ai.usage.input_tokens": 1}],
)  # fmt: skip
def test_what_owns_no_usage_is_no_item(encoding: str, of: dict[str, Any]) -> None:
    assert parsed("traces", encoding, traces(span(of))) == []


@pytest.mark.parametrize(
    ("named", "operation"),
    [
        ("chat", "chat"), ("Chat", "chat"), ("generate_content", "generate_content"),
        ("text_completion", "text_completion"), ("embeddings", "embeddings"),
        ("image_generation", "image_generation"), ("audio_transcription", "audio_transcription"),
    ],
)  # fmt: skip
def test_operations_that_own_usage(encoding: str, named: str, operation: str) -> None:
    found = call(encoding, {**CALL, "gen_ai.operation.name": named})
    assert found["operation"] == operation


def test_self_hosted_servers_name_no_operation(encoding: str) -> None:
    of = {
        "gen_ai.response.model": "meta-llama/Llama-3.1-8B",
        "gen_ai.usage.prompt_tokens": 50,
        "gen_ai.usage.completion_tokens": 20,
        "gen_ai.latency.time_to_first_token": 0.25,
    }
    resource = {"service.name": "vllm", "cloud.region": "eu-west-1"}
    found = call(encoding, of, scope="vllm.llm_engine", resource=resource)
    assert (found["operation"], found["response_model"]) == ("chat", "meta-llama/Llama-3.1-8B")
    assert (found["input_tokens"], found["output_tokens"], found["ttft_ms"]) == (50, 20, 250.0)
    assert (found["region"], found["region_source"]) == ("eu-west-1", "configured")


def test_the_region_of_a_caller_is_not_that_of_the_model(encoding: str) -> None:
    resource = {"service.name": "s", "cloud.region": "eu-west-1"}
    assert "region" not in call(encoding, CALL, resource=resource)
    hosted = {**CALL, "gen_ai.provider.name": "ollama"}
    assert call(encoding, hosted, resource=resource)["region"] == "eu-west-1"


@pytest.mark.parametrize(
    ("sent", "provider"),
    [
        ("openai", "openai"), ("OpenAI", "openai"), ("az.ai.openai", "azure.ai.openai"),
        ("az.ai.inference", "azure.ai.inference"), ("Azure", "azure.ai.openai"),
        ("vertex_ai", "gcp.vertex_ai"), ("VertexAI", "gcp.vertex_ai"), ("gemini", "gcp.gemini"),
        ("xai", "x_ai"), ("AWS", "aws.bedrock"), ("mistralai", "mistral_ai"),
        ("openai.responses", "openai"), ("anthropic.messages", "anthropic"),
        ("google.generative-ai", "gcp.gemini"), ("google.vertex.chat", "gcp.vertex_ai"),
        ("amazon-bedrock", "aws.bedrock"), ("Hugging Face", "hugging_face"), ("", "unknown"),
        ("///", "unknown"), (7, "unknown"),
    ],
)  # fmt: skip
def test_providers_go_by_one_name(encoding: str, sent: object, provider: str) -> None:
    item = call(encoding, {**CALL, "gen_ai.provider.name": sent})
    assert item["provider"] == provider
    assert judged(item).row is not None


@pytest.mark.parametrize(
    ("fresh", "read", "written", "told"),
    [(3200, 200, 1500, 3200), (1500, 200, 1500, 3200), (0, 200, 0, 200), (200, 200, 0, 200)],
)
def test_anthropic_input_that_leaves_out_its_cache_is_completed(
    encoding: str, fresh: int, read: int, written: int, told: int
) -> None:
    cache = {
        "gen_ai.usage.input_tokens": fresh,
        "gen_ai.usage.cache_read.input_tokens": read,
        "gen_ai.usage.cache_creation.input_tokens": written,
    }
    assert call(encoding, {**ANTHROPIC, **cache})["input_tokens"] == told
    on_bedrock = {"gen_ai.provider.name": "aws.bedrock", "gen_ai.request.model": "us.claude-x"}
    assert call(encoding, {**CALL, **cache, **on_bedrock})["input_tokens"] == told
    others = call(encoding, {**CALL, **cache})
    assert others["input_tokens"] == fresh
    if fresh < read + written:
        assert problems(others)[0][0] == "subset_exceeds_total"


def test_scopes_known_to_leave_out_the_cache_are_completed(encoding: str) -> None:
    of = {
        "ai.operationId": "ai.streamText.doStream",
        "ai.model.id": "claude-sonnet-5",
        "ai.model.provider": "anthropic.messages",
        "ai.usage.promptTokens": 1000,
        "ai.usage.completionTokens": 5,
        "ai.usage.cachedInputTokens": 300,
        "ai.response.msToFirstChunk": 12.5,
    }
    found = call(encoding, of, scope="ai")
    assert (found["provider"], found["input_tokens"]) == ("anthropic", 1300)
    assert (found["cache_read_input_tokens"], found["ttft_ms"]) == (300, 12.5)
    inclusive = {**of, "ai.usage.inputTokenDetails.noCacheTokens": 700}
    assert call(encoding, inclusive, scope="ai")["input_tokens"] == 1000
    openai = {**of, "ai.model.id": "gpt-5", "ai.model.provider": "openai.chat"}
    assert call(encoding, openai, scope="ai")["input_tokens"] == 1000


def test_compactions_that_are_told_apart_are_added(encoding: str) -> None:
    told = {
        "anthropic.usage.compaction.input_tokens": 1000,
        "anthropic.usage.compaction.output_tokens": 20,
    }
    found = call(encoding, {**ANTHROPIC, **told})
    assert (found["input_tokens"], found["output_tokens"]) == (1100, 30)


def test_no_more_is_read_than_a_request_may_hold(encoding: str) -> None:
    adapter = ADAPTERS["traces", encoding]

    def found(count: int, of: dict[str, Any]) -> int:
        body = encoded("traces", encoding, traces(*(span(of) for _ in range(count))))
        return len(adapter.parse(Document(body, {}, 2)))

    assert found(2, CALL) == 2
    assert found(40, {}) == 0
    for count, of in ((3, CALL), (41, {})):
        with pytest.raises(TooManyItems):
            found(count, of)


def test_openinference_spans_are_calls(encoding: str) -> None:
    of = {
        "openinference.span.kind": "LLM",
        "llm.model_name": "gpt-4o",
        "llm.provider": "azure",
        "llm.system": "openai",
        "llm.token_count.prompt": 30,
        "llm.token_count.completion": 4,
        "llm.input_messages.0.message.content": "CANARY",
        "input.value": "CANARY",
        "user.id": "ada",
        "session.id": "s-1",
    }
    found = call(encoding, of)
    assert (found["provider"], found["request_model"]) == ("azure.ai.openai", "gpt-4o")
    assert (found["user_id"], found["conversation_id"]) == ("ada", "s-1")
    assert "CANARY" not in str(found)
    embedding = {"openinference.span.kind": "EMBEDDING", "embedding.model_name": "e",
                 "llm.token_count.prompt": 3}  # fmt: skip
    found = call(encoding, embedding)
    assert (found["operation"], found["usage_source"]) == ("embeddings", "provider_reported")


def test_generations_of_langfuse_sdks_are_calls(encoding: str) -> None:
    of = {
        "langfuse.observation.type": "generation",
        "langfuse.observation.model.name": "claude-x",
        "langfuse.observation.usage_details": '{"input":5,"output":7,"output_reasoning":2,'
        '"cache_read_input_tokens":3,"cache_creation_input_tokens":1,"total":18}',
        "langfuse.environment": "prod",
        "langfuse.observation.input": "CANARY",
    }
    found = call(encoding, of)
    assert (found["input_tokens"], found["output_tokens"]) == (9, 9)
    assert found["cache_read_input_tokens"] == 3
    assert (found["reasoning_output_tokens"], found["environment"]) == (2, "prod")
    for odd in ("", "{", "[]", "3", '{"input":null}', "x" * 9000):
        item = call(encoding, {**of, "langfuse.observation.usage_details": odd})
        assert item["usage_source"] == "missing"
    item = call(encoding, {**of, "langfuse.observation.usage_details": '{"input":"5"}'})
    assert problems(item) == [("bad_token_count", "/input_tokens")]


def test_absent_usage_is_missing_and_not_zero(encoding: str) -> None:
    found = call(encoding, {k: v for k, v in CALL.items() if k != "gen_ai.usage.output_tokens"})
    assert found["usage_source"] == "missing"
    assert "output_tokens" not in found
    row = judged(found).row
    assert row is not None and row["usage_source"] == "missing"


def test_a_gateway_counts_as_a_gateway(encoding: str) -> None:
    assert call(encoding, CALL, scope="litellm")["usage_source"] == "gateway_reported"


@pytest.mark.parametrize(
    ("state", "weight"),
    [
        ("ot=th:c", 4.0), ("ot=th:8", 2.0), ("ot=rv:abcdef;th:8", 2.0), ("ot=th:0", 1.0),
        ("dd=s:1,ot=th:c;rv:1", 4.0), ("dd=s:1, ot=th:c", 4.0), ("", None), ("ot=th:", None),
        ("ot=th:xyz", None), ("ot=th:123456789012345", None), ("ot=p:8", None),
        ("dd=th:c", None), ("xot=th:c", None), ("dd=ot=th:c", None),
    ],
)  # fmt: skip
def test_sampling_is_a_weight(state: str, weight: float | None) -> None:
    assert sample_weight(state) == weight


def test_a_failed_call_says_so(encoding: str) -> None:
    error = {**CALL, "error.type": "rate_limit"}
    assert call(encoding, error)["status"] == "error"
    (item,) = parsed("traces", encoding, traces(span(CALL, status={"code": 2, "message": "x"})))
    assert item["status"] == "error"
    (item,) = parsed("traces", encoding, traces(span(CALL, status={"code": 1})))
    assert item["status"] == "success"


def test_people_projects_and_teams(encoding: str) -> None:
    resource = {
        "service.name": "s", "ecomind.team_id": "t", "ecomind.project_id": "p", "user.id": "host",
        "deployment.environment": "staging",
    }  # fmt: skip
    found = call(encoding, CALL, resource=resource)
    assert (found["team_id"], found["project_id"], found["user_id"]) == ("t", "p", "host")
    assert found["environment"] == "staging"
    assert call(encoding, {**CALL, "enduser.id": "ada"}, resource=resource)["user_id"] == "ada"


@pytest.mark.parametrize(
    ("sent", "host"),
    [("api.openai.com", "api.openai.com"), ("https://u:p@Api.Openai.com:443/v1?k=1",
     "api.openai.com"), ("localhost:11434", "localhost"), ("two words", None), ("", None)],
)  # fmt: skip
def test_of_the_server_only_the_host_is_kept(encoding: str, sent: str, host: str | None) -> None:
    assert call(encoding, {**CALL, "server.address": sent}).get("server_address") == host


def test_sources_are_uris() -> None:
    assert source_urn("answer-api", "a.b") == "urn:otel:answer-api:a.b"
    assert source_urn("my api:1", "@x/y") == "urn:otel:my%20api%3A1:@x/y"
    assert source_urn(None, "") == "urn:otel:unknown_service:unknown"
    assert len(source_urn("ü" * 500, "ü" * 500)) <= 256


@pytest.mark.parametrize(
    ("sent", "pointer"),
    [("12", "/input_tokens"), (12.0, "/input_tokens"), (12.5, "/input_tokens"),
     (-1, "/input_tokens"), (True, "/input_tokens"), (10**9, "/input_tokens")],
)  # fmt: skip
def test_a_count_that_is_none_is_the_items_own_problem(
    encoding: str, sent: object, pointer: str
) -> None:
    item = call(encoding, {**CALL, "gen_ai.usage.input_tokens": sent})
    assert problems(item) == [("bad_token_count", pointer)]


def test_descriptions_that_do_not_fit_cost_only_themselves(encoding: str) -> None:
    long = {**CALL, "gen_ai.response.id": "x" * 1000, "gen_ai.request.stream": "yes"}
    answer = judged(call(encoding, long, resource={"service.name": "s" * 500}))
    assert answer.row is not None
    assert {warned.field for warned in answer.warnings} == {
        "provider_response_id", "stream", "service",
    }  # fmt: skip


@pytest.mark.parametrize("number", [1834, "1834"])
def test_integers_may_be_text_or_numbers(number: object) -> None:
    value = {"key": "gen_ai.usage.input_tokens", "value": {"intValue": number}}
    held = [each for each in attributes(CALL) if each["key"] != value["key"]]
    item = json_item(attributes=[*held, value], startTimeUnixNano=START_NS, endTimeUnixNano=END_NS)
    assert (item["input_tokens"], item["duration_ms"]) == (1834, 2310.4)


def test_unknown_fields_and_nulls_are_ignored() -> None:
    odd = span(CALL, events=[{"name": "x", "attributes": 7}], links=7, news={"a": [1]}, status=None)
    document = {**traces(odd), "future": True}
    document["resourceSpans"].append({"resource": None, "scopeSpans": None})
    document["resourceSpans"].append({"scopeSpans": [{"scope": None, "spans": None}]})
    assert len(parsed("traces", "json", document)) == 1
    assert parsed("traces", "json", {"resourceSpans": None}) == []


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"traceId": "xyz"}, [("missing_field", "/event_id"), ("invalid_value", "/trace_id")]),
        ({"traceId": None}, [("missing_field", "/event_id"), ("invalid_value", "/trace_id")]),
        ({"traceId": 7}, [("missing_field", "/event_id"), ("invalid_value", "/trace_id")]),
        ({"spanId": "ab"}, [("missing_field", "/event_id"), ("invalid_value", "/span_id")]),
        ({"spanId": "0" * 16}, [("missing_field", "/event_id"), ("invalid_value", "/span_id")]),
        ({"startTimeUnixNano": "soon"}, [("invalid_value", "/occurred_at")]),
        ({"startTimeUnixNano": 10**30}, [("invalid_value", "/occurred_at")]),
        ({"startTimeUnixNano": 1.5}, [("invalid_value", "/occurred_at")]),
        ({"startTimeUnixNano": None}, [("missing_field", "/occurred_at")]),
        ({"startTimeUnixNano": -5}, [("too_old", "/occurred_at")]),
    ],
)
def test_bad_ids_and_times_reject_only_their_span(
    members: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    document = traces(span(CALL, **members), span(CALL))
    bad, good = parsed("traces", "json", document)
    assert problems(bad) == expected
    assert judged(good).row is not None


def test_ids_are_told_in_lower_case() -> None:
    item = json_item(traceId=TRACE_ID.upper(), spanId=SPAN_ID.upper())
    assert item["event_id"] == f"{TRACE_ID}-{SPAN_ID}"


def test_an_end_before_the_start_costs_only_the_duration() -> None:
    for end in (START_NS - 1, 0, "never", None):
        item = json_item(endTimeUnixNano=end)
        assert "duration_ms" not in item
        assert judged(item).row is not None


def record(of: dict[str, Any], **members: Any) -> dict[str, Any]:
    held = {"eventName": names.INFERENCE_DETAILS, "timeUnixNano": str(START_NS), **members}
    of_scope = {"scope": {"name": "s"}, "logRecords": [{**held, "attributes": attributes(of)}]}
    return {"resourceLogs": [{"scopeLogs": [of_scope]}]}


def test_records_outside_of_spans_have_ids_that_repeat(encoding: str) -> None:
    (first,), (again,) = (parsed("logs", encoding, record(CALL)) for _ in range(2))
    (other,) = parsed("logs", encoding, record(CALL, timeUnixNano=str(START_NS + 1000)))
    assert first["event_id"] == again["event_id"] != other["event_id"]
    assert first["event_id"].startswith("log-")
    assert judged(first).row is not None


def test_records_of_other_names_are_no_items(encoding: str) -> None:
    assert parsed("logs", encoding, record(CALL, eventName="gen_ai.choice")) == []
    older = {**CALL, "event.name": names.INFERENCE_DETAILS}
    assert len(parsed("logs", encoding, record(older, eventName=""))) == 1


def test_records_without_a_time_were_observed_at_one(encoding: str) -> None:
    document = record(CALL, timeUnixNano="0", observedTimeUnixNano=str(START_NS))
    (item,) = parsed("logs", encoding, document)
    assert item["occurred_at"] == datetime(2026, 11, 21, 9, 59, 58, 120000, tzinfo=UTC)
