"""Jobs run from a command: what stops them before they begin, and what they say when they fail."""

from __future__ import annotations

import shutil

import pytest

from ecomind.settings import Settings
from orchestration.runs import DiskFull, prepare_home


def test_nothing_begins_on_a_full_disk(settings: Settings) -> None:
    free = shutil.disk_usage(settings.home.parent).free
    wanting = settings.model_copy(update={"min_free_bytes": 2 * free})
    with pytest.raises(DiskFull, match=r"is full: .* MiB are free"):
        prepare_home(wanting)
    assert not (settings.dagster_home / "dagster.yaml").exists()
