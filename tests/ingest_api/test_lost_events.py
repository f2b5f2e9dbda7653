"""What became of a request, an event, a rejected item; and another organisation never sees it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import httpx
import pytest

from dlt_pipelines.pipeline import load
from ecomind.contract.event import EVENTS, REJECTS
from ecomind.identity import Role
from ecomind.landing_zone import list_landed, open_zone
from ecomind.warehouse.snapshot import LAYOUT
from ingest_api.landing.compact import compact
from tests.ingest_api.running import FAST, Running, event, wait_for_rows
from tests.ingest_api.test_endpoint import check_problem


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service whose log is sealed late, so that its events are still in it."""
    running = Running(tmp_path_factory.mktemp("slow"), ECOMIND_SEAL_MAX_AGE_S="600")
    yield running.start()
    running.close()


def get(service: Running, path: str, key: str, **query: str) -> httpx.Response:
    return service.client.get(path, params=query, headers={"authorization": f"Bearer {key}"})


def receipt(service: Running, key: str, receipt_id: str) -> dict[str, Any]:
    response = get(service, f"/v1/receipts/{receipt_id}", key)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def test_a_receipt_walks_from_stored_to_loaded(tmp_path: Path) -> None:
    service = Running(tmp_path / "home", ECOMIND_SEAL_MAX_AGE_S="2").start()
    key = service.key("acme")
    body = [event("walk-1"), event("walk-2"), event("walk-3", input_tokens=-1)]
    answer = service.post("/v1/events", key, json=body).json()
    found = receipt(service, key, answer["receipt_id"])
    assert (found["state"], found["accepted"], found["rejected"]) == ("stored", 2, 1)
    assert found["received_at"] == answer["received_at"]
    assert found["adapter"] == "native_json"
    assert get(service, "/v1/events/walk-2", key).json()["state"] == "stored"
    wait_for_rows(service.home, "events", {"walk-1", "walk-2"})
    found = receipt(service, key, answer["receipt_id"])
    assert found["state"] == "landed"
    assert found["states"]["landed"] == {"accepted": 2, "rejected": 1}
    service.stop()
    load(service.settings)
    service.start()
    found = receipt(service, key, answer["receipt_id"])
    assert found["states"] == {
        "stored": {"accepted": 0, "rejected": 0},
        "landed": {"accepted": 0, "rejected": 0},
        "loaded": {"accepted": 2, "rejected": 1},
    }
    shown = get(service, "/v1/events/walk-1", key).json()
    assert shown["state"] == "loaded"
    assert shown["received"][0]["receipt_id"] == answer["receipt_id"]
    assert get(service, "/v1/rejections", key).json()["rejections"][0]["state"] == "loaded"
    assert get(service, "/v1/events/walk-2", key).json()["state"] == "loaded"
    publish_superseded(service.home / "served", "acme", "walk-2")
    loser = get(service, "/v1/events/walk-2", key).json()["received"][0]
    assert loser["state"] == "superseded"
    assert loser["superseded_by"] == {
        "source": "urn:gateway", "event_id": "walk-0", "reason": "the same span",
    }  # fmt: skip
    assert get(service, "/v1/events/walk-1", key).json()["state"] == "loaded"
    later = service.post("/v1/events", key, json=event("walk-4")).json()
    assert receipt(service, key, later["receipt_id"])["state"] == "stored"
    service.close()


def publish_superseded(served: Path, org_id: str, event_id: str) -> None:
    """A snapshot that says of one event that another counts in its place."""
    served.mkdir()
    with duckdb.connect(served / "snapshot-1.duckdb") as connection:
        connection.execute("create schema publication; create schema mart")
        connection.execute(f"create table publication.layout as select {LAYOUT} as version")
        connection.execute(
            "create table publication.snapshot as select '1' as snapshot_id,"
            " now() as published_at, now() as data_through"
        )
        connection.execute(
            "create table mart.superseded_event as select ? as org_id,"
            " 'urn:ecomind:native' as source, ? as event_id, 'urn:gateway' as superseded_by_source,"
            " 'walk-0' as superseded_by_event_id, 'the same span' as reason"
            " union all select 'globex', 'urn:ecomind:native', 'walk-1', 'x', 'x', 'x'",
            [org_id, event_id],
        )
    (served / "CURRENT").write_text("snapshot-1.duckdb")


