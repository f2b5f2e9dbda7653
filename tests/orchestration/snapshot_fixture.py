"""A small published snapshot with invented rows, for tests of everything that reads one.

Belongs here: tables and columns as the warehouse publishes them, filled with a few weeks of
plausible, seeded usage. Does not belong here: the method; the figures are shaped like
footprints so that pages and reports have something to show, nothing more.
"""

from __future__ import annotations

import random
import shutil
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from ecomind.warehouse.snapshot import POINTER, snapshot_name
from tests.orchestration.snapshot_figures import ORGANIZATIONS, usage_rows
from tests.orchestration.snapshot_tables import create_tables

LAST_DAY = date(2026, 11, 14)


def build_snapshot(
    path: Path,
    *,
    seed: int = 7,
    orgs: int = 2,
    days: int = 45,
    last_day: date = LAST_DAY,
    snapshot_id: str = "20261115t060012000000z",
) -> Path:
    """Write a published snapshot to ``path`` and return it.

    Holds ``orgs`` organisations (at most four) and ``days`` days up to and including
    ``last_day``; the same arguments give the same rows. An existing file is an error.
    """
    rows = [
        row
        for org_id, _name in ORGANIZATIONS[:orgs]
        for row in usage_rows(org_id, random.Random(f"{seed}/{org_id}"), days, last_day)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        raise FileExistsError(f"{path} exists already")
    published_at = datetime.combine(last_day + timedelta(days=1), time(6, 0, 12), UTC)
    data_through = datetime.combine(last_day, time(23, 58, 41), UTC)
    with duckdb.connect(str(path)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("usage", pa.Table.from_pylist(rows))
        create_tables(connection, orgs)
        connection.execute(
            "INSERT INTO publication.snapshot VALUES (?, ?, ?, ?)",
            [snapshot_id, published_at, data_through, "run-0001"],
        )
        connection.unregister("usage")
    return path


def publish_snapshot(
    served_dir: Path, *, snapshot_id: str = "20261115t060012000000z", **how: Any
) -> Path:
    """Build a snapshot below ``served_dir``, point ``CURRENT`` at it and return its path.

    ``how`` is passed on to `build_snapshot`.
    """
    path = served_dir / snapshot_name(snapshot_id)
    build_snapshot(path, snapshot_id=snapshot_id, **how)
    (served_dir / POINTER).write_text(path.name + "\n", encoding="utf-8")
    return path


def changed(snapshot: Path, copy: Path, *statements: str) -> Path:
    """A copy of a snapshot after some statements, for tests of rows that should not be there."""
    shutil.copyfile(snapshot, copy)
    copy.chmod(0o600)
    with duckdb.connect(str(copy)) as connection:
        for statement in statements:
            connection.execute(statement)
    return copy
