"""Two organisations ask for everything in every way: neither meets the other's name.

Every id of an organisation holds its name (``running``), so one search finds any leak.
"""

from __future__ import annotations

import itertools
import random
from typing import Any

import httpx

from ecomind.identity import Role
from ecomind.warehouse.daily import Group
from tests.platform_api.access_table import TABLE
from tests.platform_api.running import OTHERS, OURS, TEAMS, Platform, bundle, team_of

ROUNDS = 400
ROLES = (Role.OWNER, Role.ADMIN, Role.ANALYST, Role.VIEWER)
FORMS = ("application/json", "text/csv", "application/vnd.apache.arrow.stream")


def question(platform: Platform, chance: random.Random, org_id: str) -> tuple[str, str, Any]:
    """Method, address and body: ids of either organisation, own words."""
    of = chance.choice((OURS, OTHERS))
    narrowed = {
        "team": team_of(of, chance.choice(list(TEAMS))),
        "user": f"u_{of}_research_0",
        "model": "gpt-4o",
    }
    name, group = chance.choice(list(narrowed)), chance.choice(list(Group))
    limit, day = chance.choice((2, 5, 1000)), platform.last_day
    # What a rule is called is the caller's own choice, so a PUT would take the other's name up.
    rows = [key for key, row in TABLE.items() if key[0] != "PUT" and not row.is_final]
    method, path = chance.choice(rows)
    row = TABLE[method, path]
    body = None if row.body is None else row.body(platform, org_id)
    return chance.choice(
        (
            ("GET", f"/v1/aggregate/daily?group_by={group}&limit={limit}", None),
            ("GET", f"/v1/footprint/explain?date={day}&{name}={narrowed[name]}", None),
            (method, row.address(platform, of), body),
            (method, row.address(platform, of), body),
        )
    )


def test_no_answer_or_log_holds_anything_of_the_other(platform: Platform) -> None:
    chance = random.Random(5)
    for org_id in (OURS, OTHERS):
        bundle(platform, org_id)
    tags: dict[str, list[str]] = {OURS: [], OTHERS: []}
    cursors: dict[str, list[str]] = {OURS: [], OTHERS: []}
    answered: set[tuple[str, int]] = set()
    for _round, org_id in itertools.product(range(ROUNDS // 2), (OURS, OTHERS)):
        other = OTHERS if org_id == OURS else OURS
        method, address, body = question(platform, chance, org_id)
        forms = {"accept": chance.choice((*FORMS, "*/*"))}
        if tags[other] and chance.random() < 0.3:
            forms["if_none_match"] = chance.choice(tags[other])
        if cursors[other] and "daily" in address and chance.random() < 0.3:
            address += f"{'&' if '?' in address else '?'}cursor={chance.choice(cursors[other])}"
        headers = platform.headers(chance.choice(ROLES), org_id, **forms)
        answer = platform.client.request(method, address, headers=headers, json=body)
        assert answer.status_code < 500
        assert answer.status_code != 304, (address, headers)
        assert_nothing_of(other, answer)
        answered.add((method, answer.status_code))
        tags[org_id].append(answer.headers.get("etag", '"none"'))
        if answer.headers.get("content-type") == "application/json":
            found = answer.json().get("next_cursor") if "daily" in address else None
            cursors[org_id] += [found] if found else []
    assert {("GET", 200), ("GET", 404), ("POST", 201), ("PATCH", 200), ("DELETE", 404)} <= answered
    assert set(tags[OURS]) & set(tags[OTHERS]) <= {'"none"'}
    log = platform.output.read_text()
    assert OURS not in log
    assert OTHERS not in log


def assert_nothing_of(other: str, answer: httpx.Response) -> None:
    assert other.encode() not in answer.content, answer.request.url
    assert other not in str(answer.headers), answer.request.url
