"""Factor files tried out beside the warehouse: are they sound, and what would they change?

Belongs here: building the factors, and for a preview the marts, in a database of their own with
dbt, and reading the verdict. Does not belong here: any rule about factors (dbt's tests) or the
decision to load them (``factor_files``, ``defs.warehouse``).

Every function needs the warehouse to itself: call them in a step of its pool.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from ecomind.errors import EcoMindError
from ecomind.settings import Settings
from orchestration.dbt import (
    BUILD_ARGUMENTS,
    FOUNDATION,
    ONLY_OWN_TESTS,
    PROJECT_DIR,
    dbt_environment,
    run_dbt,
)
from orchestration.optional_factors import OptionalSetError, installed_sets

FACTORS_ALONE = "resource_type:seed tag:factors"
_ROWS_TOLD = 5
_WORDS_TOLD = 300
_CHANGES = """
select coalesce(old.org_id, new.org_id) as org_id, metric, old.value as before, new.value as after
from ({before}) as old full join ({after}) as new using (org_id, metric) order by all
"""
_TOTALS = """
unpivot (
    select org_id, sum(energy_mid_kwh) as energy_mid_kwh, sum(water_mid_l) as water_mid_l,
        sum(co2e_total_location_mid_kg) as co2e_total_location_mid_kg,
        sum(co2e_total_market_mid_kg) as co2e_total_market_mid_kg
    from {database}.mart.org_footprint_daily group by org_id
) on columns(* exclude org_id) into name metric value value
"""
_ROWS = """
select case when old.factor_id is null then 'added' when new.factor_id is null then 'removed'
        else 'changed' end as change,
    coalesce(new.factor_file, old.factor_file) || '.csv' as file,
    coalesce(new.factor_id, old.factor_id) as factor_id,
    old.value_mid as before, new.value_mid as after, coalesce(new.unit, old.unit) as unit
from warehouse.intermediate.int_factors as old
full join candidate.intermediate.int_factors as new on old.factor_id = new.factor_id
where old is distinct from new order by all
"""


class FactorsRefused(EcoMindError):
    """The factor files are not sound; names rows and reasons. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What loading the factor files would change, as rows ready to be printed.

    ``factors``: (change, file, factor_id, central value before and after, unit); ``totals``:
    (org_id, metric, sum over all days before and after), in the unit of the metric's name.
    """

    factors: list[tuple[Any, ...]]
    totals: list[tuple[Any, ...]]


def preview_file(settings: Settings) -> Path:
    """Where the last preview is written, as JSON."""
    return settings.logs_dir / "factor-preview.json"


def _check_readable(settings: Settings) -> None:
    """Whether the files of optional sets can be read; DuckDB tells less of one that cannot."""
    try:
        installed_sets(settings)
    except OptionalSetError as error:
        raise FactorsRefused(f"the factor files are refused: {error}") from error


@contextmanager
def _candidate(settings: Settings) -> Iterator[Settings]:
    """Settings whose marts are a database of their own beside the warehouse, removed at the end."""
    _check_readable(settings)
    folder = settings.warehouse_dir / "candidate"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    # The file keeps its name: dbt knows the database by it.
    try:
        yield settings.model_copy(update={"home": folder})
    finally:
        shutil.rmtree(folder)


def _dbt(settings: Settings, home: Settings, project_dir: Path, *selection: str) -> None:
    """Run dbt on the candidate; raises ``FactorsRefused`` when a seed or a test fails."""
    home.marts_database.parent.mkdir(parents=True, exist_ok=True)
    # Beside the candidate, so that what was parsed stays: the next one begins with it.
    target = settings.dbt_target_dir / "candidate"
    results = target / "run_results.json"
    results.unlink(missing_ok=True)
    environment = {
        **dbt_environment(settings),
        "ECOMIND_MARTS_DATABASE": str(home.marts_database),
        "DBT_TARGET_PATH": str(target),
        "DBT_LOG_PATH": str(home.logs_dir / "dbt"),
    }
    arguments = ["--quiet", *BUILD_ARGUMENTS, "--store-failures", *selection]
    done = run_dbt(arguments, environment, project_dir)
    if done.returncode:
        reasons = _reasons(home, results) or [" ".join(done.stdout.split())[-_WORDS_TOLD:]]
        raise FactorsRefused("the factor files are refused: " + "; ".join(reasons))


def _reasons(home: Settings, results: Path) -> list[str]:
    """Why the build failed: each failed test with its rows, or what dbt said of a node."""
    if not results.is_file():
        return []
    reasons = []
    for result in json.loads(results.read_text(encoding="utf-8"))["results"]:
        if result["status"] == "fail":
            name = result["unique_id"].split(".")[2].replace("_", " ")
            reasons.append(f"not so: {name}: {_failing_rows(home, result['relation_name'])}")
        elif result["status"] == "error":
            reasons.append(" ".join(str(result["message"]).split())[:_WORDS_TOLD])
    return reasons


def _failing_rows(home: Settings, relation: str) -> str:
    with duckdb.connect(home.marts_database, read_only=True) as connection:
        found = connection.execute(f"select * from {relation} limit {_ROWS_TOLD + 1}")
        names = [column[0] for column in found.description or []]
        rows = found.fetchall()
    told = [
        ", ".join(f"{n} {v}" for n, v in zip(names, row, strict=True) if v is not None)[
            :_WORDS_TOLD
        ]
        for row in rows[:_ROWS_TOLD]
    ]
    return " | ".join(told) + (" | and more" if len(rows) > _ROWS_TOLD else "")


def judge(settings: Settings, project_dir: Path = PROJECT_DIR) -> None:
    """Build the factor files apart with their tests.

    Raises ``FactorsRefused`` with the rows and the reasons when they are not sound.
    """
    with _candidate(settings) as home:
        _dbt(settings, home, project_dir, *ONLY_OWN_TESTS, "--select", FACTORS_ALONE)


def preview(settings: Settings, project_dir: Path = PROJECT_DIR) -> Preview:
    """Compute all marts anew with the factor files as they are, apart from the warehouse.

    The rollup is taken as it is, so no event is read. Raises ``FactorsRefused`` as ``judge``.
    """
    with _candidate(settings) as home:
        home.marts_database.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["cp", "--reflink=auto", settings.marts_database, home.marts_database], check=True
        )
        _dbt(settings, home, project_dir, *ONLY_OWN_TESTS, "--select", FOUNDATION)
        _dbt(settings, home, project_dir, "--select", "fqn:*", "--exclude", FOUNDATION)
        with duckdb.connect() as connection:
            connection.execute(f"attach '{settings.marts_database}' as warehouse (read_only)")
            connection.execute(f"attach '{home.marts_database}' as candidate (read_only)")
            before, after = (_TOTALS.format(database=name) for name in ("warehouse", "candidate"))
            totals = _CHANGES.format(before=before, after=after)
            return Preview(
                connection.execute(_ROWS).fetchall(), connection.execute(totals).fetchall()
            )
