"""Bulk imports in parts: any order, any repeats, resumed; nobody else's."""

from __future__ import annotations

import gzip
import io
import json
import sqlite3
from contextlib import closing
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ecomind.identity import Role
from tests.ingest_api.running import Running, event, landed_rows, now_text, wait_for_rows
from tests.ingest_api.test_endpoint import check_problem

NDJSON = {"content-type": "application/x-ndjson"}
OLD = "2023-11-16T18:00:00Z"


@pytest.fixture(scope="module")
def import_key(service: Running) -> str:
    return service.key("acme", Role.IMPORT)


def begin(service: Running, key: str, **body: Any) -> str:
    response = service.post("/v1/imports", key, json=body)
    assert response.status_code == 201, response.text
    identifier: str = response.json()["import_id"]
    assert response.headers["location"] == f"/v1/imports/{identifier}"
    return identifier


def put(service: Running, key: str, path: str, content: Any, **headers: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}", **(headers or NDJSON)}
    return service.client.put(path, content=content, headers=headers)


def show(service: Running, key: str, import_id: str) -> Any:
    path, headers = f"/v1/imports/{import_id}", {"authorization": f"Bearer {key}"}
    return service.client.get(path, headers=headers).json()


def lines(*items: Any) -> bytes:
    return b"\n".join(json.dumps(item).encode() for item in items)


def test_parts_come_in_any_order_and_as_often_as_they_like(
    service: Running, import_key: str
) -> None:
    import_id = begin(service, import_key, name="history")
    bodies = {
        n: lines(*(event(f"part-{n}-{i}", occurred_at=OLD) for i in range(3))) for n in (1, 2, 3)
    }
    path = f"/v1/imports/{import_id}"
    first = put(service, import_key, f"{path}/parts/3", bodies[3])
    assert first.status_code == 202, first.text
    assert (first.json()["accepted"], first.json()["part"]) == (3, 3)
    packed = {**NDJSON, "content-encoding": "gzip"}
    again = put(service, import_key, f"{path}/parts/3", gzip.compress(bodies[3]), **packed)
    assert again.json() == first.json()
    other = put(service, import_key, f"{path}/parts/3", bodies[1])
    check_problem(other, 409, "part-differs")
    unfinished = service.post(f"{path}/complete", import_key, json={"parts": 3})
    assert check_problem(unfinished, 409, "import-incomplete")["missing"] == [1, 2]
    assert put(service, import_key, f"{path}/parts/1", bodies[1]).status_code == 202
    assert put(service, import_key, f"{path}/parts/2", bodies[2]).status_code == 202
    too_few = service.post(f"{path}/complete", import_key, json={"parts": 2})
    assert check_problem(too_few, 409, "import-incomplete")["unexpected"] == [3]
    for _ in range(2):
        done = service.post(f"{path}/complete", import_key, json={"parts": 3})
        assert done.status_code == 200, done.text
        assert (done.json()["state"], done.json()["accepted"]) == ("complete", 9)
    shown = show(service, import_key, import_id)
    assert shown["name"] == "history"
    assert [part["part"] for part in shown["parts"]] == [1, 2, 3]
    check_problem(put(service, import_key, f"{path}/parts/4", bodies[1]), 409, "import-complete")
    assert put(service, import_key, f"{path}/parts/3", bodies[3]).json() == first.json()
    ids = {f"part-{n}-{i}" for n in (1, 2, 3) for i in range(3)}
    rows = wait_for_rows(service.home, "events", ids)
    assert {rows[i]["adapter"] for i in ids} == {"import_ndjson"}
    every = [r["event_id"] for r in landed_rows(service.home, "events") if r["event_id"] in ids]
    assert len(every) == 9


def test_every_format_of_a_part(service: Running, import_key: str) -> None:
    moment = now_text()
    table = pa.table(
        {
            "ts": [moment] * 2,
            "provider": ["openai"] * 2,
            "model": ["m"] * 2,
            "tokens_in": pa.array([7, None], pa.int64()),
            "tags": ['{"a":"b"}', None],
            "prompt": ["canary"] * 2,
        }
    )
    sink = io.BytesIO()
    pq.write_table(table, sink)
    csv = f"event_id,ts,provider,model,tokens_in\nc-1,{moment},openai,m,7\n,{moment},openai,m,x\n"
    import_id = begin(service, import_key)
    path = f"/v1/imports/{import_id}/parts"
    sent = {
        "application/json": json.dumps({"events": [event("j-1")]}).encode(),
        "text/csv": csv.encode(),
        "application/vnd.apache.parquet": sink.getvalue(),
        "application/jsonl": lines(event("l-1")) + b"\n{broken",
    }
    answers = {
        kind: put(service, import_key, f"{path}/{n}", body, **{"content-type": kind})
        for n, (kind, body) in enumerate(sent.items(), 1)
    }
    assert {kind: answer.status_code for kind, answer in answers.items()} == {
        "application/json": 202,
        "text/csv": 207,
        "application/vnd.apache.parquet": 202,
        "application/jsonl": 207,
    }
    refused = answers["text/csv"].json()["results"]
    assert [(r["index"], r["errors"][0]["code"]) for r in refused] == [(1, "bad_token_count")]
    assert "canary" not in answers["application/vnd.apache.parquet"].text
    by_receipt = answers["application/vnd.apache.parquet"].json()["receipt_id"]
    wait_for_rows(service.home, "events", {"j-1", "c-1", "l-1"})
    rows = [r for r in landed_rows(service.home, "events") if r["receipt_id"] == by_receipt]
    assert sorted((r["input_tokens"] or 0, r["tags"]) for r in rows if r["tags"]) == [
        (7, '{"a":"b"}')
    ]
    assert {r["event_id"].rpartition("_")[2] for r in rows} == {"1", "2"}


