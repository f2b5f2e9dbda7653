"""What the tests of the orchestrator share: the code location."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from ecomind.settings import Settings, get_settings
from orchestration.dbt import ensure_manifest
from tests.support.shared import built_once


@pytest.fixture(scope="module")
def code_location() -> Iterator[Callable[[], dg.Definitions]]:
    """What makes the definitions; importing any parses the dbt project, in one home for all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECOMIND_HOME", str(built_once("location", _parse)))
        patch.setenv("DAGSTER_HOME", "")
        get_settings.cache_clear()
        from orchestration.definitions import defs  # noqa: PLC0415

        yield defs
    get_settings.cache_clear()


def _parse(home: Path) -> None:
    ensure_manifest(Settings(home=home))
