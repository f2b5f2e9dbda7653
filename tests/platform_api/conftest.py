"""Fixtures of the platform's tests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.platform_api.running import Platform, published


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A running platform; what it publishes is built once."""
    home = tmp_path_factory.mktemp("platform")
    last_day = datetime.now(UTC).date()
    published(home, last_day)
    with Platform(home, last_day) as running:
        yield running
