"""The demonstration: deterministic, within the contract, shaped like a working week."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from ecomind.contract.codec import Rules, judge
from ecomind.demo.cast import ORGANIZATIONS, Organization
from ecomind.demo.generator import demo_calls

LAST_DAY = date(2026, 11, 20)


@pytest.mark.parametrize("organization", ORGANIZATIONS, ids=lambda o: o.org_id)
def test_every_call_is_within_the_contract(organization: Organization) -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    rules = Rules(organization.org_id, now, timedelta(0), timedelta(days=400), None)
    calls = list(demo_calls(organization, LAST_DAY))
    judged = [judge(call, rules) for call in calls]
    assert [j.problems for j in judged if j.problems] == []
    assert [j.warnings for j in judged if j.warnings] == []
    assert len({call["event_id"] for call in calls}) == len(calls) > 1000


def test_the_same_seed_gives_the_same_calls_whatever_the_length() -> None:
    organization = ORGANIZATIONS[0]
    week = list(demo_calls(organization, LAST_DAY, days=7))
    month = list(demo_calls(organization, LAST_DAY, days=30))
    assert week == month[-len(week) :]
    assert week != list(demo_calls(organization, LAST_DAY, days=7, seed=1))


def test_weekends_are_quiet() -> None:
    per_day: Counter[int] = Counter()
    for call in demo_calls(ORGANIZATIONS[0], LAST_DAY, days=28):
        per_day[datetime.fromisoformat(call["occurred_at"]).weekday()] += 1
    assert max(per_day[5], per_day[6]) < min(per_day[day] for day in range(5)) / 2


def test_shares_of_habits_are_whole() -> None:
    for organization in ORGANIZATIONS:
        for team in organization.teams:
            assert sum(habit.share for habit in team.habits) == pytest.approx(1)
