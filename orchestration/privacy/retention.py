"""What organisations keep no longer, removed from every store.

Belongs here: which limit applies to what, and the stores that are ours alone: logs, runs, exports.
Does not belong here: removing rows of landed files and the raw store (``dlt_pipelines.retention``).
Marts and reports stay.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from dlt_pipelines.retention import Limits, Removed, raw_limit, remove_aged
from ecomind.identity import IdentityStore, JobKind, OrganizationInfo
from ecomind.settings import Settings
from ecomind.warehouse.erasure import rewritten
from orchestration.privacy.jobs import remove_export

_FINISHED = [
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
]
_RUNS_AT_ONCE = 500
_ROTATED = ".rotated"


@dataclass(frozen=True, slots=True)
class Enforced:
    """How much was removed, by kind."""

    landed_files: int
    raw_rows: int
    exports: int
    imports: int
    audit_entries: int
    log_files: int
    runs: int


def enforce(
    settings: Settings, store: IdentityStore, instance: dg.DagsterInstance, now: datetime
) -> Enforced:
    """Remove what every organisation keeps no longer. The marts must include every load.

    Raises what removing from the landing zone raises; the rest is done at the next run.
    """
    organizations = store.organizations.listed()
    aged = _remove_aged(settings, organizations, now)
    days = [info.preferences.logs_days for info in organizations if info.preferences.logs_days]
    logs_before = now - timedelta(days=min([settings.logs_days, *days]))
    return Enforced(
        aged.files_count,
        aged.rows_count,
        _expire_exports(settings, store, now),
        _prune_imports(settings, store, organizations, now),
        _prune_audit(store, organizations, now),
        _rotate_logs(settings.logs_dir, now, logs_before),
        _delete_runs(instance, logs_before),
    )


def _remove_aged(
    settings: Settings, organizations: list[OrganizationInfo], now: datetime
) -> Removed:
    limits = []
    for info in organizations:
        days = info.preferences.raw_days
        raw = raw_limit(now, days) if days else None
        limits.append(Limits(info.org_id, raw, _rejects_before(settings, info, now)))
    removed = remove_aged(settings, limits)
    if removed.rows_count:  # What was deleted stays in free blocks until the file is a new one.
        rewritten(settings.raw_database)
    return removed


def _expire_exports(settings: Settings, store: IdentityStore, now: datetime) -> int:
    expired = [
        job
        for job in store.jobs.listed(None, JobKind.EXPORT)
        if job.result_path is not None and job.expires_at is not None and job.expires_at <= now
    ]
    for job in expired:
        remove_export(settings, store, job)
    return len(expired)


def _rejects_before(settings: Settings, info: OrganizationInfo, now: datetime) -> datetime:
    return now - timedelta(days=info.preferences.rejects_days or settings.rejects_days)


def _prune_imports(
    settings: Settings, store: IdentityStore, organizations: list[OrganizationInfo], now: datetime
) -> int:
    """Answers to parts of imports tell of rejected rows, and are kept as long as these."""
    return sum(
        store.imports.prune(info.org_id, _rejects_before(settings, info, now))
        for info in organizations
    )


def _prune_audit(store: IdentityStore, organizations: list[OrganizationInfo], now: datetime) -> int:
    return sum(
        store.audit.prune(info.org_id, now - timedelta(days=info.preferences.audit_days))
        for info in organizations
        if info.preferences.audit_days
    )


def _rotate_logs(folder: Path, now: datetime, before: datetime) -> int:
    """Put today's lines aside and remove those of days that are too old; how many files went.

    Services write at the end of files they keep open, so a file is copied and then emptied.
    """
    for path in folder.glob("*.log"):
        if path.stat().st_size:
            shutil.copy2(path, path.with_name(f"{path.name}.{now:%Y%m%dT%H%M%S}{_ROTATED}"))
            with path.open("r+b") as file:
                file.truncate(0)
    old = [
        path
        for path in folder.rglob("*")
        if path.is_file()
        and datetime.fromtimestamp(path.stat().st_mtime, UTC) < before
        and (path.name.endswith(_ROTATED) or path.parent != folder)
    ]
    for path in old:
        path.unlink()
    return len(old)


def _delete_runs(instance: dg.DagsterInstance, before: datetime) -> int:
    """Delete finished runs, and with them what they logged."""
    found = instance.get_run_records(
        dg.RunsFilter(statuses=_FINISHED, created_before=before), limit=_RUNS_AT_ONCE
    )
    for record in found:
        instance.delete_run(record.dagster_run.run_id)
    return len(found)
