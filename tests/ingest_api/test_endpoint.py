"""What the running endpoint answers, status by status."""

from __future__ import annotations

import base64
import json
import re
import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from ecomind.identity import Role
from ingest_api.credentials import STALENESS_S
from tests.ingest_api.running import Running, event, landed_rows, now_text, wait_for_rows

PROBLEM = "application/problem+json"


def check_problem(response: httpx.Response, status: int, name: str) -> dict[str, object]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == PROBLEM
    document: dict[str, object] = response.json()
    assert document["type"] == f"urn:ecomind:problem:{name}"
    assert document["status"] == status
    request_id = response.headers["ecomind-request-id"]
    assert str(document["instance"]).endswith(f"#{request_id}")
    assert response.headers["ecomind-durability"] == "fsync"
    return document


def test_the_original_shape_is_accepted_under_its_aliases(service: Running, key: str) -> None:
    moment = now_text()
    body = {
        "event_id": "alias-1",
        "org_id": "acme",
        "user_id": "alice",
        "provider": "openai",
        "model": "gpt-4o",
        "tokens_in": 11,
        "tokens_out": 7,
        "region": "us-east-1",
        "ts": moment,
    }
    response = service.post("/v1/ingest", key, json=body)
    assert response.status_code == 202
    assert response.headers["ecomind-durability"] == "fsync"
    assert response.headers["ecomind-request-id"].startswith("req_")
    answer = response.json()
    assert answer["results"] == [{"index": 0, "event_id": "alias-1", "result": "accepted"}]
    assert (answer["accepted"], answer["duplicate"], answer["rejected"]) == (1, 0, 0)
    assert answer["durability"] == "fsync"
    row = wait_for_rows(service.home, "events", {"alias-1"})["alias-1"]
    assert (row["request_model"], row["input_tokens"], row["output_tokens"]) == ("gpt-4o", 11, 7)
    assert row["occurred_at"] == datetime.fromisoformat(moment)
    assert row["org_id"] == "acme"
    assert row["receipt_id"] == answer["receipt_id"]
    assert row["adapter"] == "native_json"
    assert row["user_id"] == service.store.pseudonym("acme", "alice")


def test_a_missing_event_id_is_minted_and_told(service: Running, key: str) -> None:
    body = event("x")
    del body["event_id"]
    response = service.post("/v1/ingest", key, json=body)
    result = response.json()["results"][0]
    assert response.status_code == 202
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
                        result["event_id"])  # fmt: skip
    assert {"code": "event_id_minted", "field": "event_id"} in result["warnings"]
    wait_for_rows(service.home, "events", {result["event_id"]})


def test_events_must_bring_their_own_id_in_batches(service: Running, key: str) -> None:
    body = event("x")
    del body["event_id"]
    problem = check_problem(service.post("/v1/events", key, json=[body]), 422, "no-valid-event")
    assert problem["errors"][0]["pointer"] == "/event_id"  # type: ignore[index]


@pytest.mark.parametrize("shape", ["object", "array", "events", "ndjson"])
def test_every_shape_of_a_body_is_understood(service: Running, key: str, shape: str) -> None:
    items = [event(f"{shape}-{i}") for i in range(1 if shape == "object" else 3)]
    content: object = {"object": items[0], "array": items, "events": {"events": items}}.get(shape)
    if shape == "ndjson":
        text = "\n".join(json.dumps(item) for item in items) + "\n"
        headers = {"content-type": "application/x-ndjson; charset=utf-8"}
        response = service.post("/v1/events", key, content=text, headers=headers)
    else:
        response = service.post("/v1/events", key, json=content)
    assert response.status_code == 202, response.text
    assert response.json()["accepted"] == len(items)
    wait_for_rows(service.home, "events", {item["event_id"] for item in items})


def test_good_items_of_a_mixed_batch_are_kept(service: Running, key: str) -> None:
    bad = event("mixed-bad", input_tokens=100, cache_read_input_tokens=400)
    items = [event("mixed-good"), bad, "text", event("mixed-good-2")]
    response = service.post("/v1/events", key, json=items)
    assert response.status_code == 207
    assert response.headers["ecomind-rejected"] == "2"
    answer = response.json()
    assert [result["result"] for result in answer["results"]] == [
        "accepted", "rejected", "rejected", "accepted",
    ]  # fmt: skip
    error = answer["results"][1]["errors"][0]
    assert error["code"] == "subset_exceeds_total"
    assert error["pointer"] == "/cache_read_input_tokens"
    wait_for_rows(service.home, "events", {"mixed-good", "mixed-good-2"})
    reject = wait_for_rows(service.home, "rejects", {"mixed-bad"})["mixed-bad"]
    assert reject["rejection_id"] == answer["results"][1]["rejection_id"]
    assert (reject["code"], reject["item_index"]) == ("subset_exceeds_total", 1)
    landed = {row["event_id"] for row in landed_rows(service.home, "events")}
    assert "mixed-bad" not in landed


