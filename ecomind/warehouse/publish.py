"""Publishing: a verified, read-only copy of the marts that readers switch to at once.

Belongs here: copying, verifying, pointing and pruning. Does not belong here: deciding whether
the marts are good enough (orchestration's checks do, before this runs).

DuckDB's locks are POSIX locks: a process that opens and closes the file by other means loses
them silently. So the copy is made by a child process, and only while nobody holds the file.
"""

from __future__ import annotations

import subprocess
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from ecomind.contract.raw import RAW_DATABASE
from ecomind.errors import EcoMindError
from ecomind.settings import Settings
from ecomind.warehouse.files import fsync_path, replace_durably, write_text_atomically
from ecomind.warehouse.snapshot import LAYOUT, POINTER, SnapshotRef, read_snapshot, snapshot_name

PUBLISHED_SCHEMAS = ("factors", "intermediate", "mart", "reporting")
# Views over raw, and comparisons that are built on request only.
UNPUBLISHED_SCHEMAS = ("staging", "parity")


class PublishError(EcoMindError):
    """The marts cannot be published; says why in one sentence."""


def new_snapshot_id(now: datetime) -> str:
    """Snapshot id of a moment: its UTC time to the microsecond, sortable as text."""
    return now.astimezone(UTC).strftime("%Y%m%dt%H%M%S%fz")


def _table_counts(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, int]:
    tables = connection.execute(
        "select schema_name, table_name from duckdb_tables()"
        " where database_name = ? and list_contains(?, schema_name) order by all",
        [database, list(PUBLISHED_SCHEMAS)],
    ).fetchall()
    counts = {}
    for schema, table in tables:
        row = connection.execute(
            f'select count(*) from "{database}"."{schema}"."{table}"'
        ).fetchone()
        counts[f"{schema}.{table}"] = row[0] if row else 0
    return counts


def _checkpointed_counts(marts: Path) -> dict[str, int]:
    """Row counts after a checkpoint; opening read-write proves that nobody else writes."""
    try:
        with duckdb.connect(marts) as connection:
            connection.execute("force checkpoint")
            return _table_counts(connection, marts.stem)
    except duckdb.IOException as error:
        raise PublishError("another process holds the marts; publish when it is done") from error


def _data_through(marts: Path, raw: Path) -> datetime | None:
    """Latest receipt among the loads that the marts include."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{marts}' as marts (read_only)")
        connection.execute(f"attach '{raw}' as {RAW_DATABASE} (read_only)")
        row = connection.execute(
            f"""
            select epoch_us(max(outcome.last_received_at))
            from {RAW_DATABASE}.raw.ingest_outcomes as outcome
            where outcome._dlt_load_id in (
                select load_id from marts.intermediate.int_loads_rolled_up
            )
            """
        ).fetchone()
    if row is None or row[0] is None:
        return None
    return datetime.fromtimestamp(row[0] / 1e6, UTC)


def _stamp(copy: Path, snapshot_id: str, now: datetime, through: datetime | None, run: str) -> None:
    """Drop what is not for readers and write down what this copy is."""
    with duckdb.connect(copy) as connection:
        for schema in UNPUBLISHED_SCHEMAS:
            connection.execute(f"drop schema if exists {schema} cascade")
        connection.execute("create schema publication")
        connection.execute(f"create table publication.layout as select {LAYOUT} as version")
        connection.execute(
            "create table publication.snapshot (snapshot_id varchar not null,"
            " published_at timestamptz not null, data_through timestamptz,"
            " dagster_run_id varchar not null)"
        )
        connection.execute(
            "insert into publication.snapshot values (?, ?, ?, ?)",
            [snapshot_id, now, through, run],
        )
        connection.execute("force checkpoint")


def _verify(copy: Path, expected: dict[str, int]) -> SnapshotRef:
    reference = read_snapshot(copy)
    with reference.connect() as connection:
        row = connection.execute("select current_database()").fetchone()
        found = _table_counts(connection, row[0] if row else "")
    if found != expected:
        different = sorted(
            name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name)
        )
        raise PublishError(f"the copy differs from the marts in {', '.join(different)}")
    return reference


def publish(settings: Settings, run_id: str) -> SnapshotRef:
    """Publish the marts as they are and point readers to the copy.

    ``run_id`` names the run that publishes. Raises ``PublishError`` when the marts are missing,
    held by another process, or not copied faithfully; readers then keep the previous snapshot.
    """
    marts = settings.marts_database
    if not marts.is_file():
        raise PublishError("there are no marts yet; run `ecomind load`")
    served = settings.served_dir
    served.mkdir(parents=True, exist_ok=True)
    for leftover in served.glob(".*.tmp*"):  # Of a publish that was killed; nobody reads these.
        leftover.unlink()
    counts = _checkpointed_counts(marts)
    if not counts:
        raise PublishError("the marts hold no tables; run `ecomind load`")
    now = datetime.now(UTC)
    through = _data_through(marts, settings.raw_database)
    snapshot_id = new_snapshot_id(now)
    final = served / snapshot_name(snapshot_id)
    temporary = served / f".{final.name}.tmp"
    copied = subprocess.run(
        ["cp", "--reflink=auto", str(marts), str(temporary)],
        capture_output=True,
        text=True,
        check=False,
    )
    if copied.returncode != 0:
        temporary.unlink(missing_ok=True)
        raise PublishError(f"the marts could not be copied: {copied.stderr.strip()}")
    _stamp(temporary, snapshot_id, now, through, run_id)
    _verify(temporary, counts)
    temporary.chmod(0o440)
    fsync_path(temporary)
    replace_durably(temporary, final)
    write_text_atomically(served / POINTER, final.name + "\n")
    return read_snapshot(final)


def prune(settings: Settings, named_by_reports: Collection[str]) -> list[str]:
    """Delete old snapshots; keeps the newest ones and those that a report names.

    Returns the names of the deleted files. A reader that still has one open keeps working.
    """
    current = (settings.served_dir / POINTER).read_text(encoding="utf-8").strip()
    keep = {current} | {snapshot_name(snapshot_id) for snapshot_id in named_by_reports}
    published = sorted(settings.served_dir.glob(snapshot_name("*")), reverse=True)
    deleted = []
    for path in published[settings.snapshots_kept :]:
        if path.name not in keep:
            path.unlink()
            deleted.append(path.name)
    return deleted
