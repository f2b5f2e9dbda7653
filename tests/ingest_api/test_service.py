"""Starting, stopping and trouble of the service as a whole."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from ingest_api.landing.files import make_folder, try_lock
from tests.ingest_api.running import FAST, ROOT, Running, event, landed_rows, wait_for_rows


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    service = Running(tmp_path / "home")
    yield service
    service.close()


def refused_start(service: Running) -> str:
    process = service.spawn()
    assert process.wait(30) == 2
    text = service.output.read_text()
    assert "Traceback" not in text
    return text.strip().splitlines()[-1]


def test_it_says_when_it_is_ready_and_seals_what_is_left_on_stop(running: Running) -> None:
    key = running.key("acme")
    running.start()
    assert running.post("/v1/events", key, json=event("last")).status_code == 202
    assert running.stop() == 0
    assert [row["event_id"] for row in landed_rows(running.home, "events")] == ["last"]
    lines = running.output.read_text().splitlines()
    assert lines == [f"EcoMind ingest is ready on {running.url}"]


def test_an_interrupt_from_the_terminal_stops_it_gracefully(running: Running) -> None:
    key = running.key("acme")
    running.start()
    assert running.post("/v1/events", key, json=event("last")).status_code == 202
    assert running.process is not None
    os.killpg(running.process.pid, signal.SIGINT)
    assert running.process.wait(60) == 0
    assert [row["event_id"] for row in landed_rows(running.home, "events")] == ["last"]


def test_a_port_in_use_is_told_in_one_sentence(running: Running) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", running.port))
        other.listen()
        sentence = refused_start(running)
    assert sentence.startswith(f"cannot listen on 127.0.0.1:{running.port}: address already in use")


def test_a_client_that_leaves_in_the_middle_of_its_body_harms_nobody(running: Running) -> None:
    key = running.key("acme")
    running.start()
    head = f"POST /v1/events HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\n"
    for announcement in ("content-length: 500", "transfer-encoding: chunked"):
        with socket.create_connection(("127.0.0.1", running.port)) as connection:
            connection.sendall(f'{head}{announcement}\r\n\r\n1f4\r\n{{"event_id": '.encode())
    assert running.post("/v1/events", key, json=event("other")).status_code == 202
    assert running.client.get("/health").json()["log"]["pending_bytes"] == 0
    assert running.stop() == 0
    assert [row["event_id"] for row in landed_rows(running.home, "events")] == ["other"]
    assert len(running.output.read_text().splitlines()) == 1


def test_a_client_that_stalls_does_not_keep_the_service_from_stopping(running: Running) -> None:
    key = running.key("acme")
    running.start()
    assert running.post("/v1/events", key, json=event("kept")).status_code == 202
    head = f"POST /v1/events HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\ncontent-length: 9\r\n\r\n{{"
    address = ("127.0.0.1", running.port)
    with socket.create_connection(address) as stalled, socket.create_connection(address):
        stalled.sendall(head.encode())
        assert running.stop() == 0
    assert [row["event_id"] for row in landed_rows(running.home, "events")] == ["kept"]


def test_without_the_control_store_nothing_is_accepted(running: Running) -> None:
    key = running.key("acme")
    running.start()
    with closing(sqlite3.connect(running.home / "control.db")) as control:
        control.execute("alter table api_key rename to lost")
        response = running.post("/v1/events", key, json=event("x"))
        assert response.status_code == 503
        assert response.json()["type"] == "urn:ecomind:problem:identity-unavailable"
        assert int(response.headers["retry-after"]) > 0
        control.execute("alter table lost rename to api_key")
    assert running.post("/v1/events", key, json=event("x")).status_code == 202
    assert key not in running.output.read_text()


def test_a_log_folder_that_vanished_stops_the_service_and_loses_nothing(running: Running) -> None:
    key = running.key("acme")
    running.start()
    assert running.post("/v1/events", key, json=event("before")).status_code == 202
    (running.home / "wal").rename(running.home / "elsewhere")
    time.sleep(1)  # Longer than one look at the disk lasts.
    assert running.post("/v1/events", key, json=event("lost")).status_code == 503
    assert running.process is not None
    assert running.process.wait(30) == 1
    shutil.rmtree(running.home / "wal", ignore_errors=True)  # The sealer may have made a new one.
    (running.home / "elsewhere").rename(running.home / "wal")
    assert "the event log failed (folder_lost)" in running.output.read_text()
    running.start()
    assert running.post("/v1/events", key, json=event("after")).status_code == 202
    assert running.stop() == 0
    landed = [row["event_id"] for row in landed_rows(running.home, "events")]
    assert sorted(landed) == ["after", "before"]


def test_a_second_service_on_the_same_log_is_refused(running: Running) -> None:
    running.start()
    second = Running(running.home)
    second.output = running.home / "second.log"
    assert "another ingest service is at work in" in refused_start(second)
    second.close()
    assert running.client.get("/readyz").status_code == 200


def test_a_setting_that_is_not_valid_is_named(tmp_path: Path) -> None:
    service = Running(tmp_path, ECOMIND_SEAL_MAX_AGE_S="soon")
    assert refused_start(service) == "these settings are not valid: ECOMIND_SEAL_MAX_AGE_S"
    service.close()


def test_what_is_left_is_sealed_though_the_sealer_has_just_died(running: Running) -> None:
    key = running.key("acme")
    running.start()
    assert running.post("/v1/events", key, json=event("last")).status_code == 202
    running.kill_sealer()
    assert running.stop() == 0
    assert [row["event_id"] for row in landed_rows(running.home, "events")] == ["last"]


def test_what_is_left_is_sealed_behind_an_orphaned_sealer(
    running: Running,
) -> None:
    key = running.key("acme")
    make_folder(running.home / "wal")
    lock = try_lock(running.home / "wal" / "sealer.lock")
    assert lock is not None
    running.start()
    assert running.post("/v1/events", key, json=event("last")).status_code == 202
    assert running.process is not None
    running.process.send_signal(signal.SIGTERM)
    time.sleep(1)
    os.close(lock)
    assert running.process.wait(60) == 0
    assert [row["event_id"] for row in landed_rows(running.home, "events")] == ["last"]


def test_a_killed_sealer_is_replaced(running: Running) -> None:
    running.environment.update(FAST)
    key = running.key("acme")
    running.start()
    first = running.sealer_pid()
    running.kill_sealer()
    assert running.post("/v1/events", key, json=event("after")).status_code == 202
    wait_for_rows(running.home, "events", {"after"})
    assert running.sealer_pid() not in (None, first)


def test_below_the_disk_watermark_nothing_is_accepted(tmp_path: Path) -> None:
    service = Running(tmp_path, ECOMIND_MIN_FREE_BYTES=str(2**60))
    key = service.key("acme")
    service.start()
    response = service.post("/v1/events", key, json=event("x"))
    assert response.status_code == 503
    assert response.json()["reason"] == "disk_watermark"
    assert int(response.headers["retry-after"]) > 0
    assert service.client.get("/readyz").status_code == 503
    assert service.client.get("/livez").status_code == 200
    service.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small file system cannot be mounted here (needs root)")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_refuses_and_recovers_without_a_restart(small_disk: Path) -> None:
    service = Running(small_disk, **FAST)
    key = service.key("acme")
    service.start()
    accepted: set[str] = set()

    def send(name: str) -> httpx.Response:
        items = [event(f"{name}-{n}", tags={"note": "x" * 120}) for n in range(200)]
        response = service.post("/v1/events", key, json=items)
        if response.status_code == 202:
            accepted.update(item["event_id"] for item in items)
        return response

    assert send("before").status_code == 202
    fill(small_disk / "ballast")
    refusals = [response for n in range(20) if (response := send(f"full-{n}")).status_code != 202]
    assert refusals
    for response in refusals:
        assert response.status_code == 503
        assert response.json()["type"] == "urn:ecomind:problem:not-durable"
        assert response.json()["reason"] == "disk_full"
        assert int(response.headers["retry-after"]) > 0
    (small_disk / "ballast").unlink()
    deadline = time.monotonic() + 30
    while send("after").status_code != 202:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    wait_for_rows(small_disk, "events", accepted)
    assert service.stop() == 0
    landed = [row["event_id"] for row in landed_rows(small_disk, "events")]
    assert sorted(landed) == sorted(accepted)


BROKEN_DISK = """
import errno, os, pathlib
_real = os.fdatasync
def _fdatasync(descriptor):
    if pathlib.Path(os.environ["BROKEN_DISK"]).exists():
        raise OSError(errno.EIO, "Input/output error")
    _real(descriptor)
