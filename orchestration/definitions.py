"""The code location: every stage's definitions, and the policies that hold for all of them."""

from __future__ import annotations

import warnings
from datetime import timedelta

import dagster as dg

from ecomind.settings import get_settings
from orchestration.dbt import dbt_resource
from orchestration.defs import (
    alerts,
    audit,
    factors,
    landing,
    privacy,
    raw,
    report_requests,
    reports,
    schedules,
    serving,
    warehouse,
)

# Dagster copies sensors with a parameter of its own that it then warns of.
warnings.filterwarnings("ignore", "Parameter `owners` of initializer", dg.BetaWarning)
_STAGES = [landing, raw, warehouse, serving, audit, reports, privacy]


@dg.definitions
def defs() -> dg.Definitions:
    """Assets, checks, jobs, schedules and sensors of EcoMind."""
    location = dg.Definitions(
        assets=dg.load_assets_from_modules(_STAGES, include_specs=True),
        asset_checks=dg.load_asset_checks_from_modules(_STAGES),
        jobs=[*schedules.JOBS, *factors.JOBS, *privacy.JOBS],
        schedules=[*schedules.SCHEDULES, *privacy.SCHEDULES],
        sensors=[
            schedules.landed_files_sensor,
            alerts.threshold_alerts,
            report_requests.requested_reports,
            *privacy.SENSORS,
        ],
        resources={"dbt": dbt_resource()},
        executor=dg.in_process_executor,
    )
    stale = dg.FreshnessPolicy.time_window(
        fail_window=timedelta(hours=2 * get_settings().freshness_warn_h),
        warn_window=timedelta(hours=get_settings().freshness_warn_h),
    )
    return location.permissive_map_resolved_asset_specs(
        func=lambda spec: dg.apply_freshness_policy(spec, stale),
        selection=dg.AssetSelection.groups("marts", "serving"),
    )
