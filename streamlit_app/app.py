"""The dashboard's entry: login, navigation, the choices every page shares.

Belongs here: what happens on every page. Does not belong here: the content of a page
(``views``).
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ecomind.identity import IdentityError, Principal, Scope
from streamlit_app import session, view

HERE = Path(__file__).parent
ICON = HERE / "icon.svg"
ABOUT = (
    "**EcoMind** shows the energy, water and carbon of AI use. "
    "Every figure is an estimate with a range; the method page says how it is made."
)
# All there is for who may see the organisation's totals only.
TOTALS = (("totals", "Totals", "dashboard"),)
PAGES = (
    ("overview", "Overview", "dashboard"),
    ("trends", "Trends", "show_chart"),
    ("models", "Models", "memory"),
    ("people", "People and teams", "groups"),
    ("regions", "Regions", "public"),
    ("data_health", "Data health", "monitor_heart"),
    ("method", "Method", "functions"),
    ("reports", "Reports", "description"),
)


def _navigation(principal: Principal | None) -> st.Page:
    """The pages of who is signed in; to nobody, none is listed."""
    is_limited = principal is not None and not principal.may(Scope.MARTS_READ)
    listed = TOTALS if is_limited else PAGES
    pages = [
        st.Page(
            HERE / "views" / f"{name}.py",
            title=title,
            icon=f":material/{icon}:",
            url_path=name.replace("_", "-"),
            default=name == listed[0][0],
        )
        for name, title, icon in listed
    ]
    return st.navigation(pages, position="hidden" if principal is None else "sidebar")


def _organization(principal: Principal) -> None:
    """The choice of organisation, for people who are in several."""
    names = session.organizations()
    if not names:
        return
    chosen = st.selectbox(
        "Organisation",
        list(names),
        index=list(names).index(principal.org_id),
        format_func=names.__getitem__,
        key=f"organization_{principal.org_id}",
    )
    if chosen != principal.org_id:
        session.choose_organization(chosen)
        st.rerun()


def main() -> None:
    """Run the page the reader chose, or the login."""
    st.set_page_config(
        page_title="EcoMind",
        page_icon=str(ICON),
        layout="wide",
        menu_items={"About": ABOUT},
    )
    try:
        principal = session.current_principal()
    except IdentityError as error:
        st.error(f"The dashboard cannot check who you are now: {error}.")
        return
    page = _navigation(principal)
    if principal is None:
        session.show_login()
        return
    st.logo(str(ICON), size="large")
    with st.sidebar:
        _organization(principal)
    shown = view.prepare(principal)
    with st.sidebar:
        st.caption(f"Signed in for {principal.org_name} as {principal.role}.")
        if st.button("Sign out", width="stretch", key="sign_out"):
            session.sign_out()
    if shown is not None:
        page.run()


main()
