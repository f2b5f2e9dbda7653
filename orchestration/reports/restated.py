"""What a report says of a month that was restated after it was frozen.

Belongs here: reading the two restatement marts for one month, the rows of ``restatement.csv``
and the further columns of ``facts.csv``. Does not belong here: comparing lenses and naming the
factor rows behind a difference (dbt), rounding and layout.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from orchestration.reports.cells import cell

Row = dict[str, Any]
TOTAL = "total"
"""``term`` of the rows of restatement.csv that hold a whole metric."""

COLUMNS = (
    "org_id",
    "period_start",
    "frozen_on",
    "metric",
    "term",
    "reported_factor_ids",
    "restated_factor_ids",
    "unit",
    "value_as_reported",
    "value_restated",
    "difference",
    "difference_share",
    "is_significant",
    "snapshot_id",
)
DATAPOINT_COLUMNS = (
    "frozen_on",
    "value_as_reported",
    "value_low_as_reported",
    "value_high_as_reported",
    "difference",
    "difference_share",
    "is_significant",
)
_VALUES = ("value", "value_low", "value_high")


class Tables(Protocol):
    """Reads of published rows of one organisation and month."""

    def of_month(self, table: str, day_column: str = "usage_date") -> list[Row]:
        """Rows whose day lies in the month."""

    def chosen(self, table: str, key: str, values: list[str]) -> list[Row]:
        """Rows of a table all organisations share whose key is among the values."""


@dataclass(frozen=True, slots=True)
class Restatement:
    """A restated month as published.

    ``metrics`` and ``parts`` are the month's rows of ``org_restatement_monthly`` and
    ``restatement``; ``reported`` holds the datapoints as they were reported and ``figures`` the
    stem of the metric each is made from, both by id; ``factors`` the factor rows the parts name.
    """

    metrics: list[Row]
    parts: list[Row]
    reported: dict[str, Row]
    figures: dict[str, str]
    factors: dict[str, Row]

    @property
    def frozen_on(self) -> date:
        """Day up to which what was published counts as reported."""
        day: date = max(row["frozen_on"] for row in self.metrics)
        return day

    def parts_of(self, metric: str) -> list[Row]:
        """Parts of one metric, the largest first."""
        found = [part for part in self.parts if part["metric"] == metric]
        return sorted(found, key=lambda part: (-abs(part["difference"]), *_identity(part)))

    def by_stem(self) -> dict[str, Row]:
        """The metrics by their name without scenario and unit."""
        return {row["metric"].rpartition("_mid_")[0]: row for row in self.metrics}


def read_restatement(tables: Tables) -> Restatement | None:
    """The restatement of the month of ``tables``; None when there is none."""
    metrics = tables.of_month("mart.org_restatement_monthly", "period_start")
    if not metrics:
        return None
    parts = tables.of_month("mart.restatement", "period_start")
    reported = tables.of_month("as_reported.rpt_datapoint", "period_start")
    named = {factor_id for part in parts for side in _identity(part)[1:] for factor_id in ids(side)}
    ids_of_points = [row["datapoint_id"] for row in reported]
    points = tables.chosen("factors.report_datapoints", "datapoint_id", ids_of_points)
    factors = tables.chosen("intermediate.int_factor_rows", "factor_id", sorted(named))
    return Restatement(
        metrics=metrics,
        parts=parts,
        reported={row["datapoint_id"]: row for row in reported},
        figures={row["datapoint_id"]: row["metric"] for row in points if row["metric"]},
        factors={row["factor_id"]: row for row in factors},
    )


def ids(text: str) -> list[str]:
    """The factor ids of a part's cell."""
    return [factor_id for factor_id in text.split(", ") if factor_id]


def _identity(part: Mapping[str, Any]) -> tuple[str, str, str]:
    return part["term"], part["reported_factor_ids"], part["restated_factor_ids"]


def restatement_csv(restatement: Restatement, snapshot_id: str) -> bytes:
    """``restatement.csv``: each metric as a whole, then the parts its difference is the sum of."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for metric in restatement.metrics:
        whole = {**metric, "term": TOTAL, "is_significant": flag(metric["is_significant"])}
        reported = metric["value_as_reported"]
        parts = (
            {
                "org_id": part["org_id"],
                "period_start": part["period_start"],
                "frozen_on": metric["frozen_on"],
                **part,
                "difference_share": part["difference"] / reported if reported else None,
            }
            for part in restatement.parts_of(metric["metric"])
        )
        for row in (whole, *parts):
            named = {**row, "snapshot_id": snapshot_id}
            writer.writerow([cell(named.get(name)) for name in COLUMNS])
    return text.getvalue().encode("utf-8")


def with_reported(restatement: Restatement, datapoints: Iterable[Row]) -> list[Row]:
    """The datapoints with `DATAPOINT_COLUMNS`, empty where a datapoint has no value."""
    metrics = restatement.by_stem()
    rows = []
    for row in datapoints:
        further: Row = dict.fromkeys(DATAPOINT_COLUMNS)
        reported = restatement.reported.get(row["datapoint_id"])
        metric = metrics.get(restatement.figures.get(row["datapoint_id"], ""))
        if reported is not None and None not in (row["value"], reported["value"]):
            further |= {f"{name}_as_reported": reported[name] for name in _VALUES}
            further["frozen_on"] = restatement.frozen_on
            further["difference"] = row["value"] - reported["value"]
            if reported["value"]:
                further["difference_share"] = further["difference"] / reported["value"]
            if metric is not None:
                further["is_significant"] = flag(metric["is_significant"])
        rows.append({**row, **further})
    return rows


def flag(value: bool) -> str:
    """A truth as CSV readers know it."""
    return "true" if value else "false"
