"""Small groups are not shown to those who may not see people.

Belongs here: the rule that no published group concerns fewer than five people. Does not
belong here: the permission itself (``ecomind.identity``), or reading.
"""

from __future__ import annotations

import pandas as pd

from ecomind.warehouse.reader import SMALLEST_GROUP

SMALL_TEAMS = "Small teams together"
SMALL_TEAMS_ID = "small-teams"
UNATTRIBUTED = "unattributed"


def small_teams(people: dict[str, int], order: list[str]) -> set[str]:
    """The teams to show only together so that no shown group has fewer than five people.

    ``people`` holds the number of people with usage per team and ``order`` all teams shown.
    When the small teams together would still be fewer than five people, the next larger team
    joins them: otherwise the total minus the others would give them away. Usage without a
    team and without any known person concerns nobody and stays.
    """

    def size(team: str) -> int:
        return people.get(team, 0)

    nobody = {team for team in order if team == UNATTRIBUTED and size(team) == 0}
    candidates = sorted(set(order) - nobody, key=lambda team: (size(team), team))
    small = [team for team in candidates if size(team) < SMALLEST_GROUP]
    if not small:
        return set()
    for team in candidates[len(small) :]:
        if sum(size(name) for name in small) >= SMALLEST_GROUP:
            break
        small.append(team)
    return set(small)


def fold_small_teams(frame: pd.DataFrame, people: dict[str, int]) -> pd.DataFrame:
    """The team rows with the teams of `small_teams` renamed to one common team.

    The rows keep their other columns; the caller sums them.
    """
    small = small_teams(people, sorted(set(frame["team_id"])))
    folded = frame["team_id"].isin(small)
    return frame.assign(team_id=frame["team_id"].where(~folded, SMALL_TEAMS_ID))
