"""The headline figures of a period, as several pages show them.

Belongs here: totals of the whole organisation on cards. Does not belong here: anything split by
team, person, model or region.
"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from streamlit_app import cards, charts, figures, formatting, metrics
from streamlit_app.formatting import Quantity
from streamlit_app.metrics import Basis
from streamlit_app.view import View, organisation


def show(view: View) -> None:
    """Draw the cards, and the trend of carbon below them."""
    rows = organisation(view)
    _headlines(view, figures.totals(rows))
    metric = metrics.carbon(view.basis)
    daily = figures.by_period(rows, "day", view.shown_start, view.shown_end)
    charts.show(charts.band(figures.with_metric(daily, metric), metric, "day"))


def _before(view: View) -> tuple[pd.Series[float] | None, str]:
    """The totals of the equally long period before, if data covers all of it."""
    start, end = figures.previous_period(view.start, view.end)
    period = f"{formatting.day(start)} to {formatting.day(end)}"
    if start < view.first:
        return None, period
    return figures.totals(view.data.footprints("org", start, end)), period


def _water_note(now: pd.Series[float]) -> str:
    parts = []
    for metric, words in (
        (metrics.WATER_ONSITE, "on site"),
        (metrics.WATER_OFFSITE, "off site"),
        (metrics.WATER_OFFSITE_WITHOUT_HYDRO, "without reservoirs"),
    ):
        value = figures.value_of(now, metric)
        parts.append(f"{formatting.amount(value.mid, Quantity.WATER)} {words}")
    return f"{parts[0]}, {parts[1]} ({parts[2]})"


def _carbon_note(now: pd.Series[float]) -> str:
    embodied = figures.value_of(now, metrics.EMBODIED)
    return f"{formatting.amount(embodied.mid, Quantity.CARBON)} of it embodied in hardware"


def _headlines(view: View, now: pd.Series[float]) -> None:
    before, period = _before(view)
    both = cards.Periods(now, before)
    energy, water, *carbons = st.columns(4)
    with energy:
        note = "Data centre overhead included"
        cards.card(metrics.ENERGY, both, note, "Energy of the IT equipment times PUE.")
    with water:
        help_text = (
            "On site: cooling. Off site: water of electricity generation, with what evaporates from"
            " the reservoirs of hydropower; in brackets the alternative that leaves it out."
        )
        cards.card(metrics.WATER, both, _water_note(now), help_text)
    for column, basis in zip(carbons, Basis, strict=True):
        with column:
            help_text = "Location and market are alternatives: never add them."
            cards.card(metrics.carbon(basis), both, _carbon_note(now), help_text)
    calls, tokens, intensity = st.columns(3)
    with calls:
        cards.card(metrics.CALLS, both)
    with tokens:
        help_text = "Fresh input, cached input and output tokens together."
        cards.card(metrics.TOKENS, both, help_text=help_text)
    with intensity:
        help_text = "Operational and embodied carbon per million tokens."
        cards.card(metrics.carbon_intensity(view.basis), both, help_text=help_text)
    if before is None:
        st.caption(
            f"No change is shown: data begins on {formatting.day(view.first)}, so the equally "
            f"long period before ({period}) is not fully covered."
        )
    else:
        st.caption(f"Changes compare with the equally long period before, {period}.")
