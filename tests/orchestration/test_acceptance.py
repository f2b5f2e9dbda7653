"""The acceptance suite on a published snapshot: what holds, and what it finds when it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecomind.warehouse.snapshot import read_snapshot
from orchestration.acceptance import accept
from tests.orchestration.snapshot_fixture import build_snapshot, changed
from tests.support.restated import restated_snapshot

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_a_snapshot_with_restated_months_is_accepted(tmp_path: Path) -> None:
    verdicts = accept(read_snapshot(restated_snapshot()), tmp_path / "data")
    assert [verdict for verdict in verdicts if not verdict.holds] == []
    by_mart = {verdict.mart for verdict in verdicts}
    assert {
        "as_reported.org_footprint_daily",
        "mart.org_restatement_monthly",
        "mart.restatement",
    } <= by_mart
    page = (tmp_path / "data" / "index.html").read_text(encoding="utf-8")
    assert "share_no_part_explains" in page


def test_without_restated_months_it_is_accepted_too(tmp_path: Path) -> None:
    snapshot = read_snapshot(build_snapshot(tmp_path / "s.duckdb"))
    assert [v for v in accept(snapshot, tmp_path / "data") if not v.holds] == []


def test_what_does_not_add_up_is_found(tmp_path: Path) -> None:
    broken = changed(
        restated_snapshot(),
        tmp_path / "broken.duckdb",
        "update mart.restatement set difference = difference * 1.01 where term = 'PUE'",
        "update mart.restatement set reported_factor_ids = '', restated_factor_ids = ''"
        " where term = 'IT energy'",
        "update mart.org_footprint_daily set calls = calls + 1",
    )
    found = {
        (verdict.mart, verdict.sentence)
        for verdict in accept(read_snapshot(broken), tmp_path / "data")
        if not verdict.holds
    }
    assert found == {
        ("mart.org_restatement_monthly", "share_no_part_explains is from 0 to 1e-09"),
        ("mart.restatement", "factor_ids is never empty"),
        ("as_reported.org_footprint_daily", "calls equals calls_as_known_now"),
    }
