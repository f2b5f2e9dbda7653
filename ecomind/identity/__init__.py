"""Who may send, read and change: the control store and its permission table.

Belongs here: organisations, people, keys, roles, an organisation's own factors and frozen months.
Does not belong here: HTTP, sessions, or reading the warehouse.
"""

from ecomind.identity.changes import INSTALLATION, Action
from ecomind.identity.directory import pseudonym
from ecomind.identity.errors import Conflict, Forbidden, IdentityError, NotFound
from ecomind.identity.jobs import Erasure, Job, JobKind, JobState, Progress
from ecomind.identity.key_store import KeyInfo
from ecomind.identity.organizations import OrganizationInfo, Preferences
from ecomind.identity.overrides import NewOverride
from ecomind.identity.people import Membership, Person
from ecomind.identity.permissions import MACHINES, MEMBERS, PERMISSIONS, Role, Scope
from ecomind.identity.principal import Actor, Principal, Subject, operator
from ecomind.identity.rules import ALERT_METRICS
from ecomind.identity.store import IdentityStore, open_store
from ecomind.identity.tombstones import ERASED, Tombstones

__all__ = [
    "ALERT_METRICS",
    "ERASED",
    "INSTALLATION",
    "MACHINES",
    "MEMBERS",
    "PERMISSIONS",
    "Action",
    "Actor",
    "Conflict",
    "Erasure",
    "Forbidden",
    "IdentityError",
    "IdentityStore",
    "Job",
    "JobKind",
    "JobState",
    "KeyInfo",
    "Membership",
    "NewOverride",
    "NotFound",
    "OrganizationInfo",
    "Person",
    "Preferences",
    "Principal",
    "Progress",
    "Role",
    "Scope",
    "Subject",
    "Tombstones",
    "open_store",
    "operator",
    "pseudonym",
]
