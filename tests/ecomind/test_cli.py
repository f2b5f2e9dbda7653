"""The command's frame and the ground floor's commands."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from ecomind.cli import main
from ecomind.settings import ENVIRONMENT_PREFIX, Settings, get_settings


def run(*arguments: str, ok: bool = True) -> str:
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code == 0) is ok, result.output
    return result.output


def test_help_lists_every_room_s_commands(settings: Settings) -> None:
    output = run("--help")
    for name in ("up", "import", "load", "report", "key", "config", "doctor", "contract", "org"):
        assert name in output


def test_config_names_every_setting_and_masks_secrets(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECOMIND_ALERT_WEBHOOK_URL", "https://hooks.example/secret-part")
    monkeypatch.setenv("ECOMIND_CONTROL_URL", "postgresql://eco:password@db/eco")
    get_settings.cache_clear()
    output = run("config", "--json")
    assert "secret-part" not in output
    assert "password" not in output
    rows = {row["setting"]: row for row in json.loads(output)}
    assert set(rows) == {f"{ENVIRONMENT_PREFIX}{name.upper()}" for name in Settings.model_fields}
    assert rows["ECOMIND_HOME"]["from"] == "environment"
    assert all(row["meaning"] for row in rows.values())


def test_a_wrong_setting_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECOMIND_INGEST_PORT", "eighty")
    get_settings.cache_clear()
    output = run("config", ok=False)
    assert "ECOMIND_INGEST_PORT is wrong" in output
    assert "Traceback" not in output


def test_a_key_can_be_written_to_a_private_file(settings: Settings, tmp_path: Path) -> None:
    run("org", "create", "acme", "--name", "Acme")
    out = tmp_path / "key"
    printed = run("key", "create", "acme", "--role", "ingest", "--out", str(out))
    assert out.read_text().strip() not in printed
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    key_id = out.read_text().split("_")[2]
    assert key_id in run("key", "list")
    run("key", "revoke", key_id)
    assert "revoked" in run("key", "list", "--org", "acme")


def test_errors_are_one_sentence(settings: Settings) -> None:
    output = run("key", "create", "nope", "--role", "ingest", ok=False)
    assert output == "Error: there is no organisation nope\n"
