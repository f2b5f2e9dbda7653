"""The made parts of ``docs/validation.md`` and its pictures: written, or compared.

Belongs here: the marks in the page and the files. Does not belong here: tables and charts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from benchmarks.accuracy.charts import pictures
from benchmarks.accuracy.report import regions
from ecomind.settings import PROJECT_ROOT

PAGE = PROJECT_ROOT / "docs" / "validation.md"
IMAGES = PROJECT_ROOT / "docs" / "images"
MARKED = re.compile(r"(<!-- made: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


class PageMarks(ValueError):
    """The page lacks the mark of a made part, or has one that nothing makes."""


def filled(text: str, made: Mapping[str, str]) -> str:
    """The page with every marked part made anew. Raises ``PageMarks``."""
    marks = [match[2] for match in MARKED.finditer(text)]
    if sorted(marks) != sorted(made):
        wrong = ", ".join(sorted(set(marks) ^ set(made))) or "one that stands twice"
        raise PageMarks(f"The page and its tables differ in the marks: {wrong}.")
    return MARKED.sub(lambda match: f"{match[1]}{made[match[2]]}\n{match[3]}", text)


def outdated() -> list[str]:
    """Names of committed files that differ from what the command makes now."""
    text = PAGE.read_text(encoding="utf-8")
    stale = [] if filled(text, regions()) == text else [PAGE.name]
    for name, svg in pictures().items():
        path = IMAGES / name
        if not path.is_file() or path.read_text(encoding="utf-8") != svg:
            stale.append(name)
    return stale


def write() -> None:
    """Write the marked parts and the pictures."""
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), regions()), encoding="utf-8")
    for name, svg in pictures().items():
        (IMAGES / name).write_text(svg, encoding="utf-8")
