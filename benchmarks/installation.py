"""A throw-away installation and its three pipeline steps, each in a process of its own.

Belongs here: making and removing a temporary home, and running load, build and publish there as
the orchestrator does: a fresh process per step, dbt as a command. Does not belong here: what is
landed, or what a step's cost is compared with.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Cost, run_measured
from ecomind.settings import ENVIRONMENT_PREFIX, Settings
from orchestration.dbt import (
    BUILD_ARGUMENTS,
    FOUNDATION,
    ONLY_OWN_TESTS,
    PROJECT_DIR,
    RUN_DIR,
    dbt_environment,
    dbt_executable,
    ensure_manifest,
    project_arguments,
)

NODE = "bench"
_LOAD = (
    "from dlt_pipelines.pipeline import load; from ecomind.settings import Settings;"
    " load(Settings())"
)
_PUBLISH = (
    "from ecomind.settings import Settings; from ecomind.warehouse.publish import prune, publish;"
    " s = Settings(); publish(s, 'benchmark'); prune(s, [])"
)


@dataclass(frozen=True, slots=True)
class Installation:
    """An installation below a temporary folder."""

    settings: Settings
    environment: dict[str, str]
    project_dir: Path = PROJECT_DIR

    @property
    def _log(self) -> Path:
        return self.settings.logs_dir / "benchmark.log"

    def load(self) -> Cost:
        """Load what was landed."""
        return run_measured([sys.executable, "-c", _LOAD], self.environment, self._log)

    def build_command(self, selection: list[str]) -> list[str]:
        """The dbt command of a build as the orchestrator gives it."""
        return [
            dbt_executable(), "--log-format", "json", *BUILD_ARGUMENTS,
            *project_arguments(self.project_dir), *selection,
        ]  # fmt: skip

    def build_factors(self) -> Cost:
        """Load the factor seeds and build what is derived from them alone."""
        command = self.build_command([*ONLY_OWN_TESTS, "--select", FOUNDATION])
        return run_measured(command, self.environment, self._log)

    def build(self) -> Cost:
        """Build everything that new loads touch."""
        command = self.build_command(["--select", "fqn:*", "--exclude", FOUNDATION])
        return run_measured(command, self.environment, self._log)

    def publish(self) -> Cost:
        """Publish the marts and prune old snapshots."""
        return run_measured([sys.executable, "-c", _PUBLISH], self.environment, self._log)

    def node_seconds(self) -> dict[str, float]:
        """Seconds of each node of the last dbt command, longest first; tests share one entry."""
        path = Path(self.environment["DBT_TARGET_PATH"]) / "run_results.json"
        seconds: dict[str, float] = {}
        for result in json.loads(path.read_text(encoding="utf-8"))["results"]:
            kind, _, name = result["unique_id"].split(".")[:3]
            name = name if kind == "model" or result["execution_time"] > 0.2 else "other tests"
            seconds[name] = seconds.get(name, 0.0) + result["execution_time"]
        return dict(sorted(seconds.items(), key=lambda item: -item[1]))

    def prepare(self) -> None:
        """Everything but events: raw tables, parsed project, factor seeds. Not measured."""
        self.load()
        if self.project_dir == PROJECT_DIR:
            ensure_manifest(self.settings)
            run_dir = self.settings.dbt_target_dir / RUN_DIR
            run_dir.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.settings.dbt_target_dir / "partial_parse.msgpack", run_dir)
        self.build_factors()


@contextmanager
def installation(*, keep: bool = False) -> Iterator[Installation]:
    """A fresh installation in a temporary folder that is removed at the end."""
    home = Path(tempfile.mkdtemp(prefix="ecomind-benchmark-"))
    try:
        settings = Settings(home=home, node=NODE)
        for folder in (settings.logs_dir, settings.warehouse_dir, settings.dbt_target_dir):
            folder.mkdir(parents=True, exist_ok=True)
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(ENVIRONMENT_PREFIX)}
        environment = {
            **inherited,
            **dbt_environment(settings),
            "DBT_TARGET_PATH": str(settings.dbt_target_dir / RUN_DIR),
            f"{ENVIRONMENT_PREFIX}HOME": str(home),
            f"{ENVIRONMENT_PREFIX}NODE": NODE,
        }
        yield Installation(settings, environment)
    finally:
        if keep:
            print(f"kept {home}", file=sys.stderr)
        else:
            shutil.rmtree(home)
