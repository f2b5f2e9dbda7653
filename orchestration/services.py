"""The services of an installation as child processes of ``ecomind up``.

Belongs here: starting, watching and stopping them. Does not belong here: what they serve.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ecomind.errors import EcoMindError
from ecomind.settings import PROJECT_ROOT, Settings

_STOP_GRACE_S = 25.0
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
LOOPBACK = "127.0.0.1"
"""Where Dagster's pages listen whatever the setting: they have no login."""


class ServiceError(EcoMindError):
    """A service cannot run; says why in one sentence."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service: its name, command line, and where it listens."""

    name: str
    argv: Sequence[str]
    host: str
    port: int


def services(settings: Settings) -> dict[str, Service]:
    """Every service of an installation, by name, in the order they start."""
    from streamlit_app.launch import command as dashboard_command  # noqa: PLC0415

    host, python = settings.host, sys.executable
    dagster = str(Path(python).with_name("dagster"))
    listed = [
        Service("ingest", [python, "-m", "ingest_api"], host, settings.ingest_port),
        Service("platform", [python, "-m", "platform_api"], host, settings.platform_port),
        Service("dashboard", dashboard_command(settings), host, settings.dashboard_port),
        Service(
            "dagster",
            [
                dagster, "dev", "-w", str(PROJECT_ROOT / "workspace.yaml"),
                "-h", LOOPBACK, "-p", str(settings.dagster_port), "--log-level", "warning",
            ],
            LOOPBACK,
            settings.dagster_port,
        ),
    ]  # fmt: skip
    return {service.name: service for service in listed}


def port_in_use(host: str, port: int) -> bool:
    """Whether something listens on a port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def answers(host: str, port: int) -> bool:
    """Whether a connection to a port is accepted."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def _before_start() -> None:
    # Dagster maps SIGTERM to whatever SIGINT is; a shell's background job inherits it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if _LIBC is not None:  # However `ecomind up` ends, what it started ends with it.
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


class Running:
    """A started service; its output goes to a file of the logs folder."""

    def __init__(self, service: Service, settings: Settings) -> None:
        """Start a service. Raises ``ServiceError`` when its port is taken."""
        self.service = service
        self.log = settings.logs_dir / f"{service.name}.log"
        if port_in_use(service.host, service.port):
            variable = f"ECOMIND_{service.name.upper()}_PORT"
            raise ServiceError(
                f"port {service.port} for {service.name} is in use;"
                f" stop what uses it or set {variable}"
            )
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                list(service.argv),
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=PROJECT_ROOT,
                env=os.environ.copy(),
                start_new_session=True,
                preexec_fn=_before_start,  # noqa: PLW1509 - only sets signals.
            )

    @property
    def pid(self) -> int:
        """The process of the service, leader of a group of its own."""
        return self._process.pid

    def ended(self) -> bool:
        """Whether the service is no longer running."""
        return self._process.poll() is not None

    def last_words(self) -> str:
        """The last line the service wrote."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else "it wrote nothing"

    def wait_ready(self, timeout_s: float) -> None:
        """Wait until the port answers. Raises ``ServiceError`` if it ends or takes too long."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self.ended():
                raise ServiceError(f"{self.service.name} stopped: {self.last_words()}")
            if answers(self.service.host, self.service.port):
                return
            time.sleep(0.1)
        raise ServiceError(f"{self.service.name} did not answer; see {self.log}")

    def interrupt(self) -> None:
        """Ask the service and its children to stop."""
        self._signal(signal.SIGINT)

    def wait_stopped(self, deadline: float) -> None:
        """Wait for the end; after the deadline the service is killed."""
        try:
            self._process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return  # Already gone: what was asked for.


def stop_all(running: Sequence[Running], told: Callable[[str], None]) -> None:
    """Stop services, last started first, giving them time to finish what they do."""
    deadline = time.monotonic() + _STOP_GRACE_S
    for service in reversed(running):
        told(service.service.name)
        service.interrupt()
    for service in reversed(running):
        service.wait_stopped(deadline)
