"""Restated months: what was reported beside what is known now, and the factors in between.

Belongs here: the section that shows `org_restatement_monthly` and `restatement`. Does not
belong here: comparing figures (the warehouse did), reading, or number formatting.
"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from streamlit_app import formatting, metrics
from streamlit_app.data import Data
from streamlit_app.formatting import unit_for
from streamlit_app.metrics import Metric

PARTS_SHOWN = 30
SIGNIFICANT, SMALL = "Above 5 %", "Within 5 %"
NO_ROW = "none"


def months(data: Data) -> set[pd.Timestamp]:
    """First days of the restated months."""
    return set(data.mart("org_restatement_monthly")["period_start"])


def section(data: Data) -> None:
    """Draw the section; one sentence when no month was restated."""
    st.subheader("Restatements")
    known = metrics.by_mart_column()
    rows = data.mart("org_restatement_monthly")
    rows = rows[rows["metric"].isin(list(known))]
    if rows.empty:
        st.success(
            "No month was restated: since each frozen month was frozen, nothing became known "
            "that changes its figures."
        )
        return
    st.caption(
        "Months frozen as reported, whose figures changed with factors or mappings that became "
        "known later. What was reported stays under “As reported” in the sidebar; a difference "
        "of more than 5 % is to be disclosed."
    )
    ordered = rows.assign(order=rows["metric"].map(list(known).index)).sort_values(
        ["period_start", "order"], ascending=[False, True]
    )
    st.dataframe(
        comparison(ordered, known),
        hide_index=True,
        width="stretch",
        key="restatements_table",
    )
    _parts(data, ordered, known)


def comparison(restated: pd.DataFrame, known: dict[str, Metric]) -> pd.DataFrame:
    """One row per month and figure: reported, restated, difference, share and a flag in words."""
    rows = []
    for row in restated.to_dict("records"):
        metric = known[row["metric"]]
        largest = max(abs(row["value_as_reported"]), abs(row["value_restated"]))
        unit = unit_for(metric.quantity, largest)
        rows.append(
            {
                "Month": formatting.month(row["period_start"]),
                "Figure": metric.label,
                "As reported": formatting.amount(row["value_as_reported"], metric.quantity, unit),
                "As known now": formatting.amount(row["value_restated"], metric.quantity, unit),
                "Difference": f"{formatting.signed(row['difference'] / unit.size)} {unit.symbol}",
                "Change": formatting.signed_percent(row["difference_share"]),
                "Size": SIGNIFICANT if row["is_significant"] else SMALL,
                "Frozen on": formatting.day(row["frozen_on"]),
            }
        )
    return pd.DataFrame(rows)


def _parts(data: Data, restated: pd.DataFrame, known: dict[str, Metric]) -> None:
    """The differences of one month and figure by the factor rows behind them."""
    left, right = st.columns(2)
    month = left.selectbox(
        "Restated month",
        list(dict.fromkeys(restated["period_start"])),
        format_func=formatting.month,
        key="restated_month",
    )
    figure = right.selectbox(
        "Figure",
        list(known),
        format_func=lambda column: known[column].label,
        key="restated_figure",
    )
    parts = data.mart("restatement", month.date(), month.date())
    parts = parts[parts["metric"] == figure]
    if parts.empty:
        st.info("No factor changed this figure.")
        return
    reported = float(
        restated.loc[
            (restated["period_start"] == month) & (restated["metric"] == figure),
            "value_as_reported",
        ].sum()
    )
    st.table(parts_table(parts, known[figure], reported), border="horizontal")
    st.caption(
        "The parts sum to the difference. Terms of the formula were replaced one after the other; "
        "what two changes cause together counts for the later one. Rows starting with "
        "`override:` are figures of this organisation. Values of rows no longer taken: "
        "`ecomind explain` with `--lens as_reported`."
    )
    st.page_link(
        "views/method.py", label="Factors in use, with their sources", icon=":material/functions:"
    )


def parts_table(parts: pd.DataFrame, metric: Metric, reported: float) -> pd.DataFrame:
    """Parts of one difference, largest first, factor ids as Markdown code; the rest in one row."""
    ordered = parts.assign(size=parts["difference"].abs()).sort_values(
        ["size", "term", "reported_factor_ids", "restated_factor_ids"],
        ascending=[False, True, True, True],
    )
    unit = unit_for(metric.quantity, float(ordered["size"].max()))
    shown, rest = ordered.head(PARTS_SHOWN), ordered.iloc[PARTS_SHOWN:]
    lines = [
        (row["term"], _ids(row["reported_factor_ids"]), _ids(row["restated_factor_ids"]),
         row["difference"])
        for row in shown.to_dict("records")
    ]  # fmt: skip
    if len(rest):
        lines.append((f"and {len(rest)} more", "", "", float(rest["difference"].sum())))
    return pd.DataFrame(
        {
            "Part of the formula": [term[:1].upper() + term[1:] for term, *_ in lines],
            "Factor rows then": [then for _, then, _, _ in lines],
            "Factor rows now": [now for _, _, now, _ in lines],
            f"Difference ({unit.symbol})": [
                formatting.signed(value / unit.size) for *_, value in lines
            ],
            "Of the reported figure": [
                formatting.signed_percent(value / reported if reported else None)
                for *_, value in lines
            ],
        }
    )


def _ids(names: str) -> str:
    """Factor ids as Markdown code, so that no id becomes markup."""
    return ", ".join(f"`{name.replace('`', '')}`" for name in names.split(", ") if name) or NO_ROW
