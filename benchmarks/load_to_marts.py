"""Landed files to published marts, against one plain DuckDB statement doing the same.

    python -m benchmarks.load_to_marts --events 1000000

Ours is everything the orchestrator runs between landed files and a published snapshot: load,
build with all its tests, publish. Its fixed start-up is what the same commands cost for ten
events. The ratios are what ours takes beyond that, divided by the plain statement that makes the
base of the marts, and by plain statements that keep what ours keeps (raw events, base, marts).
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks import plain
from benchmarks.installation import Installation, installation
from benchmarks.measure import Cell, Cost, emit, median_cost, show
from benchmarks.synthetic import Load, write_files

STEPS = ("load", "build", "publish")
_STATE = ("warehouse", "dlt", "dbt")


def _save(ours: Installation) -> None:
    for name in _STATE:
        shutil.copytree(ours.settings.home / name, ours.settings.home / "prepared" / name)


def _restore(ours: Installation) -> None:
    for name in (*_STATE, "served"):
        shutil.rmtree(ours.settings.home / name, ignore_errors=True)
    for name in _STATE:
        shutil.copytree(ours.settings.home / "prepared" / name, ours.settings.home / name)


def _run_steps(ours: Installation) -> tuple[dict[str, Cost], dict[str, float]]:
    _restore(ours)
    costs = {"load": ours.load(), "build": ours.build()}
    nodes = ours.node_seconds()
    costs["publish"] = ours.publish()
    return costs, nodes


def _plain(ours: Installation, output: Path, dedup: str) -> dict[str, Cost]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.plain", str(output), dedup],
        env=ours.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return {name: Cost(**cost) for name, cost in json.loads(done.stdout).items()}


def _medians(rounds: list[dict[str, Cost]]) -> dict[str, Cost]:
    return {name: median_cost([costs[name] for costs in rounds]) for name in rounds[0]}


def _median_nodes(rounds: list[dict[str, float]]) -> dict[str, float]:
    names = {name for nodes in rounds for name in nodes}
    medians = {n: statistics.median(nodes.get(n, 0.0) for nodes in rounds) for n in names}
    return dict(sorted(medians.items(), key=lambda item: -item[1]))


def _total(costs: dict[str, Cost]) -> Cost:
    return sum(costs.values(), Cost(0, 0))


def compare(events_count: int, repeats: int, file_events: int) -> None:
    """Measure, compare and print. Raises ``ValueError`` when the figures differ."""
    load = Load(events_count, file_events=file_events)
    with installation() as ours:
        ours.prepare()
        _save(ours)
        write_files(ours.settings.landing_dir, Load(10))
        started = [_run_steps(ours) for _ in range(repeats)]
        shutil.rmtree(ours.settings.landing_dir)
        write_files(ours.settings.landing_dir, load)
        output = ours.settings.home / "plain.duckdb"
        measured = []
        plains: dict[str, list[dict[str, Cost]]] = {dedup: [] for dedup in plain.DEDUPS}
        for _ in range(repeats):
            measured.append(_run_steps(ours))
            for dedup, costs in plains.items():
                costs.append(_plain(ours, output, dedup))
        differing = plain.differing_groups(ours.settings, output)
        if differing:
            raise ValueError(f"{differing} organisation-days differ from the plain statement")
    _report(
        load,
        _medians([costs for costs, _ in started]),
        _medians([costs for costs, _ in measured]),
        {dedup: _medians(rounds) for dedup, rounds in plains.items()},
        (_median_nodes([n for _, n in started]), _median_nodes([n for _, n in measured])),
    )


def _report(
    load: Load,
    fixed: dict[str, Cost],
    ours: dict[str, Cost],
    plains: dict[str, dict[str, Cost]],
    nodes: tuple[dict[str, float], dict[str, float]],
) -> None:
    best = min(plains, key=lambda dedup: plains[dedup]["base"].wall_s)
    base, same = plains[best]["base"], _total(plains[best])
    total, start = _total(ours), _total(fixed)
    beyond = Cost(total.wall_s - start.wall_s, total.cpu_s - start.cpu_s)
    rows: list[list[Cell]] = [
        [name, ours[name].wall_s, fixed[name].wall_s, ours[name].wall_s - fixed[name].wall_s,
         ours[name].cpu_s, ours[name].peak_mb]
        for name in STEPS
    ]  # fmt: skip
    rows.append(["ours", total.wall_s, start.wall_s, total.wall_s - start.wall_s,
                 total.cpu_s, total.peak_mb])  # fmt: skip
    rows += [[f"plain base ({dedup})", costs["base"].wall_s, None, costs["base"].wall_s,
              costs["base"].cpu_s, None] for dedup, costs in plains.items()]  # fmt: skip
    rows.append(["plain raw, base, marts", same.wall_s, None, same.wall_s, same.cpu_s, None])
    show(
        f"{load.events_count:,} events in {load.files_count} files, figures equal to 1e-9",
        ["step", "wall s", "fixed s", "beyond s", "CPU s", "peak MB"],
        rows,
    )
    show(
        "longest nodes of the build",
        ["node", "s", "fixed s"],
        [[name, s, nodes[0].get(name, 0.0)] for name, s in list(nodes[1].items())[:12]],
    )
    ratios = {
        "ratio": beyond.wall_s / same.wall_s,
        "cpu_ratio": beyond.cpu_s / same.cpu_s,
        "ratio_to_base_only": beyond.wall_s / base.wall_s,
        "cpu_ratio_to_base_only": beyond.cpu_s / base.cpu_s,
    }
    print(
        "beyond the fixed start-up: {ratio:.2f}x plain DuckDB keeping the same"
        " (CPU {cpu_ratio:.2f}), {ratio_to_base_only:.2f}x its base statement alone".format(
            **ratios
        )
    )
    emit(
        "load_to_marts",
        {
            "events": load.events_count,
            "files": load.files_count,
            **ratios,
            "ours_s": {name: cost.wall_s for name, cost in ours.items()},
            "fixed_s": {name: cost.wall_s for name, cost in fixed.items()},
            "plain_s": {
                dedup: {name: cost.wall_s for name, cost in costs.items()}
                for dedup, costs in plains.items()
            },
            "ours_cpu_s": total.cpu_s,
            "fixed_cpu_s": start.cpu_s,
            "plain_cpu_s": {name: cost.cpu_s for name, cost in plains[best].items()},
            "nodes_s": dict(list(nodes[1].items())[:12]),
        },
    )


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--file-events", type=int, default=100_000, help="events per landed file")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    compare(arguments.events, arguments.repeats, arguments.file_events)


if __name__ == "__main__":
    main()
