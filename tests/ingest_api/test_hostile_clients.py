"""Clients that are slow, wrong or hostile: the documented answer, bounded memory, others served."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import socket
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import psutil
import pytest
from backports import zstd

from tests.ingest_api.running import FAST, Running, event, landed_rows, wait_for_rows

TIMEOUT_S = 3.0
EVENT_BYTES = json.dumps(event("raw")).encode()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("hostile")
    service = Running(home, **FAST, ECOMIND_BODY_TIMEOUT_S=str(TIMEOUT_S)).start()
    yield service
    service.close()


@pytest.fixture(scope="module")
def key(running: Running) -> str:
    return running.key("acme")


def opened(service: Running) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", service.port))
    connection.settimeout(30)
    return connection


def head(key: str, *lines: str) -> bytes:
    fixed = ("POST /v1/events HTTP/1.1", "host: x", f"x-api-key: {key}")
    return "\r\n".join((*fixed, *lines, "", "")).encode()


def answer(connection: socket.socket) -> tuple[int, dict[str, Any]]:
    """Status and document of the next answer; status 0 when the connection just ends."""
    received = b""
    try:
        while b"\r\n\r\n" not in received:
            piece = connection.recv(65536)
            if not piece:
                return 0, {}
            received += piece
        headers, _, body = received.partition(b"\r\n\r\n")
        announced = [h for h in headers.lower().split(b"\r\n") if h.startswith(b"content-length")]
        length = int(announced[0].split(b":")[1])
        while len(body) < length:
            body += connection.recv(65536)
    except ConnectionResetError:
        return 0, {}
    return int(received.split()[1]), json.loads(body[:length]) if length else {}


def told(service: Running, data: bytes, *, ends: bool = False) -> tuple[int, dict[str, Any]]:
    with closing(opened(service)) as connection:
        try:
            connection.sendall(data)
            if ends:
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # It has answered and hung up before the end.
        return answer(connection)


def is_served(service: Running, key: str, name: str) -> bool:
    return service.post("/v1/events", key, json=event(name)).status_code == 202


@pytest.mark.parametrize(
    ("connections", "announced_bytes"), [(12, 8 * 2**20), (40, 2**20), (500, 60_000)]
)
def test_clients_that_announce_much_and_send_nothing_take_nobodys_place(
    running: Running, key: str, connections: int, announced_bytes: int
) -> None:
    with ExitStack() as stack:
        stalled = [stack.enter_context(closing(opened(running))) for _ in range(connections)]
        for connection in stalled:
            connection.sendall(head(key, f"content-length: {announced_bytes}") + b"{")
        large = [event(f"{connections}-{n}") for n in range(2000)]
        for _ in range(3):
            assert is_served(running, key, f"beside-{connections}")
            assert running.post("/v1/events", key, json=large).status_code == 202
        for connection in stalled:
            status, problem = answer(connection)
            assert status == 408
            assert problem["type"] == "urn:ecomind:problem:body-timeout"
            assert problem["limit_s"] == TIMEOUT_S


@pytest.mark.parametrize("announcement", ["content-length: 500", "transfer-encoding: chunked"])
def test_a_body_that_trickles_is_given_up(running: Running, key: str, announcement: str) -> None:
    with closing(opened(running)) as connection:
        connection.sendall(head(key, announcement))
        connection.settimeout(0.2)
        began = time.monotonic()
        while True:
            try:
                connection.sendall(b"1\r\n \r\n" if "chunked" in announcement else b" ")
                connection.recv(1, socket.MSG_PEEK)
                break
            except TimeoutError:
                assert time.monotonic() - began < 10 * TIMEOUT_S
                assert is_served(running, key, "beside-trickle")
        connection.settimeout(10)
        assert answer(connection)[0] == 408


def test_a_thousand_tiny_chunks_are_one_body(running: Running, key: str) -> None:
    items = [event(f"tiny-{n}") for n in range(5)]
    body = json.dumps(items).encode()
    assert len(body) > 800
    pieces = b"".join(b"1\r\n" + body[i : i + 1] + b"\r\n" for i in range(len(body)))
    data = head(key, "transfer-encoding: chunked") + pieces + b"0\r\n\r\n"
    assert told(running, data)[0] == 202
    wait_for_rows(running.home, "events", {item["event_id"] for item in items})


@pytest.mark.parametrize(
    ("lines", "body", "status"),
    [
        (("content-length: abc",), EVENT_BYTES, 400),
        (("content-length: -5",), EVENT_BYTES, 400),
        (("content-length: 5", "content-length: 6"), EVENT_BYTES, 400),
        ((f"content-length: {10**30}",), EVENT_BYTES, 400),
        ((f"content-length: {10**12}",), EVENT_BYTES, 413),
        (("content-length: 5", "transfer-encoding: chunked"), b"5\r\n12345\r\n0\r\n\r\n", 400),
        ((f"content-length: {len(EVENT_BYTES) - 5}",), EVENT_BYTES, 400),
        (("transfer-encoding: chunked",), b"zz\r\n" + EVENT_BYTES, 400),
        (("transfer-encoding: gzip",), EVENT_BYTES, 400),
    ],
)
def test_wrong_lengths_are_refused(
    running: Running, key: str, lines: tuple[str, ...], body: bytes, status: int
) -> None:
    assert told(running, head(key, *lines) + body)[0] == status
    assert is_served(running, key, "after-length")


@pytest.mark.parametrize("length", [len(EVENT_BYTES) + 5, 10 * len(EVENT_BYTES)])
def test_a_body_shorter_than_announced_is_not_stored(
    running: Running, key: str, length: int
) -> None:
    body = EVENT_BYTES.replace(b'"raw"', b'"cut"')
    assert told(running, head(key, f"content-length: {length}") + body, ends=True)[0] in (0, 400)
    assert is_served(running, key, "after-cut")
    wait_for_rows(running.home, "events", {"after-cut"})
    assert "cut" not in {row["event_id"] for row in landed_rows(running.home, "events")}


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (tuple(f"x-{n}: y" for n in range(150)), 431),
        (tuple(f"x-{n}: y" for n in range(20_000)), 431),
        (("x-big: " + "y" * 2**20,), 431),
    ],
)
def test_floods_of_headers_are_refused(
    running: Running, key: str, lines: tuple[str, ...], status: int
) -> None:
    assert told(running, head(key, *lines, "content-length: 0"))[0] == status
    assert is_served(running, key, "after-headers")


def test_noise_instead_of_http_is_refused(running: Running, key: str) -> None:
    assert told(running, b"\x16\x03\x01" + os.urandom(300))[0] == 400
    assert told(running, b"POST /" + b"a" * 100_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n")[0] == 414
    assert is_served(running, key, "after-noise")


class Memory(threading.Thread):
    """The largest resident size of the service while it is watched, in bytes."""

    def __init__(self, service: Running) -> None:
        super().__init__(daemon=True)
        assert service.process is not None
        self.process = psutil.Process(service.process.pid)
        self.before = self.largest = self.process.memory_info().rss
        self.stop = threading.Event()

    def run(self) -> None:
        while not self.stop.wait(0.005):
            self.largest = max(self.largest, self.process.memory_info().rss)

    def __enter__(self) -> Memory:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.join()


PAD = b'"' + os.urandom(350_000).hex().encode() + b'"'
"""Enough that does not compress to keep below the limit on growth."""

BODIES = {
    "growth beyond the ratio": (b"[" + b" " * 33_000_000 + b"]", 400, "decompression-bomb"),
    "larger than allowed": (PAD + b" " * 33_500_000, 413, "body-too-large"),
    "a million empty lists": (b"[" + b"[]," * 6_000_000 + PAD + b"]", 400, "malformed-body"),
    "a million small objects": (b"[" + b'{"a":1},' * 2_400_000 + PAD + b"]", 400, "malformed-body"),
    "too many items": (b"[" + b"{}," * 200_000 + PAD + b"]", 413, "body-too-large"),
    "deep": (b"[" * 900_000 + PAD, 400, "malformed-body"),
}


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize(
    ("encoding", "compress"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("zstd", zstd.compress)],
)
def test_bombs_are_refused_in_bounded_memory(
    running: Running, key: str, encoding: str, compress: Callable[[bytes], bytes], body: str
) -> None:
    plain, status, name = BODIES[body]
    wire, headers = compress(plain), {"content-encoding": encoding}
    with Memory(running) as memory, ThreadPoolExecutor(6) as pool:
        posts = [
            pool.submit(running.post, "/v1/events", key, content=wire, headers=headers)
            for _ in range(6)
        ]
        assert is_served(running, key, "beside-bomb")
        answers = Counter(
            (post.result().status_code, post.result().json()["type"].rsplit(":", 1)[1])
            for post in posts
        )
    refused = {(status, name), (503, "not-durable")}
    assert set(answers) <= refused
    assert answers[status, name]
    assert memory.largest - memory.before < 300 * 2**20


def test_nested_compression_is_undone_once(running: Running, key: str) -> None:
    """A bomb within a bomb stays small: what is inside is no JSON."""
    twice = gzip.compress(gzip.compress(b" " * 50_000_000))
    response = running.post("/v1/events", key, content=twice, headers={"content-encoding": "gzip"})
    assert response.status_code == 400
    listed = {"content-encoding": "gzip, gzip"}
    assert running.post("/v1/events", key, content=twice, headers=listed).status_code == 415


def test_nobody_gets_far_without_a_key(running: Running) -> None:
    """Without a key nothing of a body is read: the answer does not wait for it."""
    data = head("wrong", "content-length: 8000000") + b"{"
    assert told(running, data)[0] == 401


def test_what_hangs_does_not_keep_a_client_from_being_cancelled(tmp_path: Path) -> None:
    """The watch over slow bodies cancels only what is late."""
    from ecomind.settings import Settings  # noqa: PLC0415
    from ingest_api.bodies import Bodies  # noqa: PLC0415

    class Never:
        async def __call__(self) -> bytes:
            await asyncio.sleep(3600)
            return b""

        def __aiter__(self) -> Any:
            raise AssertionError("a body of announced size is read whole")

    class Open:
        def admit(self, size: int) -> None:
            """Everything may come in."""

    async def main() -> None:
        task = asyncio.create_task(Bodies(Settings(home=tmp_path), Open()).read(Never(), "5"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
