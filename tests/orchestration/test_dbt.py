"""The dbt command as Dagster runs it."""

from __future__ import annotations

import subprocess

import pytest
from dagster_dbt.core import resource

from ecomind.settings import Settings
from orchestration.dbt import dbt_resource


def test_dagster_starts_the_command_and_nothing_beside_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refused(command: list[str]) -> bytes:
        raise subprocess.SubprocessError(f"{command} was run, too")

    monkeypatch.setattr(resource, "check_output", refused)
    invocation = dbt_resource().cli(["--version"], target_path=settings.home / "target").wait()
    assert invocation.is_successful()
    assert invocation.adapter is None
    assert f"installed: {invocation.cli_version}" in capfd.readouterr().out
