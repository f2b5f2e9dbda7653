"""Log lines: one JSON object each, without anybody's data."""

from __future__ import annotations

import json
import logging
import os
import pty
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ingest_api.logs import JsonLines, Readable
from tests.ingest_api.running import ROOT, Running, event


def lines(running: Running) -> list[dict[str, Any]]:
    text = running.output.read_text().splitlines()
    return [json.loads(line) for line in text if not line.startswith("EcoMind ingest is ready on")]


def test_requests_are_logged_when_asked_for_and_hold_nobodys_data(tmp_path: Path) -> None:
    running = Running(tmp_path, ECOMIND_INGEST_ACCESS_LOG="true")
    key = running.key("acme")
    running.start()
    path = "/v1/events?who=ada@example.org"
    answer = running.post(
        path, key, json=[event("e1", user_id="ada@example.org"), event("e2", provider=1)]
    )
    assert answer.status_code == 207
    running.client.get("/ada@example.org")
    running.close()
    logged = [line for line in lines(running) if line["route"] != "/readyz"]
    assert [line["route"] for line in logged] == ["/v1/events", "other"]
    first = logged[0]
    assert first.items() >= {
        "level": "info", "process": "ingest", "event": "request", "method": "POST",
        "status": 207, "accepted": 1, "rejected": 1,
        "request_id": answer.headers["ecomind-request-id"],
    }.items()  # fmt: skip
    assert first["duration_ms"] > 0
    assert first["time"].endswith("Z")
    text = running.output.read_text()
    for told in ("ada@", key, "acme", "gpt-4o"):
        assert told not in text


def test_trouble_is_logged_with_its_request_and_without_its_values(tmp_path: Path) -> None:
    running = Running(tmp_path)
    key = running.key("acme")
    running.start()
    with closing(sqlite3.connect(running.home / "control.db")) as control:
        control.execute("alter table api_key rename to lost")
        assert running.post("/v1/events", key, json=event("x")).status_code == 503
    running.close()
    (line,) = lines(running)
    assert line["level"] == "error"
    assert line["event"] == "keys cannot be checked: OperationalError"
    assert key not in running.output.read_text()


def record(error: Exception) -> logging.LogRecord:
    try:
        raise error
    except Exception:
        trouble = sys.exc_info()
    made = logging.LogRecord("x", logging.ERROR, __file__, 1, "%s failed", ("it",), trouble)
    made.surprise = "secret"
    made.request_id = "req_1"
    return made


@pytest.mark.parametrize("form", [JsonLines("ingest"), Readable()])
def test_an_error_is_told_by_kind_and_place_not_by_its_words(form: logging.Formatter) -> None:
    text = form.format(record(ValueError("secret")))
    assert "it failed" in text
    assert "ValueError" in text
    assert "req_1" in text
    assert "in record" in text
    assert "secret" not in text.replace("raise error", "")
    assert "No space left" in form.format(record(OSError(28, "No space left on device")))


def test_on_a_terminal_lines_are_for_people(tmp_path: Path) -> None:
    terminal, end = pty.openpty()
    code = (
        "from ingest_api import logs; import logging; logs.configure('ingest'); "
        "logging.getLogger('ingest_api').error('a sentence', extra={'request_id': 'req_9'})"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, stderr=end, check=True)
    os.close(end)
    told = os.read(terminal, 4096).decode()
    os.close(terminal)
    assert told.rstrip().endswith("ERROR a sentence request_id=req_9")
