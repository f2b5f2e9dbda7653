"""Regions: where the calls ran, and what the grid and water there make of them."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from streamlit_app import charts, figures, formatting, groups, metrics
from streamlit_app.formatting import Quantity
from streamlit_app.metrics import Basis
from streamlit_app.tables import group_table, rounded
from streamlit_app.view import header, is_empty

TOP = 12


def page() -> None:
    """Draw the page."""
    view = header("Regions")
    rows = groups.regions(view.data, view.start, view.end)
    if is_empty(view, rows):
        return
    options = {metric.label: metric for metric in metrics.footprint_metrics(view.basis)}
    metric = options[st.selectbox("Measure", list(options), key="regions_metric")]
    keys = [groups.LABEL, "provider", "region", "zone_id"]
    summed = figures.grouped(rows, keys)
    largest = figures.top(summed, groups.LABEL, metric.column("mid"), TOP)
    charts.show(charts.ranked(figures.with_metric(largest, metric), metric, groups.LABEL, "Region"))
    _bases(summed)
    group_table(
        summed,
        metric,
        view.basis,
        {"region": "Region", "zone_id": "Grid zone", "provider": "Provider"},
        "regions_table",
    )
    _rates(summed)


def _bases(summed: pd.DataFrame) -> None:
    """Location- and market-based carbon of each region side by side."""
    order = metrics.carbon(Basis.LOCATION)
    largest = figures.top(summed, groups.LABEL, order.column("mid"), TOP)
    sides = [
        figures.with_metric(largest, metrics.carbon(basis)).assign(
            basis=f"{basis.capitalize()}-based"
        )
        for basis in Basis
    ]
    plain = metrics.Metric("carbon", "Carbon", Quantity.CARBON, order.stem)
    charts.show(charts.paired(pd.concat(sides), plain, groups.LABEL, "Region"))


def _rates(summed: pd.DataFrame) -> None:
    """Operational carbon and off-site water per kWh: the marts' sums divided by energy."""
    used = summed[summed["energy_mid_kwh"] > 0]
    energy = used["energy_mid_kwh"]
    litres = used["water_mid_l"] / energy
    table = pd.DataFrame(
        {
            "Region": used[groups.LABEL],
            "Location (g CO₂e)": (used["co2e_location_mid_kg"] / energy * 1e3).map(rounded),
            "Market (g CO₂e)": (used["co2e_market_mid_kg"] / energy * 1e3).map(rounded),
            "Water (L)": litres.map(rounded),
            "PUE": (energy / used["it_energy_mid_kwh"]).map(rounded),
            "No market factor": used["market_fallback_energy_share"].map(formatting.percent),
        }
    )
    st.subheader("What a kilowatt-hour carries in each region")
    st.caption(
        "Operational carbon on both bases and water per kWh, and the data centre's kWh per kWh of "
        "IT equipment (PUE). Where no market factor is known, the location factor stands in."
    )
    st.dataframe(table, hide_index=True, width="stretch", key="rates_table")


page()
