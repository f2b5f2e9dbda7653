"""Who was erased arrives as nobody, and what could not be counted any more is refused."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from ecomind.contract.bucket import BUCKETS
from ecomind.identity import ERASED, JobKind, Preferences, Role, open_store
from ecomind.settings import Settings
from ingest_api import credentials
from ingest_api.adapters.base import Adapter, Bucket, Document
from ingest_api.credentials import KeyRing, Tenant
from ingest_api.intake import Intake, Request
from ingest_api.landing import frame, record
from ingest_api.limits import Limits


class Kept:
    """A log in memory."""

    def __init__(self) -> None:
        self.data = b""

    async def append(self, frames: bytes) -> None:
        self.data += frames

    def rows(self, kind: bytes) -> list[str]:
        parts = record.parts(frame.read(self.data).rows[kind])
        return [line.decode() for part in parts for line in part.rows.split(b"\n")]


def tenant_of(settings: Settings, key: str) -> Tenant:
    async def look_up() -> Tenant | None:
        return await KeyRing(open_store(settings), Limits(settings)).tenant(key)

    found = asyncio.run(look_up())
    assert found is not None
    return found


def call(event_id: str, **fields: Any) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "occurred_at": datetime.now(UTC).isoformat(),
        "provider": "openai",
        "request_model": "gpt-4o",
        "input_tokens": 5,
        "output_tokens": 1,
        **fields,
    }


def receive(settings: Settings, tenant: Tenant, items: list[object]) -> tuple[Kept, list[str]]:
    kept = Kept()
    adapter = Adapter("native", (), lambda _: items, is_foreign=False)
    request = Request(adapter, Document(b"", {}), tenant, "0" * 28)
    outcome = asyncio.run(Intake(settings, kept).receive(request))
    return kept, [result.result for result in outcome.results]


def test_an_erased_person_arrives_as_nobody(settings: Settings) -> None:
    store = open_store(settings)
    store.organizations.create("acme", "Acme")
    key, _ = store.keys.create("acme", Role.INGEST, "k")
    alice, bob = store.pseudonym("acme", "alice"), store.pseudonym("acme", "bob")
    bucket = Bucket(
        {
            "connector": "openai",
            "bucket_start": "2026-01-01T00:00:00Z",
            "bucket_end": "2026-01-02T00:00:00Z",
            "provider": "openai",
            "user_ref": "alice",
            "request_count": 1,
        }
    )
    refused = call("bad", user_id="alice") | {"input_tokens": -1}
    items = [call("a", user_id="alice"), call("b", user_id="bob"), refused, bucket]
    kept, _ = receive(settings, tenant_of(settings, key), items)
    assert alice.encode() in kept.data
    store.jobs.request("acme", JobKind.ERASURE, alice)
    kept, _ = receive(settings, tenant_of(settings, key), items)
    assert alice.encode() not in kept.data
    assert bob.encode() in kept.data
    assert f'"user_id":"{ERASED}"' in kept.rows(frame.EVENT)[0]
    assert f'user_id\\":\\"{ERASED}' in kept.rows(frame.REJECT)[0]
    assert '"user_ref":"erased-' in kept.rows(frame.BUCKET)[0]
    assert BUCKETS.name == "buckets"


def test_a_service_that_runs_hears_of_an_erasure(settings: Settings, monkeypatch: Any) -> None:
    monkeypatch.setattr(credentials, "STALENESS_S", 0.0)
    store = open_store(settings)
    store.organizations.create("acme", "Acme")
    key, _ = store.keys.create("acme", Role.INGEST, "k")

    async def names() -> list[str]:
        ring = KeyRing(store, Limits(settings))
        before = await ring.tenant(key)
        store.jobs.request("acme", JobKind.ERASURE, store.pseudonym("acme", "alice"))
        after = await ring.tenant(key)
        assert before is not None
        assert after is not None
        return [before.pseudonymise("alice"), after.pseudonymise("alice"), after.pseudonymise("b")]

    assert asyncio.run(names()) == [
        store.pseudonym("acme", "alice"), ERASED, store.pseudonym("acme", "b"),
    ]  # fmt: skip


def test_what_could_not_be_counted_any_more_is_refused(settings: Settings) -> None:
    store = open_store(settings)
    store.organizations.create("acme", "Acme")
    key, _ = store.keys.create("acme", Role.IMPORT, "k")
    now = datetime.now(UTC)
    items: list[object] = [
        call(f"{days}", occurred_at=(now - timedelta(days=days)).isoformat())
        for days in (1, 27, 29, 900)
    ]
    assert receive(settings, tenant_of(settings, key), items)[1] == ["accepted"] * 4
    store.organizations.configure("acme", Preferences(raw_days=30))
    results = receive(settings, tenant_of(settings, key), items)[1]
    assert results == ["accepted", "accepted", "rejected", "rejected"]
