"""An installation of its own, driven by the real ``ecomind`` command."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from ecomind.settings import PROJECT_ROOT, Settings
from ecomind.warehouse.snapshot import current_snapshot
from orchestration.services import Running, services, stop_all
from tests.support.shared import built_once

PORTS = ("ingest", "ingest_metrics", "dashboard", "dagster", "platform")
COMMAND_TIMEOUT_S = 300


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Installation:
    """A home folder, free ports, and the commands run against them."""

    def __init__(self, home: Path, **variables: str) -> None:
        ports = {f"ECOMIND_{name.upper()}_PORT": str(free_port()) for name in PORTS}
        self.home = home
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("ECOMIND_", "DAGSTER_"))},
            "ECOMIND_HOME": str(home),
            "ECOMIND_NODE": "testnode",
            "ECOMIND_SEAL_MAX_AGE_S": "1",
            **ports,
            **variables,
        }

    @classmethod
    def after_first_load(cls, home: Path, **variables: str) -> Installation:
        """One whose first load was before any event: what it loads next finds its factors there."""
        loaded = built_once("installation", _load_nothing)
        for folder in ("dbt", "warehouse"):
            shutil.copytree(loaded / folder, home / folder)
        return cls(home, **variables)

    @property
    def settings(self) -> Settings:
        """The settings its commands run with."""
        fields = {
            name.removeprefix("ECOMIND_").lower(): value
            for name, value in self.environment.items()
            if name.startswith("ECOMIND_")
        }
        return Settings(**fields)  # type: ignore[arg-type]

    def ecomind(self, *arguments: str, ok: bool = True) -> str:
        """Run a command; returns everything it printed."""
        command = [str(Path(sys.executable).with_name("ecomind")), *arguments]
        result = subprocess.run(
            command,
            env=self.environment,
            cwd=PROJECT_ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
        assert (result.returncode == 0) is ok, result.stdout
        return result.stdout

    @contextmanager
    def ingest(self) -> Iterator[httpx.Client]:
        """The ingest API, running; a client of it. When it ends, everything is sealed."""
        settings = self.settings
        settings.logs_dir.mkdir(parents=True, exist_ok=True)
        service = services(settings)["ingest"]
        before = os.environ.copy()
        os.environ.update(self.environment)
        try:
            running = Running(service, settings)
        finally:
            os.environ.clear()
            os.environ.update(before)
        try:
            running.wait_ready(30)
            url = f"http://{settings.host}:{settings.ingest_port}"
            with httpx.Client(base_url=url) as client:
                yield client
        finally:
            stop_all([running], lambda _: None)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the current snapshot."""
        with current_snapshot(self.settings).connect() as connection:
            return connection.execute(sql).fetchall()


def _load_nothing(home: Path) -> None:
    Installation(home).ecomind("load")
