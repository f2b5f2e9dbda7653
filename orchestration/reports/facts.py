"""``facts.csv``: every datapoint of a report, exactly as published.

Belongs here: the columns, their order and their spelling. Does not belong here: rounding.

RFC 4180, UTF-8. Numbers are the shortest decimal text that reads back as the same number. A
datapoint without a value has an empty cell and says why in ``status`` and ``refusal_reason``.
Text that a spreadsheet would run as a formula is preceded by an apostrophe.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

COLUMNS = (
    "org_id",
    "period_start",
    "period_end",
    "datapoint_id",
    "label",
    "status",
    "value",
    "value_low",
    "value_high",
    "unit",
    "method",
    "method_version",
    "factor_set_id",
    "framework",
    "framework_version",
    "boundary",
    "coverage_pct",
    "primary_data_pct",
    "refusal_reason",
    "source_model",
    "snapshot_id",
)
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def facts_csv(datapoints: Iterable[Mapping[str, Any]], snapshot_id: str) -> bytes:
    """The file, one datapoint per row in the given order."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in datapoints:
        whole = {**row, "snapshot_id": snapshot_id}
        writer.writerow([cell(whole[name]) for name in COLUMNS])
    return text.getvalue().encode("utf-8")


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
