"""Daily rows split by team, person, model, region or source, with the label a reader knows.

Belongs here: joining names to ids and hiding small teams from those who may not see people.
Does not belong here: sums over periods (``figures``) or presentation.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pandas as pd

from ecomind.warehouse.small_groups import SMALL_TEAMS_ID, UNATTRIBUTED
from streamlit_app.data import Data
from streamlit_app.privacy import SMALL_TEAMS, fold_small_teams

LABEL = "label"
NOT_ATTRIBUTED = "Not attributed"


def teams(data: Data, start: date, end: date) -> pd.DataFrame:
    """Rows per team; without the right to see people, small teams stand together."""
    rows = data.footprints("team", start, end)
    if not data.sees_people:
        rows = fold_small_teams(rows, data.people_per_team(start, end))
    names = _names(data.mart("dim_team"), "team_id", "name") | {SMALL_TEAMS_ID: SMALL_TEAMS}
    return rows.assign(label=_labels(rows["team_id"], names))


def users(data: Data, start: date, end: date) -> pd.DataFrame:
    """Rows per person with their ``team``. Raises ``PermissionError`` without the right."""
    rows = data.footprints("user", start, end)
    people = _names(data.mart("dim_user"), "user_id", "display_name")
    teams_ = _names(data.mart("dim_team"), "team_id", "name")
    return rows.assign(
        label=_labels(rows["user_id"], people), team=_labels(rows["team_id"], teams_)
    )


def models(data: Data, start: date, end: date) -> pd.DataFrame:
    """Rows per model of a provider."""
    rows = data.footprints("model", start, end)
    return rows.assign(label=rows["model"] + " · " + rows["provider"])


def providers(data: Data, start: date, end: date) -> pd.DataFrame:
    """Rows per provider."""
    rows = data.footprints("model", start, end)
    return rows.assign(label=rows["provider"])


def regions(data: Data, start: date, end: date) -> pd.DataFrame:
    """Rows per region of a provider; an unknown region is named after its grid zone."""
    rows = data.footprints("region", start, end)
    known = rows["region"] != "unknown"
    place = rows["region"].where(known, "grid " + rows["zone_id"] + ", region unknown")
    return rows.assign(label=place + " · " + rows["provider"])


def sources(data: Data, start: date, end: date) -> pd.DataFrame:
    """Rows per source: the gateway, SDK or browser extension that told of the calls."""
    rows = data.footprints("source", start, end)
    return rows.assign(label=rows["source"])


BREAKDOWNS: dict[str, Callable[[Data, date, date], pd.DataFrame]] = {
    "Team": teams,
    "Model": models,
    "Provider": providers,
    "Region": regions,
    "Source": sources,
}


def _names(frame: pd.DataFrame, key: str, name: str) -> dict[str, str]:
    return dict(zip(frame[key].astype(str), frame[name].astype(str), strict=True))


def _labels(ids: pd.Series[str], names: dict[str, str]) -> pd.Series[str]:
    """Names of ids; an id without a name stays itself, a name used twice gets its id."""
    known = {UNATTRIBUTED: NOT_ATTRIBUTED} | names
    used = [known.get(key, key) for key in sorted(set(ids))]
    twice = {name for name in used if used.count(name) > 1}
    texts = {
        key: f"{known.get(key, key)} ({key})"
        if known.get(key, key) in twice
        else known.get(key, key)
        for key in set(ids)
    }
    return ids.map(texts).astype(str)
