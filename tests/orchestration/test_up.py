"""``ecomind up`` waits for what it sent."""

from __future__ import annotations

import threading

from ecomind.settings import Settings
from orchestration.cli.up import _wait_until_landed


def test_the_first_load_waits_for_segments_in_every_state(settings: Settings) -> None:
    settings.wal_dir.mkdir(parents=True)
    name = "s1795333779312345_1_d86c04d8"
    (settings.wal_dir / f"{name}.open").write_bytes(b"records")
    states, landed = ("ready", "000000000001.sealing"), threading.Event()

    def seal() -> None:
        path = settings.wal_dir / f"{name}.open"
        for state in states:
            landed.wait(0.3)
            path = path.rename(settings.wal_dir / f"{name}.{state}")
        landed.wait(0.3)
        landed.set()
        path.unlink()

    sealing = threading.Thread(target=seal)
    sealing.start()
    _wait_until_landed(settings)
    assert landed.is_set()
    sealing.join()
