"""Figures over HTTP: the same in every form, page by page, as fresh as what is published."""

from __future__ import annotations

import csv
import io
import shutil
import threading
from datetime import timedelta
from typing import Any

import httpx
import pyarrow as pa
import pytest

from ecomind.identity import Principal, Role
from ecomind.identity.permissions import PERMISSIONS
from ecomind.warehouse.daily import GROUPS, Group, columns
from ecomind.warehouse.files import write_text_atomically
from ecomind.warehouse.reader import OrgReader
from ecomind.warehouse.snapshot import POINTER, current_snapshot, snapshot_name
from tests.platform_api.running import DAYS, OTHERS, OURS, TEAMS, Platform, bundle, team_of

DAILY = "/v1/aggregate/daily"
ARROW = "application/vnd.apache.arrow.stream"


def mart(platform: Platform, name: str) -> list[dict[str, Any]]:
    owner = Principal(OURS, OURS, "k", Role.OWNER, PERMISSIONS[Role.OWNER])
    rows: list[dict[str, Any]] = (
        OrgReader(current_snapshot(platform.settings), owner).mart(name).to_pylist()
    )
    return rows


def test_today_is_the_row_of_the_day(platform: Platform) -> None:
    told = platform.get("/v1/today").json()
    rows = [row for row in mart(platform, "org_footprint_daily")
            if row["usage_date"].isoformat() == told["date"]]  # fmt: skip
    of_day = rows[0] if rows else {}  # Without one just after midnight.
    assert told["calls"] == of_day.get("calls", 0)
    for name, column in (
        ("energy_kwh", "energy_{s}_kwh"),
        ("water_l", "water_{s}_l"),
        ("co2e_kg", "co2e_total_location_{s}_kg"),
    ):
        assert told[name] == {s: of_day.get(column.format(s=s), 0) for s in ("low", "mid", "high")}
    assert told["snapshot_id"] == current_snapshot(platform.settings).snapshot_id


@pytest.mark.parametrize("group", Group)
def test_json_csv_and_arrow_are_equal(platform: Platform, group: Group) -> None:
    path = f"{DAILY}?group_by={group}"
    found = platform.get(path).json()
    arrow = platform.get(path, accept=ARROW)
    assert arrow.headers["content-type"] == ARROW
    table = pa.ipc.open_stream(arrow.content).read_all()
    assert tuple(table.column_names) == columns(group)
    rows = [{**row, "usage_date": row["usage_date"].isoformat()} for row in table.to_pylist()]
    assert rows == found["data"]
    assert len(rows) >= DAYS
    text = platform.get(path, accept="text/csv;q=0.9, application/json;q=0.1").text
    for read, row in zip(csv.DictReader(io.StringIO(text)), rows, strict=True):
        assert list(read) == list(row)
        for name, value in row.items():
            assert type(value)(read[name]) == value


@pytest.mark.parametrize("group", Group)
def test_rows_are_those_of_the_mart(platform: Platform, group: Group) -> None:
    found = platform.get(f"{DAILY}?group_by={group}").json()["data"]
    expected = mart(platform, GROUPS[group].mart)
    for name in ("events", "calls", "energy_mid_kwh", "water_high_l", "co2e_market_low_kg"):
        assert sum(row[name] for row in found) == pytest.approx(sum(row[name] for row in expected))
    if group is not Group.PROVIDER:
        assert len(found) == len(expected)
    if group is Group.SOURCE:
        sources = {"urn:test", "urn:example:gateway"}
        assert {row["source"] for row in found} == sources
    for row in found:
        assert 1 <= row["data_quality_score"] <= 5


def test_pages_make_the_whole(platform: Platform) -> None:
    path = f"{DAILY}?group_by=user"
    whole = platform.get(path).json()["data"]
    pages, address = [], f"{path}&limit=7"
    while address:
        answer = platform.get(address)
        pages += answer.json()["data"]
        assert len(answer.json()["data"]) <= 7
        link = answer.headers.get("link", "")
        address = link.partition(">")[0].lstrip("<")
        assert (answer.json()["next_cursor"] is None) == (not address)
    assert pages == whole
    assert len(whole) > 7 * 4


def test_a_cursor_is_good_for_its_own_question_only(platform: Platform) -> None:
    path = f"{DAILY}?group_by=user&limit=3"
    cursor = platform.get(path).json()["next_cursor"]
    for question, role, org_id in (
        (f"{DAILY}?group_by=model&limit=3", Role.ADMIN, OURS),
        (f"{path}&lens=as_reported", Role.ADMIN, OURS),
        (path, Role.ADMIN, OTHERS),
    ):
        answer = platform.get(f"{question}&cursor={cursor}", role, org_id)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["parameter"] == "cursor"
    for bad in ("x", "é", "e30", cursor[:-3], "A" * 3000):
        answer = platform.get(f"{path}&cursor={bad}")
        assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, "cursor")


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("group_by=planet", "group_by"),
        ("start=2026-02-30", "start"),
        ("start=2026-11-02&end=2026-11-01", "start"),
        ("end=0001-01-01&start=0001-01-02", "start"),
        ("limit=0", "limit"),
        ("limit=many", "limit"),
        ("lens=rosy", "lens"),
    ],
)
def test_a_wrong_parameter_is_named(platform: Platform, query: str, parameter: str) -> None:
    answer = platform.get(f"{DAILY}?{query}")
    assert answer.status_code == 400
    assert [each["parameter"] for each in answer.json()["errors"]] == [parameter]
    assert "planet" not in answer.text
    assert "rosy" not in answer.text


