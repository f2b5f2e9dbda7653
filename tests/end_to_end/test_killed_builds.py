"""Builds killed at random moments: the next build makes up for them, whatever they had done.

``ECOMIND_KILL_ROUNDS`` sets how many builds are killed (3 by default).
"""

from __future__ import annotations

import math
import os
import random
import shutil
import signal
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ecomind.settings import Settings
from orchestration.dbt import (
    BUILD_ARGUMENTS,
    FOUNDATION,
    ONLY_OWN_TESTS,
    dbt_environment,
    dbt_executable,
    project_arguments,
)
from tests.dbt_project.raw_store import RawStore, event
from tests.dbt_project.warehouse import Warehouse

ROUNDS = int(os.environ.get("ECOMIND_KILL_ROUNDS", "3"))
EVENTS_PER_LOAD = 3000
BEGINNING = datetime(2026, 11, 1, tzinfo=UTC)
MARTS = ("org", "team", "user", "model", "region")
NODE_STARTED = '"name": "LogStartLine"'
MODELS = (("openai", "gpt-4o"), ("anthropic", "claude-sonnet-4-20250514"), ("acme", "home-made"))


def calls(number: int, chance: random.Random) -> list[dict[str, Any]]:
    """Events of one load: mostly its own day, some late, some sent before in an earlier load."""
    rows = []
    for index in range(EVENTS_PER_LOAD):
        origin = number if index % 10 else chance.randint(1, number)
        identity = random.Random(f"{origin}-{index}")
        provider, model = identity.choice(MODELS)
        days = timedelta(days=origin, hours=identity.randint(0, 23))
        rows.append(
            event(
                f"{origin}-{index}",
                org_id=identity.choice(("acme", "beta")),
                occurred_at=BEGINNING + days,
                received_at=BEGINNING + timedelta(days=number + 1),
                provider=provider,
                request_model=model,
                user_id=f"u_{identity.randint(1, 40)}",
                team_id=identity.choice(("t1", "t2", None)),
                region=identity.choice(("eastus", "westeurope", None)),
                input_tokens=identity.randint(1, 9000),
                output_tokens=identity.randint(1, 900),
                landed_file=f"node-{number:012d}-a.parquet",
            )
        )
    return rows


class Builds:
    """Runs of dbt on one warehouse, in process groups that can be killed."""

    def __init__(self, settings: Settings) -> None:
        settings.logs_dir.mkdir(parents=True, exist_ok=True)
        self.settings = settings
        self.log = settings.logs_dir / "build.log"

    def start(self, *selection: str) -> subprocess.Popen[bytes]:
        command = [dbt_executable(), "--log-format", "json", *BUILD_ARGUMENTS]
        with self.log.open("wb") as output:
            return subprocess.Popen(
                [*command, *project_arguments(), *selection],
                env={**os.environ, **dbt_environment(self.settings)},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def complete(self, *selection: str) -> None:
        assert self.start(*selection).wait() == 0, self.log.read_text()[-4000:]

    def marts(self) -> None:
        self.complete("--select", "fqn:*", "--exclude", FOUNDATION)

    def kill_within(self, span_s: float, chance: random.Random) -> tuple[bool, float]:
        """Kill a build of the marts up to ``span_s`` after its first node began.

        Returns whether it was still at work, and for how many seconds it had been.
        """
        process = self.start("--select", "fqn:*", "--exclude", FOUNDATION)
        while NODE_STARTED not in self.log.read_text():
            assert process.poll() is None, self.log.read_text()[-4000:]
            time.sleep(0.02)
        began = time.monotonic()
        try:
            process.wait(timeout=chance.uniform(0, span_s))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        return process.wait() == -signal.SIGKILL, time.monotonic() - began


def land(settings: Settings, number: int, chance: random.Random) -> None:
    with RawStore(settings.raw_database) as store:
        store.load(f"{number:06d}", calls(number, chance))


def distinct_events(settings: Settings) -> int:
    with RawStore(settings.raw_database) as store:
        counted = "select count(distinct (org_id, source, event_id)) from raw.usage_events"
        return int(store.execute(counted)[0][0])


def rows(database: Path, mart: str) -> list[tuple[tuple[Any, ...], list[float]]]:
    """Rows of a mart as (everything exact, doubles), in a fixed order."""
    with duckdb.connect(database, read_only=True) as connection:
        result = connection.execute(f"select * from mart.{mart}_footprint_daily")
        doubles = [column[1] == "DOUBLE" for column in result.description or []]
        found = []
        for row in result.fetchall():
            exact = tuple(v for v, double in zip(row, doubles, strict=True) if not double)
            found.append((exact, [v for v, double in zip(row, doubles, strict=True) if double]))
    assert any(doubles)
    return sorted(found, key=lambda item: repr(item[0]))


def assert_equal(killed: Path, reference: Path) -> None:
    for mart in MARTS:
        found, expected = rows(killed, mart), rows(reference, mart)
        assert [exact for exact, _ in found] == [exact for exact, _ in expected], mart
        for (exact, values), (_, others) in zip(found, expected, strict=True):
            for value, other in zip(values, others, strict=True):
                assert math.isclose(value, other, rel_tol=1e-9, abs_tol=1e-15), (mart, exact)


@pytest.mark.slow
def test_killed_builds_leave_nothing_wrong(settings: Settings) -> None:
    """The first build and later ones are killed; then one build equals a build in one go."""
    chance = random.Random(3)
    settings.warehouse_dir.mkdir(parents=True)
    land(settings, 1, chance)
    warehouse = Warehouse(settings.warehouse_dir)
    warehouse.build(*ONLY_OWN_TESTS, "--select", FOUNDATION)
    builds = Builds(settings)
    marts = settings.marts_database
    factors, killed = marts.with_name("factors.duckdb"), marts.with_name("killed.duckdb")
    shutil.copyfile(marts, factors)

    hits, number, span_s = 0, 1, 3.0
    while hits < ROUNDS:
        assert number <= 5 * ROUNDS, "too few builds were killed while they worked"
        hit, worked_s = builds.kill_within(span_s, chance)
        hits += hit
        span_s = 1.5 * span_s if hit else max(0.5, worked_s)
        number += 1
        land(settings, number, chance)
    builds.marts()
    marts.rename(killed)

    factors.rename(marts)
    builds.marts()
    assert sum(exact[2] for exact, _ in rows(killed, "org")) == distinct_events(settings)
    assert_equal(killed, marts)
