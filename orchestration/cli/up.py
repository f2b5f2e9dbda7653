"""``ecomind up``: everything, from an empty folder to running services, with one command."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click
from rich.console import Console

from ecomind.demo.cast import ORGANIZATIONS
from ecomind.errors import EcoMindError
from ecomind.identity import Role, open_store
from ecomind.identity.first_owner import ensure_owner
from ecomind.settings import Settings, get_settings
from ecomind.warehouse.bundles import list_bundles
from ecomind.warehouse.snapshot import NoSnapshot, current_snapshot
from ingest_api.landing.segment import backlog
from orchestration.services import LOOPBACK, Running, ServiceError, services, stop_all

_READY_TIMEOUT_S = {"ingest": 30.0, "platform": 30.0, "dashboard": 60.0, "dagster": 180.0}


@contextmanager
def only_one(settings: Settings) -> Iterator[None]:
    """Hold the installation; a second ``ecomind up`` on the same folder is told so."""
    settings.home.mkdir(parents=True, exist_ok=True)
    path = settings.home / "up.lock"
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            message = f"EcoMind already runs from {settings.home} (process {holder}); stop it first"
            raise EcoMindError(message) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


@contextmanager
def _step(console: Console, title: str) -> Iterator[None]:
    console.print(f"[bold]{title}[/bold]")
    start = time.monotonic()
    yield
    console.print(f"  [dim]{time.monotonic() - start:.1f} s[/dim]")


def _import_demo(settings: Settings, console: Console) -> None:
    """Create what is missing of the demonstration and send its calls through the endpoint."""
    from orchestration.demo import (  # noqa: PLC0415
        create_organizations,
        key_path,
        last_demo_day,
        write_calls,
    )

    ecomind = str(Path(sys.executable).with_name("ecomind"))
    for organization in create_organizations(settings):
        path = write_calls(organization, last_demo_day(), settings.home / "demo")
        key = key_path(settings, organization.org_id, Role.INGEST)
        sent = subprocess.run([ecomind, "import", str(path), "--key-file", str(key)], check=False)
        if sent.returncode != 0:
            raise EcoMindError(f"the calls of {organization.org_id} could not all be sent")


def _wait_until_landed(settings: Settings) -> None:
    """Wait until nothing is left in the write-ahead log, so that the first load has it all."""
    deadline = time.monotonic() + 4 * settings.seal_max_age_s + 20
    while time.monotonic() < deadline:
        _, waiting_bytes = backlog(settings.wal_dir)
        if not waiting_bytes:
            return
        time.sleep(0.2)


def _report_months(last_day: date) -> list[str]:
    """The month of the demonstration's last day and the month before."""
    before = last_day.replace(day=1) - timedelta(days=1)
    return [before.strftime("%Y-%m"), last_day.strftime("%Y-%m")]


def _demo_reports(settings: Settings, console: Console) -> None:
    import dagster as dg  # noqa: PLC0415

    from orchestration.demo import last_demo_day  # noqa: PLC0415
    from orchestration.organizations import register_organizations  # noqa: PLC0415
    from orchestration.runs import run_job  # noqa: PLC0415

    with dg.DagsterInstance.get() as instance:
        register_organizations(instance, settings)
    for organization in ORGANIZATIONS:
        if list_bundles(settings, organization.org_id):
            continue
        for month in _report_months(last_demo_day()):
            key = dg.MultiPartitionKey(
                {"month": f"{month}-01", "organization": organization.org_id}
            )
            run_job(settings, "report", console, key)


def _needs_first_load(settings: Settings) -> bool:
    try:
        current_snapshot(settings)
    except NoSnapshot:
        return True
    return False


