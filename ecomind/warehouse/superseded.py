"""Which events of an organisation do not count, because another tells of the same call.

Belongs here: reading that from what was published. Does not belong here: deciding it (dbt).
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from ecomind.settings import Settings
from ecomind.warehouse.snapshot import NoSnapshot, current_snapshot

_QUERY = """
    select distinct source, superseded_by_source, superseded_by_event_id, reason
    from mart.superseded_event
    where org_id = ? and event_id = ?
    order by all
"""


@dataclass(frozen=True, slots=True)
class Superseded:
    """An event's source, and the event that counts in its place."""

    source: str
    by_source: str
    by_event_id: str
    reason: str


def superseded(settings: Settings, org_id: str, event_id: str) -> list[Superseded]:
    """The organisation's events of an id that do not count; none before anything is published."""
    try:
        with current_snapshot(settings).connect() as connection:
            rows = connection.execute(_QUERY, [org_id, event_id]).fetchall()
    except (NoSnapshot, duckdb.CatalogException):  # Published before there was such a table.
        return []
    return [Superseded(*row) for row in rows]
