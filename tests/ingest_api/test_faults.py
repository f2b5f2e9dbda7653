"""Trouble of the disk under load: the documented answer, nothing acknowledged lost, no phantoms.

A phantom is a landed event whose request was refused and not sent again.
"""

from __future__ import annotations

import errno
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ingest_api.faulty import PARQUET_FILE, OnFaultyDisk, rule
from tests.ingest_api.running import FAST, ROOT, landed_rows, wait_for_rows
from tests.ingest_api.stream import Client, acknowledged, streaming, wait_until_more

ROUNDS = 3


@pytest.fixture
def running(tmp_path: Path) -> Iterator[OnFaultyDisk]:
    service = OnFaultyDisk(tmp_path / "home", **FAST)
    yield service
    service.fail()
    service.close()


def landed(service: OnFaultyDisk) -> Counter[str]:
    return Counter(row["event_id"] for row in landed_rows(service.home, "events"))


def check_exact(service: OnFaultyDisk, clients: list[Client]) -> None:
    """What was acknowledged landed once; beyond it, at most what was under way at the end."""
    assert [status for client in clients for status in client.unexpected] == []
    found, sure = landed(service), acknowledged(clients)
    assert sure - set(found) == set()
    assert [event_id for event_id, count in found.items() if count > 1] == []
    under_way = {event_id for client in clients for event_id in client.unanswered}
    assert set(found) - sure <= under_way


def reasons(clients: list[Client]) -> set[str]:
    told = [refusal for client in clients for refusal in client.refusals]
    assert all(retry_after and int(retry_after) > 0 for _, retry_after in told)
    return {reason for reason, _ in told}


def test_a_disk_full_now_and_then_leaves_nothing_of_what_it_refused(
    running: OnFaultyDisk,
) -> None:
    """Writes break off after a random part of their bytes; every refused group is cut off."""
    key = running.key("acme")
    running.start()
    with streaming(running, key) as clients:
        running.fail(rule("write", errno=errno.ENOSPC, share=0.3, kept="random"))
        wait_until_more(clients, 300)
        running.fail()
        wait_until_more(clients)
    assert reasons(clients) == {"disk_full"}
    assert running.stop() == 0
    check_exact(running, clients)
    assert {row["torn_bytes"] for row in landed_rows(running.home, "outcomes")} == {0}


@pytest.mark.parametrize(
    ("call", "kept", "reason"),
    [("write", "random", "write_error"), ("fdatasync", 0, "fsync_error")],
)
def test_an_input_output_error_ends_the_service_and_loses_nothing(
    running: OnFaultyDisk, call: str, kept: object, reason: str
) -> None:
    key = running.key("acme")
    running.start()
    with streaming(running, key) as clients:
        for _ in range(ROUNDS):
            wait_until_more(clients, 100)
            running.fail(rule(call, errno=errno.EIO, share=0.2, kept=kept))
            assert running.process is not None
            assert running.process.wait(60) == 1
            running.fail()
            running.start()
        wait_until_more(clients)
    assert reason in reasons(clients) <= {reason, "draining"}
    assert running.stop() == 0
    check_exact(running, clients)
    assert f"the event log failed ({reason})" in running.output.read_text()


def test_a_refused_group_that_cannot_be_cut_lands_at_most_what_its_senders_send_again(
    running: OnFaultyDisk,
) -> None:
    key = running.key("acme")
    running.start()
    with streaming(running, key) as clients:
        wait_until_more(clients)
        running.fail(rule("fdatasync", errno=errno.EIO), rule("ftruncate", errno=errno.EIO))
        assert running.process is not None
        assert running.process.wait(60) == 1
        running.fail()
        running.start()
        wait_until_more(clients)
    assert running.stop() == 0
    found, sure = landed(running), acknowledged(clients)
    under_way = {event_id for client in clients for event_id in client.unanswered}
    assert sure <= set(found) <= sure | under_way
    assert sum(found.values()) - len(found) <= len(clients)


