"""Reports of months that were restated: old and new side by side, every version kept."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import shutil
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from ecomind.settings import Settings
from ecomind.warehouse.bundles import Bundle
from ecomind.warehouse.snapshot import SnapshotRef, read_snapshot
from orchestration.reports import FiguresDisagree, Period, build_bundle, read_content
from orchestration.reports.facts import COLUMNS
from orchestration.reports.numbers import signed, significant
from orchestration.reports.period import day_text
from orchestration.reports.restated import DATAPOINT_COLUMNS, TOTAL
from tests.orchestration.snapshot_fixture import changed
from tests.support.restated import ORG_ID, OTHER_ORG_ID, restated_snapshot

RESTATED, OPEN = "2026-09", "2026-11"
FILES = ("facts.csv", "manifest.json", "report.pdf")
needs_pdftotext = pytest.mark.skipif(
    shutil.which("pdftotext") is None, reason="pdftotext (poppler-utils) is not installed"
)


@pytest.fixture(scope="module")
def snapshot() -> SnapshotRef:
    return read_snapshot(restated_snapshot())


@pytest.fixture(scope="module")
def bundles(snapshot: SnapshotRef, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Bundle]:
    folder = tmp_path_factory.mktemp("reports")
    with snapshot.connect() as connection:
        return {
            month: build_bundle(connection, ORG_ID, month, folder) for month in (RESTATED, OPEN)
        }


def rows(snapshot: SnapshotRef, sql: str) -> list[tuple[Any, ...]]:
    with snapshot.connect() as connection:
        return connection.execute(sql).fetchall()


def parsed(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline="")))


def text_of(bundle: Bundle) -> str:
    path = str(bundle.directory / "report.pdf")
    result = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, check=True)
    return re.sub(r"\s+", " ", result.stdout.decode("utf-8")).replace("\u200b", "")


def of_september(table: str) -> str:
    return f"{table} where org_id = '{ORG_ID}' and period_start = date '2026-09-01'"


def frozen_on(snapshot: SnapshotRef) -> date:
    [(day,)] = rows(
        snapshot, f"select distinct frozen_on from {of_september('mart.org_restatement_monthly')}"
    )
    return day


def test_datapoints_stand_beside_what_was_reported(
    snapshot: SnapshotRef, bundles: dict[str, Bundle]
) -> None:
    facts = parsed(bundles[RESTATED].read("facts.csv"))
    assert tuple(facts[0]) == (*COLUMNS, *DATAPOINT_COLUMNS)
    reported = {
        name: values
        for name, *values in rows(
            snapshot,
            "select datapoint_id, value, value_low, value_high from "
            + of_september("as_reported.rpt_datapoint"),
        )
    }
    computed = [row for row in facts if row["status"] == "computed"]
    assert len(computed) > 3
    for row in computed:
        found = [float(row[f"{name}_as_reported"]) for name in ("value", "value_low", "value_high")]
        assert found == reported[row["datapoint_id"]]
        difference = float(row["value"]) - found[0]
        assert float(row["difference"]) == difference
        assert float(row["difference_share"]) == difference / found[0]
        assert row["is_significant"] == ("true" if abs(difference) > 0.05 * found[0] else "false")
        assert row["frozen_on"] == frozen_on(snapshot).isoformat()
    assert {row["is_significant"] for row in computed} == {"true", "false"}
    for row in facts:
        if row["status"] != "computed":
            assert {row[name] for name in DATAPOINT_COLUMNS} == {""}


def test_restatement_file_holds_every_figure_and_the_parts_it_sums_from(
    snapshot: SnapshotRef, bundles: dict[str, Bundle]
) -> None:
    found = parsed(bundles[RESTATED].read("restatement.csv"))
    totals = [row for row in found if row["term"] == TOTAL]
    published = rows(
        snapshot,
        "select metric, value_as_reported, value_restated, difference, is_significant from "
        + of_september("mart.org_restatement_monthly"),
    )
    assert len(published) == 11
    names = ("value_as_reported", "value_restated", "difference")
    assert sorted(
        (row["metric"], *(float(row[name]) for name in names), row["is_significant"] == "true")
        for row in totals
    ) == sorted(published)
    for total in totals:
        parts = [row for row in found if row["metric"] == total["metric"] and row["term"] != TOTAL]
        summed = math.fsum(float(part["difference"]) for part in parts)
        assert summed == pytest.approx(float(total["difference"]), rel=1e-9, abs=1e-12)
        assert all(part["reported_factor_ids"] or part["restated_factor_ids"] for part in parts)
    assert any("override:o_1" in row["restated_factor_ids"] for row in found)


def test_months_that_were_not_restated_are_as_ever(bundles: dict[str, Bundle]) -> None:
    bundle = bundles[OPEN]
    assert bundle.files == FILES
    assert bundle.read("facts.csv").startswith((",".join(COLUMNS) + "\r\n").encode())
    assert "restatement" not in json.loads(bundle.read("manifest.json"))
    with pikepdf.open(bundle.directory / "report.pdf") as document:
        assert list(document.attachments) == ["facts.csv"]


@needs_pdftotext
def test_pages_of_other_months_do_not_mention_restatement(bundles: dict[str, Bundle]) -> None:
    text = text_of(bundles[OPEN])
    assert "Restate" not in text
    assert "names the SHA-256 of both files" in text


@needs_pdftotext
def test_pages_show_old_new_and_the_rows_between(
    snapshot: SnapshotRef, bundles: dict[str, Bundle]
) -> None:
    text = text_of(bundles[RESTATED])
    for words in (
        f"Restated. This month was frozen on {day_text(frozen_on(snapshot))}.",
        "More than 5% from what was reported: Greenhouse gases, market-based.",
        "Figure As reported Restated Difference Unit Change Size",
        "Factors behind the differences",
        "grid_location:DEU:2025-01-01:2",
        "override:o_1",
    ):
        assert words in text, words
    for metric, label, flag in (
        ("energy_mid_kwh", "Energy", "kWh {} within 5%"),
        ("co2e_total_market_mid_kg", "market-based", "kg CO₂e {} above 5%"),
    ):
        [(reported, restated, difference, share)] = rows(
            snapshot,
            "select value_as_reported, value_restated, difference, difference_share from "
            + of_september("mart.org_restatement_monthly")
            + f" and metric = '{metric}'",
        )
        numbers = f"{significant(reported)} {significant(restated)} {signed(difference)}"
        assert f"{label} {numbers} {flag.format(signed(share * 100) + '%')}" in text


def test_both_files_are_attached(bundles: dict[str, Bundle]) -> None:
    bundle = bundles[RESTATED]
    with pikepdf.open(bundle.directory / "report.pdf") as document:
        for name in ("facts.csv", "restatement.csv"):
            assert document.attachments[name].get_file().read_bytes() == bundle.read(name)


def test_a_rerun_is_the_same_bytes_and_a_restatement_supersedes(
    snapshot: SnapshotRef, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path / "home")
    before = read_snapshot(
        changed(
            snapshot.path,
            tmp_path / "before.duckdb",
            "update publication.snapshot set snapshot_id = 'before'",
            "delete from mart.org_restatement_monthly",
            "delete from mart.restatement",
        )
    )
    later = read_snapshot(
        changed(
            snapshot.path,
            tmp_path / "later.duckdb",
            "update publication.snapshot set snapshot_id = 'later',"
            " published_at = published_at + interval 1 day",
        )
    )

    def built(of: SnapshotRef, **how: bool) -> Bundle:
        with of.connect() as connection:
            return build_bundle(connection, ORG_ID, RESTATED, settings.reports_dir, **how)

    first = built(before)
    kept = {name: first.read(name) for name in first.files}
    second = built(snapshot, only_if_changed=True)
    assert (first.version, second.version) == (1, 2)
    assert built(snapshot) == second
    assert built(later, only_if_changed=True) == second
    third = built(later)
    assert third.version == 3
    assert built(snapshot) == second
    assert {name: first.read(name) for name in first.files} == kept
    manifests = [json.loads(b.read("manifest.json")) for b in (second, third)]
    assert [m["restatement"]["supersedes"] for m in manifests] == ["v001", "v002"]
    assert manifests[0]["restatement"]["frozen_on"] == frozen_on(snapshot).isoformat()
    assert "co2e_total_market_mid_kg" in manifests[0]["restatement"]["significant_metrics"]
    assert "energy_mid_kwh" not in manifests[0]["restatement"]["significant_metrics"]


@needs_pdftotext
def test_many_parts_are_counted_and_left_to_the_file(snapshot: SnapshotRef, tmp_path: Path) -> None:
    many = changed(
        snapshot.path,
        tmp_path / "many.duckdb",
        "insert into mart.restatement select org_id, period_start, metric, term || n,"
        " reported_factor_ids, '#panic(\"x\")' || n, unit,"
        " case when n % 2 = 0 then 1e-6 else -1e-6 end"
        f" from (from {of_september('mart.restatement')} and metric = 'energy_mid_kwh'"
        " and term = 'PUE'), range(10) as r(n)",
    )
    with read_snapshot(many).connect() as connection:
        bundle = build_bundle(connection, ORG_ID, RESTATED, tmp_path / "reports")
    text = text_of(bundle)
    assert "Total, with 6 more parts in restatement.csv +" in text
    assert '#panic("x")0' in text
    lines = [r for r in parsed(bundle.read("restatement.csv")) if r["metric"] == "energy_mid_kwh"]
    assert len(lines) == 13


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "update mart.restatement set difference = difference * 1.001 where term = 'PUE'",
            "restatement sum",
        ),
        (
            "update mart.org_restatement_monthly set value_restated = value_restated * 1.001",
            "is restated to",
        ),
    ],
)
def test_contradicting_restatements_are_not_printed(
    snapshot: SnapshotRef, tmp_path: Path, statement: str, message: str
) -> None:
    broken = read_snapshot(changed(snapshot.path, tmp_path / "broken.duckdb", statement))
    with broken.connect() as connection, pytest.raises(FiguresDisagree, match=message):
        read_content(connection, ORG_ID, Period.parse(RESTATED))


def test_nothing_of_another_organisation_is_in_the_files(
    snapshot: SnapshotRef, tmp_path: Path
) -> None:
    with snapshot.connect() as connection:
        bundle = build_bundle(connection, OTHER_ORG_ID, RESTATED, tmp_path)
    restated = bundle.read("restatement.csv").decode("utf-8")
    assert "override:" not in restated
    assert ORG_ID not in restated + bundle.read("facts.csv").decode("utf-8")
