"""How the running service answers each tool's format, and what lands."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.ingest_api.running import FAST, Running, event, now_text, wait_for_rows
from tests.ingest_api.samples import fresh_sample

STRUCTURED = {"content-type": "application/cloudevents+json"}
BATCH = {"content-type": "application/cloudevents-batch+json"}


def cloudevent(event_id: str, **attributes: Any) -> dict[str, Any]:
    data = {"provider": "openai", "request_model": "gpt-4o", "input_tokens": 5, "output_tokens": 1}
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": "urn:test:gateway",
        "type": "io.ecomind.ai_call.v1",
        "time": now_text(),
        "data": data,
        **attributes,
    }


def post(
    service: Running, path: str, key: str | None, body: Any, headers: dict[str, str] | None = None
) -> httpx.Response:
    headers = {"content-type": "application/json", **(headers or {})}
    return service.post(path, key, content=json.dumps(body), headers=headers)


def codes(response: httpx.Response) -> list[str]:
    return [error["code"] for error in response.json()["errors"]]


def test_a_cloudevent_in_binary_mode_is_told_by_its_header(service: Running, key: str) -> None:
    headers = {
        "content-type": "application/json; charset=utf-8",
        "ce-specversion": "1.0",
        "ce-id": "binary%2D1",
        "ce-source": "urn:test:gateway",
        "ce-type": "io.ecomind.ai_call.v1",
        "ce-time": now_text(),
        "ce-subject": "Z%C3%BCrich%2525",
        "ce-sampledrate": "10",
    }
    response = post(service, "/v1/events", key, cloudevent("x")["data"], headers)
    assert response.status_code == 202, response.text
    row = wait_for_rows(service.home, "events", {"binary-1"})["binary-1"]
    assert row["adapter"] == "cloudevents_binary"
    assert row["user_id"] == service.store.pseudonym("acme", "Zürich%25")
    assert row["sample_weight"] == 10


def test_binary_mode_needs_json_and_the_version(service: Running, key: str) -> None:
    headers = {"ce-specversion": "1.0", "content-type": "application/xml"}
    assert post(service, "/v1/events", key, {}, headers).status_code == 415
    headers = {"ce-specversion": "0.3"}
    assert post(service, "/v1/events", key, {}, headers).status_code == 400


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"type": "com.example.other"}, "unsupported_type"),
        ({"specversion": "0.3"}, "unsupported_version"),
        ({"dataschema": "https://example.com/other.json"}, "unsupported_schema"),
        ({"source": None}, "missing_field"),
        ({"data": "text"}, "not_an_object"),
        ({"time": "yesterday"}, "invalid_value"),
        ({"sampledrate": 0}, "invalid_value"),
    ],
)
def test_a_cloudevent_that_is_not_ours_is_refused(
    service: Running, key: str, attributes: dict[str, Any], code: str
) -> None:
    body = cloudevent("odd", **attributes)
    response = post(service, "/v1/events", key, body, STRUCTURED)
    assert response.status_code == 422
    assert codes(response) == [code]


def test_good_cloudevents_of_a_batch_are_kept(service: Running, key: str) -> None:
    encoded = base64.b64encode(json.dumps(cloudevent("x")["data"]).encode()).decode()
    inline = cloudevent("batch-2", data_base64=encoded)
    del inline["data"]
    batch = [cloudevent("batch-1"), cloudevent("batch-x", type="other"), inline]
    response = post(service, "/v1/events", key, batch, BATCH)
    assert response.status_code == 207
    rows = wait_for_rows(service.home, "events", {"batch-1", "batch-2"})
    assert {rows[name]["adapter"] for name in ("batch-1", "batch-2")} == {"cloudevents_batch"}
    assert rows["batch-2"]["input_tokens"] == 5


def test_the_webhook_handshake_is_granted(service: Running) -> None:
    asked = {"webhook-request-origin": "events.example.com", "webhook-request-rate": "120"}
    response = service.client.request("OPTIONS", "/v1/events", headers=asked)
    assert response.status_code == 200
    assert response.headers["webhook-allowed-origin"] == "events.example.com"
    assert response.headers["webhook-allowed-rate"] == "*"
    assert "POST" in response.headers["allow"]
    assert service.client.request("OPTIONS", "/v1/events").status_code == 405


def test_openmeter_s_address_answers_as_openmeter_does(service: Running, key: str) -> None:
    body = fresh_sample("litellm_openmeter_cloudevent.json")
    response = post(service, "/api/v1/events", key, {**body, "id": "om-1"}, STRUCTURED)
    assert (response.status_code, response.content) == (204, b"")
    mixed = [{**body, "id": "om-2"}, {**body, "id": "om-3", "type": "api-calls"}]
    response = post(service, "/api/v1/events", key, mixed, BATCH)
    assert response.status_code == 204
    assert response.headers["ecomind-rejected"] == "1"
    response = post(service, "/api/v1/events", key, mixed[1:], BATCH)
    assert response.status_code == 400
    assert codes(response) == ["unsupported_type"]
    rows = wait_for_rows(service.home, "events", {"om-1", "om-2"})
    assert rows["om-1"]["adapter"] == "openmeter"


def test_litellm_s_three_bodies_are_told_apart(service: Running, key: str) -> None:
    (payload,) = fresh_sample("litellm_generic_api.json")

    def named(name: str) -> str:
        return json.dumps({**payload, "litellm_call_id": name})

    bodies = {
        "array": f"[{named('llm-array')}]",
        "single": named("llm-single"),
        "ndjson": "\n".join((named("llm-ndjson-1"), "{", named("llm-ndjson-2"))),
    }
    for shape, body in bodies.items():
        headers = {"content-type": "application/json"}
        response = service.post("/v1/integrations/litellm", key, content=body, headers=headers)
        assert response.status_code == (207 if shape == "ndjson" else 202), response.text
    names = {"llm-array", "llm-single", "llm-ndjson-1", "llm-ndjson-2"}
    rows = wait_for_rows(service.home, "events", names)
    assert {rows[name]["adapter"] for name in names} == {"litellm"}


def test_greenscale_is_answered_200_and_its_header_holds_the_key(
    service: Running, key: str
) -> None:
    body = fresh_sample("greenscale_callback.json")
    response = post(service, "/v1/integrations/greenscale", None, body, {"api-key": key})
    assert response.status_code == 200, response.text
    name = response.json()["results"][0]["event_id"]
    assert wait_for_rows(service.home, "events", {name})[name]["project_id"] == "search"


def test_litellm_is_told_503_where_others_get_429(tmp_path: Path) -> None:
    """Its callback gives up at a 429 and tries again after a 503."""
    running = Running(tmp_path / "home", **FAST, ECOMIND_INGEST_KEY_EVENTS_PER_MIN="1")
    try:
        key = running.key("acme")
        running.start()
        payloads = fresh_sample("litellm_generic_api.json")
        answers = [post(running, "/v1/integrations/litellm", key, payloads) for _ in range(2)]
        native = post(running, "/v1/events", key, event("limited"))
    finally:
        running.close()
    assert [answer.status_code for answer in answers] == [202, 503]
    assert answers[1].json()["type"].endswith("rate-limited")
    assert answers[1].json()["status"] == 503
    assert int(answers[1].headers["retry-after"]) > 0
    assert native.status_code == 429


def langfuse_event(name: str, kind: str, **body: Any) -> dict[str, Any]:
    return {"id": name, "type": kind, "timestamp": now_text(), "body": body}


def test_a_langfuse_batch_is_answered_by_its_own_names(service: Running, key: str) -> None:
    basic = base64.b64encode(f"pk-lf-1:{key}".encode()).decode()
    batch = [
        langfuse_event("e1", "trace-create", id="trace-9", input="a question"),
        langfuse_event("e2", "generation-create", id="lf-9", model="gpt-4o", startTime=now_text()),
        langfuse_event("e3", "generation-update", id="lf-9", usage={"input": 7, "output": 2}),
        langfuse_event("e4", "generation-create", id="lf-10", usageDetails={"input": -1}),
        langfuse_event("e5", "generation-create", id="lf-11", model="gpt-4o"),
    ]
    response = post(
        service,
        "/api/public/ingestion",
        None,
        {"batch": batch, "metadata": {}},
        {"authorization": f"Basic {basic}"},
    )
    assert response.status_code == 207, response.text
    answer = response.json()
    assert {each["id"] for each in answer["successes"]} == {"e1", "e2", "e3", "e5"}
    assert [(each["id"], each["error"]) for each in answer["errors"]] == [("e4", "bad_token_count")]
    row = wait_for_rows(service.home, "events", {"lf-9"})["lf-9"]
    assert (row["source"], row["response_model"]) == ("urn:langfuse:pk-lf-1", "gpt-4o")
    assert (row["input_tokens"], row["output_tokens"]) == (7, 2)


def test_a_langfuse_client_is_told_of_a_wrong_key_in_its_words(service: Running) -> None:
    response = post(service, "/api/public/ingestion", "nonsense", {"batch": []})
    assert response.status_code == 401
    assert set(response.json()) == {"message", "error", "instance"}


def test_a_key_in_place_of_langfuse_s_public_key_is_not_repeated(
    service: Running, key: str
) -> None:
    basic = base64.b64encode(f"{key}:{key}".encode()).decode()
    event_body = {"id": "lf-key", "model": "m", "usage": {"input": 1, "output": 1}}
    batch = [langfuse_event("k1", "generation-create", startTime=now_text(), **event_body)]
    body = {"batch": batch, "metadata": {"public_key": key}}
    headers = {"authorization": f"Basic {basic}"}
    assert post(service, "/api/public/ingestion", None, body, headers).status_code == 207
    row = wait_for_rows(service.home, "events", {"lf-key"})["lf-key"]
    assert row["source"] == "urn:langfuse:sdk"


@pytest.mark.parametrize(
    ("path", "name", "wrap"),
    [
        ("bedrock", "bedrock_invocation_log.json", lambda record: {"records": [record]}),
        ("cursor", "cursor_filtered_usage_events.json", lambda page: page["usageEvents"]),
        ("helicone", "helicone_async_log.json", lambda log: log),
    ],
)
def test_calls_of_other_tools_land(
    service: Running, key: str, path: str, name: str, wrap: Any
) -> None:
    response = post(service, f"/v1/integrations/{path}", key, wrap(fresh_sample(name)))
    assert response.status_code == 202, response.text
    (result,) = response.json()["results"]
    rows = wait_for_rows(service.home, "events", {result["event_id"]})
    assert rows[result["event_id"]]["adapter"] == path


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_usage_pages_land_as_buckets(service: Running, key: str, provider: str) -> None:
    names = {
        "openai": "openai_usage_completions_page.json",
        "anthropic": "anthropic_usage_report_messages_page.json",
    }
    path = f"/v1/integrations/{provider}-usage"
    response = post(service, path, key, fresh_sample(names[provider]))
    assert response.status_code == 202, response.text
    response = post(service, path, key, [event("not-a-page")])
    assert response.status_code == 400
