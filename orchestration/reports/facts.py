"""``facts.csv``: every datapoint of a report, exactly as published.

Belongs here: the columns and their order. Does not belong here: spelling of cells, or rounding.

RFC 4180, UTF-8. A datapoint without a value has an empty cell and says why in ``status`` and
``refusal_reason``. Months that were restated have further columns at the end.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from orchestration.reports.cells import cell
from orchestration.reports.restated import DATAPOINT_COLUMNS, Restatement, with_reported

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


def facts_csv(
    datapoints: Iterable[dict[str, Any]], snapshot_id: str, restatement: Restatement | None = None
) -> bytes:
    """The file, one datapoint per row in the given order."""
    columns: Sequence[str] = COLUMNS
    if restatement is not None:
        columns = (*COLUMNS, *DATAPOINT_COLUMNS)
        datapoints = with_reported(restatement, datapoints)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    for row in datapoints:
        whole = {**row, "snapshot_id": snapshot_id}
        writer.writerow([cell(whole[name]) for name in columns])
    return text.getvalue().encode("utf-8")
