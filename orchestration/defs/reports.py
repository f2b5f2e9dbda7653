"""Reports: a bundle of CSV and PDF per organisation and month."""

import dagster as dg

from ecomind.settings import get_settings
from ecomind.warehouse.snapshot import current_snapshot
from orchestration.names import MONTHLY_REPORT, REPORTS, SNAPSHOT
from orchestration.organizations import ORGANIZATIONS

FIRST_MONTH = "2022-01-01"
MONTHS = dg.MonthlyPartitionsDefinition(start_date=FIRST_MONTH, end_offset=1)
REPORT_PARTITIONS = dg.MultiPartitionsDefinition({"month": MONTHS, "organization": ORGANIZATIONS})


@dg.asset(
    key=MONTHLY_REPORT,
    group_name=REPORTS,
    deps=[
        dg.AssetDep(SNAPSHOT, partition_mapping=dg.AllPartitionMapping()),
        dg.AssetKey(["reporting", "rpt_datapoint"]),
    ],
    partitions_def=REPORT_PARTITIONS,
    kinds={"csv", "pdf"},
    description="Report bundle of one organisation and month: datapoints, PDF and manifest.",
)
def monthly_report(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Build the bundle from the published snapshot; unchanged figures make no new version."""
    from orchestration.reports.build import build_bundle  # noqa: PLC0415 - heavy import.

    settings = get_settings()
    partition = context.partition_key
    if not isinstance(partition, dg.MultiPartitionKey):
        raise dg.DagsterInvariantViolationError("a report is of one organisation and month")
    keys = partition.keys_by_dimension
    with current_snapshot(settings).connect() as connection:
        bundle = build_bundle(
            connection,
            keys["organization"],
            keys["month"][:7],
            settings.reports_dir,
            only_if_changed=True,
        )
    return dg.MaterializeResult(
        metadata={
            "version": bundle.version,
            "snapshot_id": bundle.snapshot_id,
            "folder": dg.MetadataValue.path(str(bundle.directory)),
        }
    )
