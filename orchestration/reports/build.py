"""Building a bundle: three files, stored whole, versioned, never changed again.

Belongs here: the manifest, the version rule and the atomic write. Does not belong here: what
the files say.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

import duckdb

from ecomind import __version__
from ecomind.warehouse.bundles import (
    DOCUMENT,
    FACTS,
    MANIFEST,
    RESTATEMENT,
    Bundle,
    period_bundles,
    period_directory,
    read_bundle,
    version_name,
)
from ecomind.warehouse.files import fsync_path
from orchestration.reports.content import Content, read_content
from orchestration.reports.document import SNAPSHOT_KEYS, page_data
from orchestration.reports.facts import facts_csv
from orchestration.reports.pdf import STANDARDS, TEMPLATE, report_pdf
from orchestration.reports.period import Period
from orchestration.reports.restated import Restatement, restatement_csv

FORMAT_VERSION = 1
PACKAGES = ("altair", "duckdb", "typst", "vl-convert-python")
_BUILDING = ".building-"


def build_bundle(
    connection: duckdb.DuckDBPyConnection,
    org_id: str,
    period: str,
    reports_dir: Path,
    *,
    only_if_changed: bool = False,
) -> Bundle:
    """Report one month (``YYYY-MM``) of one organisation from an open published snapshot.

    Returns the stored bundle. The same snapshot gives the same bytes and the bundle that is
    there already; other bytes become the next version. With ``only_if_changed`` a later snapshot
    that would print the same figures as the latest version returns that version.

    Raises ``ValueError`` for a malformed month, ``NothingToReport`` when the snapshot has nothing
    to say, ``FiguresDisagree`` when it contradicts itself and ``ReportNotPrintable`` when the PDF
    cannot be made; nothing is stored then.
    """
    content = read_content(connection, org_id, Period.parse(period))
    if only_if_changed:
        stored = period_bundles(reports_dir, org_id, period)
        if stored and _figures_of(stored[-1]) == figures_sha256(content):
            return stored[-1]
    return store_bundle(bundle_files(content), org_id, period, reports_dir)


def bundle_files(content: Content) -> dict[str, bytes]:
    """Name and content of every file of a bundle."""
    snapshot_id, restatement = content.snapshot.snapshot_id, content.restatement
    files = {FACTS: facts_csv(content.datapoints, snapshot_id, restatement)}
    if restatement is not None:
        files[RESTATEMENT] = restatement_csv(restatement, snapshot_id)
    files[DOCUMENT] = report_pdf(content, files)
    return {**files, MANIFEST: _printed(_manifest(content, files))}


def store_bundle(files: dict[str, bytes], org_id: str, period: str, reports_dir: Path) -> Bundle:
    """Store files as the next version, unless a version holds exactly these bytes.

    The manifest of a restated month says which version it supersedes.
    """
    while True:
        stored = period_bundles(reports_dir, org_id, period)
        for bundle in reversed(stored):
            if _holds(bundle, _as_version(files, bundle.version)):
                return bundle
        folder = period_directory(reports_dir, org_id, period)
        version = stored[-1].version + 1 if stored else 1
        directory = folder / version_name(version)
        if _write(_as_version(files, version), directory):
            return read_bundle(directory)


def _as_version(files: dict[str, bytes], version: int) -> dict[str, bytes]:
    manifest = json.loads(files[MANIFEST])
    if "restatement" not in manifest or version == 1:
        return files
    manifest["restatement"]["supersedes"] = version_name(version - 1)
    return {**files, MANIFEST: _printed(manifest)}


def _printed(manifest: dict[str, object]) -> bytes:
    text = json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False)
    return (text + "\n").encode("utf-8")


def figures_sha256(content: Content) -> str:
    """Digest of all a report prints apart from the snapshot it names."""
    printed = page_data(content, {})
    printed["is_open"] = printed["open_note"] is not None
    for name in SNAPSHOT_KEYS:
        del printed[name]
    printed["facts"] = facts_csv(content.datapoints, "", content.restatement).decode("utf-8")
    if content.restatement is not None:
        printed["restatement_facts"] = restatement_csv(content.restatement, "").decode("utf-8")
    printed["days"] = {day: repr(part) for day, part in content.days.items()}
    printed["template"] = TEMPLATE.read_text(encoding="utf-8")
    printed["packages"] = _packages()
    return hashlib.sha256(json.dumps(printed, sort_keys=True).encode("utf-8")).hexdigest()


def _figures_of(bundle: Bundle) -> str | None:
    manifest = json.loads(bundle.read(MANIFEST))
    figures: str | None = manifest.get("figures_sha256")
    return figures


def _packages() -> dict[str, str]:
    return {"ecomind": __version__} | {name: version(name) for name in PACKAGES}


def _holds(bundle: Bundle, files: dict[str, bytes]) -> bool:
    if set(bundle.files) != set(files):
        return False
    paths = {name: bundle.directory / name for name in files}
    return all(p.is_file() and p.read_bytes() == files[name] for name, p in paths.items())


def _write(files: dict[str, bytes], directory: Path) -> bool:
    """Make ``directory`` appear whole; False when another build took the version first."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=_BUILDING, dir=directory.parent))
    try:
        for name, content in files.items():
            with (temporary / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            (temporary / name).chmod(0o444)
        temporary.chmod(0o755)
        fsync_path(temporary)
        if directory.exists():
            return False
        try:
            temporary.rename(directory)
        except OSError:
            if directory.is_dir():  # A folder that is not empty is never replaced by a rename.
                return False
            raise
        for parent in (directory.parent, directory.parent.parent):
            fsync_path(parent)
        return True
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _manifest(content: Content, files: dict[str, bytes]) -> dict[str, object]:
    through = content.snapshot.data_through
    restated = (
        {} if content.restatement is None else {"restatement": _restated(content.restatement)}
    )
    return {
        **restated,
        "format_version": FORMAT_VERSION,
        "org_id": content.org_id,
        "org_name": content.org_name,
        "period": content.period.name,
        "period_start": content.period.start.isoformat(),
        "period_end": content.period.end.isoformat(),
        "snapshot": {
            "snapshot_id": content.snapshot.snapshot_id,
            "published_at": content.snapshot.published_at.isoformat(),
            "data_through": None if through is None else through.isoformat(),
        },
        "factor_set_id": content.versions("factor_set_id"),
        "method_version": content.versions("method_version"),
        "datapoints_by_status": _by_status(content),
        "rows_read": content.rows_read,
        "files": {
            name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
            for name, data in files.items()
        },
        "pdf_standards": list(STANDARDS),
        "figures_sha256": figures_sha256(content),
        "packages": _packages(),
        "signed": False,
    }


def _restated(restatement: Restatement) -> dict[str, object]:
    return {
        "frozen_on": restatement.frozen_on.isoformat(),
        "reason": "factors or mappings that became known after the month was frozen",
        "significant_metrics": [
            row["metric"] for row in restatement.metrics if row["is_significant"]
        ],
        "supersedes": None,
    }


def _by_status(content: Content) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in content.datapoints:
        counts[row["status"]] = counts.get(row["status"], 0) + 1
    return counts
