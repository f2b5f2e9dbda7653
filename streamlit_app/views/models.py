"""Models: what each model used, with its range, and how it compares per token."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from streamlit_app import charts, figures, groups, metrics
from streamlit_app.tables import group_table
from streamlit_app.view import header, is_empty

TOP = 12


def page() -> None:
    """Draw the page."""
    view = header("Models")
    rows = groups.models(view.data, view.start, view.end)
    if is_empty(view, rows):
        return
    options = {metric.label: metric for metric in metrics.footprint_metrics(view.basis)}
    metric = options[st.selectbox("Measure", list(options), key="models_metric")]
    summed = figures.grouped(rows, [groups.LABEL, "provider", "model"])
    largest = figures.top(summed, groups.LABEL, metric.column("mid"), TOP)
    charts.show(charts.ranked(figures.with_metric(largest, metric), metric, groups.LABEL, "Model"))
    _intensity(summed)
    group_table(
        summed, metric, view.basis, {"model": "Model", "provider": "Provider"}, "models_table"
    )


def _intensity(summed: pd.DataFrame) -> None:
    metric = metrics.ENERGY_INTENSITY
    known = figures.with_metric(summed[summed["tokens"] > 0], metric)
    if known.empty:
        st.info("No model of this period reported tokens, so energy per token is not known.")
        return
    ordered = known.sort_values(["mid", groups.LABEL], ascending=[False, True]).head(TOP)
    charts.show(charts.ranked(ordered, metric, groups.LABEL, "Model"))
    st.caption(
        "Per token, models differ by what they do: long contexts and cached input weigh less "
        "than generated tokens. Ranges that overlap are not a ranking."
    )


page()
