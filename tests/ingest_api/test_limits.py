"""How much a key and an organisation may send."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ecomind.settings import Settings
from ingest_api import limits
from ingest_api.limits import Limits
from ingest_api.replies import Refused
from tests.ingest_api.running import FAST, Running, event


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(limits, "time", clock)
    return clock


def of(tmp_path: Path, **members: int) -> Limits:
    return Limits(Settings(home=tmp_path, **members))  # type: ignore[arg-type]


def test_a_batch_may_go_into_debt_once_and_time_pays_it_back(tmp_path: Path, clock: Clock) -> None:
    key = of(tmp_path, ingest_key_events_per_min=60, ingest_org_events_per_min=0).allowance(
        "o", "k"
    )
    key.check()
    key.charge(90)
    with pytest.raises(Refused) as refused:
        key.check()
    assert refused.value.status == 429
    assert refused.value.members == {"policy": "events", "retry_after_s": 31}
    clock.now += 30
    with pytest.raises(Refused):
        key.check()
    clock.now += 1
    key.check()
    headers: list[tuple[str, str]] = []
    key.describe(headers)
    assert headers == [
        ("ratelimit-policy", '"events";q=60;w=60'),
        ("ratelimit", '"events";r=1;t=59'),
    ]
    clock.now += 1000
    key.check()
    key.describe(headers)
    assert headers[-1] == ("ratelimit", '"events";r=60;t=0')


def test_keys_of_an_organisation_share_its_limit_and_no_other(tmp_path: Path, clock: Clock) -> None:
    all_limits = of(tmp_path, ingest_key_events_per_min=60, ingest_org_events_per_min=100)
    first, second = all_limits.allowance("acme", "a"), all_limits.allowance("acme", "b")
    for key in (first, second):
        key.check()
        key.charge(50)
    for key in (first, second):
        with pytest.raises(Refused) as refused:
            key.check()
        assert refused.value.members["policy"] == "org-events"
    all_limits.allowance("beta", "c").check()


def test_looking_a_key_up_again_forgives_nothing(tmp_path: Path, clock: Clock) -> None:
    all_limits = of(tmp_path, ingest_key_events_per_min=60)
    all_limits.allowance("o", "k").charge(1000)
    with pytest.raises(Refused):
        all_limits.allowance("o", "k").check()


def test_what_is_remembered_is_bounded_and_debts_stay(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "_REMEMBERED_MAX", 10)
    all_limits = of(tmp_path, ingest_key_events_per_min=60)
    all_limits.allowance("debtor", "k").charge(1000)
    for number in range(100):
        all_limits.allowance(f"org-{number}", f"key-{number}")
        assert len(all_limits._buckets) <= 11
    with pytest.raises(Refused):
        all_limits.allowance("debtor", "k").check()


def test_workers_share_a_limit_and_nought_is_none(tmp_path: Path, clock: Clock) -> None:
    half = of(tmp_path, ingest_key_events_per_min=60, ingest_workers=2).allowance("o", "k")
    headers: list[tuple[str, str]] = []
    half.describe(headers)
    assert headers[0][1].startswith('"events";q=30;w=60, "org-events";q=600000')
    none = of(tmp_path, ingest_key_events_per_min=0, ingest_org_events_per_min=0).allowance(
        "o", "k"
    )
    none.charge(10**9)
    none.check()
    headers.clear()
    none.describe(headers)
    assert headers == []


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(
        tmp_path_factory.mktemp("slow"),
        **FAST,
        ECOMIND_INGEST_KEY_EVENTS_PER_MIN="5",
        ECOMIND_INGEST_ORG_EVENTS_PER_MIN="600",
    )
    yield running.start()
    running.close()


def test_the_service_says_what_is_left_and_refuses_what_is_not(slow: Running) -> None:
    key, other = slow.key("acme"), slow.key("acme")
    first = slow.post("/v1/events", key, json=[event(f"e{n}") for n in range(3)])
    assert first.status_code == 202
    assert first.headers["ratelimit-policy"] == '"events";q=5;w=60, "org-events";q=600;w=60'
    assert first.headers["ratelimit"].startswith('"events";r=2;t=36, "org-events";r=597;')
    assert slow.post("/v1/events", key, json=[event(f"f{n}") for n in range(9)]).status_code == 202
    refused = slow.post("/v1/events", key, json=event("too-many"))
    assert refused.status_code == 429
    document = refused.json()
    assert document["type"] == "urn:ecomind:problem:rate-limited"
    assert 60 < int(refused.headers["retry-after"]) == document["retry_after_s"] <= 97
    assert refused.headers["ratelimit"].startswith('"events";r=0;')
    assert slow.post("/v1/events", other, json=event("of another key")).status_code == 422
    assert slow.post("/v1/events", other, json=event("another-key")).status_code == 202
    unknown = slow.post("/v1/events", "eco_live_no", json=event("x"))
    assert unknown.status_code == 401
    assert "ratelimit" not in unknown.headers


def test_bodies_nobody_can_read_are_charged_as_one_event_each(slow: Running) -> None:
    key = slow.key("acme")
    for left, body in ((4, "{"), (3, "[]"), (2, "{")):
        refused = slow.post("/v1/events", key, content=body)
        assert refused.status_code in (400, 422)
        assert refused.headers["ratelimit"].startswith(f'"events";r={left};')


def test_litellm_which_gives_up_at_429_is_told_503(slow: Running) -> None:
    key = slow.key("acme")
    assert slow.post("/v1/events", key, json=[event(f"l{n}") for n in range(9)]).status_code == 202
    refused = slow.post("/v1/integrations/litellm", key, json=[{}])
    assert refused.status_code == refused.json()["status"] == 503
    assert refused.json()["type"] == "urn:ecomind:problem:rate-limited"
    assert int(refused.headers["retry-after"]) > 0
