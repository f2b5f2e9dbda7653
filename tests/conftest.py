"""Fixtures every room's tests share: an installation of its own in a temporary folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ecomind.settings import Settings, get_settings
from tests.support import postgresql


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
    return server.database()


@pytest.fixture
def either(control_url: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a fresh installation, once on each kind of database."""
    monkeypatch.setenv("ECOMIND_CONTROL_URL", control_url)
    get_settings.cache_clear()
    return get_settings()
