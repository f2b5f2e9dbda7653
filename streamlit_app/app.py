"""The dashboard's entry: login, navigation, the choices every page shares.

Belongs here: what happens on every page. Does not belong here: the content of a page
(``views``).
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ecomind.identity import IdentityError
from streamlit_app import session, view

HERE = Path(__file__).parent
ICON = HERE / "icon.svg"
ABOUT = (
    "**EcoMind** shows the energy, water and carbon of AI use. "
    "Every figure is an estimate with a range; the method page says how it is made."
)
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


def _navigation(*, is_shown: bool) -> st.Page:
    pages = [
        st.Page(
            HERE / "views" / f"{name}.py",
            title=title,
            icon=f":material/{icon}:",
            url_path=name.replace("_", "-"),
            default=name == "overview",
        )
        for name, title, icon in PAGES
    ]
    return st.navigation(pages, position="sidebar" if is_shown else "hidden")


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
        st.error(f"The dashboard cannot check your key now: {error}.")
        return
    page = _navigation(is_shown=principal is not None)
    if principal is None:
        session.show_login()
        return
    st.logo(str(ICON), size="large")
    shown = view.prepare(principal)
    with st.sidebar:
        st.caption(f"Signed in for {principal.org_name} as {principal.role}.")
        st.button("Sign out", on_click=session.sign_out, width="stretch", key="sign_out")
    if shown is not None:
        page.run()


main()