def test_the_range_includes_both_ends(platform: Platform) -> None:
    day = platform.last_day - timedelta(days=1)
    rows = platform.get(f"{DAILY}?start={day}&end={day}").json()["data"]
    assert [row["usage_date"] for row in rows] == [day.isoformat()]
    assert platform.get(f"{DAILY}?start=1999-01-01&end=1999-12-31").json()["data"] == []
    assert platform.get(f"{DAILY}?end=0001-01-01").json()["data"] == []


def test_small_teams_are_told_apart_only_to_those_who_may_see_people(platform: Platform) -> None:
    path = f"{DAILY}?group_by=team"
    by_team: dict[Role, set[str]] = {}
    for role in (Role.ADMIN, Role.VIEWER, Role.ANALYST):
        rows = platform.get(path, role).json()["data"]
        by_team[role] = {row["team_id"] for row in rows}
        assert sum(row["calls"] for row in rows) == 2 * DAYS * (sum(TEAMS.values()) + 1)
    assert by_team[Role.ADMIN] == {*(team_of(OURS, name) for name in TEAMS), "unattributed"}
    assert by_team[Role.VIEWER] == {team_of(OURS, "research"), "small-teams", "unattributed"}
    assert by_team[Role.ANALYST] == by_team[Role.VIEWER]


def test_a_figure_is_explained_by_its_parts_and_factors(platform: Platform) -> None:
    path = f"/v1/footprint/explain?date={platform.last_day}&metric=co2e_total_location_mid_kg"
    found = platform.get(path, Role.VIEWER).json()
    row = next(r for r in mart(platform, "org_footprint_daily")
           if r["usage_date"] == platform.last_day)  # fmt: skip
    assert found["value"] == pytest.approx(row["co2e_total_location_mid_kg"])
    assert sum(part["value"] for part in found["parts"]) == pytest.approx(found["value"])
    known = {factor["factor_id"] for factor in found["factors"]}
    assert all(set(part["factor_ids"]) <= known for part in found["parts"])
    assert all(factor["source"] and factor["licence"] for factor in found["factors"])
    narrowed = platform.get(f"{path}&provider=anthropic").json()
    assert 0 < narrowed["value"] < found["value"]


@pytest.mark.parametrize(
    ("query", "role", "status"),
    [
        ("metric=joy", Role.VIEWER, 400),
        ("date=1999-01-01", Role.VIEWER, 404),
        ("model=no-such", Role.VIEWER, 404),
        ("user=u_aurelia_research_0", Role.ADMIN, 200),
        ("user=u_aurelia_research_0", Role.ANALYST, 403),
        (f"team={team_of(OURS, 'research')}", Role.VIEWER, 200),
        (f"team={team_of(OURS, 'platform')}", Role.VIEWER, 403),
        (f"team={team_of(OURS, 'support')}", Role.VIEWER, 403),
        (f"team={team_of(OURS, 'platform')}", Role.ADMIN, 200),
        (f"team={team_of(OURS, 'research')}&model=gpt-4o", Role.VIEWER, 403),
        (f"team={team_of(OTHERS, 'research')}", Role.ADMIN, 404),
    ],
)
def test_what_is_explained_to_whom(platform: Platform, query: str, role: Role, status: int) -> None:
    day = "" if query.startswith("date=") else f"date={platform.last_day}&"
    answer = platform.get(f"/v1/footprint/explain?{day}{query}", role)
    assert answer.status_code == status, answer.text


def test_reports_and_their_files(platform: Platform) -> None:
    directory = bundle(platform, OURS)
    [report] = platform.get("/v1/reports", Role.VIEWER).json()["data"]
    assert (report["period"], report["version"]) == ("2026-10", 1)
    for each in report["files"]:
        answer = platform.get(each["href"], Role.VIEWER)
        assert answer.content == (directory / each["name"]).read_bytes()
        assert each["name"] in answer.headers["content-disposition"]
        again = platform.get(each["href"], Role.VIEWER, if_none_match=answer.headers["etag"])
        assert (again.status_code, again.content) == (304, b"")
    base = report["files"][0]["href"].rpartition("/")[0]
    for path in (f"{base}/nothing.csv", f"{base}/..%2f..%2fv001%2ffacts.csv",
                 base.replace("/1/", "/9/") + "/facts.csv"):  # fmt: skip
        assert platform.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/v1/today", f"{DAILY}?group_by=model", "/v1/reports"])
