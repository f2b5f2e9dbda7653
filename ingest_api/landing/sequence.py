"""The node's sequence: the number the loader resumes from.

Belongs here: numbers that only grow, whatever happens to landed files. Does not belong here:
which segment gets which number (``seal`` keeps their order).
"""

from __future__ import annotations

import os
from pathlib import Path

from ecomind.contract.landing import LandedName
from ingest_api.landing.files import replace_file

_RECENT_FOLDERS = 2


class SequenceDamaged(Exception):
    """The stored sequence cannot be read; says what to do."""


class Sequence:
    """Numbers of one node, each given out once, persisted before it is used."""

    def __init__(self, wal_folder: Path, landing_folder: Path, node: str) -> None:
        """Resume after the stored number and after every landed file that can be seen.

        Raises ``SequenceDamaged`` when the stored number is unreadable.
        """
        self._path = wal_folder / f"sequence-{node}"
        stored = self._stored()
        # With a stored number only a restored, older backup can lag: recent folders show it.
        folders = None if stored is None else _RECENT_FOLDERS
        self._last = max(stored or 0, _last_landed(landing_folder, node, folders))

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


def _last_landed(landing_folder: Path, node: str, folders: int | None) -> int:
    last = 0
    for table_folder in landing_folder.glob("*"):
        days = sorted(table_folder.glob("received_date=*"))
        for day in days if folders is None else days[-folders:]:
            for name in os.listdir(day):  # noqa: PTH208 (names only; folders can be large)
                landed = LandedName.parse(name)
                if landed is not None and landed.node == node:
                    last = max(last, landed.sequence)
    return last
