"""Signing in and out: nothing is shown without a valid credential.

Belongs here: who a tab is signed in as, asking again whether that still holds, and the form.
Does not belong here: what credentials allow (``ecomind.identity``, ``credentials``), the page for
one-time codes (``sign_in``), or anything shown after the login.

A key lives only in the session of its browser tab, in the server's memory: never in an address, a
cookie, a log or a cache. People are known again by a cookie that scripts cannot read: Streamlit's
own after a sign-in with the identity provider, ours after a one-time code.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import NoReturn

import streamlit as st

from ecomind.identity import (
    Actor,
    Forbidden,
    IdentityError,
    IdentityStore,
    Principal,
    Scope,
    open_store,
)
from ecomind.identity.errors import TokenRefused
from ecomind.identity.sessions import SignIn
from ecomind.settings import Settings, get_settings
from streamlit_app.credentials import Credential, Key, PersonSignIn
from streamlit_app.sign_in import COOKIE, PATH

RECHECK_S = 3.0
_STATE = "signed_in"
_NOTICE = "login_notice"
_INPUT = "login_key"
_LEFT = "signed_out"
_NOTED_MAX = 10_000


@dataclass(frozen=True)
class SignedIn:
    """A signed-in session; ``checked_s`` is the monotonic time of the last check."""

    principal: Principal
    checked_s: float
    credential: Credential
    organizations: dict[str, str]
    """The organisations to choose from, by id; empty when there is no choice."""


@st.cache_resource(show_spinner=False, max_entries=4)
def _open_store(control_url: str, _settings: Settings) -> IdentityStore:
    return open_store(_settings, Actor.system("dashboard"))


@st.cache_resource(show_spinner=False)
def _noted() -> set[SignIn]:
    """Sign-ins that this process has put in the audit log."""
    return set()


def _store() -> IdentityStore:
    settings = get_settings()
    return _open_store(settings.resolved_control_url, settings)


def current_principal() -> Principal | None:
    """Who is signed in, asked of the control store again every few seconds.

    A key that was revoked, a person who was disabled or whose membership ended, and a sign-in
    that is too old end the session. Raises ``IdentityError`` when the control store cannot be
    opened.
    """
    signed_in = st.session_state.get(_STATE)
    if not isinstance(signed_in, SignedIn):
        return _arrive()
    if time.monotonic() - signed_in.checked_s < RECHECK_S:
        return signed_in.principal
    principal = _enter(signed_in.credential)
    if principal is None:
        _forget()
        st.session_state[_NOTICE] = signed_in.credential.ended
    return principal


def organizations() -> dict[str, str]:
    """The organisations the signed-in person may choose from, by id; empty without a choice."""
    signed_in = st.session_state.get(_STATE)
    return signed_in.organizations if isinstance(signed_in, SignedIn) else {}


def choose_organization(org_id: str) -> None:
    """Look at another organisation; what was chosen or shown of the one before is forgotten."""
    signed_in: SignedIn = st.session_state[_STATE]
    _forget()
    _enter(signed_in.credential.choosing(org_id))


def sign_out() -> NoReturn:
    """Forget the credential and everything chosen or shown in this session; ends the run."""
    signed_in = st.session_state.get(_STATE)
    _forget()
    st.session_state[_LEFT] = True
    if isinstance(signed_in, SignedIn) and isinstance(signed_in.credential, PersonSignIn):
        # The browser goes where its cookies are taken away; running anew would forget to tell it.
        st.logout()
        st.stop()
    st.rerun()


def show_login() -> None:
    """The ways to sign in that this installation has."""
    _left, middle, _right = st.columns([1, 1.4, 1])
    with middle:
        st.title("EcoMind")
        st.write("The energy, water and carbon of your organisation's AI use.")
        notice = st.session_state.pop(_NOTICE, None)
        if notice:
            st.warning(notice)
        has_provider = bool(get_settings().oidc_issuer)
        if has_provider:
            st.button(
                "Sign in with your organisation",
                type="primary",
                width="stretch",
                key="login_oidc",
                on_click=st.login,
            )
        st.markdown(
            f"[Sign in with a one-time code]({get_settings().resolved_dashboard_url}{PATH})"
        )
        _show_key_form(is_first_choice=not has_provider)


def _show_key_form(*, is_first_choice: bool) -> None:
    with st.form("login", clear_on_submit=True):
        key_text = st.text_input(
            "Access key",
            type="password",
            key=_INPUT,
            autocomplete="off",
            placeholder="eco_live_…",
            help="An administrator makes a key with the command `ecomind key create`.",
        )
        submitted = st.form_submit_button(
            "Sign in", type="primary" if is_first_choice else "secondary", width="stretch"
        )
    if submitted:
        _sign_in(key_text.strip())


def _forget() -> None:
    st.session_state.clear()


def _arrive() -> Principal | None:
    """Who the browser's cookies say this is, when a tab opens."""
    if st.session_state.get(_LEFT):
        return None
    try:
        sign_in = _known_by_cookie()
    except (TokenRefused, IdentityError) as error:
        st.session_state[_NOTICE] = f"You are not signed in: {error}."
        return None
    if sign_in is None:
        return None
    principal = _enter(PersonSignIn(sign_in))
    if principal is None:
        st.session_state[_NOTICE] = "You are not a member of any organisation that is open to you."
    return principal


def _known_by_cookie() -> SignIn | None:
    sessions = _store().sessions
    has_provider = bool(get_settings().oidc_issuer) and bool(st.user.get("is_logged_in"))
    local = st.context.cookies.get(COOKIE)
    if local:
        try:
            return sessions.sign_in(local)
        except TokenRefused:
            if not has_provider:
                raise
    if not has_provider:
        return None
    sign_in = sessions.sign_in_with_id_token(str(st.user.tokens["id"]))
    noted = _noted()
    if sign_in not in noted:
        if len(noted) >= _NOTED_MAX:
            noted.clear()
        noted.add(sign_in)
        sessions.note_sign_in(sign_in)
    return sign_in


def _enter(credential: Credential) -> Principal | None:
    store = _store()
    principal = credential.principal(store)
    if principal is None or not principal.may(Scope.TOTALS_READ):
        return None
    choice = credential.organizations(store)
    if len(choice) < 2:
        choice = {}
    st.session_state[_STATE] = SignedIn(principal, time.monotonic(), credential, choice)
    return principal


def _sign_in(key_text: str) -> None:
    if not key_text:
        st.error("Paste your access key, then sign in.")
        return
    try:
        principal = _store().authenticate(key_text)
    except IdentityError as error:
        st.error(f"Signing in is not possible now: {error}.")
        return
    if principal is None:
        st.error(
            "This key is not valid: check that it was copied whole, or ask an administrator "
            "for a new one."
        )
    elif _may_open(principal):
        _enter(Key(key_text))
        st.rerun()


def _may_open(principal: Principal) -> bool:
    """Whether the dashboard opens for who signs in; says why not."""
    try:
        _store().authorize(principal, Scope.TOTALS_READ)
    except Forbidden:
        if principal.is_suspended:
            st.error("Your organisation is suspended: ask who operates this installation.")
        else:
            st.error("This key does not open the dashboard: ask for a viewer's key.")
        return False
    return True
