"""Totals: the organisation's figures and nothing below them, for who may see no more."""

from __future__ import annotations

from streamlit_app import headlines
from streamlit_app.view import header, is_empty, organisation


def page() -> None:
    """Draw the page."""
    view = header("Totals")
    if not is_empty(view, organisation(view)):
        headlines.show(view)


page()
