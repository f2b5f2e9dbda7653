"""Serving: the checks that guard publication, and the published snapshot."""

import dagster as dg
import duckdb

from ecomind.contract.raw import RAW_DATABASE
from ecomind.settings import Settings, get_settings
from ecomind.warehouse.bundles import reported_snapshots
from ecomind.warehouse.publish import prune, publish
from orchestration.defs.warehouse import marts
from orchestration.names import ORG_MART, SERVING, SNAPSHOT, WAREHOUSE_POOL


def loads_missing_from_marts(settings: Settings) -> list[str]:
    """Ids of completed loads that the marts do not include."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{settings.marts_database}' as marts (read_only)")
        connection.execute(f"attach '{settings.raw_database}' as {RAW_DATABASE} (read_only)")
        rows = connection.execute(
            f"""
            select load_id from {RAW_DATABASE}.raw._dlt_loads where status = 0
            except
            select load_id from marts.intermediate.int_loads_rolled_up
            """
        ).fetchall()
    return [row[0] for row in rows]


@dg.asset_check(
    asset=ORG_MART,
    blocking=True,
    pool=WAREHOUSE_POOL,
    description="Every completed load is part of the marts; otherwise nothing is published.",
)
def every_load_is_in_the_marts() -> dg.AssetCheckResult:
    """Compare the completed loads with those the marts include."""
    missing = loads_missing_from_marts(get_settings())
    return dg.AssetCheckResult(
        passed=not missing,
        description=f"Missing loads: {', '.join(missing)}" if missing else "None is missing.",
        metadata={"missing_loads": len(missing)},
    )


@dg.asset(
    key=SNAPSHOT,
    group_name=SERVING,
    deps=list(marts.keys),
    pool=WAREHOUSE_POOL,
    kinds={"duckdb"},
    description="The read-only snapshot that the dashboard and the reports read.",
)
def snapshot(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Publish the marts and prune old snapshots."""
    settings = get_settings()
    published = publish(settings, context.run_id)
    pruned = prune(settings, reported_snapshots(settings))
    through = published.data_through
    return dg.MaterializeResult(
        metadata={
            "snapshot_id": published.snapshot_id,
            "data_through": through.isoformat() if through else "no data",
            "size_bytes": published.path.stat().st_size,
            "snapshots_pruned": len(pruned),
        }
    )
