"""The code location: every stage's definitions, and the policies that hold for all of them."""

from __future__ import annotations

from datetime import timedelta

import dagster as dg

from ecomind.settings import get_settings
from orchestration.dbt import dbt_resource
from orchestration.defs import alerts, audit, landing, raw, reports, schedules, serving, warehouse

_STAGES = [landing, raw, warehouse, serving, audit, reports, schedules, alerts]


@dg.definitions
def defs() -> dg.Definitions:
    """Assets, checks, jobs, schedules and sensors of EcoMind."""
    loaded = dg.load_definitions_from_modules(
        _STAGES,
        resources={"dbt": dbt_resource()},
        executor=dg.in_process_executor,
    )
    stale = dg.FreshnessPolicy.time_window(
        fail_window=timedelta(hours=2 * get_settings().freshness_warn_h),
        warn_window=timedelta(hours=get_settings().freshness_warn_h),
    )
    return loaded.permissive_map_resolved_asset_specs(
        func=lambda spec: dg.apply_freshness_policy(spec, stale),
        selection=dg.AssetSelection.groups("marts", "serving"),
    )
