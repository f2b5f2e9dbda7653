"""A service on a disk that fails when told."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tests.ingest_api.running import ROOT, Running

_LAYER = Path(__file__).with_name("faulty_disk")
WAL_FILE, PARQUET_FILE = "/wal/s", ".parquet"


class OnFaultyDisk(Running):
    """A service and its sealer on one faulty disk; ``fail`` takes effect at the next call."""

    def __init__(self, home: Path, **environment: str) -> None:
        super().__init__(home, **environment)
        self.rules = home.with_name(f"{home.name}-faults.json")
        self.environment["FAULTY_DISK"] = str(self.rules)
        self.environment["PYTHONPATH"] = os.pathsep.join((str(_LAYER), str(ROOT)))

    def fail(self, *rules: dict[str, Any]) -> None:
        """Replace the rules; none heals the disk."""
        fresh = self.rules.with_suffix(".new")
        fresh.write_text(json.dumps(rules))
        fresh.replace(self.rules)


def rule(call: str, path: str = WAL_FILE, **what: Any) -> dict[str, Any]:
    """What a call on paths that hold ``path`` meets."""
    return {"call": call, "path": path, **what}
