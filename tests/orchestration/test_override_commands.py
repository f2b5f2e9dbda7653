"""``ecomind factors override``, ``overrides``, ``withdraw`` and ``ecomind period``."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest
from click.testing import CliRunner

from ecomind.cli import main
from ecomind.identity import open_store
from ecomind.settings import Settings

OVERRIDE = ("factors", "override", "acme", "pue", "aws/eu-central-1")


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner(env={"COLUMNS": "200"}).invoke(main, arguments)
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def acme(settings: Settings) -> Settings:
    open_store(settings).organizations.create("acme", "Acme")
    return settings


def test_an_override_is_recorded_listed_and_withdrawn(acme: Settings) -> None:
    options = ("--low", "1.2", "--high", "1.5", "--from", "2026-01-01", "--to", "2027-01-01")
    told = run(*OVERRIDE, "1.25", *options, "--reason", "measured", "--evidence", "meter 7")
    override_id = told.split()[1].rstrip(";")
    assert told == f"recorded {override_id}; apply it with: ecomind load\n"
    (row,) = open_store(acme).overrides.rows()
    names = ("value_low", "value_mid", "value_high", "unit", "reason", "evidence", "dq_score")
    assert [row[name] for name in names] == [
        1.2, 1.25, 1.5, "kWh/IT kWh", "measured", "meter 7", 3
    ]  # fmt: skip
    assert (row["valid_from"], row["valid_to"]) == (date(2026, 1, 1), date(2027, 1, 1))
    listed = run("factors", "overrides", "acme")
    for cell in (override_id, "aws/eu-central-1", "1.25", "2027-01-01", "stands"):
        assert cell in listed
    assert override_id not in run("factors", "overrides", "beta")
    told = run("factors", "withdraw", override_id, "--reason", "wrong meter")
    assert told == f"withdrew {override_id}; apply it with: ecomind load\n"
    assert f"withdrawn {datetime.now(UTC):%Y-%m-%d}" in run("factors", "overrides")
    (plain,) = json.loads(run("factors", "overrides", "--json"))
    assert plain["withdrawal_reason"] == "wrong meter"
    assert plain["valid_from"] == "2026-01-01"
    assert datetime.fromisoformat(plain["withdrawn_at"]).utcoffset() is not None


def test_low_and_high_are_the_central_value_unless_given(acme: Settings) -> None:
    quality = ("--quality", "5", "--unit", "kWh/IT kWh")
    run(*OVERRIDE, "1.25", "--from", "2026-01-01", "--reason", "measured", *quality)
    (row,) = open_store(acme).overrides.rows()
    assert [row[f"value_{name}"] for name in ("low", "mid", "high")] == [1.25, 1.25, 1.25]
    assert (row["dq_score"], row["valid_to"]) == (5, None)


def test_a_refused_override_is_one_sentence(acme: Settings) -> None:
    dated = ("--from", "2026-01-01", "--reason", "measured")
    assert run(*OVERRIDE, "0.9", *dated, code=1) == "Error: a PUE is at least 1, not 0.9\n"
    assert run("factors", "withdraw", "o_1", "--reason", "x", code=1) == (
        "Error: there is no override o_1\n"
    )
    assert "Invalid value for '--from'" in run(
        *OVERRIDE, "1.2", "--from", "soon", "--reason", "x", code=2
    )
    assert "'--reason'" in run(*OVERRIDE, "1.2", "--from", "2026-01-01", code=2)
    assert open_store(acme).overrides.rows() == []


def test_a_month_is_frozen_and_listed(acme: Settings) -> None:
    told = run("period", "freeze", "acme", "2026-01", "--on", "2026-02-10")
    assert told == "2026-01 of acme is frozen as known on 2026-02-10; apply it with: ecomind load\n"
    refused = run("period", "freeze", "acme", "2026-01", "--on", "2026-02-11", code=1)
    assert refused == "Error: 2026-01 of acme is frozen already, on 2026-02-10\n"
    run("period", "freeze", "acme", "2025-12")
    listed = run("period", "list", "acme")
    assert "2026-02-10" in listed
    assert "2025-12" in listed
    assert "2025-12" not in run("period", "list", "beta")
    assert "period" in run("--help")
