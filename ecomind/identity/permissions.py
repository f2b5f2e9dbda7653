"""Who may do what: the one permission table.

Belongs here: scopes, roles and which role holds which scope. Does not belong here: checking
credentials or storing them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Scope(StrEnum):
    """One thing a credential may do."""

    INGEST_WRITE = "ingest:write"
    INGEST_IMPORT = "ingest:import"
    EVENTS_READ = "events:read"
    EVENTS_REPLAY = "events:replay"
    MARTS_READ = "marts:read"
    PEOPLE_READ = "people:read"
    REPORTS_READ = "reports:read"
    FACTORS_READ = "factors:read"
    AUDIT_READ = "audit:read"


class Role(StrEnum):
    """What a credential is for: a person's role, or a machine's."""

    OWNER = "owner"
    ADMIN = "admin"
    ANALYST = "analyst"
    VIEWER = "viewer"
    INGEST = "ingest"
    IMPORT = "import"
    BROWSER = "browser"


_READ = frozenset({Scope.MARTS_READ, Scope.REPORTS_READ, Scope.FACTORS_READ})
_SUPPORT = frozenset({Scope.EVENTS_READ, Scope.EVENTS_REPLAY})
"""Asking what became of events, and sending again what was refused."""
_ADMINISTER = _READ | _SUPPORT | {Scope.PEOPLE_READ, Scope.AUDIT_READ}
_SEND = frozenset({Scope.INGEST_WRITE}) | _SUPPORT

PERMISSIONS: Mapping[Role, frozenset[Scope]] = {
    Role.OWNER: _ADMINISTER,
    Role.ADMIN: _ADMINISTER,
    Role.ANALYST: _READ | {Scope.AUDIT_READ, Scope.EVENTS_READ},
    Role.VIEWER: _READ,
    Role.INGEST: _SEND,
    Role.IMPORT: _SEND | {Scope.INGEST_IMPORT},
    Role.BROWSER: frozenset({Scope.INGEST_WRITE}),
}
