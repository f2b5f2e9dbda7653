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


_READ = frozenset({Scope.MARTS_READ, Scope.REPORTS_READ, Scope.FACTORS_READ})
_ADMINISTER = _READ | {Scope.PEOPLE_READ, Scope.AUDIT_READ}

PERMISSIONS: Mapping[Role, frozenset[Scope]] = {
    Role.OWNER: _ADMINISTER,
    Role.ADMIN: _ADMINISTER,
    Role.ANALYST: _READ | {Scope.AUDIT_READ},
    Role.VIEWER: _READ,
    Role.INGEST: frozenset({Scope.INGEST_WRITE}),
    Role.IMPORT: frozenset({Scope.INGEST_WRITE, Scope.INGEST_IMPORT}),
}
