"""What the reader is looking at: snapshot, period, basis, lens; chosen once, kept across pages.

Belongs here: the sidebar's choices and the facts every page shows above its content. Does
not belong here: the content of a page.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import pandas as pd
import streamlit as st

from ecomind.identity import Principal
from ecomind.settings import get_settings
from ecomind.warehouse.reader import Lens
from ecomind.warehouse.snapshot import NoSnapshot, current_snapshot
from streamlit_app import figures, formatting
from streamlit_app.data import Data
from streamlit_app.metrics import Basis

_STATE = "view"
_CUSTOM = "Other dates"
_PRESETS = {
    "Last 7 days of data": 7,
    "Last 30 days of data": 30,
    "Last 90 days of data": 90,
    "All data": None,
}
_DEFAULT_PRESET = "Last 30 days of data"
LENSES = {Lens.RESTATED: "As known now", Lens.AS_REPORTED: "As reported"}


@dataclass(frozen=True)
class View:
    """The choices of the reader; ``first`` and ``last`` are the days that have data."""

    data: Data
    start: date
    end: date
    first: date
    last: date
    basis: Basis

    @property
    def period(self) -> str:
        """The chosen period in words."""
        return f"{formatting.day(self.start)} to {formatting.day(self.end)}"

    @property
    def shown_start(self) -> date:
        """The first day of the period on which data can exist."""
        return max(self.start, self.first)

    @property
    def shown_end(self) -> date:
        """The last day of the period on which data can exist."""
        return min(self.end, self.last)


def prepare(principal: Principal) -> View | None:
    """Draw the sidebar and keep the view for the page; None when there is nothing to view.

    In that case one sentence on the page says what to do.
    """
    st.session_state.pop(_STATE, None)
    try:
        snapshot = current_snapshot(get_settings())
    except NoSnapshot as error:
        st.title("No data yet")
        st.info(f"There is nothing to show so far: {error}.")
        return None
    data = Data(snapshot, principal)
    days = data.usage_days()
    if days is None:
        st.title("No usage yet")
        st.info(
            f"{principal.org_name} has no AI usage in this snapshot: send events to the ingest "
            "API or import a file with `ecomind import`; they appear here about a minute later."
        )
        return None
    view = _choose(data, *days)
    if view is not None:
        st.session_state[_STATE] = view
    return view


def current_view() -> View:
    """The view that `prepare` made for this run of the page."""
    view: View = st.session_state[_STATE]
    return view


def _choose(data: Data, first: date, last: date) -> View | None:
    with st.sidebar:
        presets = [*_PRESETS, _CUSTOM]
        preset = st.selectbox(
            "Period",
            presets,
            index=presets.index(_DEFAULT_PRESET),
            key="period",
            help="Days are UTC days. The data of the last day may still grow.",
        )
        if preset == _CUSTOM:
            chosen = st.date_input(
                "First and last day",
                value=_last_days(first, last, 30),
                key="dates",
                format="YYYY-MM-DD",
            )
            dates = chosen if isinstance(chosen, tuple) else (chosen, chosen)
        else:
            dates = _last_days(first, last, _PRESETS[preset])
        basis = st.radio(
            "Carbon basis",
            list(Basis),
            format_func=lambda b: f"{b.capitalize()}-based",
            key="basis",
            horizontal=True,
            help="Location: the average grid where the calls ran. Market: what providers bought "
            "for their supply. The two are alternatives and are never added.",
        )
        lens = _choose_lens(data)
    if len(dates) != 2:
        st.info("Choose a last day too, so that the period has two ends.")
        return None
    chosen_data = replace(data, lens=lens)
    return View(chosen_data, dates[0], dates[1], first, last, Basis(basis))


def _choose_lens(data: Data) -> Lens:
    """The reader's lens; where they differ is told by tables that totals do not open."""
    if not data.sees_details:
        return Lens.RESTATED
    chosen: Lens = st.radio(
        "Figures",
        list(LENSES),
        format_func=LENSES.__getitem__,
        key="lens",
        help="As known now: every month with the factors known today. As reported: each "
        "frozen month with what was known on the day it was frozen, as its report was made "
        "from; months not frozen yet are the same. Calls that arrived late are in both. The "
        "Reports page lists every difference.",
    )
    return Lens(chosen)


def _last_days(first: date, last: date, days: int | None) -> tuple[date, date]:
    return (first if days is None else max(first, last - timedelta(days=days - 1)), last)


def header(title: str) -> View:
    """The title and the facts every page shows: whose data, which period, how fresh, how good."""
    view = current_view()
    snapshot = view.data.snapshot
    totals = figures.totals(organisation(view))
    st.title(title)
    st.caption(
        f"**{_escaped(view.data.principal.org_name)}** · {view.period} · "
        f"data received through {formatting.moment(snapshot.data_through)} · "
        f"snapshot `{snapshot.snapshot_id}`{lens_note(view)}  \n"
        f"Data quality {quality(totals['data_quality_score'])} · "
        f"{formatting.percent(totals['default_factor_energy_share'])} of energy rests on default "
        f"factors · carbon shown {view.basis}-based, {basis_note(view, totals)}"
    )
    return view


def lens_note(view: View) -> str:
    """That figures are shown as reported, and whether that makes a difference in the period."""
    if view.data.lens is Lens.RESTATED:
        return ""
    first = view.start.replace(day=1)
    months = view.data.mart("org_restatement_monthly", first, view.end)["period_start"]
    names = [formatting.month(month) for month in sorted(set(months))]
    if not names:
        return " · figures **as reported** (no month of the period was restated since)"
    return f" · figures **as reported** (restated since: {', '.join(names)})"


def basis_note(view: View, totals: pd.Series[float]) -> str:
    """What the reader must know of the chosen carbon basis."""
    if view.basis is Basis.LOCATION:
        return "operational and embodied together"
    share = formatting.percent(totals["market_fallback_energy_share"])
    return (
        f"operational and embodied together; {share} of energy had no market factor and "
        "uses the location factor"
    )


def quality(score: float) -> str:
    """A data quality score, where 5 is measured and 1 an assumption."""
    return formatting.MISSING if pd.isna(score) else f"{score:.1f} of 5"


def organisation(view: View) -> pd.DataFrame:
    """Daily rows of the whole organisation in the chosen period."""
    return view.data.footprints("org", view.start, view.end)


def is_empty(view: View, frame: pd.DataFrame) -> bool:
    """Whether there is nothing to show; says so, and what to do."""
    if not frame.empty:
        return False
    st.info(
        f"There was no usage from {view.period}: choose a period between "
        f"{formatting.day(view.first)} and {formatting.day(view.last)} in the sidebar."
    )
    return True


def _escaped(text: str) -> str:
    """Text as Markdown that shows it literally."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]()#+-.!|$<>~:" else c for c in text)
