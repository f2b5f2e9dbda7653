"""Sealing, compacting and loading in any order, with any of them cut off: each event once."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from dlt_pipelines.landing_zone import Cursor, beyond, listed_from, new_files
from dlt_pipelines.pipeline import load
from ecomind.contract.event import EVENTS
from ecomind.contract.landing import LandedName
from ecomind.landing_zone import list_landed
from ecomind.landing_zone.folder import FolderZone
from ecomind.settings import PROJECT_ROOT, Settings
from ingest_api.landing.compact import compact, remove_superseded
from ingest_api.landing.seal import Sealer
from orchestration.compaction import compact_unloaded
from tests.ingest_api.test_seal import event_record, write_segment
from tests.support.landing import event_row, land

NODES = ("n1", "n2")


class Crash(BaseException):
    """The process ends here."""


class CrashingZone(FolderZone):
    """Ends the process after so many changes."""

    def __init__(self, root: Path, changes: int) -> None:
        super().__init__(root)
        self.changes = changes

    def _change(self) -> None:
        if self.changes == 0:
            raise Crash
        self.changes -= 1

    def put(self, location: str, data: bytes) -> None:
        self._change()
        super().put(location, data)

    def remove(self, locations: Any) -> None:
        for location in locations:
            self._change()
            super().remove([location])


class Pipeline:
    """The real listing, cursors and compaction; a load that keeps event ids instead of rows."""

    def __init__(self, root: Path) -> None:
        self.zone = FolderZone(root)
        self.cursors: dict[str, Cursor] = {}
        self.loaded: Counter[str] = Counter()
        self.landed: set[str] = set()
        self.sequences = dict.fromkeys(NODES, 0)
        self.last: dict[str, tuple[int, str, datetime]] = {}
        self.day = datetime.now(UTC) - timedelta(days=5)

    def seal(self, node: str) -> None:
        self.sequences[node] += 1
        sequence = self.sequences[node]
        # Now and then into the day before, as at midnight.
        received = self.day - timedelta(days=sequence % 3 == 0)
        self._land(node, sequence, received)
        self.last[node] = (sequence, node, received)
        self.landed.add(f"{node}-{sequence}")

    def seal_again(self, node: str) -> None:
        """A sealer that was killed before it removed its segment."""
        if node in self.last:
            sequence, _, received = self.last[node]
            day = self.zone.names(EVENTS.name, received.date())
            if LandedName(node, sequence, f"s{sequence}") not in [name for name, _ in day]:
                self._land(node, sequence, received)

    def _land(self, node: str, sequence: int, received: datetime) -> None:
        row = event_row(f"{node}-{sequence}")
        land(self.zone.root, EVENTS, sequence, [row], node=node, received=received)

    def next_day(self) -> None:
        self.day += timedelta(days=1)

    def compact(self, changes: int) -> None:
        zone = CrashingZone(self.zone.root, changes)
        with suppress(Crash):
            listing = list_landed(zone, EVENTS.name, listed_from(self.cursors))
            remove_superseded(zone, listing.superseded)
            compact(zone, EVENTS, beyond(listing.files, self.cursors), 1)

    def load(self, completes: bool) -> None:
        found = new_files(self.zone, EVENTS, self.cursors)
        if not completes:
            return  # Taken back whole, cursor and all.
        for file in found:
            rows = pq.ParquetFile(self.zone.root / file.location).read().to_pylist()
            self.loaded.update(row["event_id"] for row in rows)
            self.cursors[file.name.node] = Cursor(file.name.sequence, file.received_date)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("seal"), st.sampled_from(NODES)),
        st.tuples(st.just("seal"), st.sampled_from(NODES)),
        st.tuples(st.just("seal_again"), st.sampled_from(NODES)),
        st.tuples(st.just("compact"), st.integers(0, 12)),
        st.tuples(st.just("load"), st.booleans()),
        st.tuples(st.just("next_day")),
    ),
    max_size=40,
)


@examples(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(STEPS)
def test_any_order_of_steps_loads_every_event_once(steps: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        pipeline = Pipeline(Path(folder))
        for name, *arguments in steps:
            getattr(pipeline, name)(*arguments)
        pipeline.load(True)
        assert pipeline.loaded == Counter(pipeline.landed)
        # What a crash left goes with the next compaction, and no part is ever counted again.
        pipeline.compact(10_000)
        assert list_landed(pipeline.zone, EVENTS.name, date.min).superseded == []
        pipeline.load(True)
        assert pipeline.loaded == Counter(pipeline.landed)


def raw(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(settings.raw_database, read_only=True) as connection:
        return connection.execute(query).fetchall()


def seal_events(settings: Settings, count: int, prefix: str) -> None:
    for number in range(count):
        write_segment(settings, event_record(f"{prefix}-{number}"))
    Sealer(settings).seal_waiting()


def test_merged_files_are_loaded_like_their_parts(settings: Settings) -> None:
    few = settings.model_copy(update={"compact_min_files": 5})
    seal_events(few, 3, "a")
    assert compact_unloaded(few).merged_count == 0
    assert load(few).events_count == 3
    seal_events(few, 8, "b")
    done = compact_unloaded(few)
    assert (done.merged_count, done.into_count) == (16, 2), "events and outcomes"
    loaded = load(few)
    assert (loaded.events_count, loaded.files_count) == (8, 2)
    seal_events(few, 8, "c")
    compact_unloaded(few)
    assert load(few).events_count == 8
    assert load(few).files_count == 0
    found = "select count(*), count(distinct event_id) from raw.usage_events"
    assert raw(few, found) == [(19, 19)]
    sequences = "select count(distinct sequence), max(sequence) from raw.ingest_outcomes"
    assert raw(few, sequences) == [(19, 19)]
    # What was loaded is never merged: the first three files are as they were.
    names = [file.name for file in list_landed(FolderZone(few.landing_dir), EVENTS.name).files]
    assert [(name.first_sequence, name.sequence) for name in names] == [
        (1, 1), (2, 2), (3, 3), (4, 11), (12, 19),
    ]  # fmt: skip


COMPACTION = """
from ecomind.settings import get_settings
from orchestration.compaction import compact_unloaded
print("begins", flush=True)
compact_unloaded(get_settings())
"""


def test_killed_compactions_lose_nothing_and_repeat_nothing(settings: Settings) -> None:
    """Kill -9 at random moments; ``ECOMIND_KILL_ROUNDS`` sets how often."""
    rounds = int(os.environ.get("ECOMIND_KILL_ROUNDS", "5"))
    moments, kills, sequence, left = random.Random(4), 0, 0, 0
    environment = {
        **os.environ,
        "ECOMIND_HOME": str(settings.home),
        "ECOMIND_COMPACT_MIN_FILES": "2",
        "PYTHONPATH": str(PROJECT_ROOT),
    }
    while kills < rounds:
        for _ in range(150):
            sequence += 1
            land(settings.landing_dir, EVENTS, sequence, [event_row(str(sequence))])
        process = subprocess.Popen(
            [sys.executable, "-c", COMPACTION], env=environment, stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(moments.uniform(0, 0.5))
        kills += process.poll() is None
        process.kill()
        process.wait()
        process.stdout.close()
        left += len(list_landed(FolderZone(settings.landing_dir), EVENTS.name).superseded)
        if moments.random() < 0.3:
            load(settings)
        assert sequence < 150 * 10 * rounds, "too few compactions were killed while they worked"
    compact_unloaded(settings.model_copy(update={"compact_min_files": 2}))
    load(settings)
    listing = list_landed(FolderZone(settings.landing_dir), EVENTS.name)
    assert listing.superseded == []
    assert raw(settings, "select count(*), count(distinct event_id) from raw.usage_events") == [
        (sequence, sequence)
    ]
