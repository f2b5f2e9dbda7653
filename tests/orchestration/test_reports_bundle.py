"""Bundles: whole or absent, never overwritten, one version per different result."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ecomind.settings import Settings
from ecomind.warehouse import bundles
from ecomind.warehouse.bundles import UnknownBundle, list_bundles, open_bundle, reported_snapshots
from ecomind.warehouse.snapshot import SnapshotRef, read_snapshot
from orchestration.reports import NothingToReport, build, build_bundle
from orchestration.reports.build import store_bundle
from tests.orchestration.snapshot_fixture import build_snapshot, changed

FILES = ("facts.csv", "manifest.json", "report.pdf")


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> SnapshotRef:
    return read_snapshot(build_snapshot(tmp_path_factory.mktemp("served") / "s.duckdb"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def built(snapshot: SnapshotRef, settings: Settings, **how: bool) -> bundles.Bundle:
    with snapshot.connect() as connection:
        return build_bundle(connection, "aurelia", "2026-10", settings.reports_dir, **how)


def small_files(text: str) -> dict[str, bytes]:
    """A bundle that costs nothing to make."""
    moment = "2026-11-15T06:00:12+00:00"
    manifest = {
        "snapshot": {"snapshot_id": text, "published_at": moment},
        "files": {"facts.csv": {}, "report.pdf": {}},
    }
    return {
        "facts.csv": text.encode(),
        "report.pdf": b"%PDF",
        "manifest.json": json.dumps(manifest).encode(),
    }


def test_manifest_names_the_bytes_and_where_they_came_from(
    snapshot: SnapshotRef, settings: Settings
) -> None:
    bundle = built(snapshot, settings)
    assert bundle.directory == settings.reports_dir / "aurelia" / "2026-10" / "v001"
    assert bundle.files == FILES
    assert bundle.created_at == datetime(2026, 11, 15, 6, 0, 12, tzinfo=UTC)
    manifest = json.loads(bundle.read("manifest.json"))
    assert manifest["snapshot"]["snapshot_id"] == snapshot.snapshot_id == bundle.snapshot_id
    assert manifest["factor_set_id"] == ["ecomind-factors-2026.11"]
    assert manifest["method_version"] == ["ecomind-2026.11"]
    assert manifest["datapoints_by_status"] == {"computed": 4, "not_available": 1, "refused": 2}
    assert manifest["rows_read"]["mart.org_footprint_daily"] == 31
    assert set(manifest["packages"]) >= {"ecomind", "duckdb", "typst"}
    for name, entry in manifest["files"].items():
        assert entry["sha256"] == hashlib.sha256(bundle.read(name)).hexdigest()
        assert entry["bytes"] == len(bundle.read(name))


def test_the_same_snapshot_keeps_its_version_and_other_figures_make_the_next(
    snapshot: SnapshotRef, settings: Settings, tmp_path: Path
) -> None:
    first = built(snapshot, settings)
    before = {name: first.read(name) for name in FILES}
    assert built(snapshot, settings) == first
    restated = read_snapshot(
        changed(
            snapshot.path,
            tmp_path / "restated.duckdb",
            "update publication.snapshot set snapshot_id = 'later'",
            "update reporting.rpt_datapoint set value = value * 1.01 where status = 'computed'",
        )
    )
    second = built(restated, settings)
    assert (second.version, second.snapshot_id) == (2, "later")
    assert {name: first.read(name) for name in FILES} == before
    assert built(snapshot, settings) == first
    assert [b.version for b in list_bundles(settings, "aurelia")] == [2, 1]
    assert open_bundle(settings, "aurelia", "2026-10") == second
    assert open_bundle(settings, "aurelia", "2026-10", 1) == first
    assert reported_snapshots(settings) == {snapshot.snapshot_id, "later"}


def test_a_later_snapshot_with_the_same_figures_can_be_left_unreported(
    snapshot: SnapshotRef, settings: Settings, tmp_path: Path
) -> None:
    first = built(snapshot, settings)
    copy = changed(
        snapshot.path,
        tmp_path / "later.duckdb",
        "update publication.snapshot set snapshot_id = 'later',"
        " published_at = published_at + interval 1 day",
    )
    later = read_snapshot(copy)
    assert built(later, settings, only_if_changed=True) == first
    moved = read_snapshot(
        changed(
            copy,
            tmp_path / "moved.duckdb",
            "update reporting.rpt_datapoint set value = value + 1e-15 where unit = 'MWh'"
            " and status = 'computed'",
        )
    )
    assert built(moved, settings, only_if_changed=True).version == 2
    assert built(later, settings).version == 3


def test_nothing_is_stored_when_there_is_nothing_to_report(
    snapshot: SnapshotRef, settings: Settings
) -> None:
    with snapshot.connect() as connection:
        for org_id, period in (("nobody", "2026-10"), ("aurelia", "2020-01")):
            with pytest.raises(NothingToReport):
                build_bundle(connection, org_id, period, settings.reports_dir)
    assert not settings.reports_dir.exists()


def test_a_failed_write_leaves_no_trace(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_bundle(small_files("a"), "aurelia", "2026-10", settings.reports_dir)

    def full_disk(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
        patch.setattr(os, "fsync", full_disk)
        store_bundle(small_files("b"), "aurelia", "2026-10", settings.reports_dir)
    folder = settings.reports_dir / "aurelia" / "2026-10"
    assert [path.name for path in folder.iterdir()] == ["v001"]


def test_a_version_taken_meanwhile_by_another_build_is_not_overwritten(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports_dir = settings.reports_dir
    write = build._write

    def late_write(files: dict[str, bytes], directory: Path) -> bool:
        monkeypatch.setattr(build, "_write", write)
        store_bundle(small_files("other"), "aurelia", "2026-10", reports_dir)
        return write(files, directory)

    monkeypatch.setattr(build, "_write", late_write)
    mine = store_bundle(small_files("mine"), "aurelia", "2026-10", reports_dir)
    assert mine.version == 2
    assert mine.read("facts.csv") == b"mine"
    assert open_bundle(settings, "aurelia", "2026-10", 1).read("facts.csv") == b"other"


def test_a_damaged_file_is_not_taken_for_the_report(settings: Settings) -> None:
    first = store_bundle(small_files("a"), "aurelia", "2026-10", settings.reports_dir)
    (first.directory / "facts.csv").chmod(0o644)
    (first.directory / "facts.csv").write_bytes(b"damaged")
    second = store_bundle(small_files("a"), "aurelia", "2026-10", settings.reports_dir)
    assert second.version == 2
    assert first.read("facts.csv") == b"damaged"


def test_an_unfinished_bundle_is_not_listed(settings: Settings) -> None:
    store_bundle(small_files("a"), "aurelia", "2026-10", settings.reports_dir)
    (settings.reports_dir / "aurelia" / "2026-10" / ".building-x").mkdir()
    (settings.reports_dir / "aurelia" / "notes").mkdir()
    assert [bundle.version for bundle in list_bundles(settings, "aurelia")] == [1]
    assert list_bundles(settings, "borealis") == []


def test_the_catalogue_does_not_leave_its_folder(settings: Settings) -> None:
    bundle = store_bundle(small_files("a"), "aurelia", "2026-10", settings.reports_dir)
    (bundle.directory / "secret.txt").write_text("x", encoding="utf-8")
    for name in ("../../../control.db", "secret.txt", "/etc/passwd", ""):
        with pytest.raises(UnknownBundle, match="has no file"):
            bundle.read(name)
    for org_id in ("..", "../x", "/etc", "", "A", "a/b"):
        with pytest.raises(UnknownBundle, match="organisation"):
            list_bundles(settings, org_id)
    for period in ("..", "2026-13", "2026-10/..", "2026-10\n"):
        with pytest.raises(UnknownBundle, match="month"):
            open_bundle(settings, "aurelia", period)
    with pytest.raises(UnknownBundle, match="version 9"):
        open_bundle(settings, "aurelia", "2026-10", 9)


def test_a_damaged_manifest_is_named(settings: Settings) -> None:
    bundle = store_bundle(small_files("a"), "aurelia", "2026-10", settings.reports_dir)
    (bundle.directory / "manifest.json").chmod(0o644)
    (bundle.directory / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(UnknownBundle, match="v001 is damaged"):
        list_bundles(settings, "aurelia")