def test_a_malformed_line_rejects_only_itself(service: Running, key: str) -> None:
    lines = [json.dumps(event("line-1")), '{"event_id": ', "", json.dumps(event("line-2"))]
    headers = {"content-type": "application/x-ndjson"}
    response = service.post("/v1/events", key, content="\n".join(lines), headers=headers)
    assert response.status_code == 207
    results = response.json()["results"]
    assert [result["result"] for result in results] == ["accepted", "rejected", "accepted"]
    assert results[1]["errors"][0]["code"] == "malformed_line"


def test_a_repeat_within_a_request_is_told(service: Running, key: str) -> None:
    item = event("twice")
    answer = service.post("/v1/events", key, json=[item, item]).json()
    assert (answer["accepted"], answer["duplicate"]) == (1, 1)
    assert [result["result"] for result in answer["results"]] == ["accepted", "duplicate"]


@pytest.mark.parametrize(
    "body", ["", "{", "[1,", "3", '"text"', "[" * 100_000, b"\xff\xfe", '{"a": 1e999}']
)
def test_a_body_that_is_not_json_is_malformed(service: Running, key: str, body: object) -> None:
    headers = {"content-type": "application/json"}
    response = service.post("/v1/events", key, content=body, headers=headers)
    check_problem(response, 400, "malformed-body")


def test_an_empty_batch_holds_no_valid_event(service: Running, key: str) -> None:
    check_problem(service.post("/v1/events", key, json=[]), 422, "no-valid-event")


def test_the_single_endpoint_takes_one_object(service: Running, key: str) -> None:
    response = service.post("/v1/ingest", key, json=[event("x")])
    check_problem(response, 400, "malformed-body")


def test_a_key_is_needed(service: Running) -> None:
    for wrong in (None, "nonsense", "eco_live_aaaaaaaa_" + "b" * 49):
        response = service.post("/v1/events", wrong, json=event("x"))
        check_problem(response, 401, "invalid-credential")
        assert response.headers["www-authenticate"] == "Bearer"


def test_a_key_may_stand_in_three_places(service: Running, key: str) -> None:
    basic = base64.b64encode(f"any:{key}".encode()).decode()
    places = (
        {"x-api-key": key},
        {"authorization": f"Basic {basic}"},
        {"Authorization": f"bearer {key}"},
    )
    for index, headers in enumerate(places):
        response = service.post("/v1/events", None, json=event(f"key-{index}"), headers=headers)
        assert response.status_code == 202


def test_a_revoked_key_ends_within_its_staleness(service: Running) -> None:
    revoked = service.key("acme")
    assert service.post("/v1/events", revoked, json=event("revoked-1")).status_code == 202
    info = service.store.keys.listed("acme")[-1]
    service.store.keys.revoke(info.org_id, info.key_id)
    deadline = time.monotonic() + STALENESS_S + 10
    while service.post("/v1/events", revoked, json=event("revoked-2")).status_code != 401:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_key_needs_the_scope(service: Running) -> None:
    response = service.post("/v1/events", service.key("acme", Role.ANALYST), json=event("x"))
    problem = check_problem(response, 403, "insufficient-scope")
    assert problem["required_scope"] == "ingest:write"


def test_what_a_key_asks_in_vain_is_recorded_once(service: Running) -> None:
    analyst = service.key("refusals", Role.ANALYST)
    for number in range(25):
        response = service.post("/v1/events", analyst, json=event(f"vain-{number}"))
        check_problem(response, 403, "insufficient-scope")
    denied = [e for e in service.store.audit.entries("refusals") if e.outcome == "denied"]
    assert len(denied) == 20
    assert {(e.target, e.role) for e in denied} == {("ingest:write", "analyst")}


def test_a_suspended_organisation_is_told_so(service: Running) -> None:
    key = service.key("suspended")
    service.store.organizations.suspend("suspended")
    check_problem(service.post("/v1/events", key, json=event("s")), 403, "org-suspended")


def test_a_key_of_a_network_is_used_from_there_only(service: Running) -> None:
    service.key("networks")
    for network, expected in (("127.0.0.0/8", 202), ("192.0.2.0/24", 403)):
        key, _ = service.store.keys.create("networks", Role.INGEST, "", networks=[network])
        response = service.post("/v1/events", key, json=event("from-here"))
        assert response.status_code == expected
    check_problem(response, 403, "network-not-allowed")


