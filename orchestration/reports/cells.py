"""Text of CSV cells: every digit, and nothing a spreadsheet would run.

Belongs here: the spelling of one value. Does not belong here: columns and rows, or rounding.

Numbers are the shortest decimal text that reads back as the same number. Text that a
spreadsheet would run as a formula is preceded by an apostrophe.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def cell(value: object) -> str:
    """The text of one cell. Raises ``TypeError`` for a kind of value no datapoint has."""
    if value is None:
        return ""
    if isinstance(value, str):
        return guarded(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return repr(value) if isinstance(value, float) else str(value)
    raise TypeError(f"a datapoint cannot hold a {type(value).__name__}")


def guarded(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return "'" + text if text.lstrip(" ").startswith(_FORMULA_STARTS) else text
