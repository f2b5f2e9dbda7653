"""Rows of landed tables without somebody who was erased.

Belongs here: which fields name a person in each landed table, and what stands there afterwards.
Does not belong here: files, databases, or who was erased (``ecomind.identity``).

Everything that is counted stays as it is: an erased person's calls are still calls, and of the
team that they were of.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from ecomind.contract.bucket import BUCKETS
from ecomind.contract.event import EVENTS, REJECTS
from ecomind.contract.fields import Table

PERSONAL: Mapping[str, str] = {
    EVENTS.name: "user_id",
    BUCKETS.name: "user_ref",
    REJECTS.name: "item",
}
"""The column of each landed table that names people, or holds their id in JSON text."""
_LINKED = "conversation_id"
"""Ties calls of one person together, so it goes with their name."""


class Erased(Protocol):
    """Who was erased."""

    @property
    def organizations(self) -> frozenset[str]:
        """Organisations that erased somebody."""

    def name(self, org_id: str, user_id: str) -> str:
        """What to write in an event for a pseudonym."""

    def reference(self, org_id: str, user_id: str) -> str:
        """What to write in a usage report for one."""


Teams = Mapping[tuple[str, str], str | None]
"""Organisation and pseudonym: the team the directory had them in."""


def without_erased(table: Table, rows: pa.Table, erased: Erased, teams: Teams) -> pa.Table | None:
    """The rows of a landed table with nobody erased in them; None when nobody was.

    ``teams`` is written where an event names none, so that its team keeps it.
    """
    column = PERSONAL.get(table.name)
    if column is None or column not in rows.column_names:
        return None
    orgs = pa.array(sorted(erased.organizations), pa.string())
    at_stake = pc.and_(pc.is_in(rows["org_id"], orgs), pc.is_valid(rows[column]))
    if not pc.any(at_stake).as_py():
        return None
    named = rows.select(["org_id", column]).filter(at_stake)
    renamed = _renamed(table, named, erased)
    if not renamed:
        return None
    return _replaced(table, rows, column, renamed, teams)


def _renamed(table: Table, named: pa.Table, erased: Erased) -> dict[tuple[str, str], str]:
    """What to write in the place of each value that names somebody erased."""
    distinct = named.group_by(named.column_names).aggregate([]).to_pylist()
    found = {}
    for org_id, value in (tuple(row.values()) for row in distinct):
        if table is REJECTS:
            new = _item(org_id, value, erased)
        elif table is BUCKETS:
            new = erased.reference(org_id, value)
        else:
            new = erased.name(org_id, value)
        if new != value:
            found[org_id, value] = new
    return found


def _item(org_id: str, text: str, erased: Erased) -> str:
    """A rejected item, which is JSON, with the person's ids replaced."""
    try:
        item = json.loads(text)
    except ValueError:
        return text
    if not isinstance(item, dict) or not isinstance(item.get("user_id"), str):
        return text
    name = erased.name(org_id, item["user_id"])
    if name == item["user_id"]:
        return text
    kept = {key: value for key, value in item.items() if key != _LINKED}
    return json.dumps({**kept, "user_id": name}, separators=(",", ":"), ensure_ascii=False)


def _replaced(
    table: Table, rows: pa.Table, column: str, renamed: Mapping[tuple[str, str], str], teams: Teams
) -> pa.Table:
    orgs, values = rows["org_id"].to_pylist(), rows[column].to_pylist()
    keys: list[Any] = list(zip(orgs, values, strict=True))
    new: dict[str, list[Any]] = {column: [renamed.get(key, key[1]) for key in keys]}
    if table is EVENTS and "team_id" in rows.column_names:
        new["team_id"] = [
            teams.get(key) if team is None and key in renamed else team
            for key, team in zip(keys, rows["team_id"].to_pylist(), strict=True)
        ]
        if _LINKED in rows.column_names:
            new[_LINKED] = [
                None if key in renamed else value
                for key, value in zip(keys, rows[_LINKED].to_pylist(), strict=True)
            ]
    for name, changed in new.items():
        index = rows.schema.get_field_index(name)
        field = rows.schema.field(index)
        rows = rows.set_column(index, field, pa.array(changed, field.type))
    return rows
