"""A table that prints on a terminal and in Markdown alike.

Belongs here: the table, and how numbers are written. Does not belong here: what is in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table as Printed


@dataclass(frozen=True, slots=True)
class Table:
    """Text cells; the first column is aligned left, as are those named in ``words``."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: frozenset[str] = frozenset()

    def _is_left(self, column: str) -> bool:
        return column == self.columns[0] or column in self.words

    def markdown(self) -> str:
        """As a Markdown table; a character that would end a cell is escaped."""
        rule = ["---" if self._is_left(column) else "---:" for column in self.columns]
        lines = [self.columns, rule, *self.rows]
        return "\n".join(
            "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
        )

    def show(self) -> None:
        """Print it."""
        printed = Printed(title=self.title, title_justify="left", box=box.SIMPLE)
        for column in self.columns:
            printed.add_column(column, justify="left" if self._is_left(column) else "right")
        for row in self.rows:
            printed.add_row(*row)
        Console(width=150).print(printed)


def significant(value: float, digits: int = 3) -> str:
    """``value`` with so many significant digits, never in exponent form."""
    if value == 0:
        return "0"
    rounded = float(f"{value:.{digits}g}")
    whole = len(str(int(abs(rounded)))) if abs(rounded) >= 1 else 0
    if whole:
        return f"{rounded:,.{max(0, digits - whole)}f}"
    return f"{rounded:.{digits + _leading_zeros(abs(rounded))}f}"


def _leading_zeros(value: float) -> int:
    zeros = 0
    while value < 0.1:
        value, zeros = value * 10, zeros + 1
    return zeros


def times(value: float) -> str:
    """A ratio."""
    return f"x{value:.2f}"


def percent(share: float) -> str:
    """A share as a whole percentage."""
    return f"{100 * share:.0f} %"
