"""The key login: nothing is shown without a valid key.

Belongs here: signing in and out and asking again whether the key still holds. Does not
belong here: what a key may do (``ecomind.identity``) or anything shown after the login.

The key lives only in the session of its browser tab, in the server's memory: never in an
address, a cookie, a log or a cache.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import streamlit as st

from ecomind.identity import Forbidden, IdentityError, IdentityStore, Principal, Scope, open_store
from ecomind.settings import Settings, get_settings

RECHECK_S = 3.0
_STATE = "signed_in"
_NOTICE = "login_notice"
_INPUT = "login_key"


@dataclass(frozen=True)
class SignedIn:
    """A signed-in session; ``checked_s`` is the monotonic time of the last key check."""

    principal: Principal
    checked_s: float
    key_text: str = field(repr=False)


@st.cache_resource(show_spinner=False, max_entries=4)
def _open_store(control_url: str, _settings: Settings) -> IdentityStore:
    return open_store(_settings)


def _store() -> IdentityStore:
    settings = get_settings()
    return _open_store(settings.resolved_control_url, settings)


def current_principal() -> Principal | None:
    """Who is signed in, asked of the control store again every few seconds.

    A key that was revoked or has expired ends the session. Raises ``IdentityError`` when
    the control store cannot be opened.
    """
    signed_in = st.session_state.get(_STATE)
    if not isinstance(signed_in, SignedIn):
        return None
    if time.monotonic() - signed_in.checked_s < RECHECK_S:
        return signed_in.principal
    principal = _store().authenticate(signed_in.key_text)
    if principal is None or not principal.may(Scope.MARTS_READ):
        sign_out()
        st.session_state[_NOTICE] = "Your key is no longer valid. Sign in with another one."
        return None
    _remember(principal, signed_in.key_text)
    return principal


def _remember(principal: Principal, key_text: str) -> None:
    st.session_state[_STATE] = SignedIn(principal, time.monotonic(), key_text)


def sign_out() -> None:
    """Forget the key and everything chosen or shown in this session."""
    st.session_state.clear()


def show_login() -> None:
    """The login form; signs in on a valid key that may read the dashboard."""
    _left, middle, _right = st.columns([1, 1.4, 1])
    with middle:
        st.title("EcoMind")
        st.write("The energy, water and carbon of your organisation's AI use.")
        notice = st.session_state.pop(_NOTICE, None)
        if notice:
            st.warning(notice)
        with st.form("login", clear_on_submit=True):
            key_text = st.text_input(
                "Access key",
                type="password",
                key=_INPUT,
                autocomplete="off",
                placeholder="eco_live_…",
                help="An administrator makes a key with the command `ecomind key create`.",
            )
            submitted = st.form_submit_button("Sign in", type="primary", width="stretch")
        if submitted:
            _sign_in(key_text.strip())


def _sign_in(key_text: str) -> None:
    try:
        principal = _store().authenticate(key_text) if key_text else None
    except IdentityError as error:
        st.error(f"Signing in is not possible now: {error}.")
        return
    if not key_text:
        st.error("Paste your access key, then sign in.")
    elif principal is None:
        st.error(
            "This key is not valid: check that it was copied whole, or ask an administrator "
            "for a new one."
        )
    elif _may_open(principal):
        _remember(principal, key_text)
        st.rerun()


def _may_open(principal: Principal) -> bool:
    """Whether the dashboard opens for who signs in; says why not."""
    try:
        _store().authorize(principal, Scope.MARTS_READ)
    except Forbidden:
        if principal.is_suspended:
            st.error("Your organisation is suspended: ask who operates this installation.")
        else:
            st.error("This key does not open the dashboard: ask for a viewer's key.")
        return False
    return True
