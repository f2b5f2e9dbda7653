"""Organisations and their settings.

Belongs here: making, renaming, configuring, suspending and deleting them. Does not belong here:
what belongs to one (the other stores).
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, select, update

from ecomind.identity.changes import Action, Changes
from ecomind.identity.checks import check_identifier, check_name
from ecomind.identity.errors import Conflict, IdentityError, NotFound
from ecomind.identity.tables import (
    AlertRuleRow,
    ApiKeyRow,
    MembershipRow,
    OrganizationRow,
    ReportScheduleRow,
    UserRow,
)

RAW_DAYS_MIN = 7
"""Below it, events could be too old to be counted by the time they are loaded."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """An organisation's settings; how long things are kept is in days.

    None keeps raw events and the audit log for good, rejections and logs as the installation does.
    """

    analysts_see_people: bool = False
    raw_days: int | None = None
    rejects_days: int | None = None
    logs_days: int | None = None
    audit_days: int | None = None


@dataclass(frozen=True, slots=True)
class OrganizationInfo:
    """What may be shown of an organisation."""

    org_id: str
    name: str
    created_at: datetime
    suspended_at: datetime | None
    preferences: Preferences


class OrganizationStore:
    """The organisations of the control store."""

    def __init__(self, changes: Changes) -> None:
        """Read and change through ``changes``."""
        self._changes = changes

    def create(self, org_id: str, name: str) -> None:
        """Add an organisation. Raises ``Conflict`` when it exists or did once."""
        check_identifier("an organisation's id", org_id)
        check_name("an organisation's name", name)
        with self._changes.make(
            Action.ORGANIZATION_CREATE, org_id, "organization", name=name
        ) as change:
            if change.session.get(OrganizationRow, org_id) is not None:
                raise Conflict(f"the organisation {org_id} already exists")
            change.session.add(
                OrganizationRow(
                    org_id=org_id,
                    name=name,
                    pseudonym_secret=secrets.token_hex(32),
                    created_at=datetime.now(UTC),
                    analysts_see_people=False,
                )
            )

    def rename(self, org_id: str, name: str) -> None:
        """Change the name shown on dashboards and reports."""
        check_name("an organisation's name", name)
        with self._changes.make(
            Action.ORGANIZATION_RENAME, org_id, "organization", name=name
        ) as change:
            row = change.session.get_one(OrganizationRow, org_id)
            change.is_made = row.name != name
            row.name = name

    def configure(self, org_id: str, preferences: Preferences) -> None:
        """Replace all settings. Raises ``IdentityError`` for a period below one day."""
        wanted = asdict(preferences)
        for name, value in wanted.items():
            if name.endswith("_days") and value is not None and value < 1:
                raise IdentityError(f"{name} is at least 1 day, or nothing to keep for good")
        if preferences.raw_days is not None and preferences.raw_days < RAW_DAYS_MIN:
            raise IdentityError(f"raw_days is at least {RAW_DAYS_MIN} days, or nothing")
        with self._changes.make(Action.ORGANIZATION_CONFIGURE, org_id, "organization") as change:
            row = change.session.get_one(OrganizationRow, org_id)
            for name, value in wanted.items():
                if getattr(row, name) != value:
                    change.facts[name] = value
                    setattr(row, name, value)
            change.is_made = bool(change.facts)

    def suspend(self, org_id: str) -> None:
        """Let nobody send or read until it is resumed; nothing is lost."""
        with self._changes.make(Action.ORGANIZATION_SUSPEND, org_id, "organization") as change:
            row = change.session.get_one(OrganizationRow, org_id)
            change.is_made = row.suspended_at is None
            row.suspended_at = row.suspended_at or datetime.now(UTC)

    def resume(self, org_id: str) -> None:
        """End a suspension."""
        with self._changes.make(Action.ORGANIZATION_RESUME, org_id, "organization") as change:
            row = change.session.get_one(OrganizationRow, org_id)
            change.is_made = row.suspended_at is not None
            row.suspended_at = None

    def delete(self, org_id: str) -> None:
        """End all keys and memberships and forget its people; the id is never given again.

        Its events stay in the warehouse until retention removes them; its audit log stays.
        """
        with self._changes.make(Action.ORGANIZATION_DELETE, org_id, "organization") as change:
            session, now = change.session, datetime.now(UTC)
            session.get_one(OrganizationRow, org_id).deleted_at = now
            unrevoked = ApiKeyRow.org_id == org_id, ApiKeyRow.revoked_at.is_(None)
            session.execute(update(ApiKeyRow).where(*unrevoked).values(revoked_at=now))
            # Teams and the organisation's own row stay: its events in the warehouse name them.
            for table in (MembershipRow, UserRow, ReportScheduleRow, AlertRuleRow):
                session.execute(delete(table).where(table.org_id == org_id))

    def get(self, org_id: str) -> OrganizationInfo:
        """One organisation. Raises ``NotFound``."""
        return _info(self.row(org_id))

    def row(self, org_id: str) -> OrganizationRow:
        """An organisation with its secret, for this package. Raises ``NotFound``."""
        with self._changes.read() as session:
            row = session.get(OrganizationRow, org_id)
        if row is None or row.deleted_at is not None:
            raise NotFound(f"there is no organisation {org_id}")
        return row

    def listed(self) -> list[OrganizationInfo]:
        """Organisations by id."""
        query = select(OrganizationRow).where(OrganizationRow.deleted_at.is_(None))
        with self._changes.read() as session:
            return [_info(row) for row in session.scalars(query.order_by(OrganizationRow.org_id))]

    def rows(self) -> list[dict[str, Any]]:
        """Organisations without their secrets, for the warehouse; also deleted ones."""
        columns = (OrganizationRow.org_id, OrganizationRow.name, OrganizationRow.created_at)
        with self._changes.read() as session:
            found = session.execute(select(*columns).order_by(OrganizationRow.org_id))
            return [dict(row) for row in found.mappings()]


def _info(row: OrganizationRow) -> OrganizationInfo:
    preferences = Preferences(
        row.analysts_see_people, row.raw_days, row.rejects_days, row.logs_days, row.audit_days
    )
    return OrganizationInfo(row.org_id, row.name, row.created_at, row.suspended_at, preferences)