@pytest.mark.parametrize("name", ["service", "slow"])
def test_an_event_is_shown_as_it_was_received(name: str, request: Any) -> None:
    service: Running = request.getfixturevalue(name)
    key = service.key("acme")
    identifier = "shown/as received?"[:5] + "/%41#1"
    sent = event(identifier, user_id="ada@example.org", tags={"b": "1", "a": "2"}, prompt="secret")
    other = event(identifier, source="urn:other", input_tokens=7)
    service.post("/v1/events", key, json=[sent, other])
    if name == "service":
        wait_for_rows(service.home, "events", {identifier})
    path = f"/v1/events/{quote(identifier, safe='')}"
    found = get(service, path, key)
    assert found.status_code == 200, found.text
    assert {each["event"]["source"] for each in found.json()["received"]} == {
        "urn:ecomind:native", "urn:other",
    }  # fmt: skip
    one = get(service, path, key, source="urn:ecomind:native").json()
    shown = one["received"][0]["event"]
    assert shown["tags"] == {"a": "2", "b": "1"}
    assert shown["user_id"] == service.store.pseudonym("acme", "ada@example.org")
    assert datetime.fromisoformat(shown["occurred_at"]) == datetime.fromisoformat(
        str(sent["occurred_at"])
    )
    assert (shown["input_tokens"], shown["status"]) == (120, "success")
    assert "secret" not in found.text
    assert one["searched"]["is_complete"] is True
    missing = get(service, path, key, source="urn:third")
    check_problem(missing, 404, "not-found")
    early = (datetime.now(UTC) - timedelta(days=9)).isoformat()
    late = (datetime.now(UTC) - timedelta(days=8)).isoformat()
    problem = check_problem(
        get(service, path, key, received_from=early, received_to=late), 404, "not-found"
    )
    assert problem["searched"]["is_complete"] is True  # type: ignore[index]
    check_problem(get(service, path, key, received_to="today"), 400, "invalid-parameter")
    check_problem(get(service, path, key, received_from="3000-01-01"), 400, "invalid-parameter")


