"""The Chrome extension's folder: whether its tools are there, and running them.

Belongs here: Node, npm and the packages of the lock. Does not belong here: what the tools must say.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "ext-chrome"
OLDEST_NODE = (20, 19)
COMMAND_TIMEOUT_S = 500


@cache
def missing() -> str | None:
    """Why the extension cannot be built here, or None."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return "Node.js with npm is not installed"
    printed = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.match(r"v(\d+)\.(\d+)", printed)
    if found is None or (int(found[1]), int(found[2])) < OLDEST_NODE:
        return f"Node.js {printed.strip()} is older than {OLDEST_NODE[0]}.{OLDEST_NODE[1]}"
    if not (FOLDER / "node_modules" / ".bin" / "vitest").exists():
        return "the packages of ext-chrome are not installed: make ext"
    return None


def chromium() -> str | None:
    """The system's Chromium."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def command(script: str) -> list[str]:
    """The command that runs one of the scripts of ``package.json``."""
    npm = shutil.which("npm")
    assert npm is not None
    return [npm, "--prefix", str(FOLDER), "run", "--silent", script]


def run(script: str, *arguments: str) -> None:
    """Run a script; a failure shows what it printed."""
    result = subprocess.run(
        [*command(script), "--", *arguments],
        cwd=FOLDER,
        env={**os.environ, "NO_COLOR": "1", "CI": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=COMMAND_TIMEOUT_S,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-12_000:]
