"""Data health: what came in, what was turned away, how fresh it is, what was not recognised."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from ecomind.settings import get_settings
from streamlit_app import charts, figures, formatting
from streamlit_app.formatting import Quantity
from streamlit_app.tables import rounded
from streamlit_app.view import View, header, organisation, quality

RECEIPT_DAYS = 30
LEVELS = {
    1: "exact name",
    2: "alias",
    3: "family",
    4: "size words",
    5: "provider's default",
    6: "global default",
}


def _freshness(view: View) -> None:
    snapshot, now = view.data.snapshot, datetime.now(UTC)
    left, right = st.columns(2)
    with left.container(border=True, height="stretch"):
        st.metric("Published", formatting.age(now, snapshot.published_at))
        st.caption(formatting.moment(snapshot.published_at))
    with right.container(border=True, height="stretch"):
        through = snapshot.data_through
        st.metric(
            "Data received through",
            formatting.MISSING if through is None else formatting.age(now, through),
        )
        st.caption(formatting.moment(through))
    hours = get_settings().freshness_warn_h
    if through is None or (now - through).total_seconds() > hours * 3600:
        st.warning(
            f"This snapshot holds nothing received in the last {hours} hours: check that your "
            "sources still send and that loads run (`ecomind doctor`)."
        )


def _latest(view: View, mart: str) -> pd.DataFrame:
    """Rows of the latest days of receipt, which need not be the days of usage."""
    rows = view.data.mart(mart)
    received = view.data.mart("intake_health_daily")["received_date"]
    first = received.max() - pd.Timedelta(days=RECEIPT_DAYS - 1)
    latest: pd.DataFrame = rows.loc[rows["received_date"] >= first]
    return latest


def _intake(view: View) -> None:
    rows = _latest(view, "intake_health_daily")
    st.subheader(f"Intake, last {RECEIPT_DAYS} days of receipt")
    if rows.empty:
        st.info("No event has been received yet: send events to the ingest API or import a file.")
        return
    counts = {
        "events_received": "Received",
        "events_distinct": "Counted",
        "events_repeated": "Repeated",
        "events_superseded": "Told twice",
        "events_rejected": "Rejected",
    }
    for column, (name, label) in zip(st.columns(len(counts)), counts.items(), strict=True):
        with column.container(border=True):
            st.metric(label, formatting.count(float(rows[name].sum())))
    st.caption(
        "Repeated events were sent more than once and are counted once. Told twice: another "
        "source, such as a gateway, tells of the same call, and its event counts. Rejected "
        "events could not be used; their senders were told why."
    )
    stack = {name: counts[name] for name in counts if name != "events_received"}
    charts.show(charts.counts(rows, "received_date", stack, "Events by day of receipt (UTC)"))


def _rejections(view: View) -> None:
    rows = _latest(view, "rejection_daily")
    st.subheader(f"Rejections, last {RECEIPT_DAYS} days of receipt")
    if rows.empty:
        st.success("No event was rejected.")
        return
    summed = (
        rows.groupby("code")
        .agg(
            rejected=("rejected", "sum"),
            first=("received_date", "min"),
            last=("received_date", "max"),
        )
        .reset_index()
        .sort_values(["rejected", "code"], ascending=[False, True])
    )
    days = st.column_config.DateColumn(format="YYYY-MM-DD")
    st.dataframe(
        summed.rename(
            columns={
                "code": "Reason",
                "rejected": "Events",
                "first": "First day",
                "last": "Last day",
            }
        ),
        hide_index=True,
        width="stretch",
        key="rejections_table",
        column_config={"First day": days, "Last day": days},
    )


def _coverage(view: View) -> None:
    """Calls counted here against what providers and meters counted, in the chosen period."""
    st.subheader("Coverage")
    rows = view.data.mart("coverage_daily", view.start, view.end)
    if rows.empty:
        st.info(
            "No provider's usage report or meter covers this period, so nothing tells whether "
            "calls are missing. Import usage reports to compare."
        )
        return
    sums = rows.groupby(["provider", "connector"], as_index=False).sum(
        numeric_only=True, min_count=1
    )
    tokens = pd.concat(
        [
            sums[f"counted_{side}_tokens"].where(sums[f"bucket_{side}_tokens"].notna())
            for side in ("input", "output")
        ],
        axis=1,
    ).sum(axis=1)
    bucket_tokens = sums[["bucket_input_tokens", "bucket_output_tokens"]].sum(axis=1, min_count=1)
    table = pd.DataFrame(
        {
            "Provider": sums["provider"],
            "Counted by": sums["connector"],
            "Days": rows.groupby(["provider", "connector"])["usage_date"].nunique().to_numpy(),
            "Calls there": sums["bucket_calls"].round(),
            "Calls here": sums["counted_calls"].round(),
            "Calls covered": sums["counted_calls"] / sums["bucket_calls"],
            "Tokens there": bucket_tokens.round(),
            "Tokens here": tokens.round(),
            "Tokens covered": tokens / bucket_tokens,
        }
    )
    share = st.column_config.NumberColumn(format="percent")
    whole = st.column_config.NumberColumn(format="localized")
    st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        key="coverage_table",
        column_config={
            "Calls covered": share,
            "Tokens covered": share,
            **{name: whole for name in table.columns if name.endswith(("here", "there"))},
        },
    )
    st.caption(
        "There: what the provider's report or a meter counted; here: calls with an event. Only "
        "days the report covers are compared. What is not covered is in no footprint; above 100 % "
        "the report covers less than you send. Reports of the last days may still grow."
    )


def _quality(view: View) -> None:
    rows = organisation(view)
    if rows.empty:
        return
    totals = figures.totals(rows)
    st.subheader("Quality of the estimate")
    shown = (
        ("Data quality", quality(totals["data_quality_score"]), "5 is measured, 1 an assumption."),
        (
            "On default factors",
            formatting.percent(totals["default_factor_energy_share"]),
            "Share of energy whose model or grid zone was not known.",
        ),
        (
            "From tokens",
            formatting.percent(totals["token_route_energy_share"]),
            "Share of energy estimated from tokens rather than from the number of calls.",
        ),
        (
            "Without a market factor",
            formatting.percent(totals["market_fallback_energy_share"]),
            "Share of energy whose market-based carbon uses the location factor.",
        ),
    )
    for column, (label, text, help_text) in zip(st.columns(4), shown, strict=True):
        with column.container(border=True):
            st.metric(label, text, help=help_text)


def _unknown_models(view: View) -> None:
    rows = view.data.mart("unknown_model").sort_values("energy_mid_kwh", ascending=False)
    st.subheader("Models not recognised (all data)")
    if rows.empty:
        st.success("Every model was recognised.")
        return
    st.caption(
        "These names match no model we have figures for, so a default of similar size was used. "
        "Add a factor or an alias to make them exact."
    )
    level = rows["model_fallback_level"].map(LEVELS).fillna("other")
    unit = formatting.unit_for(Quantity.ENERGY, float(rows["energy_mid_kwh"].max()))
    table = pd.DataFrame(
        {
            "Model": rows["model"],
            "Provider": rows["provider"],
            "Taken as": rows["resolved_model_key"],
            "By": level,
            "Events": rows["events"],
            f"Energy ({unit.symbol})": (rows["energy_mid_kwh"] / unit.size).map(rounded),
            "Share of energy": rows["energy_share"],
            "First seen": rows["first_seen"],
            "Last seen": rows["last_seen"],
        }
    )
    days = st.column_config.DateColumn(format="YYYY-MM-DD")
    st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        key="unknown_table",
        column_config={
            "Share of energy": st.column_config.NumberColumn(format="percent"),
            "First seen": days,
            "Last seen": days,
        },
    )


def page() -> None:
    """Draw the page."""
    view = header("Data health")
    _freshness(view)
    _quality(view)
    _intake(view)
    _coverage(view)
    _rejections(view)
    _unknown_models(view)


page()
