"""Who may send, read and change: the control store and its permission table.

Belongs here: organisations, people, keys, roles. Does not belong here: HTTP, sessions, or
reading the warehouse.
"""

from ecomind.identity.permissions import PERMISSIONS, Role, Scope
from ecomind.identity.store import (
    ALERT_METRICS,
    IdentityError,
    IdentityStore,
    KeyInfo,
    Principal,
    open_store,
    pseudonym,
)

__all__ = [
    "ALERT_METRICS",
    "PERMISSIONS",
    "IdentityError",
    "IdentityStore",
    "KeyInfo",
    "Principal",
    "Role",
    "Scope",
    "open_store",
    "pseudonym",
]