def _addresses(settings: Settings) -> str:
    """What runs where and who gets in; never cut to the width of a terminal."""
    host = settings.host
    rows = [
        ("dashboard", settings.resolved_dashboard_url, "who signs in, or holds a person's key"),
        ("events", f"{settings.ingest_url}/v1/events", "role ingest"),
        ("API", f"http://{host}:{settings.platform_port}/v1", "any role of a person; also billing"),
        ("documents", f"http://{host}:{settings.platform_port}", "role admin, analyst"),
        ("Dagster", f"http://{LOOPBACK}:{settings.dagster_port}", "whoever is on this machine"),
        ("reports", str(settings.reports_dir), "whoever may read the folder"),
    ]
    wide = max(len(where) for _, where, _ in rows)
    return "\n".join(f"  {what:<9}  {where:<{wide}}  {who}" for what, where, who in rows)


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _how_to_sign_in(settings: Settings, demo: bool) -> str:
    """How the owner gets in; with a code on the first start and wherever someone reads along."""
    store = open_store(settings)
    owner, is_new = ensure_owner(store)
    lines = []
    if demo or is_new or sys.stderr.isatty():
        code = store.sign_in_codes.create(owner.person_id)
        lines.append(
            f"Sign in at {settings.resolved_dashboard_url}/sign-in with this code, once, until"
            f" {code.expires_at:%H:%M} UTC:\n\n    {code.text}\n"
        )
    lines.append(f"Another code: ecomind person sign-in-code {owner.subject}")
    if settings.oidc_issuer:
        lines.append(f"Others sign in with {settings.oidc_issuer}: ecomind person invite ADDRESS")
    if demo:
        lines.append(f"Keys of the demonstration: {settings.secrets_dir / 'demo-keys'}")
    if not store.organizations.listed():
        lines.append("There is no organisation yet: ecomind org create ORG --name NAME")
    return "\n".join(lines)


@click.command("up")
@click.option("--demo", is_flag=True, help="Add a small invented group of organisations.")
@click.option(
    "--exit-when-ready", is_flag=True, help="Stop everything again once it is ready (for tests)."
)
def up_command(demo: bool, exit_when_ready: bool) -> None:
    """Start every service, fill the warehouse, and stay until Ctrl-C.

    Safe to repeat: what is there already is kept.
    """
    settings = get_settings()
    console = Console(file=sys.stderr, highlight=False)
    # Both: Dagster gives SIGTERM the handler of SIGINT, which a background job inherits ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    with only_one(settings):
        _run(settings, console, demo, exit_when_ready)


def _run(settings: Settings, console: Console, demo: bool, exit_when_ready: bool) -> None:
    from orchestration.runs import load_job_name, prepare_home, run_job  # noqa: PLC0415

    running: list[Running] = []

    def start(name: str) -> None:
        service = Running(services(settings)[name], settings)
        running.append(service)
        service.wait_ready(_READY_TIMEOUT_S[name])

    try:
        with _step(console, "Preparing"):
            prepare_home(settings)
        with _step(console, "Starting the ingest API"):
            start("ingest")
        if demo:
            with _step(console, "Sending the demonstration's calls"):
                _import_demo(settings, console)
                _wait_until_landed(settings)
        if _needs_first_load(settings) or load_job_name(settings) == "rebuild":
            with _step(console, "Loading, building and publishing"):
                run_job(settings, load_job_name(settings), console)
            with _step(console, "Writing the auditor's documents"):
                run_job(settings, "documents", console)
        if demo:
            with _step(console, "Reporting"):
                _demo_reports(settings, console)
        with _step(console, "Starting the platform, the dashboard and Dagster"):
            for name in ("platform", "dashboard", "dagster"):
                start(name)
        console.print()
        console.print(_addresses(settings), soft_wrap=True)
        console.print()
        console.print(_how_to_sign_in(settings, demo), soft_wrap=True)
        console.print("\nReady. Ctrl-C stops everything.")
        if not exit_when_ready:
            _watch(running)
    except KeyboardInterrupt:
        console.print("\nStopping")
    finally:
        stop_all(running, lambda name: console.print(f"  [dim]{name}[/dim]"))
    sys.exit(0)


def _watch(running: Sequence[Running]) -> NoReturn:
    """Stay until interrupted. Raises ``ServiceError`` when a service ends by itself."""
    while True:
        for service in running:
            if service.ended():
                raise ServiceError(f"{service.service.name} stopped: {service.last_words()}")
        time.sleep(1)
