"""The landing zone held against the raw store: was any landed file missed?

Belongs here: the full comparison, too slow for every load. Does not belong here: loading.
"""

from __future__ import annotations

from dlt_pipelines.landing_zone import new_files
from dlt_pipelines.ledger import cursors, files_loaded
from ecomind.contract.raw import LANDED_TO_RAW
from ecomind.landing_zone import open_zone
from ecomind.settings import Settings


def files_never_loaded(settings: Settings) -> list[str]:
    """Landed files that lie before their node's cursor and that no load dealt with.

    Raises ``StorageTrouble`` when the landing zone cannot be listed.
    """
    zone = open_zone(settings)
    seen = files_loaded(settings.raw_database)
    reached = cursors(settings.raw_database)
    missed = []
    for landed, raw in LANDED_TO_RAW:
        for file in new_files(zone, landed, {}, complete=True):
            cursor = reached[raw.name].get(file.name.node)
            passed = cursor is not None and file.name.sequence <= cursor.sequence
            if passed and (raw.name, str(file.name)) not in seen:
                missed.append(f"{landed.name}/{file.name}")
    return missed
