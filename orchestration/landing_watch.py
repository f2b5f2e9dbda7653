"""How far each node's landed files reach, cheaply enough to look every few seconds.

Belongs here: listing names. Does not belong here: which of them are loaded already.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from ecomind.contract.fields import Table
from ecomind.contract.landing import LandedName

_NEWEST_FOLDERS = 2
"""Workers may seal into yesterday's folder a little after the first of today's."""


def newest_sequences(landing_dir: Path, tables: Iterable[Table]) -> Mapping[str, int]:
    """Highest landed sequence per table and node, from each table's two newest folders."""
    newest: dict[str, int] = {}
    for table in tables:
        folders = sorted((landing_dir / table.name).glob("received_date=*"))
        for folder in folders[-_NEWEST_FOLDERS:]:
            with os.scandir(folder) as entries:
                names = (LandedName.parse(entry.name) for entry in entries)
                for name in (found for found in names if found is not None):
                    key = f"{table.name}/{name.node}"
                    newest[key] = max(newest.get(key, 0), name.sequence)
    return newest
