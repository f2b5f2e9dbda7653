"""``report.pdf``: the template compiled with its data, charts and the attached CSV.

Belongs here: compiling. Does not belong here: what the pages say (``document``, ``template.typ``).

Text reaches the template as JSON only, so no name in the data can become markup. The result is
PDF/A-3a and PDF/UA-1 and depends on the content alone: no clock, no machine fonts, no network.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import typst

from orchestration.reports import charts
from orchestration.reports.content import Content
from orchestration.reports.document import page_data
from orchestration.reports.typeface import FONT_DIR

STANDARDS: tuple[Literal["a-3a"], Literal["ua-1"]] = ("a-3a", "ua-1")
TEMPLATE = Path(__file__).with_name("template.typ")


class ReportNotPrintable(Exception):
    """The PDF cannot be made as promised; carries the compiler's words."""


def report_pdf(content: Content, attachments: Mapping[str, bytes]) -> bytes:
    """The document, with the CSV files attached by their names.

    Raises ``ReportNotPrintable`` when the compiler objects to anything, warnings included.
    """
    drawn = charts.all_charts(content)
    with tempfile.TemporaryDirectory(prefix="ecomind-report-") as folder:
        root = Path(folder)
        shutil.copyfile(TEMPLATE, root / "main.typ")
        (root / "data.json").write_text(json.dumps(page_data(content, drawn)), encoding="utf-8")
        for name, attached in attachments.items():
            (root / name).write_bytes(attached)
        for name, chart in drawn.items():
            (root / f"{name}.svg").write_text(chart.svg, encoding="utf-8")
        return _compile(root)


def _compile(root: Path) -> bytes:
    try:
        document, warnings = typst.compile_with_warnings(
            str(root / "main.typ"),
            root=str(root),
            font_paths=[str(FONT_DIR)],
            ignore_system_fonts=True,
            format="pdf",
            pdf_standards=list(STANDARDS),
        )
    except typst.TypstError as error:
        raise ReportNotPrintable(f"the report cannot be printed: {error}") from error
    if warnings:
        raise ReportNotPrintable(f"the report prints with warnings: {warnings[0]}")
    return document
