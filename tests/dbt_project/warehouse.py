"""A warehouse for tests: a raw store, and the marts that the real dbt command builds from it.

Belongs here: running dbt and reading what it built. Does not belong here: expectations.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from tests.dbt_project.raw_store import RECEIVED, RawStore
from tests.support.dbt_process import dbt_process
from tests.support.shared import built_once

ROOT = Path(__file__).resolve().parents[2]
DATA_TESTS = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
AFTER_A_LOAD = (*DATA_TESTS, "--selector", "frequent")
"""What is built after each load of a warehouse that had its first build."""
MARTS = (
    "org_footprint_daily",
    "team_footprint_daily",
    "user_footprint_daily",
    "model_footprint_daily",
    "region_footprint_daily",
    "source_footprint_daily",
)


class Warehouse:
    """Raw store and marts below ``home``, built by the dbt project in ``project_root``."""

    def __init__(self, home: Path, project_root: Path = ROOT) -> None:
        """Create the raw store with one organisation, a team and a user, unless it is there."""
        self.home, self.project_root = home, project_root
        self.raw, self.marts = home / "raw_store.duckdb", home / "marts.duckdb"
        if self.raw.exists():
            return
        with RawStore(self.raw) as store:
            acme = {"org_id": "acme", "name": "Acme", "created_at": RECEIVED}
            store.append("control_organizations", [acme], "0")
            store.append("control_teams", [{"org_id": "acme", "team_id": "t1", "name": "One"}], "0")
            person = {"org_id": "acme", "user_id": "u_1", "display_name": "A", "team_id": "t1"}
            store.append("control_users", [person], "0")
            rule = {"org_id": "acme", "rule_id": "r1", "metric": "energy_mid_kwh"}
            store.append(
                "control_alert_rules", [{**rule, "threshold": 0.001, "created_at": RECEIVED}], "0"
            )
            store.complete("0")

    @classmethod
    def before_events(cls, home: Path) -> Warehouse:
        """One that had its first build, before any event: build ``AFTER_A_LOAD``."""
        built = cls(built_once("warehouse", _build_without_events))
        home.mkdir(parents=True, exist_ok=True)
        for file in (built.raw, built.marts):
            shutil.copyfile(file, home / file.name)
        return cls(home)

    def dbt(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run dbt; the result holds its output whether it succeeded or not."""
        project = self.project_root / "dbt_project"
        paths = {
            "ECOMIND_MARTS_DATABASE": str(self.marts),
            "ECOMIND_RAW_DATABASE": str(self.raw),
            "ECOMIND_OPTIONAL_FACTORS": f"{self.home}/factors/factor_*.csv",
            "DBT_TARGET_PATH": str(self.home / "target"),
            "DBT_LOG_PATH": str(self.home / "logs"),
            "DBT_LOG_LEVEL_FILE": "none",
            "DBT_PROFILES_DIR": str(project),
            "DBT_PROJECT_DIR": str(project),
        }
        variables = {**os.environ, **paths, **environment}
        if "--vars" in arguments or arguments[0] == "parse":
            command = [str(Path(sys.executable).with_name("dbt")), *arguments]
            return subprocess.run(
                command, env=variables, capture_output=True, text=True, check=False
            )
        return dbt_process().run(arguments, variables, self.project_root)

    def build(self, *arguments: str, **environment: str) -> str:
        """Run ``dbt build`` and return its output; a failure shows it."""
        result = self.dbt("build", *arguments, **environment)
        assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]
        return result.stdout

    def store(self) -> RawStore:
        """The raw store, open for appending loads."""
        return RawStore(self.raw)

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A read-only connection to the marts with the raw store attached."""
        connection = duckdb.connect(str(self.marts), read_only=True)
        try:
            connection.execute("set TimeZone = 'UTC'")
            connection.execute(f"attach '{self.raw}' as raw_store (read_only)")
            yield connection
        finally:
            connection.close()

    def query(self, sql: str) -> list[dict[str, Any]]:
        """Rows of a query on the marts."""
        with self.connect() as connection:
            result = connection.execute(sql)
            names = [column[0] for column in result.description or []]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def figures(self, table: str) -> list[tuple[Any, ...]]:
        """All rows of a table in a fixed order, numbers rounded to 12 significant digits."""
        with self.connect() as connection:
            rows = connection.execute(f"select * from {table}").fetchall()
        return sorted((tuple(map(_rounded, row)) for row in rows), key=repr)


def _build_without_events(home: Path) -> None:
    Warehouse(home).build(*DATA_TESTS)


def _rounded(value: object) -> object:
    return float(f"{value:.12g}") if isinstance(value, float) else value


def copy_project(target: Path) -> Path:
    """A copy of the dbt project and the seeds, for tests that change them."""
    for room in ("dbt_project", "seeds"):
        shutil.copytree(ROOT / room, target / room)
    return target
