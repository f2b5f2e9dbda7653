"""Factors that failed their tests are neither built upon nor taken for loaded."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest
from pydantic import SecretStr

from ecomind.identity import IdentityError, IdentityStore, NewOverride, open_store
from ecomind.settings import Settings
from orchestration import factor_files
from orchestration.examination import Finding, examine
from orchestration.runs import load_job_name
from tests.dbt_project.raw_store import RawStore


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


@pytest.fixture
def store(settings: Settings, seeds: Path) -> IdentityStore:
    """A control store with one organisation; the warehouse holds its factors."""
    opened = open_store(settings)
    opened.organizations.create("acme", "Acme")
    load_and_build(settings)
    return opened


def load_control_store(settings: Settings) -> None:
    """Bring the control store into the raw store, as a load does."""
    opened = open_store(settings)
    with RawStore(settings.raw_database) as raw:
        for table, rows in (
            ("control_factor_overrides", opened.overrides.rows()),
            ("control_period_freezes", opened.freezes.rows()),
        ):
            raw.execute(f"delete from raw.{table}")
            raw.append(table, rows, "1")


def load_and_build(settings: Settings) -> None:
    load_control_store(settings)
    with factor_files.loading(settings):
        pass


def override(store: IdentityStore, key: str = "SWE") -> str:
    new = NewOverride(
        org_id="acme",
        factor_type="grid_location",
        key=key,
        value_mid=20,
        valid_from=date(2026, 1, 1),
        reason="contract",
    )
    return store.overrides.record(new)


def test_an_override_asks_for_a_rebuild_until_it_is_built(
    settings: Settings, store: IdentityStore
) -> None:
    assert load_job_name(settings) == "refresh"
    override_id = override(store)
    assert load_job_name(settings) == "rebuild"
    load_and_build(settings)
    assert load_job_name(settings) == "refresh"
    store.overrides.withdraw(override_id, "a mistake")
    assert load_job_name(settings) == "rebuild"
    load_and_build(settings)
    assert load_job_name(settings) == "refresh"


def test_a_frozen_month_asks_for_a_rebuild_until_it_is_built(
    settings: Settings, store: IdentityStore
) -> None:
    store.freezes.freeze("acme", "2026-01", date(2026, 2, 1))
    assert load_job_name(settings) == "rebuild"
    load_and_build(settings)
    assert load_job_name(settings) == "refresh"


def test_an_override_that_the_build_did_not_see_is_built_next(
    settings: Settings, store: IdentityStore
) -> None:
    override(store)
    load_control_store(settings)
    override(store, "NOR")
    with factor_files.loading(settings):
        pass
    assert factor_files.files_are_current(settings)
    assert not factor_files.organizations_are_current(settings)
    assert load_job_name(settings) == "rebuild"


def test_a_loaded_override_without_a_build_is_not_taken_for_built(
    settings: Settings, store: IdentityStore
) -> None:
    override(store)
    load_control_store(settings)
    assert load_job_name(settings) == "rebuild"


def test_refused_factors_are_tried_again_when_an_override_changes(
    settings: Settings, store: IdentityStore, seeds: Path
) -> None:
    (seeds / "factor_x.csv").write_text("factor_id,value_mid\nx,-1\n")
    factor_files.refuse(settings)
    assert load_job_name(settings) == "refresh"
    override(store)
    assert load_job_name(settings) == "rebuild"
    load_control_store(settings)
    factor_files.refuse(settings)
    assert factor_files.are_refused(settings)
    assert load_job_name(settings) == "refresh"


def test_a_raw_store_of_an_earlier_release_has_no_overrides(
    settings: Settings, seeds: Path
) -> None:
    duckdb.connect(settings.raw_database).close()
    with factor_files.loading(settings):
        pass
    assert load_job_name(settings) == "refresh"


def test_a_mark_of_an_earlier_release_asks_for_a_rebuild(settings: Settings, seeds: Path) -> None:
    with factor_files.loading(settings):
        pass
    mark = settings.warehouse_dir / "factors-loaded.sha256"
    mark.write_text(mark.read_text().partition(" ")[0])
    assert load_job_name(settings) == "rebuild"
    assert not factor_files.organizations_are_current(settings)


def _of_factors(settings: Settings) -> Finding:
    (finding,) = (each for each in examine(settings) if each.what == "factors")
    return finding


def test_the_doctor_tells_what_waits_to_be_loaded(settings: Settings, store: IdentityStore) -> None:
    assert _of_factors(settings).state == "ok"
    override(store)
    finding = _of_factors(settings)
    assert (finding.state, finding.remedy) == ("note", "ecomind load")
    assert "overrides or frozen months" in finding.found


def test_a_control_store_that_is_none_is_told_in_a_sentence(
    settings: Settings, store: IdentityStore
) -> None:
    broken = settings.model_copy(update={"control_url": SecretStr(f"sqlite:///{settings.home}")})
    with pytest.raises(IdentityError, match="cannot be opened"):
        load_job_name(broken)
    finding = _of_factors(broken)
    assert finding.state == "wrong"
    assert "cannot be opened" in finding.found