@pytest.mark.parametrize("name", ["service", "slow"])
def test_rejections_are_paged_newest_first(name: str, request: Any) -> None:
    service: Running = request.getfixturevalue(name)
    key = service.key(f"paging-{name}")
    made = []
    for batch in range(4):
        items = [
            event(f"page-{batch}-{n}", **({"input_tokens": -77} if n % 2 else {"http_status": 7}))
            for n in range(5)
        ]
        answer = service.post("/v1/events", key, json=items)
        made += [error["rejection_id"] for error in answer.json()["errors"]]
        if name == "service":
            wait_for_rows(service.home, "rejects", {item["event_id"] for item in items})
    seen: list[str] = []
    query: dict[str, str] = {"limit": "3"}
    while True:
        page = get(service, "/v1/rejections", key, **query).json()
        seen += [each["rejection_id"] for each in page["rejections"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert len(seen) == len(set(seen)) == 20
    assert set(seen) == set(made)
    newest = get(service, "/v1/rejections", key, limit="5").json()["rejections"]
    assert {each["event_id"] for each in newest} == {f"page-3-{n}" for n in range(5)}
    tokens = get(service, "/v1/rejections", key, code="bad_token_count")
    assert len(tokens.json()["rejections"]) == 8
    assert "-77" not in tokens.text
    first = tokens.json()["rejections"][0]
    assert (first["pointer"], first["is_replayable"]) == ("/input_tokens", True)
    assert first["item"]["output_tokens"] == 30
    assert "input_tokens" not in first["item"]
    check_problem(get(service, "/v1/rejections", key, limit="0"), 400, "invalid-parameter")
    check_problem(get(service, "/v1/rejections", key, cursor="x"), 400, "invalid-parameter")


def test_an_event_of_a_large_request_is_found_while_it_waits_in_the_log(slow: Running) -> None:
    key = slow.key("acme")
    sent = [event(f"many-{n}", input_tokens=n, region="westeurope") for n in range(120)]
    answer = slow.post("/v1/events", key, json=sent).json()
    found = get(slow, "/v1/events/many-77", key).json()["received"]
    assert [(each["state"], each["receipt_id"]) for each in found] == [
        ("stored", answer["receipt_id"])
    ]
    shown = found[0]["event"]
    assert (shown["input_tokens"], shown["region"]) == (77, "westeurope")
    assert shown["occurred_at"] == sent[77]["occurred_at"].replace("+00:00", "Z")
    assert receipt(slow, key, answer["receipt_id"])["states"]["stored"]["accepted"] == 120


def test_a_rejected_item_is_judged_anew_with_corrections(slow: Running) -> None:
    key = slow.key("acme")
    sent = event("replayed", input_tokens=-1, user_id="ada@example.org", team_id="x" * 65)
    refused = check_problem(slow.post("/v1/events", key, json=sent), 422, "no-valid-event")
    path = f"/v1/rejections/{refused['errors'][0]['rejection_id']}/replay"  # type: ignore[index]
    mended = slow.post(path, key, json={"tokens_in": 55, "output_tokens": None})
    assert mended.status_code == 202, mended.text
    found = get(slow, "/v1/events/replayed", key).json()
    assert [each["state"] for each in found["received"]] == ["stored", "rejected"]
    shown = found["received"][0]
    assert shown["adapter"] == "replay"
    assert shown["event"]["input_tokens"] == 55
    assert "output_tokens" not in shown["event"]
    assert shown["event"]["user_id"] == slow.store.pseudonym("acme", "ada@example.org")
    other_user = slow.post(path, key, json={"input_tokens": 1, "user_id": "bob@example.org"})
    assert other_user.status_code == 202
    newest = get(slow, "/v1/events/replayed", key).json()["received"][0]["event"]
    assert newest["user_id"] == slow.store.pseudonym("acme", "bob@example.org")
    still_bad = check_problem(slow.post(path, key, json={"input_tokens": "many"}), 422,
                              "no-valid-event")  # fmt: skip
    assert still_bad["errors"][0]["code"] == "bad_token_count"  # type: ignore[index]
    check_problem(slow.post(path, key, content="[1]"), 400, "malformed-body")
    without = slow.post(path, key)
    assert without.status_code == 202, without.text  # Without token counts it is a valid call.


def test_a_call_that_was_too_old_is_replayed_with_an_import_key(slow: Running) -> None:
    key, import_key = slow.key("acme"), slow.key("acme", Role.IMPORT)
    old = event("ancient", occurred_at="2023-11-16T18:00:00+00:00")
    refused = check_problem(slow.post("/v1/events", key, json=old), 422, "no-valid-event")
    path = f"/v1/rejections/{refused['errors'][0]['rejection_id']}/replay"  # type: ignore[index]
    again = check_problem(slow.post(path, key, json={}), 422, "no-valid-event")
    assert again["errors"][0]["code"] == "too_old"  # type: ignore[index]
    assert slow.post(path, import_key, json={}).status_code == 202
    shown = get(slow, "/v1/events/ancient", key).json()["received"][0]["event"]
    assert shown["occurred_at"] == "2023-11-16T18:00:00Z"


def test_nothing_is_replayed_where_nothing_was_kept(slow: Running) -> None:
    key = slow.key("acme")
    answer = slow.post("/v1/events", key, json=[event("of-others", org_id="globex"), 7])
    for error in answer.json()["errors"]:
        path = f"/v1/rejections/{error['rejection_id']}/replay"
        problem = check_problem(slow.post(path, key, json={}), 422, "not-replayable")
        assert "send the item itself" in str(problem["detail"])
    listed = get(slow, "/v1/rejections", key, code="tenant_mismatch").json()["rejections"][0]
    assert (listed["item"], listed["is_replayable"]) == (None, False)


@pytest.mark.parametrize("name", ["service", "slow"])
def test_another_organisation_sees_nothing(name: str, request: Any) -> None:
    service: Running = request.getfixturevalue(name)
    ours, theirs = service.key("acme"), service.key("globex", Role.OWNER)
    answer = service.post(
        "/v1/events", ours, json=[event("private-1"), event("private-2", input_tokens=-1)]
    ).json()
    rejection_id = answer["results"][1]["rejection_id"]
    if name == "service":
        wait_for_rows(service.home, "events", {"private-1"})
    unknown = f"{int(time.time() * 1000):012x}" + "0" * 16
    for real, made_up in (
        (f"/v1/receipts/{answer['receipt_id']}", f"/v1/receipts/rcp_{unknown}"),
        ("/v1/events/private-1", "/v1/events/private-x"),
        ("/v1/events/private-2", "/v1/events/private-x"),
    ):
        assert get(service, real, ours).status_code == 200
        alike(get(service, real, theirs), get(service, made_up, theirs))
    replay = f"/v1/rejections/{rejection_id}/replay"
    alike(
        service.post(replay, theirs, json={"input_tokens": 1}),
        service.post(f"/v1/rejections/rej_{unknown}/replay", theirs, json={"input_tokens": 1}),
    )
    page = get(service, "/v1/rejections", theirs)
    assert page.json()["rejections"] == []
    assert "private" not in page.text
    viewer = service.key("acme", Role.VIEWER)
    check_problem(get(service, "/v1/rejections", viewer), 403, "insufficient-scope")
    analyst = service.key("acme", Role.ANALYST)
    assert get(service, "/v1/rejections", analyst).status_code == 200
    check_problem(service.post(replay, analyst, json={}), 403, "insufficient-scope")


def test_rows_of_merged_files_are_found_once(tmp_path: Path) -> None:
    service = Running(tmp_path / "home", **FAST).start()
    key = service.key("acme")
    receipts = []
    for n in range(3):
        items = [event(f"merged-{n}"), event(f"merged-{n}-bad", input_tokens=-1)]
        receipts.append(service.post("/v1/events", key, json=items).json()["receipt_id"])
        wait_for_rows(service.home, "events", {f"merged-{n}"})
    zone = open_zone(service.settings)
    for table in (EVENTS, REJECTS):
        done = compact(zone, table, list_landed(zone, table.name).files, 2)
        assert (done.merged_count, done.into_count) == (3, 1)
    for receipt_id in receipts:
        found = receipt(service, key, receipt_id)
        assert (found["accepted"], found["rejected"], found["state"]) == (1, 1, "landed")
    page = get(service, "/v1/rejections", key, limit="2").json()
    assert [each["event_id"] for each in page["rejections"]] == ["merged-2-bad", "merged-1-bad"]
    shown = get(service, "/v1/events/merged-0", key).json()["received"]
    assert [each["state"] for each in shown] == ["landed"]
    service.close()


@pytest.mark.parametrize("identifier", ["0" * 28, "f" * 28, "ffffffffff00" + "0" * 16])
def test_ids_that_nobody_was_given(slow: Running, identifier: str) -> None:
    key = slow.key("acme")
    check_problem(get(slow, f"/v1/receipts/rcp_{identifier}", key), 404, "not-found")
    replay = slow.post(f"/v1/rejections/rej_{identifier}/replay", key, json={})
    check_problem(replay, 404, "not-found")
    for bound in ("0001-01-01", "9999-12-31T23:59:59Z"):
        begin = get(slow, "/v1/events/nothing", key, received_from=bound)
        assert begin.status_code in (400, 404)
        end = get(slow, "/v1/events/nothing", key, received_to=bound)
        check_problem(end, 404, "not-found")


def alike(real: httpx.Response, made_up: httpx.Response) -> None:
    """Two answers that differ in nothing but ids and clocks."""
    documents = [check_problem(response, 404, "not-found") for response in (real, made_up)]
    for document in documents:
        document.pop("instance")
        document.pop("searched", None)
    assert documents[0] == documents[1]
    assert json.dumps(documents[0]).count("private") == 0
