"""Method: how every figure is made, from which factors, and what is not known."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ecomind.identity import Scope
from ecomind.settings import get_settings
from streamlit_app import formatting
from streamlit_app.formatting import Quantity
from streamlit_app.tables import rounded
from streamlit_app.view import View, header, organisation

PROSE = Path(__file__).parents[1] / "method.md"
COLUMNS = {
    "factor_type": "Kind",
    "key": "For",
    "value_low": "Low",
    "value_mid": "Central",
    "value_high": "High",
    "unit": "Unit",
    "basis": "Basis",
    "data_year": "Year",
    "dq_score": "Quality",
    "source": "Source",
    "source_url": "Link",
    "licence": "Licence",
    "factor_id": "Factor",
    "is_override": "Override",
}
OVERRIDE = "our own"


def _versions(view: View) -> None:
    rows = organisation(view)
    if rows.empty:
        return
    methods = ", ".join(f"`{name}`" for name in sorted(set(rows["method_version"])))
    sets = ", ".join(f"`{name}`" for name in sorted(set(rows["factor_set_id"])))
    st.write(f"Method {methods}, factor set {sets}.")


def _kind(name: str) -> str:
    words = name.replace("_", " ")
    return words.upper() if words in {"pue", "wue"} else words.capitalize()


def _factors(view: View) -> None:
    st.subheader("Factors in use")
    if not view.data.principal.may(Scope.FACTORS_READ):
        st.info(
            f"Your key does not hold the right {Scope.FACTORS_READ.value} that this table asks for."
        )
        return
    rows = view.data.mart("factor_in_use").sort_values(
        ["energy_mid_kwh", "factor_type", "key"], ascending=[False, True, True]
    )
    if rows.empty:
        st.info("No factor is in use yet: there is no usage to apply one to.")
        return
    kinds = ["All kinds", *sorted(rows["factor_type"].unique())]
    kind = st.selectbox(
        "Kind of factor",
        kinds,
        key="factor_kind",
        format_func=_kind,
    )
    chosen = rows if kind == kinds[0] else rows[rows["factor_type"] == kind]
    table = chosen[list(COLUMNS)].rename(columns=COLUMNS)
    table["Kind"] = table["Kind"].map(_kind)
    table["Override"] = table["Override"].map({True: OVERRIDE, False: ""})
    table.insert(2, "Override", table.pop("Override"))
    unit = formatting.unit_for(Quantity.ENERGY, float(chosen["energy_mid_kwh"].max()))
    applied = f"Applied to ({unit.symbol})"
    table.insert(2, applied, (chosen["energy_mid_kwh"] / unit.size).map(rounded))
    own = int(chosen["is_override"].sum())
    st.caption(
        f"{len(table)} factors, those applied to most energy first (all data, as known now); "
        f"{own or 'none'} of them {'is an override' if own == 1 else 'are overrides'} of this "
        "organisation, in the place of shared factors."
    )
    st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        key="factor_table",
        column_config={
            "Link": st.column_config.LinkColumn(display_text="open", validate=r"^https?://"),
            "Year": st.column_config.NumberColumn(format="%d"),
            # As published: a factor is not rounded where it is cited.
            **{
                name: st.column_config.NumberColumn(format="plain")
                for name in ("Low", "Central", "High")
            },
        },
    )


def _documents(view: View) -> None:
    settings = get_settings()
    st.subheader("For auditors")
    st.markdown(
        "Every column's definition, its lineage from the raw events and the acceptance checks of "
        f"the snapshot are on the [auditor's pages](http://{settings.host}:"
        f"{settings.platform_port}/). They ask for a key: any user name, with the key as "
        "password."
    )
    if not view.data.principal.may(Scope.AUDIT_READ):
        st.caption(
            f"Your key does not hold the right {Scope.AUDIT_READ.value} those pages ask "
            "for; an analyst's key does."
        )


def page() -> None:
    """Draw the page."""
    view = header("Method")
    _versions(view)
    st.markdown(PROSE.read_text(encoding="utf-8"))
    _factors(view)
    _documents(view)


page()
