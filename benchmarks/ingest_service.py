"""An ingest service as a process of its own, for commands that measure it.

Belongs here: starting and stopping ``python -m ingest_api`` below a given home, with a key, and
what it cost and landed. Does not belong here: sending, or judging figures.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pyarrow.parquet as pq

from ecomind.identity import Role, open_store
from ecomind.landing_zone import list_landed, open_zone
from ecomind.settings import ENVIRONMENT_PREFIX, PROJECT_ROOT, Settings

ORG_ID = "bench"
LAYERS = PROJECT_ROOT / "benchmarks" / "layers"
_READY_S, _STOP_S = 60.0, 300.0
_UNLIMITED = str(10**9)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(slots=True)
class IngestService:
    """A running service; ``process`` is replaced when it is started again."""

    settings: Settings
    environment: dict[str, str]
    port: int
    key: str
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Address of native events."""
        return f"http://127.0.0.1:{self.port}/v1/events"

    def processes(self) -> list[psutil.Process]:
        """The service's processes; the sealer is among the children."""
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]

    def sealer(self) -> psutil.Process | None:
        """The process that seals, once it runs."""
        for process in self.processes()[1:]:
            with suppress(psutil.Error):
                if "ingest_api.landing.seal" in process.cmdline():
                    return process
        return None

    def cpu_s(self) -> float:
        """CPU seconds of all its processes so far."""
        used = 0.0
        for process in self.processes():
            with suppress(psutil.Error):
                times = process.cpu_times()
                used += times.user + times.system
        return used

    def restart(self) -> None:
        """Start it again on the same data; the old process must have ended."""
        self.process = _spawn(self.settings, self.environment)
        _wait_ready(self.process, self.port, self.settings)

    def stop(self) -> None:
        """Stop it gracefully, so that all is sealed."""
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(_STOP_S) != 0:
            raise RuntimeError(_words(self.settings))


def landed_files(settings: Settings, table: str = "events") -> list[Path]:
    """Landed files of a table, without those a merged one stands for."""
    files = list_landed(open_zone(settings), table).files
    return [settings.landing_dir / file.location for file in files]


def landed_rows(settings: Settings, table: str = "events") -> int:
    """Rows of a landed table, by the files' own word."""
    return sum(pq.read_metadata(path).num_rows for path in landed_files(settings, table))


def _spawn(settings: Settings, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    settings.logs_dir.mkdir(parents=True, exist_ok=True)
    with (settings.logs_dir / "ingest.log").open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "ingest_api"],
            cwd=PROJECT_ROOT,
            env=environment,
            stdout=output,
            stderr=output,
        )


def _words(settings: Settings) -> str:
    log = settings.logs_dir / "ingest.log"
    return f"the ingest service ended:\n{log.read_text(encoding='utf-8', errors='replace')[-2000:]}"


def _wait_ready(process: subprocess.Popen[bytes], port: int, settings: Settings) -> None:
    deadline = time.monotonic() + _READY_S
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                return
        except (urllib.error.URLError, OSError) as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(_words(settings)) from error
            time.sleep(0.05)


@contextmanager
def ingest_service(home: Path, layer: str = "", **variables: str) -> Iterator[IngestService]:
    """A service on ``home``, limits per minute out of reach; killed at the end if still there.

    ``layer`` is a choice of ``layers/sitecustomize.py``; ``variables`` are ``ECOMIND_*`` settings
    without the prefix.
    """
    settings = Settings(home=home, node="bench")
    store = open_store(settings)
    store.organizations.create(ORG_ID, "Benchmark")
    key, _ = store.keys.create(ORG_ID, Role.INGEST, "benchmark")
    port = _free_port()
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(ENVIRONMENT_PREFIX)}
    changes = {
        "HOME": str(home),
        "NODE": "bench",
        "INGEST_PORT": str(port),
        "INGEST_METRICS_PORT": str(_free_port()),
        "INGEST_KEY_EVENTS_PER_MIN": _UNLIMITED,
        "INGEST_ORG_EVENTS_PER_MIN": _UNLIMITED,
        **variables,
    }
    environment = {
        **inherited,
        **{f"{ENVIRONMENT_PREFIX}{name}": value for name, value in changes.items()},
        "PYTHONPATH": os.pathsep.join([str(LAYERS)] * bool(layer) + [str(PROJECT_ROOT)]),
        "BENCHMARK_LOG": layer,
    }
    service = IngestService(settings, environment, port, key, _spawn(settings, environment))
    try:
        _wait_ready(service.process, port, settings)
        yield service
    finally:
        if service.process.poll() is None:
            for process in service.processes():
                with suppress(psutil.Error):
                    process.kill()
            service.process.wait()
