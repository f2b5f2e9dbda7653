"""Teams, and the users whose events are counted.

Belongs here: who an organisation's pseudonyms are, and which team they are in. Does not belong
here: people who sign in (``people``).
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from sqlalchemy import func, select

from ecomind.identity.changes import Action, Changes
from ecomind.identity.checks import check_identifier, check_name
from ecomind.identity.errors import Conflict, NotFound
from ecomind.identity.organizations import OrganizationStore
from ecomind.identity.tables import TeamRow, TombstoneRow, UserRow
from ecomind.identity.tombstones import mark_of


def pseudonym(secret: bytes, value: str) -> str:
    """Keyed pseudonym: ``u_`` and 128 bits of HMAC-SHA-256, hex."""
    return "u_" + hmac.new(secret, value.encode(), hashlib.sha256).hexdigest()[:32]


class DirectoryStore:
    """The teams and users of the control store."""

    def __init__(self, changes: Changes) -> None:
        """Read and change through ``changes``."""
        self._changes = changes
        self._organizations = OrganizationStore(changes)

    def create_team(self, org_id: str, team_id: str, name: str) -> None:
        """Add a team. Raises ``Conflict`` when it exists."""
        check_identifier("a team's id", team_id)
        check_name("a team's name", name)
        with self._changes.make(Action.TEAM_CREATE, org_id, f"team/{team_id}", name=name) as change:
            if change.session.get(TeamRow, (org_id, team_id)) is not None:
                raise Conflict(f"the team {team_id} of {org_id} exists already")
            change.session.add(TeamRow(org_id=org_id, team_id=team_id, name=name))

    def rename_team(self, org_id: str, team_id: str, name: str) -> None:
        """Change a team's name. Raises ``NotFound``."""
        check_name("a team's name", name)
        with self._changes.make(Action.TEAM_CHANGE, org_id, f"team/{team_id}", name=name) as change:
            row = change.session.get(TeamRow, (org_id, team_id))
            if row is None:
                raise NotFound(f"there is no team {team_id} in {org_id}")
            change.is_made = row.name != name
            row.name = name

    def delete_team(self, org_id: str, team_id: str) -> None:
        """Remove a team without members. Raises ``NotFound``, or ``Conflict`` if it has some."""
        with self._changes.make(Action.TEAM_DELETE, org_id, f"team/{team_id}") as change:
            row = change.session.get(TeamRow, (org_id, team_id))
            if row is None:
                raise NotFound(f"there is no team {team_id} in {org_id}")
            members = select(func.count()).where(
                UserRow.org_id == org_id, UserRow.team_id == team_id
            )
            if count := change.session.scalar(members):
                raise Conflict(f"the team {team_id} has {count} users: move them first")
            change.session.delete(row)

    def create_user(
        self, org_id: str, user_ref: str, display_name: str, team_id: str | None = None
    ) -> str:
        """Add a user by the id their events are sent with; returns the pseudonym.

        Raises ``Conflict`` when the user exists or was erased, ``NotFound`` without the team.
        """
        check_name("a user's name", display_name)
        secret = self._secret(org_id)
        user_id = pseudonym(secret, user_ref)
        with self._changes.make(
            Action.USER_CREATE, org_id, self._named(org_id, user_id), team=team_id
        ) as change:
            session = change.session
            if session.get(UserRow, (org_id, user_id)) is not None:
                raise Conflict(f"this user of {org_id} exists already")
            if session.get(TombstoneRow, (org_id, mark_of(secret, user_id))) is not None:
                raise Conflict(f"this user of {org_id} was erased")
            self._require_team(session, org_id, team_id)
            session.add(
                UserRow(org_id=org_id, user_id=user_id, display_name=display_name, team_id=team_id)
            )
        return user_id

    def change_user(
        self, org_id: str, user_id: str, display_name: str, team_id: str | None
    ) -> None:
        """Change a user's name and team. Raises ``NotFound``."""
        check_name("a user's name", display_name)
        with self._changes.make(
            Action.USER_CHANGE, org_id, self._named(org_id, user_id), team=team_id
        ) as change:
            row = change.session.get(UserRow, (org_id, user_id))
            if row is None:
                raise NotFound(f"there is no user {user_id} in {org_id}")
            self._require_team(change.session, org_id, team_id)
            change.is_made = (row.display_name, row.team_id) != (display_name, team_id)
            row.display_name, row.team_id = display_name, team_id

    def delete_user(self, org_id: str, user_id: str) -> None:
        """Forget who a pseudonym is; its events stay. Raises ``NotFound``."""
        with self._changes.make(Action.USER_DELETE, org_id, self._named(org_id, user_id)) as change:
            row = change.session.get(UserRow, (org_id, user_id))
            if row is None:
                raise NotFound(f"there is no user {user_id} in {org_id}")
            change.session.delete(row)

    def teams(self, org_id: str | None = None) -> list[dict[str, Any]]:
        """Teams of one organisation or of all: ``org_id``, ``team_id``, ``name``."""
        return self._rows(TeamRow, TeamRow.team_id, org_id)

    def users(self, org_id: str | None = None) -> list[dict[str, Any]]:
        """Users of one organisation or of all, by pseudonym, with name and team."""
        return self._rows(UserRow, UserRow.user_id, org_id)

    def _secret(self, org_id: str) -> bytes:
        return bytes.fromhex(self._organizations.row(org_id).pseudonym_secret)

    def _named(self, org_id: str, user_id: str) -> str:
        """A user in the audit log, which is never changed: by the mark, so they can be erased."""
        return f"user/{mark_of(self._secret(org_id), user_id)}"

    def _rows(self, table: Any, order: Any, org_id: str | None) -> list[dict[str, Any]]:
        query = select(*table.__table__.columns).order_by(table.org_id, order)
        if org_id is not None:
            query = query.where(table.org_id == org_id)
        with self._changes.read() as session:
            return [dict(row) for row in session.execute(query).mappings()]

    @staticmethod
    def _require_team(session: Any, org_id: str, team_id: str | None) -> None:
        if team_id is not None and session.get(TeamRow, (org_id, team_id)) is None:
            raise NotFound(f"there is no team {team_id} in {org_id}")