def test_what_did_not_change_is_not_sent_again(platform: Platform, path: str) -> None:
    first = platform.get(path)
    etag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    again = platform.get(path, if_none_match=f'"other", {etag}')
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    # Another organisation, other rights or another form never share a tag.
    assert platform.get(path, Role.ADMIN, OTHERS, if_none_match=etag).status_code == 200
    assert platform.get(path, Role.VIEWER, if_none_match=etag).status_code == 200
    assert platform.client.get(path, headers={"if-none-match": etag}).status_code == 401
    if path.startswith(DAILY):
        assert platform.get(path, accept="text/csv", if_none_match=etag).status_code == 200


def test_accept_chooses_the_form(platform: Platform) -> None:
    for accept, expected in (
        ("*/*", "application/json"),
        ("text/*", "text/csv; charset=utf-8"),
        (f"{ARROW}, application/json;q=0.5", ARROW),
        ("text/csv;q=0, */*", "application/json"),
        ("", "application/json"),
    ):
        assert platform.get(DAILY, accept=accept).headers["content-type"] == expected
    answer = platform.get(DAILY, accept="image/png")
    assert answer.status_code == 406
    assert answer.json()["type"] == "urn:ecomind:problem:not-acceptable"


def test_a_browser_may_read_today_from_the_origins_of_keys_only(platform: Platform) -> None:
    platform.key(Role.BROWSER)
    ask = {
        "access-control-request-method": "GET",
        "access-control-request-headers": "authorization",
    }
    ours = {"origin": f"https://{OURS}.example", **ask}
    answer = platform.client.options("/v1/today", headers=ours)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == ours["origin"]
    for path, origin in (("/v1/today", "https://elsewhere.example"), (DAILY, ours["origin"])):
        other = platform.client.options(path, headers={**ours, "origin": origin})
        assert other.status_code == 405
        assert "access-control-allow-origin" not in other.headers
        read = platform.get(path, origin=origin)
        assert "access-control-allow-origin" not in read.headers


def test_health_tells_the_age_of_the_figures(platform: Platform) -> None:
    found = platform.client.get("/health").json()
    current = current_snapshot(platform.settings)
    assert found["status"] == "ok"
    assert found["snapshot"]["snapshot_id"] == current.snapshot_id
    assert found["snapshot"]["age_s"] >= 0


def test_every_answer_carries_an_id_and_safe_headers(platform: Platform) -> None:
    answers = [platform.get(path) for path in ("/v1/today", "/v1/none", "/health", "/v1/today?x=1")]
    answers.append(platform.client.post("/v1/today"))
    ids = {answer.headers["ecomind-request-id"] for answer in answers}
    assert len(ids) == len(answers)
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "server" not in answer.headers
        if answer.status_code >= 400:
            assert answer.json()["instance"] == answer.headers["ecomind-request-id"]


def test_reads_stay_up_and_whole_while_snapshots_are_published(platform: Platform) -> None:
    """Publications and prunings in a row; a walk begun before them ends on its own figures."""
    served, first = platform.settings.served_dir, current_snapshot(platform.settings)
    started = platform.get(f"{DAILY}?group_by=user&limit=5").json()
    failures: list[str] = []
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            answer = platform.get(f"{DAILY}?group_by=team", Role.VIEWER)
            if answer.status_code != 200 or len(answer.json()["data"]) != 3 * DAYS:
                failures.append(answer.text)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    copies = []
    for number in range(6):
        copy = served / snapshot_name(f"20261122copy{number}")
        shutil.copyfile(first.path, copy)
        write_text_atomically(served / POINTER, copy.name + "\n")
        assert platform.get("/v1/today").status_code == 200
        if number > 1:
            copies.pop(0).unlink()
        copies.append(copy)
    over.set()
    for reader in readers:
        reader.join()
    write_text_atomically(served / POINTER, first.path.name + "\n")
    assert failures == []
    cursor = started["next_cursor"]
    more = platform.get(f"{DAILY}?group_by=user&limit=5&cursor={cursor}").json()
    assert more["snapshot_id"] == first.snapshot_id
    for copy in copies:
        copy.unlink()


def test_an_extension_reads_the_totals_and_a_page_does_not(platform: Platform) -> None:
    extension, page = "chrome-extension://abcdefghijklmnopabcdefghijklmnop", "https://a.example"
    keys = {
        origins: platform.store.keys.create(OURS, Role.BROWSER, "browser", origins=origins)[0]
        for origins in ((extension,), (page,), (extension, page))
    }

    def ask(path: str, origins: tuple[str, ...], origin: str | None = None) -> httpx.Response:
        sent = {"authorization": f"Bearer {keys[origins]}"}
        return platform.client.get(
            path, headers=sent if origin is None else {**sent, "origin": origin}
        )

    for origin in (None, extension):
        answer = ask("/v1/today", (extension,), origin)
        assert answer.status_code == 200
        assert answer.headers.get("access-control-allow-origin") == origin
    elsewhere = ask("/v1/today", (extension,), page)
    assert elsewhere.json()["type"] == "urn:ecomind:problem:origin-not-allowed"
    assert ask("/v1/today", (page,), page).status_code == 403
    assert ask("/v1/today", (extension, page), extension).status_code == 403
    assert ask(f"{DAILY}?group_by=model", (extension,)).status_code == 403
