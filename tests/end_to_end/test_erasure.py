"""A person is erased: no file holds them, no total changes, and nothing brings them back."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest

from ecomind.identity import ERASED, IdentityStore, JobKind, JobState, Role, open_store
from ecomind.warehouse.reader import OrgReader
from ecomind.warehouse.snapshot import current_snapshot
from orchestration.privacy.erasing import Run
from orchestration.privacy.jobs import do_waiting_jobs
from tests.support.installation import Installation
from tests.support.traces import traces

NAME = "Alice Q. Example"
START = datetime.now(UTC) - timedelta(days=3)
MARTS = ("org", "team", "model", "region")


@dataclass
class House:
    """An installation with the calls of three people, loaded, reported and published."""

    installation: Installation
    store: IdentityStore
    key: str
    key_of_reader: str
    alice: str
    bob: str

    def totals(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of the marts that name no people, as they are published."""
        return {
            mart: self.installation.query(f"select * from mart.{mart}_footprint_daily order by all")
            for mart in MARTS
        }

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
    installation = Installation(tmp_path_factory.mktemp("erasure") / "home")
    store = open_store(installation.settings)
    store.organizations.create("acme", "Acme")
    store.directory.create_team("acme", "search", "Search")
    alice = store.directory.create_user("acme", "alice@example.org", NAME, "search")
    bob = store.pseudonym("acme", "bob@example.org")
    key, _ = store.keys.create("acme", Role.ADMIN, "dashboard")
    sending, _ = store.keys.create("acme", Role.INGEST, "gateway")
    made = House(installation, store, sending, key, alice, bob)
    with installation.ingest() as client:
        sent = [
            *calls("alice@example.org", 9),
            *calls("alice@example.org", 5, provider="anthropic", team_id="ads"),
            *calls("bob@example.org", 7),
            *calls("carol@example.org", 4, provider="anthropic"),
            refused("alice@example.org"),
            refused("bob@example.org"),
        ]
        assert made.send(client, sent).status_code == 207
    installation.ecomind("load")
    month = START.strftime("%Y-%m")
    installation.ecomind("report", "acme", month)
    yield made
    store.close()


def test_an_export_holds_everything_of_one_person(house: House, tmp_path: Path) -> None:
    archive = tmp_path / "alice.zip"
    house.installation.ecomind(
        "privacy", "export", "acme", "alice@example.org", "--out", str(archive)
    )
    with zipfile.ZipFile(archive) as opened:
        texts = {name: opened.read(name).decode() for name in opened.namelist()}
    assert texts["events.csv"].count(house.alice) == 14
    assert texts["rejections.csv"].count("\n") == 2
    assert NAME in texts["directory.csv"]
    assert texts["daily_footprint.csv"].count("\n") > 3
    assert house.bob not in "".join(texts.values())
    assert "energy_mid_kwh" in texts["daily_footprint.csv"]


def test_erased_people_are_nowhere_and_no_total_changes(house: House) -> None:
    installation, settings = house.installation, house.installation.settings
    assert traces(settings.home, house.alice)
    assert traces(settings.home, NAME)
    (settings.logs_dir / "old.log").write_text(f"somebody logged {house.alice} here\n")
    before = house.totals()
    versions = sorted(settings.reports_dir.rglob("facts.csv"))
    reported = [path.read_bytes() for path in versions]

    # Hidden at once, before anything is rewritten.
    job = house.store.jobs.request("acme", JobKind.ERASURE, house.alice)
    _assert_readers_hide(house)
    # An attempt that dies half-way: names are gone from the raw store, not from snapshots.
    run = Run("test", lambda: None, _dies, lambda line: None)
    with pytest.raises(RuntimeError, match="power cut"):
        do_waiting_jobs(settings, run)
    failed = house.store.jobs.get("acme", job.job_id)
    assert (failed.state, failed.failure) == (JobState.FAILED, "power cut at (the person)")
    assert traces(settings.home, house.alice)

    # Something of theirs is still in the log when it is done again. No call: a rebuilt day may
    # differ in the last digit, as the order of its sums does.
    with installation.ingest() as client:
        house.send(client, [refused("alice@example.org")])
        installation.ecomind("privacy", "erase", "acme", house.alice, "--yes")
        assert house.totals() == before
        assert traces(settings.home, house.alice) == []
        assert traces(settings.home, NAME) == []
        # What comes again comes as nobody's; so does what is new.
        late = calls("alice@example.org", 1)[0] | {"event_id": "late"}
        house.send(client, [*calls("alice@example.org", 9), refused("alice@example.org"), late])
    installation.ecomind("load")
    assert traces(settings.home, house.alice) == []
    assert [path.read_bytes() for path in versions] == reported
    counted = dict(
        installation.query(
            "select user_id, sum(events) from mart.user_footprint_daily group by user_id"
        )
    )
    assert (counted[ERASED], counted[house.bob]) == (15, 7)
    assert [row.state for row in house.store.jobs.listed("acme", JobKind.ERASURE)][:1] == [
        JobState.DONE
    ]
    assert house.store.audit.verify("acme")[0].broken is None


def test_several_erased_people_are_one_row(house: House) -> None:
    settings, before = house.installation.settings, house.totals()
    house.installation.ecomind("privacy", "erase", "acme", "bob@example.org", "--yes")
    assert traces(settings.home, house.bob) == []
    assert house.totals() == before
    [(rows, distinct, events)] = house.installation.query(
        "select count(*), count(distinct (usage_date, team_id)), sum(events)"
        f" from mart.user_footprint_daily where user_id = '{ERASED}'"
    )
    assert (rows, events) == (distinct, 22)
    # A full audit over all history still agrees, and nothing waits to be computed anew.
    with duckdb.connect(settings.marts_database, read_only=True) as marts:
        basis = marts.execute(
            "select count(*) from intermediate.int_loads_rolled_up where row_kind = 'basis'"
        ).fetchall()
    house.installation.ecomind("load")
    assert house.totals() == before
    with duckdb.connect(settings.marts_database, read_only=True) as marts:
        assert (
            basis
            == marts.execute(
                "select count(*) from intermediate.int_loads_rolled_up where row_kind = 'basis'"
            ).fetchall()
        )
    listed = house.installation.ecomind("privacy", "jobs", "acme")
    assert "erasure" in listed
    assert "failed" in listed


def _dies() -> None:
    raise RuntimeError("power cut at (the person)")


def _assert_readers_hide(house: House) -> None:
    principal = house.store.authenticate(house.key_of_reader)
    assert principal is not None
    reader = OrgReader(current_snapshot(house.installation.settings), principal)
    for mart in ("user_footprint_daily", "dim_user"):
        shown = reader.mart(mart).to_pylist()
        assert house.alice not in {row["user_id"] for row in shown}
        assert NAME not in str(shown)
    assert ERASED in {row["user_id"] for row in reader.mart("user_footprint_daily").to_pylist()}
