"""How far is the method's energy from measurements, and from what others publish?

python -m benchmarks.accuracy            print every table; fails where an aim is missed
python -m benchmarks.accuracy --write    also write docs/validation.md and its pictures
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.accuracy.page import outdated, write
from benchmarks.accuracy.report import printed, unused_sentence
from benchmarks.accuracy.results import (
    ECOLOGITS,
    GATE_MEDIAN,
    GATE_SD,
    OURS,
    SCOPES,
    every,
    results,
)


def reached() -> bool:
    """Whether the aims hold on every row and on text alone, and EcoLogits is further off."""
    holds = True
    for scope in SCOPES:
        part = results(scope)
        ours, theirs = part.errors(OURS, every), part.errors(ECOLOGITS, every)
        holds &= ours.geometric_sd <= min(GATE_SD, theirs.geometric_sd)
        holds &= ours.median_error <= min(GATE_MEDIAN, theirs.median_error)
    return holds


def main() -> int:
    """Print, and write or compare the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--write", action="store_true", help="write docs/validation.md")
    arguments = parser.parse_args()
    for table in printed():
        table.show()
    print(unused_sentence(results("all")))
    if arguments.write:
        write()
    elif stale := outdated():
        print(f"not what the command makes now: {', '.join(stale)}; run it with --write")
    return 0 if reached() else 1


if __name__ == "__main__":
    sys.exit(main())
