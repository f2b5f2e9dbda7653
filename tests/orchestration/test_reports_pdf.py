"""report.pdf: archivable, accessible, complete, the same bytes every time, and no person in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pikepdf
import pytest

from ecomind.warehouse.snapshot import SnapshotRef, read_snapshot
from orchestration.reports import pdf
from orchestration.reports.build import bundle_files
from orchestration.reports.content import METRICS, SCENARIOS, Content, read_content
from orchestration.reports.pdf import ReportNotPrintable, report_pdf
from orchestration.reports.period import Period
from tests.orchestration.snapshot_figures import PEOPLE
from tests.orchestration.snapshot_fixture import build_snapshot, changed

OCTOBER = Period.parse("2026-10")
ROOT = Path(__file__).resolve().parents[2]
needs_pdftotext = pytest.mark.skipif(
    shutil.which("pdftotext") is None, reason="pdftotext (poppler-utils) is not installed"
)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> SnapshotRef:
    return read_snapshot(build_snapshot(tmp_path_factory.mktemp("served") / "s.duckdb"))


@pytest.fixture(scope="module")
def content(snapshot: SnapshotRef) -> Content:
    with snapshot.connect() as connection:
        return read_content(connection, "aurelia", OCTOBER)


@pytest.fixture(scope="module")
def files(content: Content) -> dict[str, bytes]:
    return bundle_files(content)


@pytest.fixture(scope="module")
def report(files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.pdf"
    path.write_bytes(files["report.pdf"])
    return path


def text_of(path: Path) -> str:
    """The words of a PDF with runs of white space as one space."""
    result = subprocess.run(
        ["pdftotext", "-layout", str(path), "-"], capture_output=True, text=True, check=True
    )
    return re.sub(r"\s+", " ", result.stdout)


def printed(content: Content, folder: Path) -> str:
    path = folder / "report.pdf"
    path.write_bytes(report_pdf(content, {"facts.csv": b"a\r\n"}))
    return text_of(path)


def test_document_says_what_it_is(report: Path) -> None:
    with pikepdf.open(report) as document:
        metadata = document.open_metadata()
        assert metadata["pdfaid:part"] == "3"
        assert metadata["pdfaid:conformance"] == "A"
        assert metadata["pdfuaid:part"] == "1"
        assert metadata["dc:title"] == "AI footprint of Aurelia Health, October 2026"
        assert metadata["xmp:CreateDate"] == "2026-11-15T06:00:12Z"
        assert document.Root.Lang == "en-GB"
        assert document.Root.MarkInfo.Marked
        assert document.Root.ViewerPreferences.DisplayDocTitle
        assert len(document.pages) >= 4


def test_structure_has_headings_tables_and_described_figures(report: Path) -> None:
    kinds: dict[str, int] = {}
    descriptions: list[str] = []

    def walk(node: pikepdf.Object) -> None:
        if isinstance(node, pikepdf.Array):
            for child in node:
                walk(child)
        elif isinstance(node, pikepdf.Dictionary):
            kind = str(node.get("/S", ""))
            kinds[kind] = kinds.get(kind, 0) + 1
            if kind == "/Figure":
                descriptions.append(str(node.get("/Alt", "")))
            if "/K" in node:
                walk(node.K)

    with pikepdf.open(report) as document:
        walk(document.Root.StructTreeRoot.K)
    assert kinds["/H1"] >= 8
    assert kinds["/Table"] >= 10
    assert kinds["/TH"] > 40
    assert len(descriptions) == 3
    assert all(len(text) > 60 for text in descriptions)


def test_facts_are_attached_unchanged(report: Path, files: dict[str, bytes]) -> None:
    with pikepdf.open(report) as document:
        assert list(document.attachments) == ["facts.csv"]
        assert document.attachments["facts.csv"].get_file().read_bytes() == files["facts.csv"]
        (associated,) = document.Root.AF
        assert associated.AFRelationship == pikepdf.Name.Data


def test_only_the_vendored_font_is_used(report: Path) -> None:
    with pikepdf.open(report) as document:
        fonts = {
            str(item.BaseFont)
            for item in document.objects
            if isinstance(item, pikepdf.Dictionary) and item.get("/Type") == "/Font"
        }
    assert fonts
    assert all("DejaVuSans" in name for name in fonts)


@needs_pdftotext
def test_pages_say_what_they_must(report: Path, content: Content) -> None:
    text = text_of(report)
    for words in (
        "Aurelia Health",
        "October 2026",
        f"Snapshot {content.snapshot.snapshot_id}",
        "14 November 2026, 23:58 UTC",
        "ecomind-factors-2026.11",
        "Estimate, unsigned.",
        "Purchased AI services (Scope 3 category 1)",
        "Greenhouse gases, location-based",
        "Greenhouse gases, market-based",
        "never added",
        "Page 1 of ",
        "claude-opus-5-5",
        "europe-west1",
        "Customer support",
        "nova-chat-9",
        "CC BY 4.0",
        "Data quality score",
    ):
        assert words in text, words


@needs_pdftotext
def test_refused_and_unavailable_are_printed_as_such(report: Path) -> None:
    text = text_of(report)
    assert re.search(r"Total Scope 3 greenhouse gases ESRS Set 1 refused One category", text)
    assert re.search(r"ESRS Set 1 not available Net revenue is not known", text)
    assert "None" not in text.replace("None: ", "").replace("None yet", "")


@needs_pdftotext
def test_no_person_is_named(report: Path, files: dict[str, bytes]) -> None:
    text = text_of(report)
    for name in (name for team in PEOPLE.values() for name in team):
        assert name not in text
        assert name.encode() not in files["facts.csv"]
    assert "u_aurelia" not in text


@needs_pdftotext
def test_a_month_that_is_not_over_says_so(snapshot: SnapshotRef, tmp_path: Path) -> None:
    with snapshot.connect() as connection:
        november = read_content(connection, "aurelia", Period.parse("2026-11"))
        october = read_content(connection, "aurelia", OCTOBER)
    assert "The month was not over" in printed(november, tmp_path)
    assert "The month was not over" not in printed(october, tmp_path)


@needs_pdftotext
def test_names_cannot_become_markup_and_odd_characters_do_not_stop_the_report(
    snapshot: SnapshotRef, tmp_path: Path
) -> None:
    name = '#panic("x") *bold* $1$ 研究 🦖 \\ " </text>'
    odd = changed(
        snapshot.path,
        tmp_path / "odd.duckdb",
        f"update mart.dim_organization set name = '{name}' where org_id = 'aurelia'",
        "update mart.dim_team set name = '#eval(\"1\") & <b>' where team_id = 'research'",
        "update mart.model_footprint_daily set model = repeat('very-long_name/', 30)"
        " where model = 'gpt-4o'",
    )
    with read_snapshot(odd).connect() as connection:
        content = read_content(connection, "aurelia", OCTOBER)
    text = printed(content, tmp_path)
    assert '#panic("x") *bold* $1$ \ufffd\ufffd \ufffd \\ " </text>' in text
    assert '#eval("1") & <b>' in text


def test_a_month_with_one_day_and_no_footprint_prints(
    snapshot: SnapshotRef, tmp_path: Path
) -> None:
    marts = ("org", "team", "user", "model", "region")
    zeros = ", ".join(f"{m}_{s}_{unit} = 0" for m, unit in METRICS.items() for s in SCENARIOS)
    few = changed(
        snapshot.path,
        tmp_path / "few.duckdb",
        *(
            f"delete from mart.{m}_footprint_daily where usage_date <> date '2026-10-07'"
            for m in marts
        ),
        *(f"update mart.{m}_footprint_daily set {zeros}" for m in marts),
        "delete from mart.factor_in_use",
        "delete from mart.unknown_model",
        "delete from mart.rejection_daily",
    )
    with read_snapshot(few).connect() as connection:
        content = read_content(connection, "borealis", OCTOBER)
    assert content.total.metrics["energy"].high == 0
    assert report_pdf(content, {"facts.csv": b""}).startswith(b"%PDF-")


def test_another_process_in_another_time_zone_gives_the_same_bytes(
    snapshot: SnapshotRef, files: dict[str, bytes], tmp_path: Path
) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from ecomind.warehouse.snapshot import read_snapshot\n"
        "from orchestration.reports import build_bundle\n"
        "with read_snapshot(Path(sys.argv[1])).connect() as connection:\n"
        "    build_bundle(connection, 'aurelia', '2026-10', Path(sys.argv[2]))\n"
    )
    environment = {
        **os.environ,
        "TZ": "Pacific/Kiritimati",
        "LC_ALL": "C.UTF-8",
        "PYTHONHASHSEED": "7",
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
    }
    subprocess.run(
        [sys.executable, "-c", program, str(snapshot.path), str(tmp_path)],
        check=True,
        cwd=tmp_path,
        env=environment,
    )
    folder = tmp_path / "aurelia" / "2026-10" / "v001"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == files


def test_a_font_that_is_missing_stops_the_report(
    content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "FONT_DIR", tmp_path)
    with pytest.raises(ReportNotPrintable, match=r"unknown font family|font"):
        report_pdf(content, {"facts.csv": b""})


def test_the_snapshot_is_part_of_the_document(content: Content, files: dict[str, bytes]) -> None:
    later = replace(content, snapshot=replace(content.snapshot, snapshot_id="other"))
    assert bundle_files(later)["report.pdf"] != files["report.pdf"]
