"""Content never enters: a marker in every place for content of every format is nowhere after."""

from __future__ import annotations

import io
import json
from pathlib import Path

import httpx
import pyarrow as pa
import pyarrow.parquet as pq

from ecomind.identity import Role
from ingest_api.routes import BY_PATH
from tests.ingest_api.planted import MARKER, SAMPLES, posts
from tests.ingest_api.running import Running, event, landed_rows

KNOWN_MODEL = b"gpt-5-mini"


def marked(text: bytes) -> bool:
    return MARKER.lower().encode() in text.lower()


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def decoded(path: Path) -> bytes:
    if path.suffix != ".parquet":
        return b""
    return repr(pq.ParquetFile(path).read().to_pylist()).encode()


def wrong(response: httpx.Response, is_good: bool) -> str | None:
    if marked(response.content) or marked(repr(response.headers.raw).encode()):
        return "the answer repeats content"
    if response.status_code >= (300 if is_good else 500):
        return f"{response.status_code} {response.text}"
    return None


def imported(running: Running) -> list[httpx.Response]:
    """Answers to an import whose parts hold content in columns and in lines that are no JSON."""
    key = running.key("acme", Role.IMPORT)
    path = running.post("/v1/imports", key, json={}).headers["location"]
    rows = [{**event(f"import-{n}"), "prompt": MARKER, "other": MARKER} for n in range(3)]
    rows[2]["input_tokens"] = MARKER
    texts = [{name: str(value) for name, value in row.items()} for row in rows]
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(texts), sink)
    names = list(rows[0])
    table = [",".join(names), *(",".join(row[name] for name in names) for row in texts)]
    parts = {
        "application/x-ndjson": "\n".join([*map(json.dumps, rows), f"{{{MARKER}"]).encode(),
        "application/json": json.dumps(rows).encode(),
        "text/csv": "\n".join(table).encode(),
        "application/vnd.apache.parquet": sink.getvalue(),
    }
    headers = {"authorization": f"Bearer {key}"}
    return [
        running.client.put(
            f"{path}/parts/{number}", content=body, headers={**headers, "content-type": media_type}
        )
        for number, (media_type, body) in enumerate(parts.items(), 1)
    ]


def desk(running: Running, key: str) -> list[httpx.Response]:
    """Answers to questions about what was sent, and to a replay that brings content."""
    headers = {"authorization": f"Bearer {key}"}
    body = {**event("dry-run"), "prompt": MARKER, "http_status": MARKER}
    listed = running.client.get("/v1/rejections", headers=headers)
    rejection_id = listed.json()["rejections"][0]["rejection_id"]
    corrections = {**event("replayed"), "messages": MARKER}
    return [
        listed,
        running.post("/v1/validate", key, json=[body]),
        running.post(f"/v1/rejections/{rejection_id}/replay", key, json=corrections),
    ]


def test_every_format_has_a_sample_with_planted_content() -> None:
    taken = {found.adapter.name for route in BY_PATH.values() for found in route.all_formats}
    assert taken <= set(SAMPLES)
    assert all(marked(post.body) for post in posts() if post.is_good)


def test_content_is_nowhere_on_disk_or_in_answers(tmp_path: Path) -> None:
    running = Running(
        tmp_path / "home", ECOMIND_SEAL_MAX_AGE_S="3600", ECOMIND_INGEST_ACCESS_LOG="true"
    )
    try:
        key = running.key("acme")
        running.start()
        problems = []
        adapters = set()
        for post in posts():
            response = running.post(post.path, key, content=post.body, headers=dict(post.headers))
            problem = wrong(response, post.is_good)
            if problem:
                problems.append(f"{post.path} {post.adapter.name}: {problem}")
            elif post.is_good:
                adapters.add(post.adapter.name)
        assert problems == []
        others = imported(running) + desk(running, key)
        assert [wrong(response, False) for response in others] == [None] * len(others)
        assert all(response.status_code in (200, 202, 207) for response in others)
        unsealed = b"".join(path.read_bytes() for path in files_below(running.home / "wal"))
        assert KNOWN_MODEL in unsealed
        assert not marked(unsealed)
        metrics = running.internal("/metrics")
        assert metrics.status_code == 200
        assert not marked(metrics.content)
        assert running.stop() == 0
    finally:
        running.close()
    landed = [*landed_rows(running.home, "events"), *landed_rows(running.home, "buckets")]
    assert {row["adapter"] for row in landed} >= adapters | {"replay", "import_ndjson"}
    assert landed_rows(running.home, "rejects")
    holding = [
        path.relative_to(tmp_path)
        for path in files_below(tmp_path)
        if marked(path.read_bytes()) or marked(decoded(path))
    ]
    assert holding == []
