"""Names the whole asset graph agrees on: keys, groups and the pool.

Belongs here: the one translation from tables to asset keys. Does not belong here: assets.
"""

from __future__ import annotations

import dagster as dg

WAREHOUSE_POOL = "warehouse"
"""Pool of every step that opens a warehouse file; its limit is one."""

LANDING, RAW, SERVING, REPORTS, AUDIT = "landing", "raw", "serving", "reports", "audit"
DBT_GROUPS = {
    "factors": "factors",
    "staging": "staging",
    "intermediate": "intermediate",
    "mart": "marts",
    "reporting": "reports",
    "as_reported": "marts",
}
"""Dagster group of each schema dbt writes."""

LANDED_FILES = dg.AssetKey(["landing", "events"])
SNAPSHOT = dg.AssetKey(["serving", "snapshot"])
DBT_DOCS = dg.AssetKey(["audit", "dbt_docs"])
DATA_DOCS = dg.AssetKey(["audit", "data_docs"])
WAREHOUSE_AUDIT = dg.AssetKey(["audit", "warehouse_audit"])
RETENTION = dg.AssetKey(["audit", "retention"])
MONTHLY_REPORT = dg.AssetKey(["reports", "monthly_report"])

ORG_MART = dg.AssetKey(["mart", "org_footprint_daily"])


def raw_key(table: str) -> dg.AssetKey:
    """Asset key of a raw table; dbt's source ``raw`` has the same keys."""
    return dg.AssetKey(["raw", table])
