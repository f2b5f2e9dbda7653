"""Small groups are not shown to those who may not see people.

Belongs here: the rule that no shown team concerns fewer than five people, for every reader.
Does not belong here: the permission itself (``ecomind.identity``), or reading.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

SMALLEST_GROUP = 5
"""Fewest people a group may have to be shown to those who may not see people."""
SMALL_TEAMS_ID = "small-teams"
"""What the teams that are shown only together go by."""
UNATTRIBUTED = "unattributed"
"""What usage without a team or person goes by."""


def small_teams(people: Mapping[str, int], teams: Collection[str]) -> set[str]:
    """The teams to show only together so that no shown group has fewer than five people.

    ``people`` holds the number of people with usage per team and ``teams`` all teams shown.
    When the small teams together would still be fewer than five people, the next larger team
    joins them: otherwise the total minus the others would give them away. Usage without a
    team and without any known person concerns nobody and stays.
    """

    def size(team: str) -> int:
        return people.get(team, 0)

    nobody = {team for team in teams if team == UNATTRIBUTED and size(team) == 0}
    candidates = sorted(set(teams) - nobody, key=lambda team: (size(team), team))
    small = [team for team in candidates if size(team) < SMALLEST_GROUP]
    if not small:
        return set()
    for team in candidates[len(small) :]:
        if sum(size(name) for name in small) >= SMALLEST_GROUP:
            break
        small.append(team)
    return set(small)
