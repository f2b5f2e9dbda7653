"""Daily footprints of an organisation by one of its groups, page by page.

Belongs here: which mart and keys answer for a group, folding small teams for those who may not
see people, and the order of pages. Does not belong here: the organisation predicate and scopes
(``reader``), or any form an answer is sent in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import pyarrow as pa

from ecomind.identity.permissions import Scope
from ecomind.warehouse.columns import ADDITIVE, ENERGY_WEIGHTED, MEASURES, VERSIONS, WEIGHT
from ecomind.warehouse.reader import OrgReader
from ecomind.warehouse.small_groups import SMALL_TEAMS_ID, small_teams


class Group(StrEnum):
    """What daily figures can be split by."""

    ORG = "org"
    TEAM = "team"
    USER = "user"
    PROVIDER = "provider"
    MODEL = "model"
    REGION = "region"
    SOURCE = "source"


@dataclass(frozen=True, slots=True)
class Grouped:
    """The mart that answers for a group, and the keys of its rows beside day and organisation."""

    mart: str
    keys: tuple[str, ...]


GROUPS: Mapping[Group, Grouped] = {
    Group.ORG: Grouped("org_footprint_daily", ()),
    Group.TEAM: Grouped("team_footprint_daily", ("team_id",)),
    Group.USER: Grouped("user_footprint_daily", ("user_id", "team_id")),
    Group.PROVIDER: Grouped("model_footprint_daily", ("provider",)),
    Group.MODEL: Grouped("model_footprint_daily", ("provider", "model")),
    Group.REGION: Grouped("region_footprint_daily", ("provider", "region", "zone_id")),
    Group.SOURCE: Grouped("source_footprint_daily", ("source",)),
}

Position = tuple[date, tuple[str, ...]]
"""The last row of a page: its day and keys."""


@dataclass(frozen=True, slots=True)
class Page:
    """Rows by day and keys, columns as `columns` names them; ``last`` is set if more follow."""

    table: pa.Table
    last: Position | None


def columns(group: Group) -> tuple[str, ...]:
    """Names of the columns of a group's rows, in order."""
    return ("usage_date", *GROUPS[group].keys, *MEASURES)


def daily(  # noqa: PLR0913 - a question and its page.
    reader: OrgReader,
    group: Group,
    start: date,
    end: date,
    *,
    limit: int,
    after: Position | None = None,
) -> Page:
    """At most ``limit`` rows of a group from ``start`` to ``end``, both included.

    Raises ``PermissionError`` when the principal may not read the group's mart.
    """
    found, order = GROUPS[group], ("usage_date", *GROUPS[group].keys)
    small: list[str] = []
    if group is Group.TEAM and not reader.principal.may(Scope.PEOPLE_READ):
        people, teams = reader.people_per_team(start, end), reader.teams(start, end)
        small = sorted(small_teams(people, teams))
    is_summed = group is Group.PROVIDER or bool(small)
    source, values = reader.source(found.mart, after[0] if after else start, end)
    chosen = ", ".join([*_keys(group, small, values), *(_summed() if is_summed else MEASURES)])
    conditions = _after(order, after, values)
    grouping = f" group by {', '.join(map(str, range(1, len(order) + 1)))}" if is_summed else ""
    query = (
        f"select * from (select {chosen} from {source}{grouping})"
        f"{conditions} order by {', '.join(order)} limit {limit + 1}"
    )
    table = reader.rows(query, values)
    if table.num_rows <= limit:
        return Page(table, None)
    table = table.slice(0, limit)
    last = [table.column(name)[limit - 1].as_py() for name in order]
    return Page(table, (last[0], tuple(last[1:])))


def _keys(group: Group, small: Sequence[str], values: list[object]) -> list[str]:
    """The key columns; the names of small teams stand before the other values of the query."""
    if not small:
        return ["usage_date", *GROUPS[group].keys]
    values.insert(0, list(small))
    folded = f"case when list_contains(?, team_id) then '{SMALL_TEAMS_ID}' else team_id end"
    return ["usage_date", f"{folded} as team_id"]


def _summed() -> list[str]:
    return [
        "cast(sum(events) as bigint) as events",
        *(f"sum({name}) as {name}" for name in ADDITIVE),
        *(
            f"coalesce(sum({name} * {WEIGHT}) / nullif(sum({WEIGHT}), 0), min({name})) as {name}"
            for name in ENERGY_WEIGHTED
        ),
        *(f"max({name}) as {name}" for name in VERSIONS),
    ]


def _after(order: Sequence[str], after: Position | None, values: list[object]) -> str:
    """The rows behind a position, as words that need no comparison of rows."""
    if after is None:
        return ""
    known: list[object] = [after[0].isoformat(), *after[1]]
    casts = ["cast(? as date)", *("?" for _ in after[1])]
    alternatives = []
    for i, name in enumerate(order):
        equal = [f"{order[j]} = {casts[j]}" for j in range(i)]
        alternatives.append(" and ".join([*equal, f"{name} > {casts[i]}"]))
        values += known[: i + 1]
    return f" where {' or '.join(f'({each})' for each in alternatives)}"
