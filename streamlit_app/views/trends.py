"""Trends: any measure over time, with its range or split by group."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from streamlit_app import charts, figures, formatting, groups, metrics
from streamlit_app.metrics import Metric
from streamlit_app.view import View, header, is_empty, organisation

GRAINS = {"Day": "day", "Week": "week", "Month": "month"}
TOP = 7
WHOLE = "Nothing"


def _choices(view: View) -> tuple[Metric, str, str]:
    options = {metric.label: metric for metric in metrics.all_metrics(view.basis)}
    left, middle, right = st.columns([2, 1, 1])
    label = left.selectbox("Measure", list(options), key="trend_metric")
    grain = middle.selectbox("Per", list(GRAINS), key="trend_grain")
    split = right.selectbox("Split by", [WHOLE, *groups.BREAKDOWNS], key="trend_split")
    return options[label], GRAINS[grain], split


def _split(view: View, metric: Metric, grain: str, breakdown: str) -> None:
    rows = groups.BREAKDOWNS[breakdown](view.data, view.start, view.end)
    largest = figures.top(
        figures.grouped(rows, [groups.LABEL]), groups.LABEL, metric.column("mid"), TOP
    )
    kept = rows[groups.LABEL].isin(set(largest[groups.LABEL]))
    rows = rows.assign(
        label=rows[groups.LABEL].where(kept, figures.OTHERS),
        period=figures.not_before(
            figures.period_start(rows["usage_date"], grain), view.shown_start
        ),
    )
    summed = figures.with_metric(figures.grouped(rows, ["period", groups.LABEL]), metric)
    charts.show(charts.stacked(summed, metric, grain, groups.LABEL, breakdown))


def _table(periods: pd.DataFrame, metric: Metric, grain: str) -> None:
    unit = formatting.unit_for(metric.quantity, float(periods["mid"].max()))
    columns = {"low": "Low", "mid": "Central", "high": "High"}
    if not metric.has_range:
        columns = {"mid": metric.label}
    shown = periods.assign(**{name: periods[name] / unit.size for name in columns})
    heading = {
        name: f"{text} ({unit.symbol})" if unit.symbol else text for name, text in columns.items()
    }
    table = shown[["period", *columns]].rename(columns={"period": "From", **heading})
    with st.expander(f"Totals per {grain}"):
        st.dataframe(
            table,
            hide_index=True,
            width="stretch",
            key="trend_table",
            column_config={"From": st.column_config.DateColumn(format="YYYY-MM-DD")},
        )


def page() -> None:
    """Draw the page."""
    view = header("Trends")
    rows = organisation(view)
    if is_empty(view, rows):
        return
    metric, grain, breakdown = _choices(view)
    periods = figures.with_metric(
        figures.by_period(rows, grain, view.shown_start, view.shown_end), metric
    )
    if breakdown == WHOLE:
        charts.show(charts.band(periods, metric, grain))
    elif metric.per_million_tokens:
        st.info(
            "A ratio cannot be split into parts that add up: choose a sum, or split by nothing."
        )
        charts.show(charts.band(periods, metric, grain))
    else:
        _split(view, metric, grain, breakdown)
        st.caption("Bars show central values; the band of the whole is under “Nothing”.")
    if grain != "day":
        st.caption("The first and last period may be cut by the chosen dates.")
    _table(periods, metric, grain)


page()
