"""Kill -9 many times: ingest, sealing, merging, load, build, publication and erasure.

    python -m benchmarks.kills --rounds 20

Runs the kill tests of the rooms with so many rounds each and sums up. What they assert is in
the tests: nothing acknowledged lost, nothing twice, the snapshot always readable and whole, nobody
erased left over and no total changed.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time

from benchmarks.measure import Cell, emit, show
from ecomind.settings import PROJECT_ROOT

FEWEST_ROUNDS = 5
TESTS = {
    "ingest and sealing": "tests/ingest_api/test_crash.py"
    "::test_nothing_acknowledged_is_lost_and_nothing_lands_twice",
    "merging": "tests/ingest_api/test_crash.py"
    "::test_killed_merging_loses_nothing_and_doubles_nothing",
    "load": "tests/dlt_pipelines/test_load.py::test_killed_loads_lose_nothing_and_repeat_nothing",
    "build": "tests/end_to_end/test_killed_builds.py",
    "publication": "tests/ecomind/test_publish.py::"
    "test_killed_publishing_never_leaves_a_broken_snapshot",
    "erasure": "tests/end_to_end/test_erasure.py"
    "::test_killed_erasures_leave_nobody_and_change_no_total",
}


def main() -> int:
    """Read the arguments and run; 1 when a test fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--only", choices=list(TESTS), help="one of the tests")
    arguments = parser.parse_args()
    if arguments.rounds < FEWEST_ROUNDS:
        parser.error(f"--rounds: fewer than {FEWEST_ROUNDS} hit too little to mean anything")
    rounds = str(arguments.rounds)
    rows: list[list[Cell]] = []
    for name, test in TESTS.items():
        if arguments.only not in (None, name):
            continue
        began = time.monotonic()
        timeout_s = str(600 + 60 * arguments.rounds)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "--timeout", timeout_s, test],
            cwd=PROJECT_ROOT,
            env={**os.environ, "ECOMIND_KILL_ROUNDS": rounds},
            capture_output=True,
            text=True,
            check=False,
        )
        passed = done.returncode == 0
        tests = re.search(r"(\d+) passed", done.stdout)
        rows.append(
            [
                name,
                int(tests[1]) if tests else 0,
                arguments.rounds,
                "held" if passed else "FAILED",
                time.monotonic() - began,
            ]
        )
        if not passed:
            print(done.stdout[-6000:], file=sys.stderr)
    show("killed", ["what", "tests", "kills each", "result", "seconds"], rows)
    emit("kills", {"rounds": arguments.rounds, "results": {str(row[0]): row[3] for row in rows}})
    return int(any(row[3] == "FAILED" for row in rows))


if __name__ == "__main__":
    sys.exit(main())
