"""The tables of the method page that are made from the seeds."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import factor_quality
from benchmarks.accuracy.seeds import SEEDS, read
from benchmarks.factor_quality import APPLIED, by_basis, by_type, by_use, outdated, rows_in_force


def test_page_is_what_the_command_makes() -> None:
    assert not outdated()


def test_page_with_another_figure_is_outdated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = factor_quality.PAGE.read_text(encoding="utf-8")
    page = tmp_path / "method.md"
    page.write_text(text.replace("| `measured` | 21 |", "| `measured` | 22 |"), encoding="utf-8")
    monkeypatch.setattr(factor_quality, "PAGE", page)
    assert outdated()


def test_every_type_that_is_applied_is_counted_once() -> None:
    kinds = {row["factor_type"] for row in read(SEEDS / "accepted_units.csv")}
    references = {
        "embodied_input", "grid_location_disclosed", "grid_location_non_baseload",
        "pue_disclosed", "unit_speech_1k_characters", "unit_video_clip", "unit_web_search",
        "wue_disclosed",
    }  # fmt: skip
    assert set(APPLIED) == kinds - references
    counted = sum(int(row[1]) for row in by_type().rows)
    assert counted == sum(kind in APPLIED for kind, _ in rows_in_force())


def test_shares_of_scores_are_whole() -> None:
    for table, first in ((by_type(), 2), (by_use(), 2)):
        for row in table.rows:
            shares = [float(cell.removesuffix(" %")) for cell in row[first : first + 5] if cell]
            assert sum(shares) == pytest.approx(100, abs=2), row[0]
    assert sum(int(row[1]) for row in by_basis().rows) == len(read(SEEDS / "models.csv"))
