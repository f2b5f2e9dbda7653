"""Reads of the published snapshot, cached per snapshot, organisation, scopes and lens.

Belongs here: the only reads of marts by the dashboard. Does not belong here: aggregation or
presentation. No connection is cached, and no cached frame is ever shared between
organisations or between keys with different rights.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import pandas as pd
import pyarrow as pa
import streamlit as st

from ecomind.identity import Principal, Scope
from ecomind.warehouse.reader import Lens, OrgReader
from ecomind.warehouse.snapshot import SnapshotRef
from streamlit_app.figures import with_tokens


class CacheKey(NamedTuple):
    """What separates cached frames: never shared between organisations, rights or lenses."""

    snapshot_id: str
    org_id: str
    scopes: tuple[str, ...]
    lens: Lens


@st.cache_data(show_spinner=False, max_entries=128, ttl="1h")
def _read_mart(
    key: CacheKey,
    mart: str,
    start: date | None,
    end: date | None,
    _reader: OrgReader,
) -> pd.DataFrame:
    return _frame(_reader.mart(mart, start, end))


@st.cache_data(show_spinner=False, max_entries=128, ttl="1h")
def _read_people_per_team(
    key: CacheKey,
    start: date,
    end: date,
    _reader: OrgReader,
) -> dict[str, int]:
    return _reader.people_per_team(start, end)


def _frame(table: pa.Table) -> pd.DataFrame:
    frame = table.to_pandas()
    for name, kind in zip(table.column_names, table.schema.types, strict=True):
        if pa.types.is_date(kind):
            frame[name] = pd.to_datetime(frame[name]).astype("datetime64[us]")
    return frame


@dataclass(frozen=True)
class Data:
    """What one principal may read of one snapshot, under one lens."""

    snapshot: SnapshotRef
    principal: Principal
    lens: Lens = Lens.RESTATED

    @property
    def _key(self) -> CacheKey:
        scopes = tuple(sorted(scope.value for scope in self.principal.scopes))
        return CacheKey(self.snapshot.snapshot_id, self.principal.org_id, scopes, self.lens)

    @property
    def _reader(self) -> OrgReader:
        return OrgReader(self.snapshot, self.principal, self.lens)

    def mart(self, name: str, start: date | None = None, end: date | None = None) -> pd.DataFrame:
        """Rows of a mart, both dates included. Raises ``PermissionError`` without its scope."""
        return _read_mart(self._key, name, start, end, self._reader)

    def footprints(self, grain: str, start: date, end: date) -> pd.DataFrame:
        """Daily footprints by ``org``, ``team``, ``user``, ``model``, ``region`` or ``source``."""
        return with_tokens(self.mart(f"{grain}_footprint_daily", start, end))

    def people_per_team(self, start: date, end: date) -> dict[str, int]:
        """How many people of each team made calls."""
        return _read_people_per_team(self._key, start, end, self._reader)

    def usage_days(self) -> tuple[date, date] | None:
        """The first and last day with usage, or None when there is none."""
        days = self.mart("org_footprint_daily")["usage_date"]
        return None if days.empty else (days.min().date(), days.max().date())

    @property
    def sees_people(self) -> bool:
        """Whether rows of single people may be shown."""
        return self.principal.may(Scope.PEOPLE_READ)

    @property
    def sees_details(self) -> bool:
        """Whether more than the organisation's totals may be shown."""
        return self.principal.may(Scope.MARTS_READ)
