"""Overview: the headline figures, their trend and where they come from."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from streamlit_app import charts, figures, groups, headlines, metrics
from streamlit_app.view import View, header, is_empty, organisation

TOP = 6


def _top(view: View, breakdown: str, place: DeltaGenerator) -> None:
    rows = groups.BREAKDOWNS[breakdown](view.data, view.start, view.end)
    metric = metrics.carbon(view.basis)
    largest = figures.top(
        figures.grouped(rows, [groups.LABEL]), groups.LABEL, metric.column("mid"), TOP
    )
    with place:
        charts.show(
            charts.ranked(figures.with_metric(largest, metric), metric, groups.LABEL, breakdown)
        )


def page() -> None:
    """Draw the page."""
    view = header("Overview")
    if is_empty(view, organisation(view)):
        return
    headlines.show(view)
    left, right = st.columns(2)
    _top(view, "Model", left)
    _top(view, "Team", right)
    _top(view, "Region", st.container())


page()