@pytest.mark.parametrize("call", ["rename", "fsync"])
def test_a_segment_that_cannot_be_handed_over_ends_the_service_and_lands_later(
    running: OnFaultyDisk, call: str
) -> None:
    key = running.key("acme")
    running.start()
    with streaming(running, key) as clients:
        wait_until_more(clients)
        running.fail(rule(call, "/wal", errno=errno.EIO))
        assert running.process is not None
        time.sleep(1)  # Long enough for a segment to be due.
        running.fail()
        assert running.process.wait(60) == 1
        running.start()
        wait_until_more(clients)
    assert running.stop() == 0
    check_exact(running, clients)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_landing_zone_that_fails_only_delays_sealing(running: OnFaultyDisk, code: int) -> None:
    key = running.key("acme")
    running.start()
    with streaming(running, key, count=2) as clients:
        running.fail(
            rule("fsync", PARQUET_FILE, errno=code), rule("rename", PARQUET_FILE, errno=code)
        )
        wait_until_more(clients, 100)
        time.sleep(1)
        assert landed(running) == {}
        running.fail()
        wait_until_more(clients)
    wait_for_rows(running.home, "events", acknowledged(clients), seconds=40)
    assert running.stop() == 0
    check_exact(running, clients)


def test_a_slow_disk_makes_larger_groups_and_a_bounded_queue(tmp_path: Path) -> None:
    service = OnFaultyDisk(tmp_path / "home", ECOMIND_LOG_MAX_PENDING_BYTES="20000", **FAST)
    key = service.key("acme")
    service.start()
    service.fail(rule("fdatasync", delay_s=0.15))
    highest = 0
    with streaming(service, key, count=8, batch=10) as clients:
        deadline = time.monotonic() + 4
        while time.monotonic() < deadline:
            highest = max(highest, service.client.get("/health").json()["log"]["pending_bytes"])
        wait_until_more(clients, 200)
    service.fail()
    assert service.stop() == 0
    assert reasons(clients) == {"commit_queue_full"}
    # What was admitted may still grow by what the server adds to each event.
    assert 0 < highest < 60_000
    check_exact(service, clients)


def test_a_limit_of_the_kernel_on_file_sizes_is_a_full_disk(tmp_path: Path) -> None:
    """Real failed writes, whoever runs the test: the kernel breaks them off at the limit."""
    service = OnFaultyDisk(tmp_path / "home", **FAST)
    key = service.key("acme")
    service.start()
    assert service.process is not None
    resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (100_000, 100_000))
    with streaming(service, key, count=4, batch=40) as clients:
        wait_until_more(clients, 2000)
    assert reasons(clients) == {"disk_full"}
    assert service.stop() == 0
    check_exact(service, clients)
    assert {row["torn_bytes"] for row in landed_rows(service.home, "outcomes")} == {0}


def test_a_disk_that_fails_at_the_start_is_told_in_one_sentence(running: OnFaultyDisk) -> None:
    running.home.mkdir(exist_ok=True)
    running.fail(rule("fsync", "", errno=errno.EIO))
    process = running.spawn()
    assert process.wait(60) == 2
    (sentence,) = running.output.read_text().splitlines()
    assert sentence == f"cannot use {running.settings.wal_dir}: input/output error"


def test_the_layer_itself_fails_calls(tmp_path: Path) -> None:
    """Without this, every test above could pass on a disk that never fails."""
    service = OnFaultyDisk(tmp_path / "home")
    service.fail(rule("write", "/some", errno=errno.ENOSPC, kept=0.5))
    script = (
        "import os, sys; d = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)\n"
        "try: os.write(d, b'12345678')\n"
        "except OSError as error: print(error.errno)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "some")],
        env=service.environment, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.stdout.strip(), done.stderr) == (str(errno.ENOSPC), "")
    assert (tmp_path / "some").read_bytes() == b"1234"
    service.client.close()
