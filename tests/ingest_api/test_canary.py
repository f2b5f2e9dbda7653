"""Content never enters: a marker in every place for content of every format is nowhere after."""

from __future__ import annotations

from pathlib import Path

import httpx
import pyarrow.parquet as pq

from ingest_api.routes import BY_PATH
from tests.ingest_api.planted import MARKER, SAMPLES, posts
from tests.ingest_api.running import Running, landed_rows

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
    assert {row["adapter"] for row in landed} == adapters
    assert landed_rows(running.home, "rejects")
    holding = [
        path.relative_to(tmp_path)
        for path in files_below(tmp_path)
        if marked(path.read_bytes()) or marked(decoded(path))
    ]
    assert holding == []
