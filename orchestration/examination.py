"""What ``ecomind doctor`` looks at.

Belongs here: read-only looks at an installation, each with a remedy. Does not belong here:
mending anything.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from ecomind.contract.exports import drifted
from ecomind.contract.landing import LandedName
from ecomind.errors import EcoMindError
from ecomind.identity import IdentityError, open_store
from ecomind.landing_zone import StorageTrouble
from ecomind.settings import PROJECT_ROOT, Settings
from ecomind.warehouse.snapshot import NoSnapshot, current_snapshot
from orchestration.factor_files import (
    are_refused,
    are_whole,
    files_are_current,
    organizations_are_current,
)
from orchestration.landing_audit import files_never_loaded
from orchestration.services import answers, services

_PACKAGES = ("dagster", "dbt-core", "dbt-duckdb", "duckdb", "dlt", "streamlit", "granian")
_STUCK = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: ``ok``, worth a ``note``, or ``wrong`` with a remedy."""

    state: Literal["ok", "note", "wrong"]
    what: str
    found: str
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        """The finding as plain data."""
        return asdict(self)


def _python(_settings: Settings) -> Iterator[Finding]:
    missing = []
    for package in _PACKAGES:
        try:
            version(package)
        except PackageNotFoundError:
            missing.append(package)
    if missing:
        remedy = "install the environment again: make install"
        yield Finding("wrong", "packages", f"missing: {', '.join(missing)}", remedy)
    else:
        yield Finding(
            "ok", "packages", f"Python {sys.version.split()[0]}, duckdb {version('duckdb')}"
        )


def _disk(settings: Settings) -> Iterator[Finding]:
    home = settings.home
    if not home.exists():
        yield Finding("note", "folder", f"{home} does not exist yet", "ecomind up creates it")
        return
    if not os.access(home, os.W_OK):
        remedy = "give this user write access or set ECOMIND_HOME"
        yield Finding("wrong", "folder", f"{home} cannot be written", remedy)
        return
    free = shutil.disk_usage(home).free
    low = free < settings.min_free_bytes
    remedy = "free space; events and loads are refused below ECOMIND_MIN_FREE_BYTES" if low else ""
    yield Finding("wrong" if low else "ok", "disk", f"{free / 2**30:.1f} GiB free", remedy)


def _control_store(settings: Settings) -> Iterator[Finding]:
    if not settings.home.exists():
        return
    try:
        count = len(open_store(settings).organizations.listed())
    except EcoMindError as error:
        yield Finding("wrong", "control store", str(error), "check ECOMIND_CONTROL_URL")
        return
    remedy = "" if count else "ecomind org create ORG --name NAME"
    yield Finding("ok" if count else "note", "control store", f"{count} organisations", remedy)


def _write_ahead_log(settings: Settings) -> Iterator[Finding]:
    stuck = []
    for path in settings.wal_dir.rglob("*.ready"):
        try:
            modified_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        except FileNotFoundError:
            continue  # Sealed between listing and looking.
        if datetime.now(UTC) - modified_at > _STUCK:
            stuck.append(path.name)
    if stuck:
        remedy = f"start the ingest API; it seals them; see {settings.logs_dir / 'ingest.log'}"
        yield Finding(
            "wrong", "write-ahead log", f"{len(stuck)} segments wait to be sealed", remedy
        )
    else:
        yield Finding("ok", "write-ahead log", "no segment waits")


def _landing(settings: Settings) -> Iterator[Finding]:
    try:
        missed = files_never_loaded(settings)
    except StorageTrouble as trouble:
        yield Finding("wrong", "landing zone", str(trouble), "check ECOMIND_LANDING_URL and AWS_*")
        missed = []
    else:
        if not missed:
            yield Finding("ok", "landing zone", "no landed file was missed")
    if missed:
        remedy = "keep them and tell us; their sequence was passed before they were landed"
        yield Finding("wrong", "landing zone", f"{len(missed)} files were never loaded", remedy)
    aside = [path for path in settings.quarantine_dir.rglob("*") if LandedName.parse(path.name)]
    if aside:
        remedy = f"look at {settings.quarantine_dir}; mend and send with `ecomind import`"
        yield Finding("wrong", "quarantine", f"{len(aside)} unreadable files set aside", remedy)


def _snapshot(settings: Settings) -> Iterator[Finding]:
    try:
        snapshot = current_snapshot(settings)
    except NoSnapshot as nothing:
        yield Finding("note", "snapshot", str(nothing), "ecomind load")
        return
    through = snapshot.data_through
    found = f"{snapshot.snapshot_id}, data through {through:%Y-%m-%d %H:%M}" if through else "empty"
    stale = through and datetime.now(UTC) - through > timedelta(hours=settings.freshness_warn_h)
    remedy = "no event arrived for long: check what sends them" if stale else ""
    yield Finding("note" if stale else "ok", "snapshot", found, remedy)


def _factors(settings: Settings) -> Iterator[Finding]:
    if not settings.marts_database.is_file():
        return
    if not are_whole(settings):
        remedy = "ecomind load names the test that fails; mend the file it names"
        yield Finding("wrong", "factors", "the factor files failed their tests", remedy)
        return
    try:
        yield _loaded_factors(settings)
    except IdentityError as error:
        remedy = "check ECOMIND_CONTROL_URL"
        yield Finding("wrong", "factors", f"overrides are unknown: {error}", remedy)


def _loaded_factors(settings: Settings) -> Finding:
    if are_refused(settings):
        return Finding("wrong", "factors", "the factor files are refused", "ecomind factors check")
    if not files_are_current(settings):
        return Finding("note", "factors", "the factor files changed", "ecomind load")
    if not organizations_are_current(settings):
        recorded = "overrides or frozen months were recorded since the last load"
        return Finding("note", "factors", recorded, "ecomind load")
    return Finding("ok", "factors", "the factor files and overrides are loaded")


def _services(settings: Settings) -> Iterator[Finding]:
    for name, service in services(settings).items():
        if answers(service.host, service.port):
            yield Finding("ok", name, f"answers on port {service.port}")
        else:
            yield Finding("note", name, f"nothing answers on port {service.port}", "ecomind up")


def _contract(_settings: Settings) -> Iterator[Finding]:
    names = drifted(PROJECT_ROOT)
    if names:
        remedy = "ecomind contract export"
        yield Finding("wrong", "contract", f"drifted copies: {', '.join(names)}", remedy)
    else:
        yield Finding("ok", "contract", "every copy equals the contract")


_LOOKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    _python, _disk, _control_store, _write_ahead_log, _landing, _factors, _snapshot, _services,
    _contract,
)  # fmt: skip


def examine(settings: Settings) -> list[Finding]:
    """Everything there is to say about an installation; changes nothing."""
    return [finding for look in _LOOKS for finding in look(settings)]
