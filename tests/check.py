"""Every check that is not a test: ``make check``.

Each runs even when one before it failed, so that one run tells everything.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.support import extension

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent

CHECKS: tuple[tuple[str, list[str]], ...] = (
    ("SQL", ["sqlfluff", "lint", "--disable-progress-bar", "dbt_project"]),
    ("format", ["ruff", "format", "--check", "."]),
    ("lint", ["ruff", "check", "."]),
    ("types", ["mypy"]),
    ("copies of the contract", ["ecomind", "contract", "export", "--check"]),
    ("OpenAPI documents", ["ecomind", "openapi", "export", "--check"]),
    ("Dagster definitions", ["dagster", "definitions", "validate", "-w", "workspace.yaml"]),
    ("links of the documentation", ["python", "-m", "tests.check_links"]),
    ("hygiene of the repository", ["python", "-m", "tests.check_repository"]),
    *([] if extension.missing() else [("the extension", extension.command("check"))]),
)


def _run(check: tuple[str, list[str]], environment: dict[str, str]) -> tuple[str, bool, str]:
    """Name of a check, whether it holds, and what to print of it."""
    name, (tool, *arguments) = check
    start = time.monotonic()
    result = subprocess.run(
        [str(BIN / tool), *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    ok = result.returncode == 0
    told = f"{'ok  ' if ok else 'FAIL'} {name} ({time.monotonic() - start:.1f} s)"
    return name, ok, told if ok else f"{told}\n{(result.stdout + result.stderr)[-6000:]}"


def main() -> int:
    failed = []
    with tempfile.TemporaryDirectory(prefix="ecomind-check-") as home:
        environment = {
            **os.environ,
            "ECOMIND_HOME": home,
            "DAGSTER_HOME": home,
            "DAGSTER_DISABLE_TELEMETRY": "1",
            "ECOMIND_MARTS_DATABASE": f"{home}/marts.duckdb",
            "ECOMIND_RAW_DATABASE": f"{home}/raw_store.duckdb",
        }
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for name, ok, told in pool.map(lambda check: _run(check, environment), CHECKS):
                print(told, flush=True)
                if not ok:
                    failed.append(name)
    if extension.missing():
        print(f"left out: the extension ({extension.missing()})")
    if failed:
        print(f"failed: {', '.join(failed)}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
