"""Administration over HTTP: what is made is there, what is stale or wrong changes nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from ecomind.identity import Role
from ecomind.identity.local_identity import LOCAL_ISSUER
from tests.platform_api import things
from tests.platform_api.running import OTHERS, OURS, Platform

PREFIX = "urn:ecomind:problem:"


def send(
    platform: Platform,
    method: str,
    path: str,
    body: Any = None,
    *,
    role: Role = Role.ADMIN,
    org_id: str = OURS,
    **headers: str,
) -> httpx.Response:
    sent = platform.headers(role, org_id, **headers)
    return platform.client.request(method, path, headers=sent, json=body)


def problem(answer: httpx.Response, status: int, name: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    assert found["type"] == PREFIX + name
    return found


CREATED = [
    ("/v1/teams", things.new_team, {"name": "Renamed"}),
    ("/v1/users", things.new_user, {"display_name": "Renamed"}),
    ("/v1/members", things.new_member, {"role": "viewer"}),
]


@pytest.mark.parametrize(("path", "new", "change"), CREATED, ids=[each[0] for each in CREATED])
def test_a_life_from_creation_to_removal(
    platform: Platform, path: str, new: Any, change: dict[str, Any]
) -> None:
    made = send(platform, "POST", path, new(platform, OURS))
    assert made.status_code == 201, made.text
    address = made.headers["location"]
    found = send(platform, "GET", address)
    assert (found.json(), found.headers["etag"]) == (made.json(), made.headers["etag"])
    assert found.json() in send(platform, "GET", path).json()["data"]
    changed = send(platform, "PATCH", address, change, if_match=found.headers["etag"])
    assert changed.json() == {**found.json(), **change}
    again = send(platform, "GET", address)
    assert (again.json(), again.headers["etag"]) == (changed.json(), changed.headers["etag"])
    stale = send(platform, "PATCH", address, change, if_match=found.headers["etag"])
    problem(stale, 412, "precondition-failed")
    problem(send(platform, "DELETE", address, if_match='"x"'), 412, "precondition-failed")
    assert send(platform, "DELETE", address, if_match=again.headers["etag"]).status_code == 204
    problem(send(platform, "GET", address), 404, "not-found")
    problem(send(platform, "DELETE", address), 404, "not-found")


def test_of_changes_that_know_the_same_state_one_wins(platform: Platform) -> None:
    address = f"/v1/teams/{things.team(platform, OURS)}"
    etag = send(platform, "GET", address).headers["etag"]

    def rename(number: int) -> int:
        body = {"name": f"name {number}"}
        return send(platform, "PATCH", address, body, if_match=etag).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(rename, range(8)))
    assert statuses == [200] + [412] * 7


def test_an_alert_is_set_changed_and_made_only_once(platform: Platform) -> None:
    address = f"/v1/alerts/{OURS}-daily"
    rule = {"metric": "energy_mid_kwh", "threshold": 5.0}
    made = send(platform, "PUT", address, rule, if_none_match="*")
    assert (made.status_code, made.headers["location"]) == (201, address)
    problem(send(platform, "PUT", address, rule, if_none_match="*"), 412, "precondition-failed")
    changed = send(platform, "PUT", address, {**rule, "threshold": 7.5})
    assert (changed.status_code, changed.json()["threshold"]) == (200, 7.5)
    stale = send(platform, "PUT", address, rule, if_match=made.headers["etag"])
    problem(stale, 412, "precondition-failed")
    assert send(platform, "GET", address).json() == changed.json()
    assert send(platform, "DELETE", address).status_code == 204


NOT_A_BODY = [
    ("POST", "/v1/teams", {"team_id": "No Capitals", "name": "x"}, ["#/team_id"]),
    ("POST", "/v1/teams", {"name": ""}, ["#/team_id", "#/name"]),
    ("POST", "/v1/teams", {"team_id": "a", "name": "x", "color": 1}, ["#/color"]),
    ("POST", "/v1/teams", {"team_id": 5, "name": "x\u0000"}, ["#/team_id", "#/name"]),
    ("POST", "/v1/teams", ["a"], ["#"]),
    ("POST", "/v1/users", {"user_ref": "a", "display_name": "A", "team_id": "none"}, ["#/team_id"]),
    ("POST", "/v1/members", {"email": "x", "display_name": "A", "issuer": "i", "role": "viewer"},
     ["#/email"]),
    ("POST", "/v1/members", {"email": "x@y.z", "display_name": "A", "issuer": "i", "role": "cook"},
     ["#/role"]),
    ("POST", "/v1/keys", {"role": "ingest", "name": "x", "expires_at": "2020-01-01T00:00:00Z"},
     ["#/expires_at"]),
    ("POST", "/v1/keys", {"role": "ingest", "name": "x", "expires_at": "2099-01-01T00:00:00"},
     ["#/expires_at"]),
    ("POST", "/v1/keys", {"role": "ingest", "name": "x", "scopes": ["fly"]}, ["#/scopes/0"]),
    ("POST", "/v1/factors/overrides", {"factor_type": "pue", "key": "azure/eastus",
     "value_mid": -1, "valid_from": "2026-02-30", "reason": "x"}, ["#/value_mid", "#/valid_from"]),
    ("PUT", "/v1/alerts/a", {"metric": "joy", "threshold": 1}, ["#/metric"]),
    ("PUT", "/v1/alerts/a", {"metric": "energy_mid_kwh", "threshold": "1e999"}, ["#/threshold"]),
    ("PATCH", f"/v1/orgs/{OURS}", {"preferences": {"raw_days": 0}}, ["#/preferences/raw_days"]),
    ("POST", "/v1/reports", {"period": "2026-13"}, ["#/period"]),
    ("POST", "/v1/reports", {"period": "9999-12"}, ["#/period"]),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body", "pointers"), NOT_A_BODY)
def test_a_wrong_member_is_named_by_its_pointer_and_nothing_is_changed(
    platform: Platform, method: str, path: str, body: Any, pointers: list[str]
) -> None:
    before = platform.store.audit.entries(OURS, limit=1)
    found = problem(send(platform, method, path, body), 422, "invalid-document")
    assert [each["pointer"] for each in found["errors"]] == pointers
    for value in ("No Capitals", "cook", "fly", "joy", "2026-13"):
        assert value not in str(found)
    assert platform.store.audit.entries(OURS, limit=1) == before


_PUE = {"factor_type": "pue", "key": "azure/eastus", "value_mid": 1.2, "valid_from": "2026-01-01",
        "reason": "measured"}  # fmt: skip
AGAINST_A_RULE = [
    ("/v1/keys", {"role": "browser", "name": "x"}, "origins", "origins"),
    ("/v1/keys", {"role": "ingest", "name": "x", "scopes": ["marts:read"]}, "scopes", "marts:read"),
    ("/v1/keys", {"role": "ingest", "name": "x", "networks": ["here"]}, "networks", "network"),
    ("/v1/factors/overrides", {**_PUE, "value_mid": 0.5}, "value_mid", "at least 1"),
    ("/v1/factors/overrides", {**_PUE, "factor_type": "weather"}, "factor_type", "overridden"),
    ("/v1/factors/overrides", {**_PUE, "key": "moon"}, "key", "cloud_regions.csv"),
    ("/v1/factors/overrides", {**_PUE, "unit": "m"}, "unit", "kWh/IT kWh"),
    ("/v1/factors/overrides", {**_PUE, "valid_to": "2025-01-01"}, "valid_to", "after"),
]


@pytest.mark.parametrize(("path", "body", "member", "word"), AGAINST_A_RULE)
def test_what_a_rule_refuses_is_said_in_a_sentence_and_where(
    platform: Platform, path: str, body: Any, member: str, word: str
) -> None:
    before = platform.store.audit.entries(OURS, limit=1)
    found = problem(send(platform, "POST", path, body), 422, "invalid-document")
    assert word in found["detail"]
    assert [each["pointer"] for each in found["errors"]] == [f"#/{member}"]
    assert platform.store.audit.entries(OURS, limit=1) == before


def test_what_contradicts_the_stored_is_a_conflict(platform: Platform) -> None:
    team_id = things.team(platform, OURS)
    body = {"team_id": team_id, "name": "again"}
    assert team_id in problem(send(platform, "POST", "/v1/teams", body), 409, "conflict")["detail"]
    user = {"user_ref": f"{OURS}-{team_id}", "display_name": "U", "team_id": team_id}
    assert send(platform, "POST", "/v1/users", user).status_code == 201
    problem(send(platform, "POST", "/v1/users", user), 409, "conflict")
    problem(send(platform, "DELETE", f"/v1/teams/{team_id}"), 409, "conflict")
    member = things.new_member(platform, OURS)
    assert send(platform, "POST", "/v1/members", member).status_code == 201
    problem(send(platform, "POST", "/v1/members", member), 409, "conflict")
    key_id = things.key(platform, OURS)
    assert send(platform, "DELETE", f"/v1/keys/{key_id}").status_code == 204
    problem(send(platform, "POST", f"/v1/keys/{key_id}/rotate", {}), 409, "conflict")
    override = things.override(platform, OURS)
    path = f"/v1/factors/overrides/{override}/withdraw"
    assert send(platform, "POST", path, {"reason": "x"}).json()["withdrawal_reason"] == "x"


def test_who_invites_a_person_of_another_organisation_learns_nothing_of_it(
    platform: Platform,
) -> None:
    people, number = platform.store.people, platform.number()
    email = f"ada-{number}@example.org"
    known = people.add(LOCAL_ISSUER, f"Ada of {OTHERS}", subject=f"ada-{number}", email=email)
    people.set_member(OTHERS, known, Role.VIEWER)
    invitation = {"display_name": "Ada", "issuer": LOCAL_ISSUER, "role": "viewer"}

    def told(person_id: str) -> dict[str, Any]:
        found = send(platform, "GET", f"/v1/members/{person_id}")
        assert found.json() in send(platform, "GET", "/v1/members").json()["data"]
        return {**found.json(), "person_id": "", "email": "", "created_at": ""}

    made = send(platform, "POST", "/v1/members", {"email": email, **invitation})
    assert (made.status_code, made.json()["person_id"]) == (201, known)
    new = {"email": f"new-{number}@example.org", **invitation}
    unknown = send(platform, "POST", "/v1/members", new).json()["person_id"]
    people.disable(known)
    assert told(known) == told(unknown)
    people.enable(known)
    entries = platform.store.audit.entries(OURS, limit=2)
    assert [(each.action, each.facts) for each in entries] == [
        ("member.set", {"role_given": "viewer"})
    ] * 2
    headers = {"authorization": f"Bearer {platform.session(known)}"}
    for _ in range(2):
        seen = platform.client.get("/v1/orgs", headers={"ecomind-organization": OURS, **headers})
        assert seen.status_code == 200
    assert told(known) == {**told(unknown), "has_signed_in": True}
    joined = platform.store.audit.entries(OURS, limit=2)
    assert [each.action for each in joined] == ["member.join", "member.set"]
    assert joined[0].actor == f"person:{known}"


def test_the_last_owner_stays(platform: Platform) -> None:
    org_id = platform.new_organization()
    owner = things.member(platform, org_id, Role.OWNER)
    for method, body in (("PATCH", {"role": "viewer"}), ("DELETE", None)):
        answer = send(
            platform, method, f"/v1/members/{owner}", body, role=Role.OWNER, org_id=org_id
        )
        assert "owner" in problem(answer, 409, "conflict")["detail"]
    [membership] = platform.store.people.members(org_id)
    assert membership.role is Role.OWNER


def test_only_owners_touch_owners(platform: Platform) -> None:
    org_id = platform.new_organization()
    owners = [things.member(platform, org_id, Role.OWNER) for _ in range(2)]
    key, info = platform.store.keys.create(org_id, Role.OWNER, "owner's")
    for method, path, body in (
        ("POST", "/v1/keys", {"role": "owner", "name": "x"}),
        ("POST", f"/v1/keys/{info.key_id}/rotate", {}),
        ("DELETE", f"/v1/keys/{info.key_id}", None),
        ("PATCH", f"/v1/members/{owners[0]}", {"role": "viewer"}),
        ("DELETE", f"/v1/members/{owners[0]}", None),
        ("POST", "/v1/members", {**things.new_member(platform, org_id), "role": "owner"}),
    ):
        answer = send(platform, method, path, body, org_id=org_id)
        assert "owner" in problem(answer, 403, "insufficient-scope")["detail"]
    assert platform.store.authenticate(key) is not None
    assert len(platform.store.people.members(org_id)) == 2
    made = send(platform, "POST", "/v1/keys", {"role": "owner", "name": "x"}, role=Role.OWNER,
                org_id=org_id)  # fmt: skip
    assert made.status_code == 201


def opens(platform: Platform, key: str) -> bool:
    answer = platform.client.get("/v1/orgs", headers={"authorization": f"Bearer {key}"})
    assert answer.status_code in (200, 401)
    return answer.status_code == 200


def test_a_secret_is_told_once_and_opens_until_it_is_taken_away(platform: Platform) -> None:
    until = datetime.now(UTC) + timedelta(days=1)
    body = {"role": "viewer", "name": "sheet", "expires_at": until.isoformat()}
    made = send(platform, "POST", "/v1/keys", body)
    first, address = made.json()["key"], made.headers["location"]
    assert opens(platform, first)
    assert made.json()["state"] == "active"
    rotated = send(platform, "POST", f"{address}/rotate", {"grace_hours": 1})
    second = rotated.json()["key"]
    assert first != second
    assert opens(platform, first)
    assert opens(platform, second)
    third = send(platform, "POST", f"{address}/rotate", {"grace_hours": 0}).json()["key"]
    assert [opens(platform, key) for key in (first, second, third)] == [False, False, True]
    for path in ("/v1/keys", address, "/v1/audits"):
        text = send(platform, "GET", path).text
        assert not any(key[13:] in text for key in (first, second, third))
    assert send(platform, "DELETE", address).status_code == 204
    assert not opens(platform, third)
    assert send(platform, "GET", address).json()["state"] == "revoked"
    assert send(platform, "DELETE", address).status_code == 204
    assert all(key not in platform.output.read_text() for key in (first, second, third))


def test_a_setting_holds_from_the_next_request_on(platform: Platform) -> None:
    path, own = "/v1/aggregate/daily?group_by=user", f"/v1/orgs/{OURS}"
    assert platform.get(path, Role.ANALYST).status_code == 403
    change = {"preferences": {"analysts_see_people": True}}
    assert send(platform, "PATCH", own, change).json()["preferences"]["analysts_see_people"]
    try:
        assert platform.get(path, Role.ANALYST).status_code == 200
        assert platform.get(path, Role.VIEWER).status_code == 403
    finally:
        change = {"preferences": {"analysts_see_people": False}}
        send(platform, "PATCH", own, change)
    assert platform.get(path, Role.ANALYST).status_code == 403
    renamed = send(platform, "PATCH", own, {"name": f"{OURS} renamed"}).json()
    assert renamed["name"] == f"{OURS} renamed"
    kept = send(platform, "PATCH", own, {"preferences": {"logs_days": 7}}).json()
    assert (kept["name"], kept["preferences"]["logs_days"]) == (renamed["name"], 7)
    kept = send(platform, "PATCH", own, {"preferences": {"logs_days": None}}).json()
    assert kept["preferences"]["logs_days"] is None


def test_a_deleted_organisation_lets_nobody_in(platform: Platform) -> None:
    org_id = platform.new_organization()
    viewer = platform.key(Role.VIEWER, org_id)
    answer = send(platform, "DELETE", f"/v1/orgs/{org_id}", role=Role.OWNER, org_id=org_id)
    assert answer.status_code == 204
    assert not opens(platform, viewer)
    assert not opens(platform, platform.key(Role.OWNER, org_id))
    assert opens(platform, platform.key(Role.VIEWER, OTHERS))


def test_everything_done_and_refused_is_in_the_log(platform: Platform) -> None:
    org_id = platform.new_organization()
    team = things.new_team(platform, org_id)
    for role in (Role.ADMIN, Role.VIEWER, Role.ANALYST):
        platform.key(role, org_id)
    send(platform, "POST", "/v1/teams", team, org_id=org_id)
    send(platform, "POST", "/v1/teams", team, role=Role.VIEWER, org_id=org_id)
    page = send(platform, "GET", "/v1/audits?limit=2", role=Role.ANALYST, org_id=org_id).json()
    refused, done = page["data"]
    actor = platform.store.authenticate(platform.key(Role.ADMIN, org_id))
    assert actor is not None
    assert (done["action"], done["outcome"]) == ("team.create", "done")
    assert (done["actor"], done["role"]) == (f"key:{actor.subject_id}", "admin")
    assert (refused["action"], refused["outcome"]) == ("access.denied", "denied")
    assert (refused["role"], refused["target"]) == ("viewer", "admin:members")
    path = f"/v1/audits?limit=2&before={page['next_before']}"
    older = send(platform, "GET", path, org_id=org_id).json()["data"]
    assert {each["sequence"] for each in older}.isdisjoint({done["sequence"], refused["sequence"]})
    verdict = send(platform, "GET", "/v1/audits/verification", org_id=org_id).json()
    assert verdict["broken"] is None
    assert verdict["checked"] >= 4


def test_users_come_in_pages(platform: Platform) -> None:
    org_id = platform.new_organization()
    made = sorted(things.user(platform, org_id) for _ in range(5))
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        path = f"/v1/users?limit=2&after={after}" if after else "/v1/users?limit=2"
        page = send(platform, "GET", path, org_id=org_id).json()
        seen += [each["user_id"] for each in page["data"]]
        after = page["next_after"]
    assert seen == made


def test_a_report_is_asked_for_once(platform: Platform) -> None:
    org_id = platform.new_organization()
    how = {"role": Role.ANALYST, "org_id": org_id}
    first = send(platform, "POST", "/v1/reports", {"period": "2026-09"}, **how)  # type: ignore[arg-type]
    assert first.status_code == 202
    state = platform.get(first.headers["location"], Role.VIEWER, org_id).json()
    assert (state["state"], state["period"]) == ("requested", "2026-09")
    again = send(platform, "POST", "/v1/reports", {"period": "2026-09"}, **how)  # type: ignore[arg-type]
    assert again.headers["location"] == first.headers["location"]


def test_what_cannot_be_read_is_said_so(platform: Platform) -> None:
    headers = platform.headers(Role.ADMIN)
    for content, media, status, name in (
        (b'{"team_id": ', "application/json", 400, "malformed-body"),
        (b"\xff\xfe", "application/json", 400, "malformed-body"),
        (b"[" * 10_000, "application/json", 400, "malformed-body"),
        (b"team_id=a", "application/x-www-form-urlencoded", 415, "unsupported-media-type"),
        (b"{}", "", 415, "unsupported-media-type"),
        (b" " * 100_000, "application/json", 413, "body-too-large"),
        (b"", "application/json", 422, "invalid-document"),
    ):
        sent = {**headers, "content-type": media} if media else headers
        answer = platform.client.post("/v1/teams", headers=sent, content=content)
        problem(answer, status, name)
