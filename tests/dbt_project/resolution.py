"""Which events count, in plain Python: every event against every other.

Belongs here: an independent second statement of the rules of resolution, and events drawn to meet
them. Does not belong here: reading anything dbt built.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.dbt_project.raw_store import event

Event = Mapping[str, Any]
Key = tuple[str, str, str, datetime]

TOLERANCE = timedelta(minutes=15)
START = datetime(2026, 11, 2, 21, 0, tzinfo=UTC)
# (source, adapter, rank): the lower the better.
SOURCES = (
    ("urn:litellm:1", "litellm", 1),
    ("urn:langfuse:pk", "langfuse", 1),
    ("urn:ecomind:native", "native_json", 2),
    ("https://shop.example/api", "cloudevents_batch", 2),
    ("urn:otel:shop:com.anthropic.sdk.messages", "otlp_traces", 3),
    ("urn:otel:shop:openai", "otlp_traces", 4),
    ("ext-chrome", "native_json", 5),
)
RANKS = {source: rank for source, _, rank in SOURCES}
LINKS = (("provider", "provider_response_id"), ("trace_id", "span_id"), ("gateway_call_id",))


def key(row: Event) -> Key:
    """What copies of an event have in common."""
    hour = row["occurred_at"].replace(minute=0, second=0, microsecond=0)
    return row["org_id"], row["source"], row["event_id"], hour


def _missing(row: Event) -> int:
    if row["status"] == "cache_hit":
        return 0
    return sum(row.get(side) is None for side in ("input_tokens", "output_tokens"))


def _copy_order(row: Event) -> tuple[Any, ...]:
    failed = row["status"] not in ("success", "cache_hit")
    return failed, _missing(row), row["received_at"], row["landed_file"], row["receipt_id"]


def _standing(row: Event) -> tuple[Any, ...]:
    return (
        _missing(row), row["sample_weight"] > 1, RANKS[row["source"]],
        row["occurred_at"], row["received_at"], row["source"], row["event_id"],
    )  # fmt: skip


def _names(row: Event) -> list[tuple[Any, ...]]:
    """The ids of an event that others may share, each with its kind and the organisation."""
    return [
        (row["org_id"], columns, *(row.get(column) for column in columns))
        for columns in LINKS
        if all(row.get(column) is not None for column in columns)
    ]


def _agree(one: Event, other: Event) -> bool:
    for side in ("input_tokens", "output_tokens"):
        a, b = one.get(side), other.get(side)
        if a is not None and b is not None and abs(a - b) * 50 > max(a, b):
            return False
    return bool(abs(one["occurred_at"] - other["occurred_at"]) <= TOLERANCE)


def resolved(rows: Iterable[Event]) -> tuple[dict[Key, Event], dict[Key, Key]]:
    """The events that count, and those that do not, each with the one before it."""
    events: dict[Key, Event] = {}
    for row in sorted(rows, key=_copy_order):
        events.setdefault(key(row), row)
    by_name: dict[tuple[Any, ...], list[Event]] = {}
    for row in events.values():
        for name in _names(row):
            by_name.setdefault(name, []).append(row)
    superseded: dict[Key, Event] = {}
    for sharing in by_name.values():
        single = [
            row
            for row in sharing
            if not any(
                other is not row
                and other["source"] == row["source"]
                and abs(other["occurred_at"] - row["occurred_at"]) <= TOLERANCE
                for other in sharing
            )
        ]
        for loser in single:
            for winner in single:
                if winner["source"] == loser["source"] or not _agree(loser, winner):
                    continue
                if _standing(winner) < _standing(loser):
                    best = superseded.get(key(loser), winner)
                    superseded[key(loser)] = min(best, winner, key=_standing)
    counted = {name: row for name, row in events.items() if name not in superseded}
    return counted, {name: key(winner) for name, winner in superseded.items()}


def drawn(count: int, seed: int) -> list[dict[str, Any]]:
    """Events of few calls told by many sources, at the edges of hours, with copies of some."""
    rng = random.Random(seed)
    rows: list[dict[str, Any]] = []
    for number in range(count):
        call = rng.randrange(count // 3)
        # A call has a time and tokens; each source tells them a little differently, some wrongly.
        told = random.Random(call)
        source, adapter, _ = rng.choice(SOURCES)
        minute = told.choice((1, 29, 31, 56, 58, 59, 60, 61, 63, 119, 121, 180))
        seconds = rng.choice((0, 1, 40, 400, 890, 901))
        tokens = told.randrange(100, 5000)
        trace = f"{call % 7:032x}"
        row = event(
            f"e{number}",
            source=source,
            adapter=adapter,
            occurred_at=START + timedelta(minutes=minute, seconds=seconds),
            received_at=START + timedelta(hours=5, seconds=rng.randrange(100_000)),
            landed_file=f"node-{number:012d}-a.parquet",
            receipt_id=f"r{number}",
            provider=told.choice(("openai", "openai", "anthropic")),
            status=rng.choice(("success", "success", "success", "error", "cache_hit")),
            sample_weight=rng.choice((1.0, 1.0, 1.0, 4.0)),
            input_tokens=rng.choice((None, tokens, tokens, tokens * 102 // 100, tokens * 2)),
            output_tokens=rng.choice((None, tokens // 2, tokens // 2)),
            # One in ten ids is the same for all calls, as some servers give them.
            provider_response_id=rng.choice((None, f"id{call}", f"id{call}", "chatcmpl-0")),
            trace_id=rng.choice((None, trace)),
            span_id=rng.choice((None, f"{call:016x}")),
            gateway_call_id=rng.choice((None, None, f"g{call}")),
        )
        rows.append(row)
        while rng.random() < 0.3:
            copy = dict(row)
            copy["received_at"] += timedelta(seconds=rng.randrange(-50_000, 50_000))
            copy["landed_file"] = f"node-{number:012d}-b{len(rows)}.parquet"
            copy["status"] = rng.choice(("success", row["status"]))
            copy["input_tokens"] = rng.choice((None, tokens, row["input_tokens"]))
            rows.append(copy)
    return rows
