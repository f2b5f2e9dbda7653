"""Jobs, and when they run: on newly landed files, nightly, and monthly."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from ecomind.landing_zone import StorageTrouble, open_zone
from ecomind.settings import get_settings
from orchestration.defs.raw import load_raw
from orchestration.defs.serving import snapshot
from orchestration.defs.warehouse import foundation, marts
from orchestration.factor_files import (
    are_refused,
    fingerprint,
    of_control_store,
    organizations_are_current,
)
from orchestration.landing_watch import newest_sequences
from orchestration.names import DATA_DOCS, DBT_DOCS, LANDED_FILES, MONTHLY_REPORT, WAREHOUSE_AUDIT
from orchestration.organizations import register_organizations
from orchestration.runs import load_job_name

_REFRESHED = dg.AssetSelection.assets(load_raw, marts, snapshot)

refresh = dg.define_asset_job(
    "refresh",
    selection=_REFRESHED,
    description="Load what was landed, rebuild what it touched, check, publish.",
)
rebuild = dg.define_asset_job(
    "rebuild",
    selection=_REFRESHED | dg.AssetSelection.assets(foundation),
    description="As refresh, with the factor seeds and staging views built anew.",
)
documents = dg.define_asset_job(
    "documents",
    selection=dg.AssetSelection.assets(DATA_DOCS, DBT_DOCS),
    description="The auditor's pages of the published snapshot.",
)
audit = dg.define_asset_job(
    "audit",
    selection=dg.AssetSelection.assets(WAREHOUSE_AUDIT),
    description="Tests over all history, and landed files that no load dealt with.",
)
report = dg.define_asset_job(
    "report",
    selection=dg.AssetSelection.assets(MONTHLY_REPORT),
    description="One organisation's report of one month.",
)


@dg.sensor(
    jobs=[refresh, rebuild],
    name="landed_files",
    minimum_interval_seconds=get_settings().load_poll_s,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts a load when files were landed, or organisations overrode factors or froze"
    " months, since the last one it started.",
)
def landed_files_sensor(
    context: dg.SensorEvaluationContext,
) -> dg.SensorResult | dg.SkipReason:
    """One load for everything that is new; none while one waits to start."""
    settings = get_settings()
    try:
        sequences = newest_sequences(open_zone(settings))
    except StorageTrouble as trouble:
        return dg.SkipReason(str(trouble))
    newest = ",".join(f"{name}={number}" for name, number in sorted(sequences.items()))
    if not newest:
        return dg.SkipReason("nothing was ever landed")
    # What a rebuild left out because its factors were refused, a refresh takes along.
    landed = f"{newest},refused" if are_refused(settings) else newest
    recorded = of_control_store(settings)
    started_landed, _, started_recorded = (context.cursor or "").partition("|")
    # What `ecomind load` has applied already needs no load, what one failed to apply no second.
    is_recorded = recorded != started_recorded and not organizations_are_current(settings)
    if landed == started_landed and not is_recorded:
        return dg.SkipReason("nothing was landed or recorded since the last load")
    cursor, job_name = f"{landed}|{recorded}", load_job_name(settings)
    waiting = context.instance.get_runs_count(
        dg.RunsFilter(
            job_name=job_name,
            statuses=[
                dg.DagsterRunStatus.QUEUED,
                dg.DagsterRunStatus.NOT_STARTED,
                dg.DagsterRunStatus.STARTING,
            ],
        )
    )
    if waiting:
        return dg.SkipReason("a load is about to start and will take this along")
    # With the factors in the key, files mended after a refusal are loaded once more.
    run_key = f"{cursor}|{fingerprint(settings)}"
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_key=run_key, job_name=job_name)],
        cursor=cursor,
        asset_events=[dg.AssetMaterialization(LANDED_FILES, metadata={"newest": newest})],
    )


nightly_audit = dg.ScheduleDefinition(
    name="nightly_audit",
    job=audit,
    cron_schedule="20 2 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
daily_documents = dg.ScheduleDefinition(
    name="daily_documents",
    job=documents,
    cron_schedule="40 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
daily_refresh = dg.ScheduleDefinition(
    name="daily_refresh",
    job=rebuild,
    cron_schedule="5 1 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)


@dg.schedule(
    job=report,
    name="monthly_reports",
    cron_schedule="0 4 2 * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Reports of the month before, for every organisation, on the second of a month.",
)
def monthly_reports(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest]:
    """One run per organisation for the month that just ended."""
    now = (context.scheduled_execution_time or datetime.now(UTC)).astimezone(UTC)
    month = (now.replace(day=1) - timedelta(days=1)).strftime("%Y-%m-01")
    organizations = register_organizations(context.instance, get_settings())
    return [
        dg.RunRequest(
            run_key=f"{organization}/{month}",
            partition_key=dg.MultiPartitionKey({"month": month, "organization": organization}),
        )
        for organization in organizations
    ]


JOBS = [refresh, rebuild, documents, audit, report]
SCHEDULES = [nightly_audit, daily_documents, daily_refresh, monthly_reports]
