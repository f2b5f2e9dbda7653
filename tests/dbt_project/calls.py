"""Calls drawn by Hypothesis, their events, and variants of them that use more.

Belongs here: which calls are possible and what changes between a call and its variant. Does not
belong here: what must hold between the two (``test_properties``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dbt_project.raw_store import event

CALLS_COUNT = 300
MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Call:
    """One drawn call: what it used, where it ran, and how it reaches the warehouse another time."""

    provider: str
    model: str
    region: str | None
    geography: str | None
    operation: str
    status: str
    service_tier: str | None
    weight: float
    input_tokens: int
    cached_share: float
    output_tokens: int
    images_count: int
    measured_wh: float | None
    days_ago: int
    second: int
    more_tokens: int
    bundled: int
    load: int
    order: int
    other_second: int
    repeated_in: int | None

    @property
    def cached_tokens(self) -> int:
        """Input tokens from the cache."""
        return int(self.input_tokens * self.cached_share)


# Input is at least one token and output is given: where a side is missing, the reference call
# stands in for it, and a small reported number may well be less than that.
CALLS = st.builds(
    Call,
    provider=st.sampled_from(("openai", "azure-openai", "aws-bedrock", "anthropic", "unheard-of")),
    model=st.sampled_from(
        ("gpt-4o", "claude-opus-5-5", "llama-3.1-70b-instruct", "o3-mini", "new-thing-mini", "x")
    ),
    region=st.sampled_from((None, "eastus", "us-east-1", "eu-central-1", "swedencentral", "moon")),
    geography=st.sampled_from((None, "DE", "IN", "US-SRVC")),
    operation=st.sampled_from(("chat", "chat", "chat", "embeddings", "rerank", "image_generation")),
    status=st.sampled_from(("success", "success", "success", "error", "cancelled", "cache_hit")),
    service_tier=st.sampled_from((None, "standard", "batch", "flex")),
    weight=st.sampled_from((1.0, 1.0, 10.0, 2.5)),
    input_tokens=st.integers(1, 1_000_000),
    cached_share=st.floats(0, 1),
    output_tokens=st.integers(0, 100_000),
    images_count=st.integers(0, 4),
    measured_wh=st.one_of(st.none(), st.none(), st.none(), st.floats(0, 1e4)),
    days_ago=st.sampled_from((0, 1, 40, 400, 1100)),
    second=st.integers(0, 86_399),
    more_tokens=st.integers(1, 500_000),
    bundled=st.integers(2, 6),
    load=st.integers(1, 3),
    order=st.integers(0, 10**6),
    other_second=st.integers(0, 86_399),
    repeated_in=st.sampled_from((None, None, 1, 2, 3)),
)


def drawn() -> list[Call]:
    """The calls, the same in every run."""
    calls: list[Call] = []

    @settings(max_examples=CALLS_COUNT, deadline=None, derandomize=True, database=None)
    @given(CALLS)
    def draw(call: Call) -> None:
        calls.append(call)

    draw()
    return calls


def as_event(org_id: str, index: int, call: Call, **values: Any) -> dict[str, Any]:
    """The event of a call; alone in its project unless ``values`` say otherwise."""
    fields = {
        "org_id": org_id,
        "project_id": str(index),
        "team_id": f"team-{index % 5}",
        "user_id": f"u_{index % 7}",
        "occurred_at": MIDNIGHT - timedelta(days=call.days_ago) + timedelta(seconds=call.second),
        "provider": call.provider,
        "request_model": call.model,
        "region": call.region,
        "inference_geo": call.geography,
        "operation": call.operation,
        "status": call.status,
        "service_tier": call.service_tier,
        "sample_weight": call.weight,
        "input_tokens": call.input_tokens,
        "cache_read_input_tokens": call.cached_tokens,
        "output_tokens": call.output_tokens,
        "images_count": call.images_count,
        "measured_energy_wh": call.measured_wh,
    }
    return event(**{"event_id": f"{org_id}-{index}", **fields, **values})


def more_input(call: Call) -> dict[str, int]:
    return {"input_tokens": call.input_tokens + call.more_tokens}


def more_cached(call: Call) -> dict[str, int]:
    cached = call.cached_tokens + call.more_tokens
    return {**more_input(call), "cache_read_input_tokens": cached}


def more_output(call: Call) -> dict[str, int]:
    return {"output_tokens": call.output_tokens + call.more_tokens}


def moved_to_cache(call: Call) -> dict[str, int]:
    fresh = call.input_tokens - call.cached_tokens
    return {"cache_read_input_tokens": call.cached_tokens + min(fresh, call.more_tokens)}


VARIANTS: dict[str, Callable[[Call], dict[str, int]]] = {
    function.__name__: function for function in (more_input, more_cached, more_output)
}


def bundle(call: Call) -> dict[str, Any]:
    """The call as many times as it is bundled, in one event: its counts are sums."""
    n = call.bundled
    return {
        "request_count": n,
        "input_tokens": n * call.input_tokens,
        "cache_read_input_tokens": n * call.cached_tokens,
        "output_tokens": n * call.output_tokens,
        "images_count": n * call.images_count,
        "measured_energy_wh": None if call.measured_wh is None else n * call.measured_wh,
    }


def alone_and_together(calls: Iterable[Call]) -> list[dict[str, Any]]:
    """Each call once with a row of its own, once in rows that sum over many calls."""
    one = {"project_id": "all", "team_id": "all", "user_id": "all"}
    return [
        row
        for index, call in enumerate(calls)
        for row in (as_event("alone", index, call), as_event("together", index, call, **one))
    ]
