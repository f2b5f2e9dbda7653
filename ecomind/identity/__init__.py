"""Who may send, read and change: the control store and its permission table.

Belongs here: organisations, people, keys, roles, an organisation's own factors and frozen months.
Does not belong here: HTTP, sessions, or reading the warehouse.
"""

from ecomind.identity.errors import IdentityError
from ecomind.identity.overrides import NewOverride
from ecomind.identity.permissions import PERMISSIONS, Role, Scope
from ecomind.identity.store import (
    ALERT_METRICS,
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
    "NewOverride",
    "Principal",
    "Role",
    "Scope",
    "open_store",
    "pseudonym",
]
