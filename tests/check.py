"""Every check that is not a test: ``make check``.

Each runs even when one before it failed, so that one run tells everything.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent

CHECKS: tuple[tuple[str, list[str]], ...] = (
    ("format", ["ruff", "format", "--check", "."]),
    ("lint", ["ruff", "check", "."]),
    ("types", ["mypy"]),
    ("copies of the contract", ["ecomind", "contract", "export", "--check"]),
    ("SQL", ["sqlfluff", "lint", "--disable-progress-bar", "dbt_project"]),
    ("Dagster definitions", ["dagster", "definitions", "validate", "-w", "workspace.yaml"]),
    ("links of the documentation", ["python", "-m", "tests.check_links"]),
    ("hygiene of the repository", ["python", "-m", "tests.check_repository"]),
)


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
        for name, (tool, *arguments) in CHECKS:
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
            print(
                f"{'ok  ' if ok else 'FAIL'} {name} ({time.monotonic() - start:.1f} s)", flush=True
            )
            if not ok:
                failed.append(name)
                print((result.stdout + result.stderr)[-6000:])
    if failed:
        print(f"failed: {', '.join(failed)}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
