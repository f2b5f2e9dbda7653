"""How dbt is called: its project, environment, arguments and asset keys.

Belongs here: everything Dagster and the commands need to run the dbt project. Does not belong
here: models, tests or formulas.
"""

from __future__ import annotations

import fcntl
import glob
import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import (
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    DbtCliResource,
    DbtProject,
)
from packaging.version import Version

from ecomind.errors import EcoMindError
from ecomind.settings import PROJECT_ROOT, SEEDS_DIR, Settings
from ecomind.warehouse.files import write_text_atomically
from orchestration.names import DBT_GROUPS

PROJECT_DIR = PROJECT_ROOT / "dbt_project"
RUN_DIR = "run"
BUILD_ARGUMENTS = ("build", "--exclude", "resource_type:unit_test tag:audit")
"""Every build; unit tests belong to development, scans of all history to the nightly audit."""
NO_ARTIFACTS = "--no-write-json"
"""For builds whose manifest and results nobody reads: writing them is a tenth of a small build."""
FOUNDATION = "resource_type:seed tag:factors fqn:ecomind.staging"
"""What stands between loads: the factor seeds, what is derived from them alone, staging views."""
ONLY_OWN_TESTS = ("--indirect-selection", "cautious")
"""Leaves a test that needs more than the selected nodes to the build that has them all."""


class DbtError(EcoMindError):
    """dbt refused the project; says why in one sentence."""


def dbt_executable() -> str:
    """Dbt beside this interpreter; found also when the environment is not activated."""
    return str(Path(sys.executable).with_name("dbt"))


def optional_factors_pattern(folder: Path) -> str:
    """Pattern of the files of optional factor sets in a folder, which need not exist."""
    return f"{glob.escape(str(folder.absolute()))}/factor_*.csv"


def dbt_environment(settings: Settings) -> dict[str, str]:
    """Environment variables the dbt project reads."""
    return {
        "ECOMIND_MARTS_DATABASE": str(settings.marts_database),
        "ECOMIND_RAW_DATABASE": str(settings.raw_database),
        "ECOMIND_OPTIONAL_FACTORS": optional_factors_pattern(settings.optional_factors_dir),
        "ECOMIND_US_GRID_BASIS": settings.us_grid_basis,
        "ECOMIND_PERIOD_FREEZE_DAYS": str(settings.period_freeze_days),
        "ECOMIND_DUCKDB_MEMORY_LIMIT": settings.duckdb_memory_limit,
        "ECOMIND_DUCKDB_THREADS": str(settings.duckdb_threads),
        "DBT_TARGET_PATH": str(settings.dbt_target_dir),
        "DBT_LOG_PATH": str(settings.logs_dir / "dbt"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DBT_USE_COLORS": "false",
        # For people, whatever Dagster asks for on the output: JSON takes several times as long.
        "DBT_LOG_FORMAT_FILE": "debug",
    }


def _sources_digest() -> str:
    """SHA-256 over names and contents of what a manifest is made from, hex.

    Not their times: an upgrade may bring files that are older than the last parse.
    """
    digest = hashlib.sha256()
    for folder in (PROJECT_DIR, SEEDS_DIR):
        for pattern in ("**/*.sql", "**/*.yml", "**/*.csv", "**/*.md"):
            for path in sorted(folder.glob(pattern)):
                digest.update(str(path.relative_to(folder)).encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()


def ensure_manifest(settings: Settings) -> Path:
    """The project's manifest, parsed anew when a source file changed.

    One process parses, others that want the same wait for it. Raises ``DbtError`` when the project
    does not parse.
    """
    manifest = settings.dbt_target_dir / "manifest.json"
    parsed_from = settings.dbt_target_dir / "manifest-sources.sha256"
    digest = _sources_digest()
    settings.dbt_target_dir.mkdir(parents=True, exist_ok=True)
    with (settings.dbt_target_dir / "manifest.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (manifest.is_file() and parsed_from.is_file() and parsed_from.read_text() == digest):
            _parse(settings)
            write_text_atomically(parsed_from, digest)
    return manifest


def _parse(settings: Settings) -> None:
    settings.warehouse_dir.mkdir(parents=True, exist_ok=True)
    parsed = run_dbt(["--quiet", "parse"], dbt_environment(settings))
    if parsed.returncode != 0:
        lines = [line.strip() for line in parsed.stdout.splitlines() if line.strip()]
        raise DbtError(f"the dbt project does not parse: {' '.join(lines)[-400:]}")


def run_dbt(
    arguments: Sequence[str], environment: Mapping[str, str], project_dir: Path = PROJECT_DIR
) -> subprocess.CompletedProcess[str]:
    """Run the dbt command on a project; the result holds its output, succeeded or not."""
    return subprocess.run(
        [dbt_executable(), *arguments, *project_arguments(project_dir)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def project_arguments(project_dir: Path = PROJECT_DIR) -> list[str]:
    """Where dbt finds the project and its profile."""
    return ["--project-dir", str(project_dir), "--profiles-dir", str(project_dir)]


class DbtCommand(DbtCliResource):
    """The dbt command, without what Dagster prepares for features that are not used here.

    For row counts and column metadata, Dagster would ask the command its version in another process
    and load dbt and an adapter into its own, which takes as long as a small build.
    """

    @cached_property
    def _cli_version(self) -> Version:
        return Version(metadata.version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> Any:
        return None


def dbt_resource() -> DbtCommand:
    """Dagster's handle on the dbt command."""
    return DbtCommand(
        project_dir=str(PROJECT_DIR),
        profiles_dir=str(PROJECT_DIR),
        dbt_executable=dbt_executable(),
    )


class Translator(DagsterDbtTranslator):
    """Asset keys are (schema, table); groups are the layers.

    What reads a view also depends on what the view reads: a run that does not select the view
    would otherwise have no order between the load and the models.
    """

    def __init__(self) -> None:
        """Tests of dbt become asset checks."""
        super().__init__(DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True))

    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetSpec:
        """Spec of a node; see the class for its dependencies."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        known = {dep.asset_key for dep in spec.deps}
        behind_views = {
            dep.asset_key
            for parent in manifest["parent_map"].get(unique_id, [])
            if manifest["nodes"].get(parent, {}).get("config", {}).get("materialized") == "view"
            for dep in self.get_asset_spec(manifest, parent, project).deps
        }
        return spec.merge_attributes(deps=sorted(behind_views - known))

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """Key of a node: its schema and its name."""
        if dbt_resource_props["resource_type"] == "source":
            return dg.AssetKey([dbt_resource_props["source_name"], dbt_resource_props["name"]])
        return dg.AssetKey([dbt_resource_props["schema"], dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """Group of a node: its layer."""
        return DBT_GROUPS.get(dbt_resource_props["schema"])
