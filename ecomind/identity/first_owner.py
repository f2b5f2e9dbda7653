"""The owner that an installation has from its first start.

Belongs here: making them, and what they own. Does not belong here: other people (``people``).
"""

from __future__ import annotations

from ecomind.identity.local_identity import LOCAL_ISSUER
from ecomind.identity.people import Person
from ecomind.identity.permissions import Role
from ecomind.identity.store import IdentityStore

NAME = "owner"
"""What the first owner is called at the local identity."""


def ensure_owner(store: IdentityStore) -> tuple[Person, bool]:
    """The installation's owner, and whether they were made now; they own what nobody else does."""
    person = store.people.find(LOCAL_ISSUER, NAME)
    is_new = person is None
    if person is None:
        store.people.add(LOCAL_ISSUER, "Owner", subject=NAME)
        person = store.people.find(LOCAL_ISSUER, NAME)
    assert person is not None  # noqa: S101 - added just now.
    for organization in store.organizations.listed():
        members = store.people.members(organization.org_id)
        if all(member.role is not Role.OWNER for member in members):
            store.people.set_member(organization.org_id, person.person_id, Role.OWNER)
    return person, is_new
