"""Privacy: people erased and exported when it is asked for, and what is too old removed daily."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource

from ecomind.identity import Actor, JobState, open_store
from ecomind.settings import Settings, get_settings
from orchestration.dbt import BUILD_ARGUMENTS, FOUNDATION, NO_ARTIFACTS, RUN_DIR
from orchestration.defs.serving import loads_missing_from_marts
from orchestration.factor_files import are_whole
from orchestration.names import AUDIT, RETENTION, SNAPSHOT, WAREHOUSE_POOL
from orchestration.privacy.erasing import Run
from orchestration.privacy.jobs import KINDS, do_waiting_jobs
from orchestration.privacy.retention import enforce
from orchestration.runs import UNFINISHED


def _refresh(settings: Settings, dbt: DbtCliResource) -> None:
    """Load and build as ``refresh`` does, here: nobody may load between this and the erasure."""
    from dlt_pipelines.pipeline import load  # noqa: PLC0415 - heavy, wanted only where it runs.

    load(settings)
    if not settings.marts_database.is_file():
        return
    if not are_whole(settings):
        raise dg.Failure(
            "the factors in the warehouse are not whole: mend the files, then run `ecomind load`",
            allow_retries=False,
        )
    target = settings.dbt_target_dir / RUN_DIR
    arguments = [*BUILD_ARGUMENTS, NO_ARTIFACTS, "--exclude", FOUNDATION]
    dbt.cli(arguments, target_path=target).wait()


def _settled(settings: Settings, dbt: DbtCliResource) -> Callable[[], None]:
    def settle() -> None:
        target = settings.dbt_target_dir / RUN_DIR
        dbt.cli(["run-operation", "settle_basis"], target_path=target).wait()

    return settle


@dg.op(pool=WAREHOUSE_POOL)
def fulfil_privacy_requests(context: dg.OpExecutionContext, dbt: DbtCliResource) -> None:
    """Do every erasure and export that waits."""
    settings = get_settings()
    run = Run(
        context.run_id,
        lambda: _refresh(settings, dbt),
        _settled(settings, dbt),
        context.log.info,
    )
    done = do_waiting_jobs(settings, run)
    context.log.info(f"{done} requests fulfilled")


@dg.job(description="Erase and export people, as it was asked for.")
def privacy_requests() -> None:
    """Fulfil what waits."""
    fulfil_privacy_requests()


@dg.sensor(
    job=privacy_requests,
    name="privacy_requests_waiting",
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts the erasures and exports that were asked for, also those a crash cut off.",
)
def privacy_requests_waiting(
    context: dg.SensorEvaluationContext,
) -> dg.RunRequest | dg.SkipReason:
    """One run for all that wait, and none beside one that is under way."""
    waiting = [
        job
        for job in open_store(get_settings()).jobs.listed(None, *KINDS)
        if job.state in (JobState.REQUESTED, JobState.RUNNING)
    ]
    if not waiting:
        return dg.SkipReason("nobody asked for an erasure or an export")
    running = dg.RunsFilter(job_name=privacy_requests.name, statuses=UNFINISHED)
    if context.instance.get_runs_count(running):
        return dg.SkipReason("a run is under way")
    return dg.RunRequest()


@dg.asset(
    key=RETENTION,
    group_name=AUDIT,
    deps=[SNAPSHOT],
    pool=WAREHOUSE_POOL,
    description="Raw events, rejections, logs, audit entries and exports kept as long as each"
    " organisation keeps them.",
)
def retention(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Remove what organisations keep no longer; marts and reports stay."""
    settings = get_settings()
    missing = loads_missing_from_marts(settings) if settings.marts_database.is_file() else []
    if missing:
        raise dg.Failure("the marts lack a load: nothing may be removed before they hold it")
    store = open_store(settings, Actor.system("retention"))
    enforced = enforce(settings, store, context.instance, datetime.now(UTC))
    return dg.MaterializeResult(metadata=asdict(enforced))


retention_job = dg.define_asset_job(
    "retention",
    selection=dg.AssetSelection.assets(RETENTION),
    description="Remove what organisations keep no longer.",
)
daily_retention = dg.ScheduleDefinition(
    name="daily_retention",
    job=retention_job,
    cron_schedule="50 1 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)

JOBS: list[Any] = [privacy_requests, retention_job]
SCHEDULES = [daily_retention]
SENSORS = [privacy_requests_waiting]
