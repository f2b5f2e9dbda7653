"""Fixtures of the dashboard's tests."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from ecomind.identity import Role
from ecomind.settings import Settings
from tests.streamlit_app.support import APP, Installation, install

Open = Callable[..., AppTest]


@pytest.fixture(scope="session", autouse=True)
def components_looked_for_once() -> Iterator[None]:
    """Every AppTest looks through all installed packages for components of Streamlit, for a second.

    They are the same each time; what the first found is kept.
    """
    found = functools.cache(manifest_scanner.scan_component_manifests)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", found)
        yield


@pytest.fixture(autouse=True)
def empty_caches() -> Iterator[None]:
    """Nothing a test cached reaches the next one."""
    st.cache_data.clear()
    st.cache_resource.clear()
    yield
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture
def installation(settings: Settings) -> Installation:
    """Two organisations with a published snapshot."""
    return install(settings)


@pytest.fixture
def open_page(installation: Installation) -> Open:
    """Opens a page signed in with a role's key, or with the given key."""

    def open_(page: str = "overview", role: Role = Role.ADMIN, key: str | None = None) -> AppTest:
        app = AppTest.from_file(str(APP), default_timeout=30).run()
        app.text_input(key="login_key").input(key or installation.keys[role])
        app.button[0].click().run()
        if page != "overview":
            app.switch_page(f"views/{page}.py").run()
        return app

    return open_
