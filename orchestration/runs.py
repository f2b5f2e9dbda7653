"""Running a Dagster job from a command, with its progress on the terminal.

Belongs here: preparing Dagster's home, executing a job in this process and telling its steps.
The run stands in the same instance the services use, so it shows in Dagster's pages and waits
its turn for the warehouse. Does not belong here: what the jobs do.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import duckdb
from rich.console import Console

from ecomind.errors import EcoMindError
from ecomind.settings import Settings
from orchestration.dbt import dbt_environment, ensure_manifest
from orchestration.factor_files import are_current, are_refused

INSTANCE_FILE = Path(__file__).with_name("instance") / "dagster.yaml"
_POLL_S = 0.5
_REASON_LENGTH = 1000
UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]
"""States of a run that waits or is under way."""
_TOLD = {
    dg.DagsterEventType.STEP_START,
    dg.DagsterEventType.STEP_SUCCESS,
    dg.DagsterEventType.STEP_FAILURE,
    dg.DagsterEventType.ASSET_CHECK_EVALUATION,
}
"""Events of a run that are told while it is under way."""
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class DiskFull(EcoMindError):
    """Too little disk space is free to begin; says how much in one sentence."""


class RunFailed(EcoMindError):
    """A job failed; says which step and why, in one sentence."""


def _check_disk(settings: Settings) -> None:
    # Dagster keeps its runs there, too: on a full disk it could not even say what failed.
    free = shutil.disk_usage(settings.home).free
    if free < settings.min_free_bytes:
        raise DiskFull(
            f"the disk of {settings.home} is full: {free / 2**20:,.0f} MiB are free,"
            f" ECOMIND_MIN_FREE_BYTES asks for {settings.min_free_bytes / 2**20:,.0f};"
            " nothing was begun, free space and try again"
        )


def prepare_home(settings: Settings) -> None:
    """Create the folders of an installation and give Dagster its instance file.

    Raises ``DiskFull`` below the free space at which events are refused, too.
    """
    for folder in (settings.dagster_home, settings.logs_dir, settings.warehouse_dir):
        folder.mkdir(parents=True, exist_ok=True)
    _check_disk(settings)
    shutil.copyfile(INSTANCE_FILE, settings.dagster_home / "dagster.yaml")
    os.environ["DAGSTER_HOME"] = str(settings.dagster_home)
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"
    os.environ.update(dbt_environment(settings))
    if not settings.raw_database.exists():
        duckdb.connect(settings.raw_database).close()  # dbt attaches it, also before any load.
    ensure_manifest(settings)


def load_job_name(settings: Settings) -> str:
    """``rebuild`` when there are factors to load, else ``refresh``.

    Factors that were refused are not tried again until a file, an override or a frozen month
    changes: events go on with the set in force. Raises ``IdentityError`` when the control store
    cannot be opened.
    """
    return "refresh" if are_current(settings) or are_refused(settings) else "rebuild"


def _tell_steps(
    instance: dg.DagsterInstance, run_id: str, cursor: str | None, console: Console
) -> str:
    """Tell what happened since ``cursor``; returns where the next look goes on."""
    events = instance.get_records_for_run(run_id, cursor, _TOLD)
    for record in events.records:
        event = record.event_log_entry.dagster_event
        if event is None:
            continue
        if event.is_step_start:
            console.print(f"  [dim]…[/dim] {event.step_key}")
        elif event.is_step_success:
            seconds = event.step_success_data.duration_ms / 1000
            console.print(f"  [green]✓[/green] {event.step_key} [dim]{seconds:.1f} s[/dim]")
        elif event.is_step_failure:
            console.print(f"  [red]✗[/red] {event.step_key}")
        elif event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            check = event.asset_check_evaluation_data
            if not check.passed:
                console.print(f"  [red]![/red] {check.check_name}: {check.description or ''}")
    return events.cursor


@contextlib.contextmanager
def _told(instance: dg.DagsterInstance, run_id: str, console: Console) -> Iterator[None]:
    """Print steps while the body runs; a run's events are only in the instance, so poll it."""
    finished = threading.Event()

    def follow() -> None:
        cursor = None
        while not finished.wait(_POLL_S):
            cursor = _tell_steps(instance, run_id, cursor, console)
        _tell_steps(instance, run_id, cursor, console)

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        finished.set()
        thread.join()


def _why(instance: dg.DagsterInstance, run_id: str) -> str:
    for record in instance.all_logs(run_id):
        event = record.dagster_event
        if event is not None and event.is_step_failure:
            error = event.step_failure_data.error
            cause = error.cause or error if error else None
            said = " ".join((cause.message if cause else "no reason given").split())
            # dbt's own words stand behind the command line that Dagster quotes first.
            said = said.rpartition("Errors parsed from dbt logs:")[2].strip()
            if cause is not None:
                said = re.sub(rf"^\S*\b{re.escape(cause.cls_name or '')}: ", "", said)
            return f"{event.step_key} failed: {said[:_REASON_LENGTH]}"
    return "the run failed before its first step"


def run_job(
    settings: Settings, name: str, console: Console, partition_key: str | None = None
) -> str:
    """Run a job here and now; returns the run's id.

    ``console`` must hold its own stream: what the tools print goes to ``logs/runs.log``.
    ``prepare_home`` must have run. Raises ``RunFailed`` with the failed step and its reason.
    """
    from orchestration.definitions import defs  # noqa: PLC0415 - needs the prepared home.

    run_id = str(uuid.uuid4())
    with dg.DagsterInstance.get() as instance:
        job = defs().resolve_job_def(name)
        log = settings.logs_dir / "runs.log"
        with (
            log.open("a", encoding="utf-8") as output,
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(output),
            _told(instance, run_id, console),
        ):
            result = job.execute_in_process(
                run_config=_QUIET,
                instance=instance,
                partition_key=partition_key,
                raise_on_error=False,
                run_id=run_id,
            )
        if not result.success:
            raise RunFailed(f"{_why(instance, run_id)}; more in {settings.logs_dir / 'runs.log'}")
    return run_id
