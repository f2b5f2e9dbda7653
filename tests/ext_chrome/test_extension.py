"""The Chrome extension's own tests, run by its own tools."""

from __future__ import annotations

import pytest

from tests.support import extension

pytestmark = pytest.mark.skipif(extension.missing() is not None, reason=str(extension.missing()))


def test_units_privacy_and_package() -> None:
    extension.run("test:unit")


@pytest.mark.browser
@pytest.mark.skipif(extension.chromium() is None, reason="Chromium is not installed")
def test_in_a_real_browser() -> None:
    extension.run("test:browser")
