"""A real ingest service in its own process, for tests that talk to it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
import pyarrow.parquet as pq

from ecomind.contract.landing import LandedName
from ecomind.identity import Role, open_store
from ecomind.settings import Settings
from tests.support.outlived import ends_with_tests

ROOT = Path(__file__).resolve().parents[2]
START_S = 30
FAST = {"ECOMIND_SEAL_MAX_AGE_S": "0.3"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def now_text() -> str:
    return datetime.now(UTC).isoformat()


def event(event_id: str, **members: Any) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "occurred_at": now_text(),
        "provider": "openai",
        "request_model": "gpt-4o",
        "input_tokens": 120,
        "output_tokens": 30,
        **members,
    }


class Running:
    """An ingest service below ``home``; every start is a new process on the same data."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        self.port = free_port()
        self.metrics_port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("ECOMIND_")},
            "ECOMIND_HOME": str(home),
            "ECOMIND_INGEST_PORT": str(self.port),
            "ECOMIND_INGEST_METRICS_PORT": str(self.metrics_port),
            "ECOMIND_NODE": "testnode",
            "ECOMIND_MIN_FREE_BYTES": "0",
            "PYTHONPATH": str(ROOT),
            **environment,
        }
        self.settings = Settings(home=home, node="testnode")
        self.store = open_store(self.settings)
        self.output = home / "service.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.client = httpx.Client(base_url=self.url, timeout=30)

    def key(self, org_id: str, role: Role = Role.INGEST) -> str:
        known = {organization["org_id"] for organization in self.store.organizations.rows()}
        if org_id not in known:
            self.store.organizations.create(org_id, org_id.title())
        return self.store.keys.create(org_id, role, "test")[0]

    def spawn(self) -> subprocess.Popen[bytes]:
        with self.output.open("ab") as output:
            return ends_with_tests(
                subprocess.Popen(
                    [sys.executable, "-m", "ingest_api"],
                    cwd=ROOT,
                    env=self.environment,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
            )

    def start(self) -> Running:
        self.process = self.spawn()
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.output.read_text()
            try:
                if self.client.get("/readyz").status_code in (200, 503):
                    return self
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError(f"not ready:\n{self.output.read_text()}")

    def internal(self, path: str) -> httpx.Response:
        """What the internal port answers."""
        return httpx.get(f"http://127.0.0.1:{self.metrics_port}{path}", timeout=30)

    def children(self, of: str) -> list[int]:
        """Processes the service keeps running, such as ``landing.seal`` or ``worker``."""
        assert self.process is not None
        found = psutil.Process(self.process.pid).children()
        return [c.pid for c in found if any(part.endswith(of) for part in c.cmdline())]

    def sealer_pid(self) -> int | None:
        return next(iter(self.children("landing.seal")), None)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def kill_sealer(self) -> None:
        pid = self.sealer_pid()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)

    def stop(self) -> int:
        """Stop gracefully; returns the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def close(self) -> None:
        self.client.close()
        if self.process is not None and self.process.poll() is None:
            self.stop()

    def post(self, path: str, key: str | None, **request: Any) -> httpx.Response:
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        headers.update(request.pop("headers", {}))
        return self.client.post(path, headers=headers, **request)


def landed_files(home: Path, table: str) -> list[Path]:
    files = sorted((home / "landing" / table).glob("received_date=*/*.parquet"))
    return [path for path in files if LandedName.parse(path.name)]


def landed_rows(home: Path, table: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for path in landed_files(home, table):
        rows += pq.ParquetFile(path).read().to_pylist()
    return rows


def wait_for_rows(home: Path, table: str, event_ids: set[str], seconds: float = 20) -> Any:
    """Rows of a landed table once all the events are among them."""
    deadline = time.monotonic() + seconds
    while True:
        rows = landed_rows(home, table)
        found = {row["event_id"]: row for row in rows}
        if event_ids <= set(found):
            return found
        assert time.monotonic() < deadline, f"missing {sorted(event_ids - set(found))[:5]}"
        time.sleep(0.1)
