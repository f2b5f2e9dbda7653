"""What an organisation wants to hear of: daily thresholds and regular reports.

Belongs here: alert rules and report schedules. Does not belong here: evaluating or sending them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from ecomind.identity.changes import Action, Changes
from ecomind.identity.checks import check_email, check_identifier
from ecomind.identity.errors import IdentityError, NotFound
from ecomind.identity.tables import AlertRuleRow, ReportScheduleRow

ALERT_METRICS = ("energy_mid_kwh", "co2e_total_location_mid_kg", "water_mid_l", "rejected_share")
CADENCES = ("monthly",)
FORMATS = ("pdf", "csv")


class RuleStore:
    """The alert rules and report schedules of the control store."""

    def __init__(self, changes: Changes) -> None:
        """Read and change through ``changes``."""
        self._changes = changes

    def set_alert(self, org_id: str, rule_id: str, metric: str, threshold: float) -> None:
        """Create or change a daily threshold (in the metric's unit).

        Raises ``IdentityError`` for an unknown metric or a negative threshold, ``NotFound``.
        """
        check_identifier("a rule's id", rule_id)
        if metric not in ALERT_METRICS:
            raise IdentityError(f"a rule watches one of {', '.join(ALERT_METRICS)}")
        if not 0 <= threshold < float("inf"):
            raise IdentityError("a threshold is a number of at least 0")
        with self._changes.make(
            Action.ALERT_SET, org_id, f"alert/{rule_id}", metric=metric, threshold=threshold
        ) as change:
            row = change.session.get(AlertRuleRow, (org_id, rule_id))
            if row is None:
                row = AlertRuleRow(org_id=org_id, rule_id=rule_id, created_at=datetime.now(UTC))
                change.session.add(row)
            change.is_made = (row.metric, row.threshold) != (metric, threshold)
            row.metric, row.threshold = metric, threshold

    def delete_alert(self, org_id: str, rule_id: str) -> None:
        """Watch no longer. Raises ``NotFound``."""
        with self._changes.make(Action.ALERT_DELETE, org_id, f"alert/{rule_id}") as change:
            row = change.session.get(AlertRuleRow, (org_id, rule_id))
            if row is None:
                raise NotFound(f"there is no rule {rule_id} in {org_id}")
            change.session.delete(row)

    def set_schedule(
        self,
        org_id: str,
        schedule_id: str,
        *,
        recipients: Sequence[str],
        cadence: str = "monthly",
        formats: Sequence[str] = ("pdf",),
    ) -> None:
        """Create or change a regular report. Raises ``IdentityError`` for a wrong part."""
        check_identifier("a schedule's id", schedule_id)
        if cadence not in CADENCES:
            raise IdentityError(f"a report is made {', '.join(CADENCES)}, not {cadence}")
        if not recipients:
            raise IdentityError("a schedule has at least one recipient")
        for address in recipients:
            check_email(address)
        if not formats or not set(formats) <= set(FORMATS):
            raise IdentityError(f"the formats of a report are {', '.join(FORMATS)}")
        wanted = {
            "cadence": cadence,
            "recipients": " ".join(recipients),
            "formats": " ".join(formats),
        }
        with self._changes.make(
            Action.SCHEDULE_SET,
            org_id,
            f"schedule/{schedule_id}",
            cadence=cadence,
            formats=list(formats),
            recipients=len(recipients),
        ) as change:
            row = change.session.get(ReportScheduleRow, (org_id, schedule_id))
            if row is None:
                row = ReportScheduleRow(
                    org_id=org_id, schedule_id=schedule_id, created_at=datetime.now(UTC)
                )
                change.session.add(row)
            change.is_made = any(getattr(row, name) != value for name, value in wanted.items())
            for name, value in wanted.items():
                setattr(row, name, value)

    def delete_schedule(self, org_id: str, schedule_id: str) -> None:
        """Make the report no longer. Raises ``NotFound``."""
        target = f"schedule/{schedule_id}"
        with self._changes.make(Action.SCHEDULE_DELETE, org_id, target) as change:
            row = change.session.get(ReportScheduleRow, (org_id, schedule_id))
            if row is None:
                raise NotFound(f"there is no schedule {schedule_id} in {org_id}")
            change.session.delete(row)

    def alerts(self, org_id: str | None = None) -> list[dict[str, Any]]:
        """Alert rules of one organisation or of all, with the columns of the table."""
        return self._rows(AlertRuleRow, AlertRuleRow.rule_id, org_id)

    def schedules(self, org_id: str | None = None) -> list[dict[str, Any]]:
        """Report schedules of one organisation or of all; recipients and formats are lists."""
        rows = self._rows(ReportScheduleRow, ReportScheduleRow.schedule_id, org_id)
        for row in rows:
            row["recipients"], row["formats"] = row["recipients"].split(), row["formats"].split()
        return rows

    def _rows(self, table: Any, order: Any, org_id: str | None) -> list[dict[str, Any]]:
        query = select(*table.__table__.columns).order_by(table.org_id, order)
        if org_id is not None:
            query = query.where(table.org_id == org_id)
        with self._changes.read() as session:
            return [dict(row) for row in session.execute(query).mappings()]
