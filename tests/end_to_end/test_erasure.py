"""A person is erased: no file holds them, no total changes, and nothing brings them back.

``ECOMIND_KILL_ROUNDS`` sets how many erasures are killed (1 by default), each at another point.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import httpx
import pytest

from ecomind.identity import ERASED, IdentityStore, JobKind, JobState, Role, open_store
from ecomind.settings import PROJECT_ROOT
from ecomind.warehouse.reader import OrgReader
from ecomind.warehouse.snapshot import current_snapshot
from orchestration.privacy.erasing import Run
from orchestration.privacy.exporting import files_of
from orchestration.privacy.jobs import do_waiting_jobs
from orchestration.reports import build_bundle
from tests.support.erasure_run import POINTS
from tests.support.installation import Installation
from tests.support.traces import traces

NAME = "Alice Q. Example"
START = datetime.now(UTC) - timedelta(days=3)
MARTS = ("org", "team", "model", "region", "source")
ROUNDS = int(os.environ.get("ECOMIND_KILL_ROUNDS", "1"))
FIRST = "note_left before"
"""Where the one erasure of a short run dies: the marts know already, the control store does not."""


@dataclass
class House:
    """An installation with the calls of three people, loaded, reported and published."""

    installation: Installation
    store: IdentityStore
    key: str
    key_of_reader: str
    alice: str
    bob: str
    dora: str

    def totals(self, days: str = "true") -> dict[str, list[tuple[Any, ...]]]:
        """Every row of the marts that name no people, as they are published, to the last digit."""
        return {
            mart: self.installation.query(
                f"select * from mart.{mart}_footprint_daily where {days} order by all"
            )
            for mart in MARTS
        }

    def basis_built_at(self) -> datetime:
        """When every day was computed anew for the last time."""
        with duckdb.connect(self.installation.settings.marts_database, read_only=True) as marts:
            row = marts.execute(
                "select max(rolled_up_at) from intermediate.int_loads_rolled_up"
                " where row_kind = 'basis'"
            ).fetchone()
        assert row is not None
        assert isinstance(row[0], datetime)
        return row[0]

    def privacy_run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Do what was asked for, in a process of its own."""
        return subprocess.run(
            [sys.executable, "-m", "tests.support.erasure_run", *arguments],
            env=self.installation.environment,
            cwd=PROJECT_ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            start_new_session=True,
            check=False,
        )

    def send(self, client: httpx.Client, events: list[dict[str, Any]]) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}"}
        return client.post("/v1/events", json=events, headers=headers, timeout=30)


def calls(user: str, count: int, **fields: Any) -> list[dict[str, Any]]:
    return [
        {
            "event_id": f"{user}-{fields.get('provider', 'openai')}-{number}",
            "occurred_at": (START + timedelta(hours=7 * number)).isoformat(),
            "provider": "openai",
            "request_model": ("gpt-4o", "gpt-4o-mini")[number % 2],
            "input_tokens": 100 + 37 * number,
            "output_tokens": 10 + 11 * number,
            "sample_weight": 1.5 if number == 3 else 1,
            "region": "eastus",
            "user_id": user,
            **fields,
        }
        for number in range(count)
    ]


def refused(user: str) -> dict[str, Any]:
    return {**calls(user, 1)[0], "event_id": f"{user}-refused", "input_tokens": -1}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    installation = Installation.after_first_load(tmp_path_factory.mktemp("erasure") / "home")
    store = open_store(installation.settings)
    store.organizations.create("acme", "Acme")
    store.directory.create_team("acme", "search", "Search")
    store.directory.create_team("acme", "ads", "Ads")
    alice = store.directory.create_user("acme", "alice@example.org", NAME, "search")
    bob = store.pseudonym("acme", "bob@example.org")
    dora = store.directory.create_user("acme", "dora@example.org", "Dora", "ads")
    key, _ = store.keys.create("acme", Role.ADMIN, "dashboard")
    sending, _ = store.keys.create("acme", Role.INGEST, "gateway")
    made = House(installation, store, sending, key, alice, bob, dora)
    with installation.ingest() as client:
        sent = [
            *calls("alice@example.org", 9),
            *calls("alice@example.org", 5, provider="anthropic", team_id="ads"),
            *calls("bob@example.org", 7),
            *calls("carol@example.org", 4, provider="anthropic"),
            *calls("dora@example.org", 3),
            refused("alice@example.org"),
            refused("bob@example.org"),
        ]
        assert made.send(client, sent).status_code == 207
    installation.ecomind("load")
    with current_snapshot(installation.settings).connect() as snapshot:
        build_bundle(snapshot, "acme", f"{START:%Y-%m}", installation.settings.reports_dir)
    yield made
    store.close()


