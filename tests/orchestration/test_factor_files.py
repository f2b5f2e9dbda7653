"""Factors that failed their tests are neither built upon nor taken for loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecomind.settings import Settings
from orchestration import factor_files
from orchestration.runs import load_job_name


@pytest.fixture
def seeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Path:
    """Factor files of the test's own, and a warehouse to load them into."""
    settings.warehouse_dir.mkdir(parents=True)
    settings.marts_database.touch()
    folder = tmp_path / "seeds"
    folder.mkdir()
    (folder / "factor_x.csv").write_text("factor_id,value_mid\nx,45.5\n")
    monkeypatch.setattr(factor_files, "SEEDS_DIR", folder)
    return folder


def test_a_finished_load_is_whole_and_current(settings: Settings, seeds: Path) -> None:
    assert load_job_name(settings) == "rebuild"
    with factor_files.loading(settings):
        assert not factor_files.are_whole(settings)
    assert factor_files.are_current(settings)
    assert load_job_name(settings) == "refresh"


def test_a_changed_file_asks_for_a_rebuild(settings: Settings, seeds: Path) -> None:
    with factor_files.loading(settings):
        pass
    (seeds / "factor_x.csv").write_text("factor_id,value_mid\nx,59\n")
    assert factor_files.are_whole(settings)
    assert load_job_name(settings) == "rebuild"


def test_a_failed_load_stays_known_though_the_file_is_put_back(
    settings: Settings, seeds: Path
) -> None:
    with factor_files.loading(settings):
        pass
    good = (seeds / "factor_x.csv").read_text()
    (seeds / "factor_x.csv").write_text("factor_id,value_mid\nx,59\n")
    with pytest.raises(RuntimeError), factor_files.loading(settings):
        raise RuntimeError("a test of the factors failed")
    (seeds / "factor_x.csv").write_text(good)
    assert not factor_files.are_whole(settings)
    assert load_job_name(settings) == "rebuild"


def test_a_file_changed_while_it_is_loaded_is_loaded_again(settings: Settings, seeds: Path) -> None:
    with factor_files.loading(settings):
        (seeds / "factor_x.csv").write_text("factor_id,value_mid\nx,46\n")
    assert load_job_name(settings) == "rebuild"
