"""What organisations keep no longer goes: logs, runs, exports, imports and audit entries."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from dlt_pipelines.pipeline import load
from ecomind.identity import Conflict, JobKind, JobState, Preferences, open_store
from ecomind.identity.imports import PartInfo
from ecomind.settings import Settings
from orchestration.privacy.erasing import Run
from orchestration.privacy.jobs import do_waiting_jobs
from orchestration.privacy.retention import enforce
from tests.support.landing import event_row, land_events


@dg.op
def nothing() -> None:
    """Do nothing."""


@dg.job
def idle() -> None:
    """A run to be deleted."""
    nothing()


def test_everything_is_kept_as_long_as_it_is_wanted(settings: Settings) -> None:
    store = open_store(settings)
    store.organizations.create("acme", "Acme")
    store.organizations.configure(
        "acme", Preferences(raw_days=30, rejects_days=10, logs_days=5, audit_days=20)
    )
    now = datetime.now(UTC)
    old = event_row("old", occurred_at=now - timedelta(days=40))
    land_events(settings.landing_dir, 1, [old, event_row("new", user_id="u_alice")])
    load(settings)
    job = store.jobs.request("acme", JobKind.EXPORT, "u_alice")
    run = Run("test", lambda: None, lambda: None, lambda line: None)
    assert do_waiting_jobs(settings, run) == 1
    made = store.jobs.get("acme", job.job_id)
    assert made.state is JobState.DONE
    archive = settings.exports_dir / (made.result_path or "")
    assert archive.stat().st_mode & 0o077 == 0
    store.imports.create("imp_1", "acme", "k", None)
    store.imports.record("imp_1", PartInfo(1, "a" * 64, 1, 0, 0), "{}")
    store.imports.complete("imp_1", 1)
    settings.logs_dir.mkdir(parents=True)
    log = settings.logs_dir / "ingest.log"
    log.write_text("a line\n")
    with dg.DagsterInstance.ephemeral() as instance:
        idle.execute_in_process(instance=instance)
        first = enforce(settings, store, instance, now)
        assert (first.raw_rows, first.exports, first.imports, first.runs) == (1, 0, 0, 0)
        assert log.read_text() == ""
        [rotated] = settings.logs_dir.glob("*.rotated")
        assert rotated.read_text() == "a line\n"
        log.write_text("another\n")
        long_ago = (now - timedelta(days=6)).timestamp()
        os.utime(rotated, (long_ago, long_ago))
        later = enforce(settings, store, instance, now + timedelta(days=25))
    assert (later.exports, later.imports, later.runs) == (1, 1, 1)
    assert later.audit_entries > 0
    assert not archive.exists()
    assert not rotated.exists()
    assert store.jobs.get("acme", job.job_id).result_path is None
    assert store.imports.find("acme", "imp_1") is None
    assert store.audit.verify("acme")[0].broken is None
    assert enforce(settings, store, dg.DagsterInstance.ephemeral(), now).raw_rows == 0


def test_nobody_who_was_erased_is_exported(settings: Settings) -> None:
    store = open_store(settings)
    store.organizations.create("acme", "Acme")
    waiting = store.jobs.request("acme", JobKind.EXPORT, "u_alice")
    store.jobs.request("acme", JobKind.ERASURE, "u_alice")
    land_events(settings.landing_dir, 1, [event_row("a", user_id="u_alice")])
    run = Run("test", lambda: load(settings) and None, lambda: None, lambda line: None)
    do_waiting_jobs(settings, run)
    ended = store.jobs.get("acme", waiting.job_id)
    assert (ended.state, ended.failure) == (JobState.FAILED, "this person was erased")
    assert ended.subject.startswith("erased:")
    assert not list(settings.exports_dir.rglob("*.zip"))
    with pytest.raises(Conflict, match="was erased"):
        store.jobs.request("acme", JobKind.EXPORT, "u_alice")
