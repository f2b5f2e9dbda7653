"""What every room's tests share: an installation of their own, a folder, the order of files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecomind.settings import Settings, get_settings
from tests.support import postgresql
from tests.support.shared import FOLDER

LONGEST_FIRST = (
    "end_to_end/test_journey.py",
    "end_to_end/test_erasure.py",
    "orchestration/test_factor_candidate.py",
    "end_to_end/test_storm.py",
    "streamlit_app/test_sign_in.py",
    "platform_api/test_openapi.py",
    "ext_chrome/test_extension.py",
    "end_to_end/test_extension.py",
    "end_to_end/test_killed_builds.py",
    "ingest_api/test_service.py",
    "streamlit_app/test_browser.py",
    "ingest_api/test_workers.py",
    "dbt_project/test_increments.py",
    "platform_api/test_access.py",
    "streamlit_app/test_lenses.py",
    "dlt_pipelines/test_load.py",
    "dbt_project/test_lenses.py",
    "ingest_api/test_faults.py",
    "ingest_api/test_object_zone.py",
    "orchestration/test_acceptance.py",
    "dbt_project/test_optional_sets.py",
    "dbt_project/test_properties.py",
    "dbt_project/test_factors.py",
    "ingest_api/test_openapi.py",
    "dbt_project/test_resolution.py",
    "streamlit_app/test_pages.py",
    "dbt_project/test_coverage.py",
    "dbt_project/test_seed_files.py",
)
"""Files of half a minute and more: begun last, one of them would run alone in the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the files, the longest first; what is in a file keeps its order."""
    tests = Path(__file__).parent
    place = {tests / name: number for number, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


@pytest.fixture(scope="session", autouse=True)
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One folder for all processes of a test run (``tests.support.shared``)."""
    base = tmp_path_factory.getbasetemp()
    with pytest.MonkeyPatch.context() as patch:
        in_worker = "PYTEST_XDIST_WORKER" in os.environ
        patch.setenv(FOLDER, str((base.parent if in_worker else base) / "shared"))
        yield


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings of a fresh installation below the test's temporary folder."""
    monkeypatch.setenv("ECOMIND_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ECOMIND_NODE", "testnode")
    get_settings.cache_clear()
    yield get_settings()
    get_settings.cache_clear()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[postgresql.Server]:
    """A real PostgreSQL for the whole run."""
    with postgresql.running() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def control_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty control store, once on each kind of database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'control.db'}"
    server: postgresql.Server = request.getfixturevalue("postgresql_server")
    return server.schema()


@pytest.fixture
def either(control_url: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a fresh installation, once on each kind of database."""
    monkeypatch.setenv("ECOMIND_CONTROL_URL", control_url)
    get_settings.cache_clear()
    return get_settings()
