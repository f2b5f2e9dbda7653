"""What must not be committed: hosts of registries, paths of a machine, data, secrets."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Written in parts, so that this file does not find itself.
HOSTS = "|".join(
    ("pypi" + r"\.org", "python" + r"hosted\.org", "registry" + r"\.npmjs", "deb" + r"\.debian")
)
PATHS = "|".join(
    (r"(?<![\w.])/" + "work/", r"(?<![\w.])/" + "root/", r"(?<![\w.])/" + "home/[a-z]+/")
)
KEY = "eco_" + r"live_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}"
FORBIDDEN = re.compile(f"{HOSTS}|{PATHS}|{KEY}")
FORBIDDEN_NAMES = re.compile(r"\.(duckdb|parquet|env|key|db)$|__pycache__|(^|/)uv\.lock$")


def main() -> int:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    problems = [
        f"{name}: such files are not committed" for name in listed if FORBIDDEN_NAMES.search(name)
    ]
    for name in listed:
        path = ROOT / name
        if not path.is_file():
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # Fonts and pictures.
        problems += [
            f"{name}:{number}: {match[0]}"
            for number, line in enumerate(text.splitlines(), 1)
            if (match := FORBIDDEN.search(line))
        ]
    print("\n".join(problems) or f"{len(listed)} files, nothing that does not belong")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
