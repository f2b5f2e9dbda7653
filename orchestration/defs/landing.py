"""Landing: the files the ingest API seals, seen from outside."""

import dagster as dg

from orchestration.names import LANDED_FILES, LANDING

landed_files = dg.AssetSpec(
    LANDED_FILES,
    group_name=LANDING,
    description="Sealed Parquet files of the landing zone, written by the ingest API.",
    kinds={"parquet"},
)
