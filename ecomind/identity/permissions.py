"""Who may do what: the one permission table.

Belongs here: scopes, roles, which role holds which scope, and which role may manage which. Does not
belong here: checking credentials (``store``), refusing and recording it (``access``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from ecomind.identity.errors import IdentityError


class Scope(StrEnum):
    """One thing a credential may do."""

    INGEST_WRITE = "ingest:write"
    INGEST_IMPORT = "ingest:import"
    EVENTS_READ = "events:read"
    EVENTS_REPLAY = "events:replay"
    TOTALS_READ = "totals:read"
    MARTS_READ = "marts:read"
    PEOPLE_READ = "people:read"
    REPORTS_READ = "reports:read"
    REPORTS_REQUEST = "reports:request"
    FACTORS_READ = "factors:read"
    FACTORS_WRITE = "factors:write"
    ALERTS_WRITE = "alerts:write"
    ADMIN_KEYS = "admin:keys"
    ADMIN_MEMBERS = "admin:members"
    ADMIN_ORG = "admin:org"
    ADMIN_PRIVACY = "admin:privacy"
    ADMIN_NOTIFY = "admin:notify"
    ORG_DELETE = "org:delete"
    BILLING_READ = "billing:read"
    BILLING_WRITE = "billing:write"
    AUDIT_READ = "audit:read"


class Role(StrEnum):
    """What a credential is for: a person's role, or a machine's."""

    OWNER = "owner"
    ADMIN = "admin"
    ANALYST = "analyst"
    VIEWER = "viewer"
    BILLING = "billing"
    INGEST = "ingest"
    IMPORT = "import"
    BROWSER = "browser"


MACHINES = frozenset({Role.INGEST, Role.IMPORT, Role.BROWSER})
"""Roles that only keys have."""
MEMBERS = tuple(role for role in Role if role not in MACHINES)
"""Roles a person may have in an organisation; keys may have them too."""

_READ = frozenset({Scope.TOTALS_READ, Scope.MARTS_READ, Scope.REPORTS_READ, Scope.FACTORS_READ})
_SUPPORT = frozenset({Scope.EVENTS_READ, Scope.EVENTS_REPLAY})
"""Asking what became of events, and sending again what was refused."""
_ANALYSE = _READ | {
    Scope.AUDIT_READ,
    Scope.EVENTS_READ,
    Scope.REPORTS_REQUEST,
    Scope.ALERTS_WRITE,
}
_ADMINISTER = (
    _ANALYSE
    | _SUPPORT
    | {
        Scope.PEOPLE_READ,
        Scope.FACTORS_WRITE,
        Scope.ADMIN_KEYS,
        Scope.ADMIN_MEMBERS,
        Scope.ADMIN_ORG,
        Scope.ADMIN_PRIVACY,
        Scope.ADMIN_NOTIFY,
    }
)
_BILLING = frozenset({Scope.BILLING_READ, Scope.BILLING_WRITE})
_SEND = frozenset({Scope.INGEST_WRITE}) | _SUPPORT

PERMISSIONS: Mapping[Role, frozenset[Scope]] = {
    Role.OWNER: _ADMINISTER | _BILLING | {Scope.ORG_DELETE},
    Role.ADMIN: _ADMINISTER,
    Role.ANALYST: _ANALYSE,
    Role.VIEWER: _READ,
    Role.BILLING: _BILLING | {Scope.TOTALS_READ},
    Role.INGEST: _SEND,
    Role.IMPORT: _SEND | {Scope.INGEST_IMPORT},
    Role.BROWSER: frozenset({Scope.INGEST_WRITE}),
}

IF_ALLOWED: Mapping[Role, frozenset[Scope]] = {Role.ANALYST: frozenset({Scope.PEOPLE_READ})}
"""What a role holds besides where the organisation's setting ``analysts_see_people`` says so."""


IF_EXTENSION: Mapping[Role, frozenset[Scope]] = {Role.BROWSER: frozenset({Scope.TOTALS_READ})}
"""What a browser's key holds besides where all its origins are extensions.

Anybody can read a page with the key in it; an extension's key lies with those it was given to.
"""
_EXTENSIONS = ("chrome-extension://", "moz-extension://")


def are_extensions(origins: Iterable[str]) -> bool:
    """Whether all origins of a key are extensions, and it has some."""
    listed = list(origins)
    return bool(listed) and all(origin.startswith(_EXTENSIONS) for origin in listed)


def granted(
    role: Role,
    *,
    sees_people: bool = False,
    is_extension: bool = False,
    only: Iterable[Scope] | None = None,
) -> frozenset[Scope]:
    """Scopes of a role in an organisation, of a narrower key only those it names.

    ``sees_people`` is the organisation's ``analysts_see_people``, ``is_extension`` what
    `are_extensions` says of a key's origins.
    """
    scopes = PERMISSIONS[role]
    if sees_people:
        scopes |= IF_ALLOWED.get(role, frozenset())
    if is_extension:
        scopes |= IF_EXTENSION.get(role, frozenset())
    return scopes if only is None else scopes & frozenset(only)


def may_manage(actor: Role | None, other: Role) -> bool:
    """Whether an actor's role may give, change or take away another's; None: the operator.

    Only an owner touches owners.
    """
    return actor is None or actor is Role.OWNER or other is not Role.OWNER


def parse_scopes(role: Role, names: Iterable[str]) -> frozenset[Scope]:
    """Scopes by name, for a key narrower than its role.

    Raises ``IdentityError`` when one is unknown or the role never holds it.
    """
    possible = granted(role, sees_people=True, is_extension=True)
    scopes = set()
    for name in names:
        if name not in possible:
            listed = ", ".join(sorted(possible))
            raise IdentityError(
                f"{name} is no scope of the role {role.value}; those are {listed}", "scopes"
            )
        scopes.add(Scope(name))
    return frozenset(scopes)