def test_an_export_holds_everything_of_one_person(house: House) -> None:
    settings = house.installation.settings
    asked = house.store.jobs.request("acme", JobKind.EXPORT, house.alice)
    run = Run("test", lambda: None, lambda: None, lambda line: None)
    assert do_waiting_jobs(settings, run) == 1
    job = house.store.jobs.get("acme", asked.job_id)
    with zipfile.ZipFile(settings.exports_dir / (job.result_path or "")) as opened:
        texts = {name: opened.read(name).decode() for name in opened.namelist()}
    assert texts["events.csv"].count(house.alice) == 14
    assert texts["rejections.csv"].count("\n") == 2
    assert NAME in texts["directory.csv"]
    assert texts["daily_footprint.csv"].count("\n") > 3
    assert house.bob not in "".join(texts.values())
    assert "energy_mid_kwh" in texts["daily_footprint.csv"]


def test_killed_erasures_leave_nobody_and_change_no_total(house: House) -> None:
    """Killed anywhere and done again, an erasure ends as one that nobody disturbed."""
    installation, settings = house.installation, house.installation.settings
    (settings.logs_dir / "old.log").write_text(f"somebody logged {house.alice} here\n")
    reports = {path: path.read_bytes() for path in settings.reports_dir.rglob("facts.csv")}
    before, basis = house.totals(), house.basis_built_at()
    # An export that was cut off, and two erasures of which one may end without the other.
    export = house.store.jobs.request("acme", JobKind.EXPORT, house.alice)
    cut_off = files_of(settings, "acme", export.job_id)[1]
    cut_off.parent.mkdir(parents=True, exist_ok=True)
    cut_off.write_text(f"half an archive of {house.alice}")
    jobs = [
        house.store.jobs.request("acme", JobKind.ERASURE, person)
        for person in (house.alice, house.dora)
    ]
    _assert_readers_hide(house)  # At once, before anything is rewritten.
    assert traces(settings.home, house.alice)
    house.store.close()
    pristine = settings.home.with_name("pristine")
    shutil.copytree(settings.home, pristine, symlinks=True)
    for number, (point, delay_s) in enumerate(_deaths(ROUNDS)):
        if number:
            shutil.rmtree(settings.home)
            shutil.copytree(pristine, settings.home, symlinks=True)
        killed = house.privacy_run(point, str(delay_s))
        where = f"{point} + {delay_s:.2f} s"
        assert killed.returncode in (-signal.SIGKILL, 0), killed.stdout
        again = house.privacy_run()
        assert again.returncode == 0, f"{where}: {again.stdout}"
        print(f"{where}: {'killed' if killed.returncode else 'too late'}, mended")
        store = open_store(installation.settings)
        assert {store.jobs.get("acme", job.job_id).state for job in jobs} == {JobState.DONE}, where
        assert store.audit.verify("acme")[0].broken is None, where
        store.close()
        for person in (house.alice, house.dora, NAME):
            assert traces(settings.home, person) == [], where
        assert house.totals() == before, where
        assert house.basis_built_at() == basis, where
        assert {path: path.read_bytes() for path in reports} == reports, where
        half_written = [path for path in settings.home.rglob("*") if ".tmp" in path.name]
        assert half_written == [], where
    shutil.rmtree(pristine)


def _deaths(rounds: int) -> Iterator[tuple[str, float]]:
    """Where and how long after erasures die: at each point first, then within the steps."""
    chance = random.Random(7)
    points = [FIRST, *(point for point in POINTS if point != FIRST)]
    for number in range(rounds):
        point = points[number % len(points)]
        yield point, 0.0 if number < len(points) else chance.uniform(0.01, 3.0)


def test_what_comes_later_is_nobodys_and_several_erased_people_are_one(house: House) -> None:
    installation, settings = house.installation, house.installation.settings
    day = f"usage_date <> date '{START:%Y-%m-%d}'"
    before, basis = house.totals(day), house.basis_built_at()
    with installation.ingest() as client:
        late = calls("alice@example.org", 1)[0] | {"event_id": "late"}
        house.send(client, [*calls("alice@example.org", 1), refused("alice@example.org"), late])
        installation.ecomind("privacy", "erase", "acme", "bob@example.org", "--yes")
    for person in (house.alice, house.bob, NAME):
        assert traces(settings.home, person) == []
    # Days on which nothing arrived are as they were, to the last digit: no day was computed anew.
    assert house.totals(day) == before
    assert house.basis_built_at() == basis
    [(rows, distinct, events)] = installation.query(
        "select count(*), count(distinct (usage_date, team_id)), sum(events)"
        f" from mart.user_footprint_daily where user_id = '{ERASED}'"
    )
    assert (rows, events) == (distinct, 14 + 7 + 3 + 1), "of alice, bob, dora, and the late one"
    assert "erasure" in installation.ecomind("privacy", "jobs", "acme")


def _assert_readers_hide(house: House) -> None:
    principal = house.store.authenticate(house.key_of_reader)
    assert principal is not None
    reader = OrgReader(current_snapshot(house.installation.settings), principal)
    for mart in ("user_footprint_daily", "dim_user"):
        shown = reader.mart(mart).to_pylist()
        assert house.alice not in {row["user_id"] for row in shown}
        assert NAME not in str(shown)
    assert ERASED in {row["user_id"] for row in reader.mart("user_footprint_daily").to_pylist()}
