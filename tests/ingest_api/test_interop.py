"""The tools themselves, as installed, send to the running service; their events arrive right."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from tests.ingest_api.planted import MARKER as CONTENT
from tests.ingest_api.running import FAST, ROOT, Running, landed_rows, wait_for_rows

DATA = {
    "provider": "anthropic",
    "request_model": "claude-sonnet-5",
    "input_tokens": 900,
    "cache_read_input_tokens": 600,
    "output_tokens": 200,
    "tags": {"feature": "rag"},
}


def cloudevent(name: str, **attributes: Any) -> CloudEvent:
    given = {
        "specversion": "1.0",
        "id": name,
        "source": "urn:test:sdk",
        "type": "io.ecomind.ai_call.v1",
        "time": datetime.now(UTC),
        "subject": "Zoë 100%",
        "datacontenttype": "application/json",
        **attributes,
    }
    return CloudEvent(given, DATA)


def check_cloudevent(service: Running, name: str, adapter: str) -> None:
    row = wait_for_rows(service.home, "events", {name})[name]
    assert row["adapter"] == adapter
    assert row["source"] == "urn:test:sdk"
    assert row["user_id"] == service.store.pseudonym("acme", "Zoë 100%")
    assert (row["input_tokens"], row["cache_read_input_tokens"]) == (900, 600)
    assert abs(row["occurred_at"] - datetime.now(UTC)) < timedelta(minutes=5)
    assert row["tags"] == '{"feature":"rag"}'


@pytest.mark.parametrize(
    ("mode", "adapter"), [("binary", "cloudevents_binary"), ("structured", "cloudevents")]
)
def test_the_cloudevents_sdk(service: Running, key: str, mode: str, adapter: str) -> None:
    write = to_binary_event if mode == "binary" else to_structured_event
    message = write(cloudevent(f"sdk-{mode}"))
    response = service.post("/v1/events", key, content=message.body, headers=dict(message.headers))
    assert response.status_code == 202, response.text
    check_cloudevent(service, f"sdk-{mode}", adapter)


def test_a_batch_of_the_cloudevents_sdk_s_events(service: Running, key: str) -> None:
    """The SDK writes single events; a batch is their array, as the specification has it."""
    events = [cloudevent("sdk-batch-1"), cloudevent("sdk-batch-2", sampledrate=4)]
    body = b"[" + b",".join(JSONFormat().write(each) for each in events) + b"]"
    headers = {"content-type": "application/cloudevents-batch+json; charset=utf-8"}
    response = service.post("/v1/events", key, content=body, headers=headers)
    assert response.status_code == 202, response.text
    check_cloudevent(service, "sdk-batch-1", "cloudevents_batch")
    check_cloudevent(service, "sdk-batch-2", "cloudevents_batch")
    row = wait_for_rows(service.home, "events", {"sdk-batch-2"})["sdk-batch-2"]
    assert row["sample_weight"] == 4


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service to which LiteLLM's callbacks have sent three calls, one of them failed."""
    running = Running(tmp_path_factory.mktemp("litellm"), **FAST)
    key = running.key("acme")
    running.start()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.endswith("_PROXY")},
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "PYTHONPATH": str(ROOT),
        "GENERIC_LOGGER_ENDPOINT": f"{running.url}/v1/integrations/litellm",
        "GENERIC_LOGGER_HEADERS": f"Authorization=Bearer {key}",
        "OPENMETER_API_ENDPOINT": running.url,
        "OPENMETER_API_KEY": key,
        "GREENSCALE_ENDPOINT": f"{running.url}/v1/integrations/greenscale",
        "GREENSCALE_API_KEY": key,
    }
    script = Path(__file__).with_name("litellm_sender.py")
    done = subprocess.run(
        [sys.executable, str(script)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    yield running
    running.close()


def landed(running: Running, adapter: str, count: int) -> list[dict[str, Any]]:
    deadline = time.monotonic() + 20
    while True:
        rows = [r for r in landed_rows(running.home, "events") if r["adapter"] == adapter]
        if len(rows) >= count:
            return rows
        assert time.monotonic() < deadline, (adapter, len(rows))
        time.sleep(0.1)


def test_litellm_s_generic_callback_in_its_three_log_formats(sent: Running) -> None:
    rows = landed(sent, "litellm", 9)
    names = [row["event_id"] for row in rows]
    assert names.count("call-azure") == names.count("call-stream") == 3
    (failed,) = {name for name in names if name not in ("call-azure", "call-stream")}
    assert failed.startswith("call-failed.")
    by_name = {row["event_id"]: row for row in rows}
    azure, stream = by_name["call-azure"], by_name["call-stream"]
    assert azure["provider"] == "azure.ai.openai"
    assert azure["request_model"] == azure["response_model"] == "gpt-4o"
    assert azure["server_address"] == "contoso.openai.azure.com"
    assert (azure["input_tokens"], azure["output_tokens"]) == (10, 20)
    assert azure["source"] == "urn:litellm:88dc28d0f030"
    assert azure["team_id"] == "team-7"
    assert azure["user_id"] == sent.store.pseudonym("acme", "u-7")
    assert azure["tags"] == '{"feature":"rag","urgent":"true"}'
    assert azure["cost_currency"] == "USD" and azure["cost_amount"] > 0
    assert azure["gateway_call_id"] == "call-azure"
    assert azure["usage_source"] == "gateway_reported"
    assert 0 < azure["duration_ms"] < 60_000
    assert (stream["provider"], stream["stream"]) == ("anthropic", True)
    assert stream["output_tokens"] > 0
    assert by_name[failed]["status"] == "error"
    assert by_name[failed]["error_type"] == "RateLimitError"
    assert by_name[failed]["http_status"] == 429


def test_litellm_s_openmeter_callback(sent: Running) -> None:
    rows = landed(sent, "openmeter", 2)
    by_model = {row["request_model"]: row for row in rows}
    row = by_model["gpt-4o"]
    assert (row["source"], row["provider"]) == ("litellm-proxy", "unknown")
    assert (row["input_tokens"], row["output_tokens"]) == (10, 20)
    assert row["user_id"] == sent.store.pseudonym("acme", "u-7")


def test_litellm_s_greenscale_callback(sent: Running) -> None:
    rows = landed(sent, "greenscale", 1)
    row = next(row for row in rows if row["request_model"] == "gpt-4o")
    assert (row["project_id"], row["service"]) == ("search", "answer-api")
    assert (row["input_tokens"], row["output_tokens"]) == (10, 20)
    assert row["tags"] == '{"team":"cc-1042"}'


def test_nothing_of_what_litellm_sent_as_content_is_on_the_disk(sent: Running) -> None:
    landed(sent, "litellm", 9)
    held = [path for path in sent.home.rglob("*") if path.is_file()]
    assert [path for path in held if CONTENT.encode() in path.read_bytes()] == []
    rows = [*landed_rows(sent.home, "events"), *landed_rows(sent.home, "rejects")]
    assert CONTENT not in repr(rows)
