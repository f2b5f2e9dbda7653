"""Fixtures of the platform's tests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.platform_api.running import Platform, published
from tests.support.shared import built_once


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A running platform; what it publishes is built once."""
    last_day = datetime.now(UTC).date()
    built = built_once(f"platform-{last_day}", lambda folder: published(folder, last_day))
    home = tmp_path_factory.mktemp("platform") / "home"
    shutil.copytree(built, home)
    with Platform(home, last_day) as running:
        yield running
