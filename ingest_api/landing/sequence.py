"""The node's sequence: the number the loader resumes from.

Belongs here: numbers that only grow, whatever happens to landed files. Does not belong here:
which segment gets which number (``seal`` keeps their order).
"""

from __future__ import annotations

from pathlib import Path

from ecomind.contract.landing import LANDED_TABLES
from ecomind.landing_zone import LandingZone
from ingest_api.landing.files import replace_file

_RECENT_FOLDERS = 2


class SequenceDamaged(Exception):
    """The stored sequence cannot be read; says what to do."""


class Sequence:
    """Numbers of one node, each given out once, persisted before it is used."""

    def __init__(self, wal_folder: Path, zone: LandingZone, node: str) -> None:
        """Resume after the stored number and after every landed file that can be seen.

        Raises ``SequenceDamaged`` when the stored number is unreadable, ``OSError`` when the zone
        cannot be looked at.
        """
        self._path = wal_folder / f"sequence-{node}"
        stored = self._stored()
        # With a stored number only a restored, older backup can lag: recent folders show it.
        folders = None if stored is None else _RECENT_FOLDERS
        self._last = max(stored or 0, _last_landed(zone, node, folders))

    def _stored(self) -> int | None:
        try:
            return int(self._path.read_text("ascii"))
        except FileNotFoundError:
            return None
        except ValueError:
            message = f"{self._path} is damaged; delete it to resume after the last landed file"
            raise SequenceDamaged(message) from None

    def at_least(self, number: int) -> None:
        """Never give out ``number`` or a smaller one."""
        self._last = max(self._last, number)

    def next(self) -> int:
        """A number greater than every one before it, also after a crash."""
        replace_file(self._path, b"%d\n" % (self._last + 1))
        self._last += 1
        return self._last


def _last_landed(zone: LandingZone, node: str, folders: int | None) -> int:
    last = 0
    for table in LANDED_TABLES:
        days = zone.days(table.name)
        for day in days if folders is None else days[-folders:]:
            for name, _ in zone.names(table.name, day):
                if name.node == node:
                    last = max(last, name.sequence)
    return last
