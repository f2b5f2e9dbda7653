"""Months an organisation has reported and keeps as they were reported.

Belongs here: freezing months and listing what is frozen. Does not belong here: the two lenses
computed from it (dbt). What is frozen stays frozen.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from ecomind.identity.changes import Action, Changes
from ecomind.identity.errors import IdentityError
from ecomind.identity.tables import PeriodFreezeRow

_MONTH = re.compile(r"^(\d{4})-(0[1-9]|1[0-2])\Z")
_LONGEST_MONTH = timedelta(days=31)


class FreezeStore:
    """The frozen months of the control store."""

    def __init__(self, changes: Changes) -> None:
        """Read and change through ``changes``."""
        self._changes = changes

    def freeze(self, org_id: str, month: str, on: date | None = None) -> date:
        """Freeze a month (``YYYY-MM``) as it was known on a day, by default today (UTC).

        Returns the day. Raises ``IdentityError`` when the month is not over on that day, the day
        is to come, or the month is frozen on another day.
        """
        start, after = _month(month)
        today = datetime.now(UTC).date()
        frozen_on = on or today
        if frozen_on > today:
            raise IdentityError(f"{frozen_on} is to come: what will be known then is not known")
        if frozen_on < after:
            raise IdentityError(f"{month} can be frozen from {after} on, when it is over")
        with self._changes.make(
            Action.PERIOD_FREEZE, org_id, f"period/{month}", frozen_on=frozen_on.isoformat()
        ) as change:
            row = change.session.get(PeriodFreezeRow, (org_id, start))
            change.is_made = row is None
            if row is not None and row.frozen_on != frozen_on:
                raise IdentityError(f"{month} of {org_id} is frozen already, on {row.frozen_on}")
            if row is None:
                row = PeriodFreezeRow(org_id=org_id, period_start=start, frozen_on=frozen_on)
                change.session.add(row)
        return frozen_on

    def rows(self, org_id: str | None = None) -> list[dict[str, Any]]:
        """Frozen months of one organisation or of all, by organisation and month."""
        columns = PeriodFreezeRow.__table__.columns
        query = select(*columns).order_by(columns.org_id, columns.period_start)
        if org_id is not None:
            query = query.where(columns.org_id == org_id)
        with self._changes.read() as session:
            return [dict(row) for row in session.execute(query).mappings()]


def _month(text: str) -> tuple[date, date]:
    """First day of a month and of the next."""
    match = _MONTH.match(text)
    if match is None or text.startswith(("0000", "9999")):
        raise IdentityError(f"{text} is not a month written YYYY-MM")
    start = date(int(match[1]), int(match[2]), 1)
    return start, (start + _LONGEST_MONTH).replace(day=1)
