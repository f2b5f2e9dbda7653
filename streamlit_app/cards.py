"""Headline cards: a figure, its range and its change against the period before.

Belongs here: how a headline number looks. Does not belong here: which numbers a page shows.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from streamlit_app import figures, formatting
from streamlit_app.formatting import Quantity, unit_for
from streamlit_app.metrics import Metric


@dataclass(frozen=True)
class Periods:
    """Aggregated rows of a period and of the one before; None when that is not comparable."""

    now: pd.Series[float]
    before: pd.Series[float] | None


def card(metric: Metric, periods: Periods, note: str = "", help_text: str | None = None) -> None:
    """One card; ``note`` is a line of Markdown below the range."""
    value = figures.value_of(periods.now, metric)
    unit = unit_for(metric.quantity, value.mid)
    previous = _central(periods.before, metric)
    text = formatting.amount(value.mid, metric.quantity, unit)
    if metric.quantity is Quantity.COUNT:
        text = formatting.count(value.mid)
    change = formatting.change(value.mid, previous)
    with st.container(border=True, height="stretch", gap="xsmall"):
        st.metric(
            metric.label,
            text,
            delta=change,
            delta_color="off",
            help=help_text,
        )
        if metric.has_range:
            st.caption(f"Range {formatting.interval(value.low, value.high, metric.quantity, unit)}")
        if note:
            st.caption(note)


def _central(row: pd.Series[float] | None, metric: Metric) -> float | None:
    return None if row is None else figures.value_of(row, metric).mid
