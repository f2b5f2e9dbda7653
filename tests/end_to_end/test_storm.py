"""A storm of repeats over several workers of two nodes, one of them killed: totals stay exact."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.ingest_api.running import Running, landed_rows
from tests.support.installation import Installation

ORGANIZATIONS = ("acme", "globex", "initech")
EVENTS_PER_ORGANIZATION = 900
TIMES_SENT = 3
KILLS_MAX = 4
MODELS = (("openai", "gpt-4o"), ("anthropic", "claude-sonnet-4-20250514"), ("acme", "home-made"))
NOW = datetime.now(UTC).replace(microsecond=0)
LATE = timedelta(days=30)
ServiceKeys = dict[str, str]
Batch = tuple[str, list[dict[str, Any]]]
Totals = dict[tuple[str, date], tuple[int, int, int, int]]


def calls(org_id: str) -> list[dict[str, Any]]:
    """Calls of today and of thirty days ago, from exact, fast and slow clocks."""
    chance = random.Random(org_id)
    rows = []
    for number in range(EVENTS_PER_ORGANIZATION):
        provider, model = chance.choice(MODELS)
        late = LATE if number % 10 == 0 else timedelta(0)
        skew = timedelta(seconds=chance.choice((0, 0, 0, 120, -3600)))
        rows.append(
            {
                "event_id": f"{org_id}-{number}",
                "source": f"urn:test:{number % 3}",
                "occurred_at": (NOW - late + skew).isoformat(),
                "sent_at": (NOW + skew).isoformat(),
                "provider": provider,
                "request_model": model,
                "user_id": f"person-{number % 17}",
                "team_id": chance.choice(("t1", "t2")),
                "input_tokens": (inputs := chance.randint(1, 90_000)),
                "cache_read_input_tokens": chance.randint(0, inputs),
                "output_tokens": chance.randint(1, 9_000),
            }
        )
    return rows


def batches(events: dict[str, list[dict[str, Any]]], chance: random.Random) -> list[Batch]:
    """Every batch three times, all of them shuffled."""
    made: list[Batch] = []
    for org_id, rows in events.items():
        begin = 0
        while begin < len(rows):
            size = chance.choice((1, 7, 60, 150))
            made.append((org_id, rows[begin : begin + size]))
            begin += size
    storm = made * TIMES_SENT
    chance.shuffle(storm)
    return storm


def expected(events: dict[str, list[dict[str, Any]]]) -> Totals:
    totals: Totals = defaultdict(lambda: (0, 0, 0, 0))
    for org_id, rows in events.items():
        for row in rows:
            day = datetime.fromisoformat(row["occurred_at"]).astimezone(UTC).date()
            n, fresh, cached, output = totals[org_id, day]
            read = row["cache_read_input_tokens"]
            totals[org_id, day] = (
                n + 1, fresh + row["input_tokens"] - read, cached + read,
                output + row["output_tokens"],
            )  # fmt: skip
    return dict(totals)


@contextmanager
def two_nodes(installation: Installation) -> Iterator[list[Running]]:
    """Two machines that share landing zone, keys and secrets; one runs two workers."""
    home, other = installation.home, installation.home.with_name("other")
    first = Running(home, ECOMIND_INGEST_WORKERS="2", ECOMIND_SEAL_MAX_AGE_S="0.5")
    (home / "landing").mkdir(exist_ok=True)
    other.mkdir()
    for shared in ("landing", "secrets"):
        (other / shared).symlink_to(home / shared)
    second = Running(other, ECOMIND_NODE="othernode", ECOMIND_SEAL_MAX_AGE_S="0.5",
                     ECOMIND_CONTROL_URL=f"sqlite:///{home / 'control.db'}")  # fmt: skip
    try:
        yield [first.start(), second.start()]
    finally:
        first.close()
        second.close()


def send_until_acknowledged(nodes: list[Running], keys: ServiceKeys, storm: list[Batch]) -> None:
    def send(numbered: tuple[int, Batch]) -> None:
        number, (org_id, rows) = numbered
        headers = {"authorization": f"Bearer {keys[org_id]}"}
        deadline = time.monotonic() + 120
        while True:
            node = nodes[number % len(nodes)]
            number += 1
            try:
                response = httpx.post(f"{node.url}/v1/events", json=rows, headers=headers)
                if response.status_code == 202:
                    return
                assert response.status_code in (429, 503), response.text
            except httpx.TransportError:
                pass  # Killed at this moment: the other node, or the same one later.
            assert time.monotonic() < deadline
            time.sleep(0.05)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(send, enumerate(storm)))


class Killer(threading.Thread):
    """Kills the second node, or a worker or sealer of the first, until stopped."""

    def __init__(self, nodes: list[Running]) -> None:
        super().__init__(daemon=True)
        self.nodes = nodes
        self.kills = 0
        self.stop = threading.Event()

    def run(self) -> None:
        chance = random.Random()
        while self.kills < KILLS_MAX and not self.stop.wait(chance.uniform(0.3, 1.0)):
            self.kills += 1
            if self.kills % 2:
                self.nodes[1].kill()
                self.nodes[1].start()
                continue
            assert self.nodes[0].process is not None
            children = psutil.Process(self.nodes[0].process.pid).children(recursive=True)
            victims = [child for child in children if child.is_running()]
            if victims:
                chance.choice(victims).send_signal(signal.SIGKILL)


def in_marts(installation: Installation) -> Totals:
    rows = installation.query(
        "select org_id, usage_date, events, input_tokens, cached_input_tokens, output_tokens"
        " from mart.org_footprint_daily"
    )
    return {(org, day): tuple(map(int, values)) for org, day, *values in rows}  # type: ignore[misc]


@pytest.mark.slow
def test_a_storm_over_two_nodes_changes_no_total(tmp_path: Path) -> None:
    installation = Installation.after_first_load(tmp_path / "home")
    events = {org_id: calls(org_id) for org_id in ORGANIZATIONS}
    chance = random.Random(7)
    storm = batches(events, chance)
    with two_nodes(installation) as nodes:
        keys = {org_id: nodes[0].key(org_id) for org_id in ORGANIZATIONS}
        killer = Killer(nodes)
        killer.start()
        send_until_acknowledged(nodes, keys, storm[: 2 * len(storm) // 3])
        killer.stop.set()
        killer.join(60)
        assert killer.kills >= 2
        assert [node.stop() for node in nodes] == [0, 0]
        sent = {(row["org_id"], row["event_id"]) for row in landed_rows(nodes[0].home, "events")}
        files = list((installation.home / "landing" / "events").glob("*/*.parquet"))
        assert {path.name.split("-")[0] for path in files} == {"testnode", "othernode"}
        installation.ecomind("load")

        # The rest of the storm arrives when the first part has long been counted.
        for node in nodes:
            node.start()
        send_until_acknowledged(nodes, keys, storm[2 * len(storm) // 3 :])
        assert [node.stop() for node in nodes] == [0, 0]
    installation.ecomind("load")
    assert len(sent) > EVENTS_PER_ORGANIZATION
    assert in_marts(installation) == expected(events)
    for mart in ("team", "user", "model", "region"):
        found = installation.query(
            f"select org_id, sum(events), sum(input_tokens + cached_input_tokens)"
            f" from mart.{mart}_footprint_daily group by 1 order by 1"
        )
        assert found == [
            (org_id, len(rows), sum(row["input_tokens"] for row in rows))
            for org_id, rows in sorted(events.items())
        ], mart
    received = installation.query("select sum(events_received) from mart.intake_health_daily")
    assert received[0][0] >= TIMES_SENT * len(ORGANIZATIONS) * EVENTS_PER_ORGANIZATION


def test_clocks_beyond_the_limits_are_told_and_late_calls_keep_their_day(tmp_path: Path) -> None:
    service = Running(tmp_path / "home", ECOMIND_SEAL_MAX_AGE_S="0.3")
    key = service.key("acme")
    moments = {
        "now": timedelta(0),
        "late": -LATE,
        "fast-clock": timedelta(minutes=4),
        "future": timedelta(minutes=6),
        "oldest": -timedelta(days=399),
        "too-old": -timedelta(days=401),
    }
    sent_at = datetime.now(UTC)
    items = [
        {
            "event_id": name,
            "occurred_at": (sent_at + offset).isoformat(),
            "sent_at": (sent_at + timedelta(hours=3)).isoformat(),
            "provider": "openai",
            "request_model": "gpt-4o",
        }
        for name, offset in moments.items()
    ]
    service.start()
    answer = service.post("/v1/events", key, json=items)
    assert answer.status_code == 207
    refused = {r["event_id"]: r["errors"][0]["code"] for r in answer.json()["results"]
               if r["result"] == "rejected"}  # fmt: skip
    assert refused == {"future": "future_timestamp", "too-old": "too_old"}
    assert service.stop() == 0
    rows = {row["event_id"]: row for row in landed_rows(service.home, "events")}
    assert set(rows) == {"now", "late", "fast-clock", "oldest"}
    for name, row in rows.items():
        assert row["occurred_at"] == sent_at + moments[name]
        # Both clocks are kept: the skew is the difference, nothing is corrected.
        assert row["sent_at"] - row["received_at"] > timedelta(hours=2)
    # Folders follow the day of arrival, whatever the calls say.
    folders = {path.parent.name for path in (service.home / "landing/events").glob("*/*.parquet")}
    days = {f"received_date={row['received_at'].date()}" for row in rows.values()}
    assert folders == days
    service.close()
