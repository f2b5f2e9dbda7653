"""Privacy jobs done by a process of their own that is killed where it is told to.

    python -m tests.support.erasure_run [POINT [DELAY_S]]

Belongs here: the points of a run, and dying there with everything that was started. Does not belong
here: what must hold afterwards. The installation is that of the environment.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from dlt_pipelines.pipeline import load
from ecomind.identity.jobs import JobStore
from ecomind.settings import Settings, get_settings
from orchestration.dbt import (
    BUILD_ARGUMENTS,
    FOUNDATION,
    dbt_environment,
    dbt_executable,
    project_arguments,
)
from orchestration.privacy.erasing import Run, Step
from orchestration.privacy.jobs import do_waiting_jobs

NOTED, ENDED = "note_left", "finish"
POINTS = (
    *(f"{step.name}" for step in Step),
    f"{NOTED} before",
    f"{NOTED} after",
    f"{ENDED} before",
    f"{ENDED} after",
)
"""The beginning of each step, and before or after what the control store is told at the end."""


def _die() -> None:
    os.killpg(0, signal.SIGKILL)


def _dies_at(point: str, delay_s: float) -> None:
    """Arm the process: the point reached, it lives so many seconds longer."""

    def reached(name: str) -> None:
        if name != point:
            return
        if delay_s:
            threading.Timer(delay_s, _die).start()
        else:
            _die()

    note: Any = JobStore.note_progress

    def noted(self: JobStore, job_ids: Any, progress: Any) -> None:
        note(self, job_ids, progress)
        reached(list(Step)[progress.step - 1].name)

    JobStore.note_progress = noted  # type: ignore[method-assign]
    for name in (NOTED, ENDED):
        setattr(JobStore, name, _between(getattr(JobStore, name), name, reached))


def _between(call: Any, name: str, reached: Callable[[str], None]) -> Any:
    def called(*arguments: Any, **named: Any) -> None:
        reached(f"{name} before")
        call(*arguments, **named)
        reached(f"{name} after")

    return called


def _dbt(settings: Settings, *arguments: str) -> None:
    subprocess.run(
        [dbt_executable(), "--quiet", *arguments, *project_arguments()],
        env={**os.environ, **dbt_environment(settings)},
        check=True,
    )


def _refresh(settings: Settings) -> None:
    load(settings)
    _dbt(settings, *BUILD_ARGUMENTS, "--exclude", FOUNDATION)


def main() -> None:
    """Do what waits; prints when each step began."""
    if len(sys.argv) > 1:
        _dies_at(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 0.0)
    settings = get_settings()
    began = time.monotonic()

    def told(line: str) -> None:
        print(f"{time.monotonic() - began:.2f} {line}", flush=True)

    run = Run(
        "killed",
        lambda: _refresh(settings),
        lambda: _dbt(settings, "run-operation", "settle_basis"),
        told,
    )
    done = do_waiting_jobs(settings, run)
    print(f"{time.monotonic() - began:.2f} done {done}")


if __name__ == "__main__":
    main()
