"""Raw: dlt loads what was landed, and the control store."""

from collections.abc import Iterator

import dagster as dg

from ecomind.contract.raw import (
    CONTROL_TABLES,
    INGEST_OUTCOMES,
    LANDED_TO_RAW,
    LOAD_OUTCOMES,
    LOADS,
    USAGE_EVENTS,
)
from ecomind.settings import get_settings
from orchestration.names import LANDED_FILES, RAW, WAREHOUSE_POOL, raw_key
from orchestration.organizations import register_organizations

_APPENDED = (*(raw for _, raw in LANDED_TO_RAW), LOAD_OUTCOMES, LOADS)
READABLE_CHECK = "landed_files_are_readable"
UNDAMAGED_CHECK = "acknowledged_records_are_undamaged"


def _spec(name: str, description: str, deps: list[dg.AssetKey]) -> dg.AssetSpec:
    return dg.AssetSpec(
        raw_key(name), group_name=RAW, description=description, deps=deps, kinds={"dlt", "duckdb"}
    )


@dg.multi_asset(
    name="load",
    specs=[
        *(_spec(table.name, table.description, [LANDED_FILES]) for table in _APPENDED),
        *(_spec(table.name, table.description, []) for table in CONTROL_TABLES),
    ],
    check_specs=[
        dg.AssetCheckSpec(
            READABLE_CHECK,
            asset=raw_key(USAGE_EVENTS.name),
            description="Every landed file could be read; others are set aside, not lost.",
        ),
        dg.AssetCheckSpec(
            UNDAMAGED_CHECK,
            asset=raw_key(INGEST_OUTCOMES.name),
            description="No acknowledged record was damaged on disk before it was sealed.",
        ),
    ],
    pool=WAREHOUSE_POOL,
)
def load_raw(
    context: dg.AssetExecutionContext,
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """Load every landed file not loaded before, and the control store.

    Many small landed files are merged first, here and not in a step of its own: nothing may load
    between listing them and merging them.
    """
    from dlt_pipelines.ledger import damaged_records  # noqa: PLC0415
    from dlt_pipelines.pipeline import load  # noqa: PLC0415 - heavy, wanted only where it runs.
    from orchestration.compaction import compact_unloaded  # noqa: PLC0415

    settings = get_settings()
    compacted = compact_unloaded(settings)
    if compacted.merged_count:
        context.log.info(
            f"{compacted.merged_count} small landed files became {compacted.into_count}"
        )
    result = load(settings)
    register_organizations(context.instance, settings)
    for table in (*_APPENDED, *CONTROL_TABLES):
        metadata: dict[str, str | int | None] = {"load_id": result.load_id}
        if table.name in result.rows:
            metadata["dagster/row_count"] = result.rows[table.name]
        yield dg.MaterializeResult(asset_key=raw_key(table.name), metadata=metadata)
    yield dg.AssetCheckResult(
        check_name=READABLE_CHECK,
        asset_key=raw_key(USAGE_EVENTS.name),
        passed=not result.set_aside,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(
            f"{aside.file.name} was set aside: {aside.reason}" for aside in result.set_aside
        )
        or "Every landed file was loaded.",
        metadata={"files_loaded": result.files_count, "files_set_aside": len(result.set_aside)},
    )
    damaged = damaged_records(settings.raw_database, result.load_id)
    yield dg.AssetCheckResult(
        check_name=UNDAMAGED_CHECK,
        asset_key=raw_key(INGEST_OUTCOMES.name),
        passed=not damaged,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(f"{count} of segment {segment}" for segment, count in damaged)
        or "No record was damaged.",
        metadata={"segments_damaged": len(damaged)},
    )
