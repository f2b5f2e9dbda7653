"""What ``ecomind doctor`` sees of an installation at work."""

from __future__ import annotations

import os
import time

from ecomind.settings import Settings
from orchestration.examination import Finding, examine


def log_of(settings: Settings) -> Finding:
    (finding,) = (each for each in examine(settings) if each.what == "write-ahead log")
    return finding


def test_a_segment_sealed_while_it_is_looked_at_does_not_wait(settings: Settings) -> None:
    settings.wal_dir.mkdir(parents=True)
    # Listed, but no longer there to be looked at.
    (settings.wal_dir / "sealed.ready").symlink_to(settings.wal_dir / "gone")
    assert log_of(settings).state == "ok"


def test_a_segment_that_waits_for_long_is_told(settings: Settings) -> None:
    settings.wal_dir.mkdir(parents=True)
    segment = settings.wal_dir / "s1795333779312345_1_d86c04d8.ready"
    segment.write_bytes(b"records")
    assert log_of(settings).state == "ok"
    long_ago = time.time() - 600
    os.utime(segment, (long_ago, long_ago))
    finding = log_of(settings)
    assert (finding.state, finding.found) == ("wrong", "1 segments wait to be sealed")
    assert "start the ingest API" in finding.remedy
