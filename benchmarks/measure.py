"""Stopwatches and results: what a command cost, on which machine, printed for people and tools.

Belongs here: wall and CPU time of child processes, medians, percentiles, tables and JSON lines.
Does not belong here: what is measured.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from ecomind.settings import PROJECT_ROOT

Cell = str | int | float | None


class CommandFailed(RuntimeError):
    """A measured command ended with an error; holds the last lines of its output."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command cost: seconds on the clock, CPU seconds, largest resident size in MB."""

    wall_s: float
    cpu_s: float
    peak_mb: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        """One after the other."""
        peak = max(self.peak_mb, other.peak_mb)
        return Cost(self.wall_s + other.wall_s, self.cpu_s + other.cpu_s, peak)


def run_measured(argv: Sequence[str], environment: Mapping[str, str], log: Path) -> Cost:
    """Run a command to its end; CPU includes its children. Raises ``CommandFailed``."""
    with log.open("ab") as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            list(argv), stdout=output, stderr=output, cwd=PROJECT_ROOT, env=dict(environment)
        )
        _, status, used = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        words = log.read_text(encoding="utf-8", errors="replace")[-2000:]
        raise CommandFailed(f"{' '.join(argv)[:200]} ended with {process.returncode}:\n{words}")
    return Cost(wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def median_cost(costs: Sequence[Cost]) -> Cost:
    """Median of each figure on its own."""
    return Cost(
        statistics.median(cost.wall_s for cost in costs),
        statistics.median(cost.cpu_s for cost in costs),
        statistics.median(cost.peak_mb for cost in costs),
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


def machine() -> dict[str, Cell]:
    """The machine and the versions a result holds for, with how busy it was."""
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
        model = names[0] if names else model
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load_1min": round(os.getloadavg()[0], 2),
        **{name: version(name) for name in ("duckdb", "dlt", "dbt-core", "dbt-duckdb", "dagster")},
    }


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    """Print a small table."""
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right")
    for row in rows:
        table.add_row(*(_text(cell) for cell in row))
    Console(width=110).print(table)


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    return (
        f"{cell:,.3g}"
        if isinstance(cell, float) and abs(cell) < 100
        else (f"{cell:,.0f}" if isinstance(cell, float | int) else cell)
    )


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value


def emit(benchmark: str, result: Mapping[str, Any]) -> None:
    """Print the result as one JSON line, with the machine it was measured on."""
    line = {"benchmark": benchmark, "machine": machine(), **result}
    print(json.dumps(_rounded(line)), flush=True)
