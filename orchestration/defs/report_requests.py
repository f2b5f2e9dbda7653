"""Reports somebody asked for: from a row of the control store to a run, and back to its state.

The row is the queue: whoever asks (the API) and whoever makes (here) know nothing of each other. A
request is taken up once, named by its run's tag, and ended by what became of that run, so a sensor
that stops at any point goes on where it was.
"""

from collections.abc import Iterator

import dagster as dg

from ecomind.identity import Actor, IdentityStore, Job, JobKind, JobState, open_store
from ecomind.settings import get_settings
from ecomind.warehouse.bundles import UnknownBundle, open_bundle
from orchestration.defs.reports import MONTHS
from orchestration.defs.schedules import report
from orchestration.organizations import register_organizations

JOB_TAG = "ecomind/report_request"
_WELL_KNOWN = ("NothingToReport",)
"""Failures whose words are for whoever asked."""


@dg.sensor(
    job=report,
    name="requested_reports",
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Makes the reports that were asked for over the API, and says what became of them.",
)
def requested_reports(
    context: dg.SensorEvaluationContext,
) -> dg.SensorResult | dg.SkipReason:
    """A run for each new request; the end of each request whose run is over."""
    settings = get_settings()
    store = open_store(settings, Actor.system("orchestration"))
    try:
        while store.jobs.take(JobKind.REPORT) is not None:
            pass  # What is taken is listed as running.
        waiting = [
            job for job in store.jobs.listed(None, JobKind.REPORT) if job.state is JobState.RUNNING
        ]
        if not waiting:
            return dg.SkipReason("nobody waits for a report")
        register_organizations(context.instance, settings)
        return dg.SensorResult(run_requests=list(_started(context.instance, store, waiting)))
    finally:
        store.close()


def _started(
    instance: dg.DagsterInstance, store: IdentityStore, waiting: list[Job]
) -> Iterator[dg.RunRequest]:
    """End the requests whose runs are over; the runs of those that have none yet."""
    for job in waiting:
        month = f"{job.subject}-01"
        runs = instance.get_runs(dg.RunsFilter(tags={JOB_TAG: job.job_id}), limit=1)
        if not runs and not MONTHS.has_partition_key(month):
            store.jobs.finish(job.job_id, failure=f"{job.subject} is no month that is reported")
        elif not runs:
            yield dg.RunRequest(
                run_key=job.job_id,
                partition_key=dg.MultiPartitionKey({"month": month, "organization": job.org_id}),
                tags={JOB_TAG: job.job_id},
            )
        elif runs[0].is_finished:
            _end(instance, store, job, runs[0])


def _end(instance: dg.DagsterInstance, store: IdentityStore, job: Job, run: dg.DagsterRun) -> None:
    if not run.is_success:
        store.jobs.finish(job.job_id, failure=_why(instance, run))
        return
    try:
        bundle = open_bundle(get_settings(), job.org_id, job.subject)
    except UnknownBundle as error:
        store.jobs.finish(job.job_id, failure=str(error))
    else:
        store.jobs.finish(job.job_id, result_path=f"{bundle.period}/{bundle.directory.name}")


def _why(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    """Why a run failed, as far as that concerns whoever asked."""
    for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE):
        event = entry.dagster_event
        error = event.step_failure_data.error if event is not None else None
        while error is not None:
            if error.cls_name in _WELL_KNOWN:
                return error.message.partition(": ")[2].strip() or error.message
            error = error.cause
    return f"the report could not be made; the operator finds why in the run {run.run_id}"
