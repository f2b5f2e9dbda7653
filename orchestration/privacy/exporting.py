"""Everything that is held of a person, as an archive for them.

Belongs here: what such an archive holds. Does not belong here: who may ask for one, or removing it.
"""

from __future__ import annotations

import csv
import io
import os
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from ecomind.contract.raw import RAW_SCHEMA, USAGE_BUCKETS, USAGE_EVENTS, USAGE_REJECTS
from ecomind.durable_files import make_folder, sync_folder
from ecomind.identity import IdentityStore
from ecomind.settings import Settings
from ecomind.warehouse.snapshot import NoSnapshot, current_snapshot

_README = """Personal data held by EcoMind

organisation  {org_id}
person        {user_id}
made          {now:%Y-%m-%d %H:%M:%S} UTC

directory.csv        Name and team, if somebody entered them.
events.csv           One row per AI call, as it was received. No prompts or answers are ever stored.
usage_reports.csv    Totals that a provider reported of the person.
rejections.csv       Calls that were refused, with those of their fields that were valid.
daily_footprint.csv  Energy, water and emissions of the calls, by day and team.

The id above is a pseudonym: it stands for the id your calls are sent with, which is not stored.
Times are in UTC. Units are in the names of the columns: _kwh kilowatt-hours, _l litres, _kg
kilograms, _ms milliseconds, _wh watt-hours.
"""
_INTERNAL = ("_dlt_load_id", "landed_file")


def files_of(settings: Settings, org_id: str, job_id: str) -> tuple[Path, Path]:
    """The archive of an export, and the one that is being written."""
    path = settings.exports_dir / org_id / f"{job_id}.zip"
    return path, path.with_name(f".{path.name}.tmp")


def export_person(
    settings: Settings, store: IdentityStore, org_id: str, user_id: str, job_id: str
) -> Path:
    """Write the archive of one person durably, readable by its owner only; returns its path."""
    make_folder(settings.exports_dir / org_id)
    path, temporary = files_of(settings, org_id, job_id)
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w+b") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            now = datetime.now(UTC)
            archive.writestr("README.txt", _README.format(org_id=org_id, user_id=user_id, now=now))
            _add_directory(archive, store, org_id, user_id)
            _add_raw(archive, settings.raw_database, org_id, user_id)
            _add_footprint(archive, settings, org_id, user_id)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
    sync_folder(path.parent)
    return path


def _add(
    archive: zipfile.ZipFile, name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    with archive.open(name, "w") as member, io.TextIOWrapper(member, "utf-8", newline="") as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def _add_directory(
    archive: zipfile.ZipFile, store: IdentityStore, org_id: str, user_id: str
) -> None:
    columns = ("org_id", "user_id", "display_name", "team_id")
    theirs = [row for row in store.directory.users(org_id) if row["user_id"] == user_id]
    _add(archive, "directory.csv", columns, [[row[name] for name in columns] for row in theirs])


def _add_raw(archive: zipfile.ZipFile, raw_database: Path, org_id: str, user_id: str) -> None:
    sources = {
        "events.csv": (USAGE_EVENTS, "user_id = ?", "occurred_at, event_id"),
        "usage_reports.csv": (USAGE_BUCKETS, "user_ref = ?", "bucket_start, receipt_id"),
        "rejections.csv": (
            USAGE_REJECTS, "json_extract_string(item, '$.user_id') = ?", "received_at, item_index",
        ),
    }  # fmt: skip
    if not raw_database.is_file():
        return
    with duckdb.connect(raw_database, read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        for name, (table, condition, order) in sources.items():
            found = connection.execute(
                f"select * exclude ({', '.join(_INTERNAL)}) from {RAW_SCHEMA}.{table.name}"
                f" where org_id = ? and {condition} order by {order}",
                [org_id, user_id],
            )
            columns = [column[0] for column in found.description or []]
            _add(archive, name, columns, found.fetchall())


def _add_footprint(archive: zipfile.ZipFile, settings: Settings, org_id: str, user_id: str) -> None:
    try:
        snapshot = current_snapshot(settings)
    except NoSnapshot:
        return
    with snapshot.connect() as connection:
        found = connection.execute(
            "select * from mart.user_footprint_daily where org_id = ? and user_id = ?"
            " order by usage_date, team_id",
            [org_id, user_id],
        )
        columns = [column[0] for column in found.description or []]
        _add(archive, "daily_footprint.csv", columns, found.fetchall())
