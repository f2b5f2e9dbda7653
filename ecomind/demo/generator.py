"""Calls of the demonstration: the same seed and last day give the same calls.

Weekdays are busy, weekends quiet, office hours shape the day, use swells and ebbs over the
weeks, a few calls fail, hit a gateway's cache or come without token counts.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from ecomind.demo.cast import Habit, Organization, Team

DEFAULT_SEED = 2026
DEFAULT_DAYS = 70
_WEEKEND_SHARE = 0.12
_SWELL, _SWELL_DAYS = 0.15, 60
_HOURS = tuple(range(24))
_HOUR_WEIGHTS = (1, 1, 1, 1, 1, 2, 5, 14, 30, 42, 44, 38, 26, 34, 42, 40, 33, 22, 12, 8, 6, 4, 2, 1)


def _calls_on(day: date, rate: float, rng: random.Random) -> int:
    weekday = _WEEKEND_SHARE if day.weekday() >= 5 else 1.0
    swell = 1 + _SWELL * math.sin(2 * math.pi * day.toordinal() / _SWELL_DAYS)
    return max(0, round(rng.gauss(1, 0.25) * rate * weekday * swell))


def _moment(day: date, rng: random.Random) -> datetime:
    hour = rng.choices(_HOURS, _HOUR_WEIGHTS)[0]
    start = datetime.combine(day, time(hour), UTC)
    return start + timedelta(milliseconds=rng.randrange(3_600_000))


def _around(typical: int, rng: random.Random) -> int:
    return max(1, round(typical * rng.lognormvariate(0, 0.5)))


def _outcome(rng: random.Random) -> dict[str, Any]:
    draw = rng.random()
    if draw < 0.015:
        return {"status": "error", "error_type": "rate_limited", "http_status": 429}
    if draw < 0.035:
        return {"status": "cache_hit"}
    return {"status": "success"}


def _usage(habit: Habit, rng: random.Random) -> dict[str, Any]:
    if rng.random() < 0.01:
        return {"usage_source": "missing"}
    tokens = {"input_tokens": _around(habit.input_tokens, rng)}
    if habit.output_tokens:
        tokens["output_tokens"] = _around(habit.output_tokens, rng)
    if habit.cached_share:
        share = min(0.98, habit.cached_share * rng.uniform(0.7, 1.1))
        tokens["cache_read_input_tokens"] = int(tokens["input_tokens"] * share)
    return tokens


def _call(team: Team, person: str, day: date, rng: random.Random) -> dict[str, Any]:
    habit = rng.choices(team.habits, [habit.share for habit in team.habits])[0]
    event: dict[str, Any] = {
        "event_id": f"demo-{rng.getrandbits(96):024x}",
        "source": "urn:ecomind:demo",
        "occurred_at": _moment(day, rng).isoformat(timespec="milliseconds"),
        "team_id": team.team_id,
        "user_id": person,
        "provider": habit.provider,
        "request_model": habit.model,
        "operation": habit.operation,
        **_outcome(rng),
        "duration_ms": float(_around(1800, rng)),
        "environment": "prod",
    }
    if habit.region:
        event |= {"region": habit.region, "region_source": "configured"}
    if habit.batch:
        event |= {"batch": True, "service_tier": "batch"}
    if event["status"] != "error":
        event |= _usage(habit, rng)
    return event


def demo_calls(
    organization: Organization,
    last_day: date,
    *,
    days: int = DEFAULT_DAYS,
    seed: int = DEFAULT_SEED,
) -> Iterator[dict[str, Any]]:
    """Events of one organisation over ``days`` days up to and including ``last_day``."""
    first_day = last_day - timedelta(days=days - 1)
    for offset in range(days):
        day = first_day + timedelta(days=offset)
        for team in organization.teams:
            for person in team.people:
                # Seeded per person and day: another length of history changes no day's calls.
                rng = random.Random(f"{seed}/{organization.org_id}/{person}/{day}")  # noqa: S311
                for _ in range(_calls_on(day, team.calls_per_day, rng)):
                    yield _call(team, person, day, rng)