def test_what_is_no_part_is_refused_and_its_number_stays_free(
    service: Running, import_key: str
) -> None:
    path = f"/v1/imports/{begin(service, import_key)}/parts/1"
    nested = io.BytesIO()
    pq.write_table(pa.table({"provider": ["a"], "tags": [{"a": "b"}]}), nested)
    wide = "a," * 1000 + "provider\n"
    for kind, body in (
        ("application/json", b"["),
        ("text/csv", b"colour,shape\nred,round\n"),
        ("text/csv", wide.encode()),
        ("application/vnd.apache.parquet", b"PAR1 but no more"),
        ("application/vnd.apache.parquet", nested.getvalue()),
    ):
        refused = put(service, import_key, path, body, **{"content-type": kind})
        check_problem(refused, 400, "malformed-body")
    fax = put(service, import_key, path, b"x", **{"content-type": "image/fax"})
    check_problem(fax, 415, "unsupported-media-type")
    many = b"\n".join(b"{}" for _ in range(5001))
    check_problem(put(service, import_key, path, many), 413, "body-too-large")
    same = pa.DictionaryArray.from_arrays(pa.array([0] * 5000), pa.array(["x" * 1_000_000]))
    bomb = io.BytesIO()
    pq.write_table(pa.table({"provider": same}), bomb, compression="zstd", store_schema=False)
    assert bomb.tell() < 10_000
    kind = "application/vnd.apache.parquet"
    check_problem(put(service, import_key, path, bomb.getvalue(), **{"content-type": kind}), 400,
                  "malformed-body")  # fmt: skip
    assert put(service, import_key, path, lines(event("at-last"))).status_code == 202


def test_another_organisation_and_other_keys_see_no_import(
    service: Running, import_key: str
) -> None:
    theirs = service.key("globex", Role.IMPORT)
    import_id = begin(service, import_key)
    put(service, import_key, f"/v1/imports/{import_id}/parts/1", lines(event("ours")))
    unknown = "imp_" + "0" * 28
    for identifier in (import_id, unknown):
        path = f"/v1/imports/{identifier}"
        headers = {"authorization": f"Bearer {theirs}"}
        body = lines(event("x"))
        check_problem(service.client.get(path, headers=headers), 404, "not-found")
        check_problem(put(service, theirs, f"{path}/parts/1", body), 404, "not-found")
        complete = service.post(f"{path}/complete", theirs, json={"parts": 1})
        check_problem(complete, 404, "not-found")
    sender = service.key("acme")
    check_problem(service.post("/v1/imports", sender, json={}), 403, "insufficient-scope")
    bad = service.post("/v1/imports", import_key, json={"name": 7})
    check_problem(bad, 422, "invalid-document")
    for number in ("0", "x", "100001", "01x"):
        path = f"/v1/imports/{import_id}/parts/{number}"
        check_problem(put(service, import_key, path, b"{}"), 404, "not-found")
    for parts in (-1, True, "3", None):
        path = f"/v1/imports/{import_id}/complete"
        wrong = service.post(path, import_key, json={"parts": parts})
        check_problem(wrong, 422, "invalid-document")


def test_a_control_store_that_is_busy_is_told_as_such(service: Running, import_key: str) -> None:
    path = f"/v1/imports/{begin(service, import_key)}/parts/1"
    body = lines(event("after-the-lock"))
    with closing(sqlite3.connect(service.home / "control.db", isolation_level=None)) as holder:
        holder.execute("begin immediate")
        refused = put(service, import_key, path, body)
        holder.execute("rollback")
    check_problem(refused, 503, "imports-unavailable")
    assert refused.headers["retry-after"] == "5"
    assert put(service, import_key, path, body).status_code == 202
