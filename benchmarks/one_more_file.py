"""What one more landed file costs after few or many: flat, or growing with history?

    python -m benchmarks.one_more_file --loaded 10 1000 10000

A steady stream of a thousand events per half hour: 10 files are five hours of it, 10,000 are
seven months. Each size gets an installation of its own, where so many files are loaded, built
and published; then the stream goes on file by file. The ratio compares each size with the first.
"""

from __future__ import annotations

import argparse
import sys

import duckdb

from benchmarks.installation import Installation, installation
from benchmarks.measure import Cell, Cost, emit, median_cost, show
from benchmarks.synthetic import Load, events_select, land_select, write_files

STEPS = ("load", "build", "publish")
FILE_EVENTS, FILES_PER_DAY = 1000, 48


def _round(ours: Installation, load: Load, sequence: int) -> dict[str, Cost]:
    first = sequence * FILE_EVENTS
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        select = events_select(load, first, first + FILE_EVENTS)
        land_select(connection, ours.settings.landing_dir, sequence + 1, select)
    return {"load": ours.load(), "build": ours.build(), "publish": ours.publish()}


def measure(loaded: int, increments: int) -> dict[str, Cost]:
    """Median cost of each step for one more file after ``loaded`` files."""
    load = Load(loaded * FILE_EVENTS, days_count=loaded / FILES_PER_DAY, file_events=FILE_EVENTS)
    with installation() as ours:
        print(f"landing and loading {loaded:,} files", file=sys.stderr)
        ours.prepare()
        write_files(ours.settings.landing_dir, load)
        for step in (ours.load, ours.build, ours.publish):
            step()
        rounds = [_round(ours, load, loaded + number) for number in range(increments + 1)][1:]
    return {step: median_cost([costs[step] for costs in rounds]) for step in STEPS}


def main() -> None:
    """Read the arguments, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--loaded", type=int, nargs="+", default=[10, 1000, 10_000])
    parser.add_argument("--increments", type=int, default=5)
    arguments = parser.parse_args()
    medians = {loaded: measure(loaded, arguments.increments) for loaded in arguments.loaded}
    totals = {loaded: sum(costs.values(), Cost(0, 0)) for loaded, costs in medians.items()}
    base = totals[arguments.loaded[0]]
    rows: list[list[Cell]] = [
        [f"{loaded:,}", *(medians[loaded][step].wall_s for step in STEPS), total.wall_s,
         total.cpu_s, total.wall_s / base.wall_s, total.cpu_s / base.cpu_s]
        for loaded, total in totals.items()
    ]  # fmt: skip
    show(
        f"one more file of {FILE_EVENTS:,} events",
        ["files before", "load s", "build s", "publish s", "wall s", "CPU s", "ratio", "CPU ratio"],
        rows,
    )
    emit(
        "one_more_file",
        {
            "increments": arguments.increments,
            "sizes": {
                str(loaded): {
                    "wall_s": total.wall_s,
                    "cpu_s": total.cpu_s,
                    "ratio": total.wall_s / base.wall_s,
                    "cpu_ratio": total.cpu_s / base.cpu_s,
                    "steps_s": {step: medians[loaded][step].wall_s for step in STEPS},
                }
                for loaded, total in totals.items()
            },
        },
    )


if __name__ == "__main__":
    main()
