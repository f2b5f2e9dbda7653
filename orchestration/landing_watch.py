"""How far each node's landed files reach, cheaply enough to look every few seconds.

Belongs here: listing names. Does not belong here: which of them are loaded already.
"""

from __future__ import annotations

from collections.abc import Mapping

from ecomind.contract.event import OUTCOMES
from ecomind.landing_zone import LandingZone

_NEWEST_FOLDERS = 2
"""Workers may seal into yesterday's folder a little after the first of today's."""


def newest_sequences(zone: LandingZone) -> Mapping[str, int]:
    """Highest landed sequence per node, from the two newest folders of outcomes.

    Every segment lands its outcome last: once that is there, so is all the segment held.
    """
    newest: dict[str, int] = {}
    for day in zone.days(OUTCOMES.name)[-_NEWEST_FOLDERS:]:
        for name, _ in zone.names(OUTCOMES.name, day):
            newest[name.node] = max(newest.get(name.node, 0), name.sequence)
    return newest
