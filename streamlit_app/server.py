"""The dashboard as a server: the app, the page for one-time codes, and the identity provider.

Belongs here: what Streamlit is told before it serves. Does not belong here: the app itself
(``app``) or the command that starts this (``launch``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware

from ecomind.identity import Actor, IdentityError, open_store
from ecomind.identity.issuers import DISCOVERY
from ecomind.identity.secrets_file import installation_secret
from ecomind.settings import Settings, get_settings
from streamlit_app import sign_in


def provider_settings(settings: Settings) -> dict[str, Any]:
    """What Streamlit must know to sign people in, as its secrets; nothing without a provider.

    Raises ``IdentityError`` when the client's secret cannot be read.
    """
    if not settings.oidc_issuer:
        return {}
    return {
        "auth": {
            "redirect_uri": f"{settings.resolved_dashboard_url}/oauth2callback",
            "cookie_secret": installation_secret(settings.secrets_dir, "cookie-secret").hex(),
            "client_id": settings.oidc_client_id,
            "client_secret": _client_secret(settings.oidc_client_secret_file),
            "server_metadata_url": settings.oidc_issuer.rstrip("/") + DISCOVERY,
            "expose_tokens": ["id"],
            # Every provider understands it, and the time of sign-in then means something.
            "client_kwargs": {"scope": "openid email profile", "prompt": "login"},
        }
    }


def _client_secret(path: Path | None) -> str:
    if path is None:
        raise IdentityError(
            "set ECOMIND_OIDC_CLIENT_SECRET_FILE to the file of the client's secret"
        )
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise IdentityError(f"the client's secret {path} cannot be read") from error
    if not secret:
        raise IdentityError(f"the client's secret {path} is empty")
    return secret


_settings = get_settings()
app = st.App(
    Path(__file__).with_name("app.py"),
    secrets=provider_settings(_settings),
    routes=sign_in.routes(_settings, open_store(_settings, Actor.system("dashboard"))),
    middleware=[Middleware(sign_in.LocalLogout)],
)
