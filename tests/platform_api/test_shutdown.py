"""What the service still does when it is asked to stop."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from ecomind.identity import Role
from tests.platform_api.running import OURS, Platform


def test_the_last_use_of_a_key_is_noted_at_the_end(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with Platform(home, datetime.now(UTC).date()) as platform:
        assert platform.get("/v1/orgs", Role.VIEWER).status_code == 200
        nothing = platform.get("/v1/today", Role.VIEWER)
        assert nothing.status_code == 503
        assert nothing.json()["type"] == "urn:ecomind:problem:nothing-published"
        assert nothing.headers["retry-after"] == "1"
        assert platform.client.get("/readyz").status_code == 503
        assert platform.client.get("/livez").status_code == 200
    [used] = [key for key in platform.store.keys.listed(OURS) if key.role is Role.VIEWER]
    assert used.last_used_at is not None
