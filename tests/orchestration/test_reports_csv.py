"""facts.csv: every datapoint exactly, nothing a spreadsheet would run, no invented zero."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ecomind.warehouse.snapshot import SnapshotRef, read_snapshot
from orchestration.reports.cells import cell, guarded
from orchestration.reports.content import FiguresDisagree, NothingToReport, read_content
from orchestration.reports.facts import COLUMNS, facts_csv
from orchestration.reports.period import Period
from tests.orchestration.snapshot_fixture import build_snapshot, changed

OCTOBER = Period.parse("2026-10")


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> SnapshotRef:
    return read_snapshot(build_snapshot(tmp_path_factory.mktemp("served") / "s.duckdb"))


def parsed(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline="")))


def facts(snapshot: SnapshotRef, org_id: str = "aurelia") -> bytes:
    with snapshot.connect() as connection:
        content = read_content(connection, org_id, OCTOBER)
    return facts_csv(content.datapoints, content.snapshot.snapshot_id)


def test_every_datapoint_is_there_with_every_digit(snapshot: SnapshotRef) -> None:
    with snapshot.connect() as connection:
        published = connection.execute(
            "select datapoint_id, status, value, value_low, value_high, unit, coverage_pct,"
            " refusal_reason from reporting.rpt_datapoint"
            " where org_id = 'aurelia' and period_start = date '2026-10-01'"
        ).fetchall()
    read = [
        (
            row["datapoint_id"],
            row["status"],
            *(float(row[c]) if row[c] else None for c in ("value", "value_low", "value_high")),
            row["unit"],
            float(row["coverage_pct"]) if row["coverage_pct"] else None,
            row["refusal_reason"] or None,
        )
        for row in parsed(facts(snapshot))
    ]
    assert len(read) == 7
    assert sorted(read) == sorted(published)


def test_only_one_organisation_and_the_snapshot_named(snapshot: SnapshotRef) -> None:
    for org_id in ("aurelia", "borealis"):
        rows = parsed(facts(snapshot, org_id))
        assert {row["org_id"] for row in rows} == {org_id}
        assert {row["snapshot_id"] for row in rows} == {snapshot.snapshot_id}
        assert {(row["period_start"], row["period_end"]) for row in rows} == {
            ("2026-10-01", "2026-10-31")
        }


def test_refused_and_unavailable_are_named_and_never_zero(snapshot: SnapshotRef) -> None:
    absent = [row for row in parsed(facts(snapshot)) if row["status"] != "computed"]
    assert {row["status"] for row in absent} == {"refused", "not_available"}
    for row in absent:
        assert row["value"] == row["value_low"] == row["value_high"] == ""
        assert row["refusal_reason"]


def test_file_is_rfc_4180_in_utf_8(snapshot: SnapshotRef) -> None:
    data = facts(snapshot)
    assert data.startswith(",".join(COLUMNS).encode())
    assert data.count(b"\r\n") == data.count(b"\n") == 8
    assert data.endswith(b"\r\n")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "  ="])
def test_text_that_would_run_as_a_formula_is_guarded(start: str) -> None:
    assert guarded(f"{start}cmd|' /C calc'!A0") == f"'{start}cmd|' /C calc'!A0"


def test_numbers_are_not_guarded_and_plain_text_is_kept() -> None:
    assert cell(-0.1) == "-0.1"
    assert cell('Energy, water and "CO2"') == 'Energy, water and "CO2"'
    assert cell(date(2026, 10, 1)) == "2026-10-01"
    assert cell(None) == ""
    with pytest.raises(TypeError, match="bool"):
        cell(True)


@pytest.mark.parametrize("value", [0.1 + 0.2, 1e-300, 123456789.123456789, -0.0, 5e22])
def test_numbers_read_back_as_the_same_number(value: float) -> None:
    assert repr(float(cell(value))) == repr(value)


def test_a_label_with_a_formula_quote_and_line_break_survives_the_file() -> None:
    row: dict[str, Any] = dict.fromkeys(COLUMNS)
    label = '=HYPERLINK("x"),\r\nsecond line'
    read = parsed(facts_csv([{**row, "label": label}], "s1"))
    assert read[0]["label"] == "'" + label


@pytest.mark.parametrize("org_id", ["nobody", "aurelia' or '1'='1"])
def test_an_unknown_organisation_has_nothing_to_report(snapshot: SnapshotRef, org_id: str) -> None:
    with snapshot.connect() as connection, pytest.raises(NothingToReport, match="knows no"):
        read_content(connection, org_id, OCTOBER)


def test_a_month_without_calls_has_nothing_to_report(snapshot: SnapshotRef) -> None:
    with snapshot.connect() as connection, pytest.raises(NothingToReport, match="March 2026"):
        read_content(connection, "aurelia", Period.parse("2026-03"))


@pytest.mark.parametrize("text", ["2026-13", "2026-1", "26-01", "2026-10-01", "", "0000-01"])
def test_a_malformed_month_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="YYYY-MM"):
        Period.parse(text)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "update reporting.rpt_datapoint set value = null where status = 'computed'",
            "computed but has no value",
        ),
        (
            "update reporting.rpt_datapoint set value = 'nan' where status = 'computed'",
            "computed but has no value",
        ),
        (
            "update reporting.rpt_datapoint set value = 0 where status = 'refused'",
            "refused but has a value",
        ),
        (
            "update mart.model_footprint_daily set energy_mid_kwh = energy_mid_kwh * 1.001",
            "energy by model",
        ),
        ("delete from mart.region_footprint_daily where zone_id = 'SWE'", "by region"),
    ],
)
def test_contradicting_rows_are_not_printed(
    snapshot: SnapshotRef, tmp_path: Path, statement: str, message: str
) -> None:
    broken = changed(snapshot.path, tmp_path / "broken.duckdb", statement)
    with (
        read_snapshot(broken).connect() as connection,
        pytest.raises(FiguresDisagree, match=message),
    ):
        read_content(connection, "aurelia", OCTOBER)


def test_teams_too_small_to_hide_a_person_are_shown_together(snapshot: SnapshotRef) -> None:
    with snapshot.connect() as connection:
        content = read_content(connection, "aurelia", OCTOBER)
        (small,) = connection.execute(
            "select sum(energy_mid_kwh) from mart.team_footprint_daily where org_id = 'aurelia'"
            " and usage_date < date '2026-11-01' and team_id in ('platform', 'unattributed')"
        ).fetchall()
    assert set(content.teams) == {"Research", "Customer support", "Small teams and unattributed"}
    merged = content.teams["Small teams and unattributed"].metrics["energy"].mid
    assert merged == pytest.approx(small[0], rel=1e-12)
