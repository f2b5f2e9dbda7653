"""Small teams of a frame shown together, for those who may not see people.

Belongs here: applying the rule to the dashboard's frames. Does not belong here: the rule
(``ecomind.warehouse.small_groups``), the permission (``ecomind.identity``), or reading.
"""

from __future__ import annotations

import pandas as pd

from ecomind.warehouse.small_groups import SMALL_TEAMS_ID, small_teams

SMALL_TEAMS = "Small teams together"


def fold_small_teams(frame: pd.DataFrame, people: dict[str, int]) -> pd.DataFrame:
    """The team rows with the teams of `small_teams` renamed to one common team.

    The rows keep their other columns; the caller sums them.
    """
    small = small_teams(people, set(frame["team_id"]))
    folded = frame["team_id"].isin(small)
    return frame.assign(team_id=frame["team_id"].where(~folded, SMALL_TEAMS_ID))
