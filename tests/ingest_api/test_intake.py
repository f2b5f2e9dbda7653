"""Large bodies are read beside the event loop."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import os
import threading
from collections import Counter
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

from ecomind.settings import Settings
from ingest_api.adapters import native_json
from ingest_api.adapters.base import Adapter, Document
from ingest_api.credentials import Tenant
from ingest_api.intake import _LARGE_BYTES, Intake, Request
from tests.ingest_api.running import Running, event, now_text, wait_for_rows


class Nowhere:
    def append(self, frames: bytes) -> Awaitable[None]:
        return asyncio.sleep(0)


async def receive(tmp_path: Path) -> tuple[bool, int]:
    """Whether the loop ran while a large body was read, and how many items came of it."""
    loop_runs = threading.Event()
    seen: list[bool] = []

    def parse(_document: Document) -> list[object]:
        seen.append(loop_runs.wait(20))
        return ["no object"]

    tenant = Tenant("acme", "k", False, str, frozenset())
    document = Document(b" " * _LARGE_BYTES, {})
    request = Request(Adapter("slow", (), parse), document, tenant, "0")
    receiving = asyncio.create_task(Intake(Settings(home=tmp_path), Nowhere()).receive(request))
    while not receiving.done():
        await asyncio.sleep(0.01)
        loop_runs.set()
    return seen[0], (await receiving).rejected


def test_others_are_answered_while_a_large_body_is_read(tmp_path: Path) -> None:
    assert asyncio.run(receive(tmp_path)) == (True, 1)


async def outcome_of(tmp_path: Path, items: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    tenant = Tenant("acme", "k", False, str, frozenset())
    document = Document(json.dumps(items).encode(), {})
    request = Request(native_json.ADAPTER, document, tenant, "0")
    outcome = await Intake(Settings(home=tmp_path), Nowhere()).receive(request)
    counts = Counter(result.result for result in outcome.results)
    assert counts == Counter(
        accepted=outcome.accepted, duplicate=outcome.duplicate, rejected=outcome.rejected
    )
    return [(result.index, result.event_id, result.result) for result in outcome.results]


def test_items_of_a_large_batch_are_told_in_their_order(tmp_path: Path) -> None:
    """More than are taken at a time; in one of the parts everything fits."""
    items = [event(f"e-{number}") for number in range(1700)]
    told = [(number, f"e-{number}", "accepted") for number in range(1700)]
    items[3]["input_tokens"] = -1
    told[3] = (3, "e-3", "rejected")
    items[1100]["event_id"], items[1101]["event_id"] = "e-5", "e-700"
    told[1100:1102] = [(1100, "e-5", "duplicate"), (1101, "e-700", "duplicate")]
    items[1650]["occurred_at"] = "2999-01-01T00:00:00Z"
    told[1650] = (1650, "e-1650", "rejected")
    assert asyncio.run(outcome_of(tmp_path, items)) == told
    # Without the one whose form is wrong all of them are plain.
    items[3] = event("e-3")
    told[3] = (3, "e-3", "accepted")
    assert asyncio.run(outcome_of(tmp_path, items)) == told


def test_large_bodies_of_formats_that_read_headers_are_understood(
    service: Running, key: str
) -> None:
    times = {"startTime": now_text(), "endTime": now_text()}
    body: dict[str, Any] = {
        **times, "id": "large-1", "model": "m", "usageDetails": {"input": 1, "output": 2},
        "input": os.urandom(_LARGE_BYTES // 2).hex(),
    }  # fmt: skip
    event = {"id": "e", "type": "generation-create", "timestamp": now_text(), "body": body}
    content = gzip.compress(json.dumps({"batch": [event]}).encode())
    basic = base64.b64encode(f"pk-lf-1:{key}".encode()).decode()
    headers = {
        "authorization": f"Basic {basic}", "content-encoding": "gzip",
        "content-type": "application/json",
    }  # fmt: skip
    response = service.post("/api/public/ingestion", None, content=content, headers=headers)
    assert response.status_code == 207, response.text
    row = wait_for_rows(service.home, "events", {"large-1"})["large-1"]
    assert (row["source"], row["input_tokens"]) == ("urn:langfuse:pk-lf-1", 1)
