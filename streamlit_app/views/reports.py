"""Reports: the bundles that were made, to download, and the datapoints they print."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from ecomind.identity import Scope
from ecomind.settings import get_settings
from ecomind.warehouse.bundles import (
    DOCUMENT,
    FACTS,
    MANIFEST,
    RESTATEMENT,
    Bundle,
    UnknownBundle,
    list_bundles,
)
from streamlit_app import formatting, restatements
from streamlit_app.tables import rounded
from streamlit_app.view import LENSES, View, header

KINDS = {
    DOCUMENT: ("PDF", "application/pdf"),
    FACTS: ("CSV", "text/csv"),
    RESTATEMENT: ("Restatement", "text/csv"),
    MANIFEST: ("Manifest", "application/json"),
}
STATUSES = {"computed": "Computed", "not_available": "Not available", "refused": "Not stated"}


def _bundle(bundle: Bundle) -> None:
    with st.container(border=True):
        kinds = {k: v for k, v in KINDS.items() if k != RESTATEMENT or k in bundle.files}
        columns = st.columns([4, *[1.2] * len(kinds)], vertical_alignment="center")
        restated = ", restated" if RESTATEMENT in bundle.files else ""
        columns[0].markdown(f"**{bundle.period}**, version {bundle.version}{restated}")
        columns[0].caption(
            f"From snapshot `{bundle.snapshot_id}`, published "
            f"{formatting.moment(bundle.created_at)}"
        )
        for column, (name, (label, mime)) in zip(columns[1:], kinds.items(), strict=True):
            if name not in bundle.files:
                column.caption(f"{label} missing")
                continue
            column.download_button(
                label,
                partial(bundle.read, name),
                mime=mime,
                on_click="ignore",
                width="stretch",
                file_name=f"{bundle.org_id}-{bundle.period}-v{bundle.version}-{name}",
                key=f"{bundle.period}-{bundle.version}-{name}",
            )


def _listed(view: View) -> list[Bundle] | None:
    try:
        return list_bundles(get_settings(), view.data.principal.org_id)
    except UnknownBundle as error:
        st.error(f"The reports cannot be listed: {error}.")
        return None


def _bundles(bundles: list[Bundle]) -> None:
    if not bundles:
        st.info(
            "No report has been made yet: months are reported on their own after they end, or "
            "at once with `ecomind report`."
        )
        return
    st.caption("A new version never replaces an older one. The manifest lists every file's hash.")
    for bundle in bundles:
        _bundle(bundle)


def _outdated(view: View, bundles: list[Bundle]) -> None:
    """Names the months whose latest report was made before they were restated."""
    latest = {bundle.period: bundle for bundle in reversed(bundles)}
    restated = {f"{month:%Y-%m}" for month in restatements.months(view.data)}
    for period in sorted(restated & set(latest), reverse=True):
        if RESTATEMENT not in latest[period].files:
            st.warning(
                f"The latest report of {period} was made before the month was restated: "
                f"`ecomind report {view.data.principal.org_id} {period}` makes a version with "
                "both figures and keeps this one."
            )


def _datapoints(view: View) -> None:
    rows = view.data.mart("rpt_datapoint")
    st.subheader(f"Datapoints of the current snapshot, {LENSES[view.data.lens].lower()}")
    if rows.empty:
        st.info("No month has data yet, so there is no datapoint.")
        return
    months = sorted(rows["period_start"].dt.strftime("%Y-%m").unique(), reverse=True)
    month = st.selectbox("Month", months, key="report_month")
    chosen = rows[rows["period_start"].dt.strftime("%Y-%m") == month]
    table = pd.DataFrame(
        {
            "Datapoint": chosen["label"],
            "Status": chosen["status"].map(STATUSES),
            "Value": chosen["value"],
            "Low": chosen["value_low"],
            "High": chosen["value_high"],
            "Unit": chosen["unit"],
            "Why not": chosen["refusal_reason"],
            "Framework": chosen["framework"] + " " + chosen["framework_version"],
            "Covered (%)": chosen["coverage_pct"].map(rounded),
        }
    )
    number = st.column_config.NumberColumn(format="%.4g")
    st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        key="datapoints_table",
        placeholder="",
        column_config={
            **dict.fromkeys(("Value", "Low", "High"), number),
            "Why not": st.column_config.TextColumn(width="large"),
        },
    )


def page() -> None:
    """Draw the page."""
    view = header("Reports")
    if not view.data.principal.may(Scope.REPORTS_READ):
        st.info(
            f"Your key does not hold the right {Scope.REPORTS_READ.value}: ask for a "
            "viewer's key to see reports."
        )
        return
    bundles = _listed(view)
    if bundles is not None:
        _bundles(bundles)
        _outdated(view, bundles)
    restatements.section(view.data)
    _datapoints(view)


page()
