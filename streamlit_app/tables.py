"""Tables of aggregated rows: numbers in one unit per column, so that they sort and compare.

Belongs here: the columns of the group tables. Does not belong here: aggregation or reading.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import streamlit as st

from ecomind.warehouse.columns import SCENARIOS
from streamlit_app import figures, formatting
from streamlit_app.formatting import SIGNIFICANT_DIGITS, Quantity, unit_for
from streamlit_app.metrics import Basis, Metric, carbon_intensity

NUMBER = f"%.{SIGNIFICANT_DIGITS}g"


@dataclass
class _Table:
    columns: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)

    def number(self, values: pd.Series[float], name: str, quantity: Quantity) -> None:
        unit = unit_for(quantity, _largest(values))
        label = f"{name} ({unit.symbol})" if name and unit.symbol else name or unit.symbol
        self.columns[label] = (values / unit.size).map(rounded)
        self.config[label] = st.column_config.NumberColumn(format=NUMBER)

    def interval(self, frame: pd.DataFrame, metric: Metric) -> None:
        unit = unit_for(metric.quantity, _largest(frame["mid"]))
        texts = [
            formatting.interval(low, high, metric.quantity, unit).removesuffix(unit.symbol).strip()
            for low, high in zip(frame["low"], frame["high"], strict=True)
        ]
        self.columns["Low to high"] = texts

    def share(self, label: str, values: pd.Series[float], help_text: str) -> None:
        self.columns[label] = values * 100
        self.config[label] = st.column_config.NumberColumn(format="%.1f %%", help=help_text)


def _largest(values: pd.Series[float]) -> float | None:
    return float(values.max()) if len(values) and values.notna().any() else None


def rounded(value: float) -> float | None:
    """A number at three significant digits; None when there is none."""
    return None if pd.isna(value) else float(f"{value:.{SIGNIFICANT_DIGITS}g}")


def group_table(
    frame: pd.DataFrame, metric: Metric, basis: Basis, names: dict[str, str], key: str
) -> None:
    """A table of groups, largest first: use, the metric with its range, intensity, quality.

    ``names`` maps the frame's text columns to their headings.
    """
    data = figures.with_metric(frame, metric).sort_values("mid", ascending=False)
    intensity = figures.with_metric(data, carbon_intensity(basis))["mid"]
    table = _Table({heading: data[column] for column, heading in names.items()})
    table.columns["Calls"] = data["calls"].round()
    table.config["Calls"] = st.column_config.NumberColumn(format="localized")
    table.number(data["tokens"], "Tokens", Quantity.COUNT)
    table.number(data["mid"], metric.label.partition(",")[0], metric.quantity)
    if metric.has_range:
        table.interval(data[list(SCENARIOS)], metric)
    total = float(data["mid"].sum())
    share = data["mid"] / total if total > 0 else data["mid"] * float("nan")
    table.share("Share", share, f"Share of {metric.label.lower()} of the rows shown.")
    table.number(intensity, "", Quantity.CARBON_PER_MILLION_TOKENS)
    table.columns["Quality"] = data["data_quality_score"].map(rounded)
    table.config["Quality"] = st.column_config.NumberColumn(
        format="%.1f", help="Data quality, weighted by energy; 5 is measured, 1 an assumption."
    )
    table.share(
        "Defaults",
        data["default_factor_energy_share"],
        "Share of energy whose model or grid zone was not known, so that a default was used.",
    )
    st.dataframe(
        pd.DataFrame(table.columns),
        hide_index=True,
        column_config=table.config,
        key=key,
        width="stretch",
    )
