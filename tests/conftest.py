"""Fixtures every room's tests share: an installation of its own in a temporary folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ecomind.settings import Settings, get_settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings of a fresh installation below the test's temporary folder."""
    monkeypatch.setenv("ECOMIND_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ECOMIND_NODE", "testnode")
    get_settings.cache_clear()
    yield get_settings()
    get_settings.cache_clear()
