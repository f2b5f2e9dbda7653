"""Small landed files merged before they are loaded.

Belongs here: what the load's cursors allow to merge. Does not belong here: merging
(``ingest_api.landing.compact``). Runs only where the load runs: one at a time.
"""

from __future__ import annotations

from dlt_pipelines.landing_zone import beyond, listed_from
from dlt_pipelines.ledger import cursors
from ecomind.contract.raw import LANDED_TO_RAW
from ecomind.landing_zone import list_landed, open_zone
from ecomind.settings import Settings
from ingest_api.landing.compact import Compacted, compact, remove_superseded


def compact_unloaded(settings: Settings) -> Compacted:
    """Merge small files beyond the load's cursors where there are many, table by table.

    Raises ``OSError`` or ``NotVerified``; nothing is lost then, and the load may go on.
    """
    zone = open_zone(settings)
    reached = cursors(settings.raw_database)
    total = Compacted()
    for table, raw in LANDED_TO_RAW:
        seen = reached[raw.name]
        listing = list_landed(zone, table.name, listed_from(seen))
        removed = remove_superseded(zone, listing.superseded)
        unloaded = beyond(listing.files, seen)
        done = compact(zone, table, unloaded, settings.compact_min_files)
        total = Compacted(
            total.merged_count + done.merged_count,
            total.into_count + done.into_count,
            total.removed_count + removed,
        )
    return total