def test_a_key_of_a_project_sends_for_it_only(service: Running) -> None:
    service.key("projects")
    key, _ = service.store.keys.create("projects", Role.INGEST, "", project_id="search")
    sent = [
        event("project-none"),
        event("project-own", project_id="search"),
        event("project-other", project_id="ads"),
    ]
    results = service.post("/v1/events", key, json=sent).json()["results"]
    warned = {one["event_id"]: one.get("warnings") for one in results}
    assert warned == {
        "project-none": None,
        "project-own": None,
        "project-other": [{"code": "not_allowed_for_key", "field": "project_id"}],
    }
    rows = wait_for_rows(service.home, "events", set(warned))
    assert {name: rows[name]["project_id"] for name in warned} == dict.fromkeys(warned, "search")


def test_another_organisations_events_are_refused(service: Running, key: str) -> None:
    foreign = event("foreign", org_id="globex")
    check_problem(service.post("/v1/ingest", key, json=foreign), 403, "tenant-mismatch")
    mixed = service.post("/v1/events", key, json=[foreign, event("project-own", org_id="acme")])
    assert mixed.status_code == 207
    assert mixed.json()["results"][0]["errors"][0]["code"] == "tenant_mismatch"


def test_old_events_need_the_import_scope(service: Running, key: str) -> None:
    old = event("old", occurred_at=(datetime.now(UTC) - timedelta(days=500)).isoformat())
    problem = check_problem(service.post("/v1/events", key, json=old), 422, "no-valid-event")
    assert problem["errors"][0]["code"] == "too_old"  # type: ignore[index]
    importer = service.key("acme", Role.IMPORT)
    assert service.post("/v1/events", importer, json=old).status_code == 202


def test_unknown_addresses_and_methods(service: Running, key: str) -> None:
    for path in ("/v1/events/", "/v1/nothing", "/v1/ingest/"):
        check_problem(service.post(path, key, json=event("x")), 404, "not-found")
    response = service.client.get("/v1/events")
    check_problem(response, 405, "method-not-allowed")
    assert response.headers["allow"] == "POST"
    check_problem(service.client.post("/livez"), 405, "method-not-allowed")


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_over_the_limit_is_refused(service: Running, key: str, is_chunked: bool) -> None:
    body = b" " * 1_000_001
    content = iter([body[:600_000], body[600_000:]]) if is_chunked else body
    headers = {"content-type": "application/json"}
    response = service.post("/v1/events", key, content=content, headers=headers)
    problem = check_problem(response, 413, "body-too-large")
    assert (problem["stage"], problem["limit_bytes"]) == ("wire", 1_000_000)


def test_a_chunked_body_is_accepted(service: Running, key: str) -> None:
    text = json.dumps(event("chunked")).encode()
    headers = {"content-type": "application/json"}
    content = iter([text[:20], text[20:]])
    response = service.post("/v1/events", key, content=content, headers=headers)
    assert response.status_code == 202


def test_too_many_items_are_refused(service: Running, key: str) -> None:
    problem = check_problem(
        service.post("/v1/events", key, json=[{}] * 5001), 413, "body-too-large"
    )
    assert (problem["stage"], problem["limit_items"]) == ("items", 5000)


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/v1/events", "text/plain"),
        ("/v1/events", "application/json; charset=latin-1"),
        ("/v1/ingest", "application/x-ndjson"),
        ("/v1/events", "application/x-www-form-urlencoded"),
    ],
)
def test_other_media_types(service: Running, key: str, path: str, content_type: str) -> None:
    headers = {"content-type": content_type}
    response = service.post(path, key, content=b"{}", headers=headers)
    problem = check_problem(response, 415, "unsupported-media-type")
    assert "application/json" in problem["supported"]  # type: ignore[operator]


def test_other_encodings(service: Running, key: str) -> None:
    headers = {"content-encoding": "br"}
    response = service.post("/v1/events", key, json=event("x"), headers=headers)
    check_problem(response, 415, "unsupported-encoding")


def test_state_is_told_without_anybodys_data(service: Running, key: str) -> None:
    service.post("/v1/events", key, json=event("state"))
    assert service.client.get("/livez").status_code == 200
    assert service.client.get("/readyz").json() == {"status": "ready"}
    response = service.client.get("/health")
    health = response.json()
    assert health["node"] == "testnode"
    assert health["log"]["state"] == "accepting"
    assert health["sealer"] == {"running": True}
    assert "acme" not in response.text


def test_files_are_for_the_owner_and_group_only(service: Running, key: str) -> None:
    service.post("/v1/events", key, json=[event("mode"), {}])
    wait_for_rows(service.home, "events", {"mode"})
    for folder in (service.home / "landing", service.home / "wal"):
        for path in (folder, *folder.rglob("*")):
            if path.exists():
                expected = 0o750 if path.is_dir() else 0o640
                assert path.stat().st_mode & 0o777 == expected, path
