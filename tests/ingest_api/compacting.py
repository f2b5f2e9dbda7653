"""Merges small landed files until it ends; run as ``python -m tests.ingest_api.compacting``."""

from __future__ import annotations

import sys

from ecomind.contract.landing import LANDED_TABLES
from ecomind.landing_zone import list_landed, open_zone
from ecomind.settings import Settings, get_settings
from ingest_api.landing.compact import compact, remove_superseded

MIN_FILES = 2


def merge_all(settings: Settings) -> int:
    """Merge once, every table; returns how many files were merged."""
    zone, merged = open_zone(settings), 0
    for table in LANDED_TABLES:
        listing = list_landed(zone, table.name)
        remove_superseded(zone, listing.superseded)
        merged += compact(zone, table, listing.files, MIN_FILES).merged_count
    return merged


if __name__ == "__main__":
    sys.stdout.write("merging\n")
    sys.stdout.flush()
    while True:
        merge_all(get_settings())
