"""Reports that were asked for: one run each, and the request told what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from ecomind.identity import Job, JobKind, JobState, open_store
from ecomind.settings import Settings
from ecomind.warehouse.bundles import list_bundles
from tests.orchestration.snapshot_fixture import publish_snapshot

ORG_ID = "aurelia"


@pytest.fixture
def instance(
    code_location: object, settings: Settings, tmp_path: Path
) -> Iterator[dg.DagsterInstance]:
    settings.served_dir.mkdir(parents=True)
    publish_snapshot(settings.served_dir)
    open_store(settings).organizations.create(ORG_ID, "Aurelia Health")
    with dg.DagsterInstance.ephemeral(str(tmp_path)) as made:
        yield made


def ask(settings: Settings, period: str) -> Job:
    return open_store(settings).jobs.request(ORG_ID, JobKind.REPORT, period)


def now(settings: Settings, job: Job) -> Job:
    return open_store(settings).jobs.get(ORG_ID, job.job_id)


def tick(instance: dg.DagsterInstance) -> list[dg.RunRequest]:
    from orchestration.defs.report_requests import requested_reports  # noqa: PLC0415

    result = requested_reports(dg.build_sensor_context(instance=instance))
    return list(result.run_requests or []) if isinstance(result, dg.SensorResult) else []


def run(instance: dg.DagsterInstance, request: dg.RunRequest) -> None:
    from orchestration.defs.reports import monthly_report  # noqa: PLC0415

    dg.materialize(
        [monthly_report],
        instance=instance,
        partition_key=request.partition_key,
        tags=dict(request.tags),
        raise_on_error=False,
        selection=[monthly_report],
    )


def test_a_request_becomes_one_run_and_hears_of_its_end(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    from orchestration.defs.report_requests import JOB_TAG  # noqa: PLC0415

    assert tick(instance) == []
    job = ask(settings, "2026-10")
    [request] = tick(instance)
    assert (request.run_key, request.tags[JOB_TAG]) == (job.job_id, job.job_id)
    assert request.partition_key == dg.MultiPartitionKey(
        {"month": "2026-10-01", "organization": ORG_ID}
    )
    assert now(settings, job).state is JobState.RUNNING
    # Until the run exists, a sensor that was stopped asks again, under the same key.
    assert [each.run_key for each in tick(instance)] == [job.job_id]
    run(instance, request)
    assert tick(instance) == []
    done = now(settings, job)
    assert (done.state, done.result_path, done.failure) == (JobState.DONE, "2026-10/v001", None)
    assert [bundle.period for bundle in list_bundles(settings, ORG_ID)] == ["2026-10"]
    assert tick(instance) == []


def test_a_month_of_which_nothing_is_known_fails_with_a_sentence(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    nothing, never = ask(settings, "2025-03"), ask(settings, "1999-01")
    [request] = tick(instance)
    assert request.run_key == nothing.job_id
    assert now(settings, never).state is JobState.FAILED
    assert "1999-01" in (now(settings, never).failure or "")
    run(instance, request)
    tick(instance)
    failed = now(settings, nothing)
    assert failed.state is JobState.FAILED
    assert "March 2025" in (failed.failure or "")
    assert "Error" not in (failed.failure or "")
