"""The catalogue of report bundles: what was reported for whom, and its files.

Belongs here: where a bundle lies, which bundles an organisation has, and reading one file of a
bundle without leaving its folder. Does not belong here: making bundles (orchestration).

A bundle is a folder ``<reports_dir>/<org_id>/<YYYY-MM>/v<NNN>`` that appears whole and is never
changed again.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ecomind.settings import Settings

MANIFEST = "manifest.json"
FACTS = "facts.csv"
DOCUMENT = "report.pdf"
RESTATEMENT = "restatement.csv"
"""Only in bundles of months that were restated."""

_ORG_ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_PERIOD = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_VERSION = re.compile(r"v([0-9]{3,})")


class UnknownBundle(Exception):
    """There is no such bundle or file; says so in one sentence."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """One version of an organisation's report for one calendar month.

    ``created_at`` is when the reported snapshot was published (UTC): a bundle is a function of
    its snapshot, so nothing in it depends on when the files were written. ``files`` are the
    names of the files, sorted.
    """

    org_id: str
    period: str
    version: int
    snapshot_id: str
    created_at: datetime
    directory: Path
    files: tuple[str, ...]

    def read(self, name: str) -> bytes:
        """Content of one of ``files``. Raises ``UnknownBundle`` for any other name."""
        if name not in self.files:
            raise UnknownBundle(f"the report has no file {name!r}; it has {', '.join(self.files)}")
        return (self.directory / name).read_bytes()


def period_directory(reports_dir: Path, org_id: str, period: str) -> Path:
    """Folder of all versions of one month. Raises ``UnknownBundle`` for names no bundle has."""
    if not _ORG_ID.fullmatch(org_id):
        raise UnknownBundle(f"{org_id!r} is not the id of an organisation")
    if not _PERIOD.fullmatch(period):
        raise UnknownBundle(f"{period!r} is not a month; write it as YYYY-MM")
    return reports_dir / org_id / period


def version_name(version: int) -> str:
    """Folder name of a version, counted from 1."""
    return f"v{version:03d}"


def read_bundle(directory: Path) -> Bundle:
    """The bundle in a folder. Raises ``UnknownBundle`` when the folder holds none."""
    match = _VERSION.fullmatch(directory.name)
    try:
        manifest: dict[str, Any] = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UnknownBundle(f"there is no report in {directory.name}") from error
    except ValueError as error:
        raise UnknownBundle(f"the manifest of report {directory.name} is damaged") from error
    if match is None:
        raise UnknownBundle(f"{directory.name!r} is not a version of a report")
    return Bundle(
        org_id=directory.parent.parent.name,
        period=directory.parent.name,
        version=int(match[1]),
        snapshot_id=manifest["snapshot"]["snapshot_id"],
        created_at=datetime.fromisoformat(manifest["snapshot"]["published_at"]),
        directory=directory,
        files=tuple(sorted([*manifest["files"], MANIFEST])),
    )


def period_bundles(reports_dir: Path, org_id: str, period: str) -> list[Bundle]:
    """All versions of one month, oldest first; folders still being written are not there."""
    folder = period_directory(reports_dir, org_id, period)
    if not folder.is_dir():
        return []
    versions = [path for path in folder.iterdir() if _VERSION.fullmatch(path.name)]
    return sorted((read_bundle(path) for path in versions), key=lambda bundle: bundle.version)


def list_bundles(settings: Settings, org_id: str) -> list[Bundle]:
    """Bundles of one organisation, the latest month and version first."""
    if not _ORG_ID.fullmatch(org_id):
        raise UnknownBundle(f"{org_id!r} is not the id of an organisation")
    folder = settings.reports_dir / org_id
    if not folder.is_dir():
        return []
    periods = [path.name for path in folder.iterdir() if _PERIOD.fullmatch(path.name)]
    bundles = [
        bundle
        for period in periods
        for bundle in period_bundles(settings.reports_dir, org_id, period)
    ]
    return sorted(bundles, key=lambda bundle: (bundle.period, bundle.version), reverse=True)


def open_bundle(settings: Settings, org_id: str, period: str, version: int | None = None) -> Bundle:
    """One bundle, the latest version unless ``version`` is given.

    Raises ``UnknownBundle`` when there is none.
    """
    for bundle in reversed(period_bundles(settings.reports_dir, org_id, period)):
        if version in (None, bundle.version):
            return bundle
    wanted = "report" if version is None else f"version {version} of a report"
    raise UnknownBundle(f"there is no {wanted} of {org_id} for {period}")


def reported_snapshots(settings: Settings) -> set[str]:
    """Ids of all snapshots that a bundle names; those must outlive pruning."""
    if not settings.reports_dir.is_dir():
        return set()
    names = [path.name for path in settings.reports_dir.iterdir() if _ORG_ID.fullmatch(path.name)]
    return {bundle.snapshot_id for name in names for bundle in list_bundles(settings, name)}
