"""Two organisations ask for everything in every way: neither meets the other's name.

Every id of an organisation holds its name (``running``), so one search finds any leak.
"""

from __future__ import annotations

import itertools
import random

import httpx

from ecomind.identity import Role
from ecomind.warehouse.daily import Group
from tests.platform_api.access_table import TABLE
from tests.platform_api.running import OTHERS, OURS, TEAMS, Platform, bundle, team_of

ROUNDS = 400
ROLES = (Role.OWNER, Role.ADMIN, Role.ANALYST, Role.VIEWER)
FORMS = ("application/json", "text/csv", "application/vnd.apache.arrow.stream")


def questions(platform: Platform, chance: random.Random) -> str:
    """An address of either organisation, filled in with ids of either."""
    of = chance.choice((OURS, OTHERS))
    day = platform.last_day
    narrowed = {
        "team": team_of(of, chance.choice(list(TEAMS))),
        "user": f"u_{of}_research_0",
        "model": "gpt-4o",
    }
    name = chance.choice(list(narrowed))
    return chance.choice(
        (
            f"/v1/aggregate/daily?group_by={chance.choice(list(Group))}"
            f"&limit={chance.choice((2, 5, 1000))}",
            f"/v1/footprint/explain?date={day}&{name}={narrowed[name]}",
            TABLE[chance.choice([key for key in TABLE if key[0] == "GET"])].address(platform, of),
        )
    )


def test_no_answer_or_log_holds_anything_of_the_other(platform: Platform) -> None:
    chance = random.Random(5)
    for org_id in (OURS, OTHERS):
        bundle(platform, org_id)
    tags: dict[str, list[str]] = {OURS: [], OTHERS: []}
    cursors: dict[str, list[str]] = {OURS: [], OTHERS: []}
    answered = 0
    for _round, org_id in itertools.product(range(ROUNDS // 2), (OURS, OTHERS)):
        other = OTHERS if org_id == OURS else OURS
        address = questions(platform, chance)
        headers = {"accept": chance.choice((*FORMS, "*/*"))}
        if tags[other] and chance.random() < 0.3:
            headers["if_none_match"] = chance.choice(tags[other])
        if cursors[other] and "daily" in address and chance.random() < 0.3:
            address += f"{'&' if '?' in address else '?'}cursor={chance.choice(cursors[other])}"
        answer = platform.get(address, chance.choice(ROLES), org_id, **headers)
        assert answer.status_code < 500
        assert answer.status_code != 304, (address, headers)
        assert_nothing_of(other, answer)
        answered += answer.status_code == 200
        tags[org_id].append(answer.headers.get("etag", '"none"'))
        if answer.headers["content-type"] == "application/json":
            found = answer.json().get("next_cursor") if "daily" in address else None
            cursors[org_id] += [found] if found else []
    assert answered > ROUNDS / 3
    assert set(tags[OURS]) & set(tags[OTHERS]) <= {'"none"'}
    log = platform.output.read_text()
    assert OURS not in log
    assert OTHERS not in log


def assert_nothing_of(other: str, answer: httpx.Response) -> None:
    assert other.encode() not in answer.content, answer.request.url
    assert other not in str(answer.headers), answer.request.url