os.fdatasync = _fdatasync
"""


def test_after_a_failed_sync_the_service_refuses_and_exits(tmp_path: Path) -> None:
    (tmp_path / "fault").mkdir()
    (tmp_path / "fault" / "sitecustomize.py").write_text(BROKEN_DISK)
    service = Running(tmp_path / "home", BROKEN_DISK=str(tmp_path / "broken"))
    service.environment["PYTHONPATH"] = f"{tmp_path / 'fault'}:{ROOT}"
    key = service.key("acme")
    service.start()
    assert service.post("/v1/events", key, json=event("stored")).status_code == 202
    (tmp_path / "broken").touch()
    response = service.post("/v1/events", key, json=event("refused"))
    assert response.status_code == 503
    assert response.json()["reason"] == "fsync_error"
    assert service.process is not None
    assert service.process.wait(60) == 1
    assert [row["event_id"] for row in landed_rows(service.home, "events")] == ["stored"]
    (tmp_path / "broken").unlink()
    service.start()
    assert service.post("/v1/events", key, json=event("again")).status_code == 202
    service.close()


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 65536):
                pass
        except OSError:
            return


CONTENT = "canary-7f3a-content"
PERSON = "canary-person@example.org"


def test_content_and_people_are_nowhere_on_disk_or_in_output(running: Running) -> None:
    key = running.key("acme")
    running.start()
    body = event("canary", user_id=PERSON, conversation_id=PERSON)
    planted = ("prompt", "messages", "input", "output", "content", "response", "completion",
               "text", "system", "surprise", f"{CONTENT} key")  # fmt: skip
    body |= {name: CONTENT for name in planted}
    body["messages"] = [{"role": "user", "content": CONTENT}]
    wrong = event("wrong", **{name: {"Deep": CONTENT} for name in ("provider", "tags", "region")})
    wrong["event_id"] = f"{CONTENT} not an id"
    assert running.post("/v1/ingest", key, json=body).status_code == 202
    assert running.post("/v1/events", key, json=[body, wrong]).status_code == 207
    ndjson = {"content-type": "application/x-ndjson"}
    lines = f'{{"prompt": "{CONTENT}\n{CONTENT}'
    refused = running.post("/v1/events", key, content=lines, headers=ndjson)
    assert refused.status_code == 422
    malformed = running.post("/v1/events", key, content=f'{{"prompt": "{CONTENT}')
    assert malformed.status_code == 400
    for response in (refused, malformed):
        assert CONTENT not in response.text
    snapshot = everything_below(running.home)  # While still in the write-ahead log.
    assert running.stop() == 0
    snapshot += everything_below(running.home)
    assert b"canary" in snapshot  # The event's id: the search does find things.
    assert CONTENT.encode() not in snapshot
    assert PERSON.encode() not in snapshot
    landed = {row["event_id"]: row for row in landed_rows(running.home, "events")}
    assert landed["canary"]["user_id"] == running.store.pseudonym("acme", PERSON)
    assert landed["canary"]["conversation_id"] is None


def everything_below(folder: Path) -> bytes:
    pieces = []
    for path in folder.rglob("*"):
        if path.is_file():
            pieces.append(path.name.encode() + path.read_bytes())
    for row in (*landed_rows(folder, "events"), *landed_rows(folder, "rejects")):
        pieces.append(repr(row).encode())  # Parquet is compressed.
    return b"\n".join(pieces)


def test_raw_user_ids_are_kept_only_where_asked_and_never_addresses(tmp_path: Path) -> None:
    service = Running(tmp_path, ECOMIND_KEEP_RAW_USER_IDS="true", **FAST)
    key = service.key("acme")
    service.start()
    items = [event("raw", user_id="svc-billing"), event("mail", user_id=PERSON)]
    assert service.post("/v1/events", key, json=items).status_code == 202
    rows = wait_for_rows(service.home, "events", {"raw", "mail"})
    assert rows["raw"]["user_id"] == "svc-billing"
    assert rows["mail"]["user_id"] == service.store.pseudonym("acme", PERSON)
    service.close()


def test_sealing_by_hand_is_refused_while_the_service_seals(running: Running) -> None:
    running.start()
    deadline = time.monotonic() + 20
    command = [sys.executable, "-m", "ingest_api.landing.seal", "--once"]
    while True:
        done = subprocess.run(
            command, cwd=ROOT, env=running.environment, capture_output=True, check=False, text=True
        )
        if done.returncode == 1:
            break
        assert time.monotonic() < deadline  # The service's own sealer was still starting.
    assert done.stderr.startswith("another sealer is at work in")
