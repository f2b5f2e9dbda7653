"""People and teams: single people only for keys that may see them."""

from __future__ import annotations

import streamlit as st

from ecomind.identity import Scope
from ecomind.warehouse.small_groups import SMALLEST_GROUP
from streamlit_app import charts, figures, groups, metrics
from streamlit_app.metrics import Metric
from streamlit_app.tables import group_table
from streamlit_app.view import View, header, is_empty

TOP = 12


def _teams(view: View, metric: Metric) -> None:
    rows = groups.teams(view.data, view.start, view.end)
    summed = figures.grouped(rows, [groups.LABEL])
    largest = figures.top(summed, groups.LABEL, metric.column("mid"), TOP)
    charts.show(charts.ranked(figures.with_metric(largest, metric), metric, groups.LABEL, "Team"))
    group_table(summed, metric, view.basis, {groups.LABEL: "Team"}, "teams_table")


def _people(view: View, metric: Metric) -> None:
    st.subheader("People")
    rows = groups.users(view.data, view.start, view.end)
    summed = figures.grouped(rows, [groups.LABEL, "team"])
    st.caption(
        "Ids in place of names are pseudonyms of people the organisation has not named. "
        "Use these rows to help people, not to rate them: work differs, and so do ranges."
    )
    group_table(
        summed, metric, view.basis, {groups.LABEL: "Person", "team": "Team"}, "people_table"
    )


def page() -> None:
    """Draw the page."""
    view = header("People and teams")
    if is_empty(view, view.data.footprints("org", view.start, view.end)):
        return
    if not view.data.sees_people:
        st.info(
            f"Your key does not hold the right {Scope.PEOPLE_READ.value}, so single people are "
            f"not shown, and teams in which fewer than {SMALLEST_GROUP} people made calls stand "
            "together, so that nobody's use can be told from a team's. An administrator's key "
            "shows people."
        )
    options = {metric.label: metric for metric in metrics.footprint_metrics(view.basis)}
    metric = options[st.selectbox("Measure", list(options), key="people_metric")]
    _teams(view, metric)
    if view.data.sees_people:
        _people(view, metric)


page()
