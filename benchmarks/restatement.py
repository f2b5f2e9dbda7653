"""What it costs to restate all history with a new set of factors, and whether events matter.

    python -m benchmarks.restatement --events 5000000 20000000

A year of history is landed, loaded and built. Then a new set corrects every grid and model figure
for all days, in a copy of the factor files, and the orchestrator's two dbt commands follow: the
factors, then everything that depends on them, under both lenses and with the differences between
them explained. The fixed start-up is what the same two commands cost for ten events. Every
size has the same sessions (who, when, which model), only more calls in each, so the rollup has
the same rows and only the events behind it grow.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import sys
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.installation import Installation, installation
from benchmarks.measure import Cell, Cost, emit, median_cost, show
from benchmarks.synthetic import Load, write_files
from ecomind.settings import SEEDS_DIR
from orchestration.dbt import PROJECT_DIR

DAYS_COUNT = 365
CHANGED = ("grid_location", "grid_market", "model_output", "model_input", "model_context",
           "model_call")  # fmt: skip
MARTS = ("org_footprint_daily", "team_footprint_daily", "user_footprint_daily",
         "model_footprint_daily", "region_footprint_daily")  # fmt: skip
FOOTPRINT = ("int_factors_applied_daily", "int_factors_applied_as_reported_daily",
             "org_restatement_monthly", "restatement", *MARTS)  # fmt: skip
_VALUES = ("value_low", "value_mid", "value_high")
_TOTALS = (
    "select sum(energy_mid_kwh), sum(co2e_location_mid_kg), min(factor_set_id), max(factor_set_id)"
    " from mart.{mart}"
)
_RESTATED = (
    "select count(distinct period_start), max(abs(parts.difference / totals.difference - 1))"
    " from mart.org_restatement_monthly as totals inner join (select org_id, period_start, metric,"
    " sum(difference) as difference from mart.restatement group by all) as parts"
    " using (org_id, period_start, metric)"
)
_COUNTS = (
    "select sum(events), count(*), (select count(*) from intermediate.int_usage_daily)"
    " from intermediate.int_usage_hourly"
)


@dataclass(frozen=True, slots=True)
class Restated:
    """Costs of one size: medians of the rounds, and what was restated."""

    factors: Cost
    build: Cost
    publish: Cost
    nodes_s: dict[str, float]
    events: int
    hourly_rows: int
    daily_rows: int

    @property
    def wall_s(self) -> float:
        """Both dbt commands."""
        return self.factors.wall_s + self.build.wall_s

    @property
    def footprint_s(self) -> float:
        """Node seconds of the footprint and the marts summed from it; two run at a time."""
        return sum(self.nodes_s.get(name, 0.0) for name in FOOTPRINT)

    @property
    def all_nodes_s(self) -> float:
        """Node seconds of everything that is built or tested."""
        return sum(self.nodes_s.values())


def write_factors(seeds: Path, ratio: float, factor_set: str, published_on: date) -> None:
    """Write the factor files below ``seeds`` anew, with a correction of each row behind it.

    Figures of ``CHANGED`` are corrected to ``ratio`` times themselves, all others to themselves.
    """
    for path in sorted(SEEDS_DIR.glob("factor_*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        with (seeds / path.name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
            writer.writerows(_corrected(row, ratio, factor_set, published_on) for row in rows)


def _corrected(
    row: dict[str, str], ratio: float, factor_set: str, published_on: date
) -> dict[str, str]:
    scale = ratio if row["factor_type"] in CHANGED else 1.0
    return {
        **row,
        **{name: repr(float(row[name]) * scale) for name in _VALUES},
        "factor_id": f"{row['factor_id']}:{factor_set}",
        "supersedes_id": row["factor_id"],
        "published_at": published_on.isoformat(),
        "factor_set_id": factor_set,
    }


def with_own_project(ours: Installation) -> Installation:
    """The installation with a copy of the dbt project and the factor files to change."""
    root = ours.settings.home / "project"
    shutil.copytree(PROJECT_DIR, root / PROJECT_DIR.name)
    shutil.copytree(SEEDS_DIR, root / SEEDS_DIR.name)
    return replace(ours, project_dir=root / PROJECT_DIR.name)


def _query(ours: Installation, sql: str) -> tuple[Any, ...]:
    with duckdb.connect(str(ours.settings.marts_database), read_only=True) as connection:
        row = connection.execute(sql).fetchone()
    assert row is not None
    return row


def _restate(ours: Installation, number: int) -> tuple[dict[str, Cost], dict[str, float]]:
    """Write set ``number``, build, publish; raises ``ValueError`` if a mart was not restated."""
    before = {mart: _query(ours, _TOTALS.format(mart=mart)) for mart in MARTS}
    # Each set is relative to the files as published; ``number`` 0 stands for those.
    step = (1 + number / 10) / (1 + (number - 1) / 10)
    factor_set = f"restated-{number}"
    # After the freeze of every month of the history.
    published_on = datetime.now(UTC).date() + timedelta(days=number)
    write_factors(
        ours.project_dir.parent / SEEDS_DIR.name, 1 + number / 10, factor_set, published_on
    )
    factors = ours.build_factors()
    build = ours.build()
    nodes = ours.node_seconds()
    for mart, (energy, carbon, *_) in before.items():
        after = _query(ours, _TOTALS.format(mart=mart))
        grown = (after[0] / energy / step - 1, after[1] / carbon / step**2 - 1)
        if max(map(abs, grown)) > 1e-9 or set(after[2:]) != {factor_set}:
            raise ValueError(f"{mart} was not restated with {factor_set}")
    frozen, apart = _query(ours, _RESTATED)
    if not frozen or apart > 1e-9:
        raise ValueError(f"{frozen} frozen months; parts and differences are {apart:.1e} apart")
    return {"factors": factors, "build": build, "publish": ours.publish()}, nodes


def measure(load: Load, repeats: int) -> Restated:
    """Load and build a history, then restate it ``repeats`` times; medians."""
    with installation() as original:
        ours = with_own_project(original)
        print(f"landing, loading, building {load.events_count:,} events", file=sys.stderr)
        ours.prepare()
        write_files(ours.settings.landing_dir, load)
        ours.load()
        shutil.rmtree(ours.settings.landing_dir)
        ours.build()
        rollup = _query(ours, _COUNTS)
        rounds = [_restate(ours, number) for number in range(1, repeats + 1)]
        if _query(ours, _COUNTS) != rollup:
            raise ValueError("restating changed the rows of the rollup")
    typical = sorted(rounds, key=lambda found: found[0]["build"].wall_s)[(len(rounds) - 1) // 2]
    costs = {step: median_cost([found[step] for found, _ in rounds]) for step in typical[0]}
    events, hourly_rows, daily_rows = map(int, rollup)
    return Restated(
        **costs,
        nodes_s=typical[1],
        events=events,
        hourly_rows=hourly_rows,
        daily_rows=daily_rows,
    )


def _report(start: Restated, sizes: dict[int, Restated]) -> None:
    first = next(iter(sizes.values()))
    beyond = {count: size.wall_s - start.wall_s for count, size in sizes.items()}
    base_s = beyond[next(iter(sizes))]
    rows: list[list[Cell]] = [
        [f"{count:,}", size.hourly_rows, size.daily_rows, size.factors.wall_s, size.build.wall_s,
         beyond[count], beyond[count] / base_s, size.footprint_s,
         size.footprint_s / first.footprint_s, size.publish.wall_s, size.build.peak_mb]
        for count, size in sizes.items()
    ]  # fmt: skip
    show(
        f"restating {DAYS_COUNT} days; fixed start-up {start.wall_s:.1f} s"
        f" (factors {start.factors.wall_s:.1f}, build {start.build.wall_s:.1f})",
        ["events", "hourly", "daily", "factors s", "build s", "beyond s", "ratio", "nodes s",
         "ratio", "publish s", "peak MB"],
        rows,
    )  # fmt: skip
    for count, size in sizes.items():
        show(
            f"longest nodes, {count:,} events",
            ["node", "s", "fixed s"],
            [
                [name, s, start.nodes_s.get(name, 0.0)]
                for name, s in list(size.nodes_s.items())[:12]
            ],
        )
    emit(
        "restatement",
        {
            "days": DAYS_COUNT,
            "fixed_s": {"factors": start.factors.wall_s, "build": start.build.wall_s},
            "sizes": {
                str(count): {
                    "events": size.events,
                    "hourly_rows": size.hourly_rows,
                    "daily_rows": size.daily_rows,
                    "factors_s": size.factors.wall_s,
                    "build_s": size.build.wall_s,
                    "beyond_s": beyond[count],
                    "ratio": beyond[count] / base_s,
                    "footprint_node_s": size.footprint_s,
                    "footprint_ratio": size.footprint_s / first.footprint_s,
                    "all_node_s": size.all_nodes_s,
                    "build_cpu_s": size.build.cpu_s,
                    "publish_s": size.publish.wall_s,
                    "nodes_s": dict(list(size.nodes_s.items())[:12]),
                }
                for count, size in sizes.items()
            },
        },
    )


def main() -> None:
    """Read the arguments, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--events", type=int, nargs="+", default=[5_000_000, 20_000_000])
    parser.add_argument("--sessions", type=int, default=1_000_000, help="the same for every size")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    start = measure(Load(10, days_count=DAYS_COUNT), arguments.repeats)
    sizes = {
        count: measure(
            Load(
                count,
                days_count=DAYS_COUNT,
                session_calls=max(1, count // arguments.sessions),
            ),
            arguments.repeats,
        )
        for count in arguments.events
    }
    _report(start, sizes)


if __name__ == "__main__":
    main()
