"""One change at a time per organisation.

Belongs here: the lock under which a rule is checked and its row is written. Does not belong here:
the rules.
"""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.orm import Session

from ecomind.identity.errors import IdentityError
from ecomind.identity.tables import OrganizationRow


def lock_organization(session: Session, org_id: str) -> None:
    """Hold an organisation until the transaction ends; another change to it waits.

    Raises ``IdentityError`` when there is no such organisation.
    """
    # Writing locks on every database; SQLite knows no lock for reading.
    row = OrganizationRow.org_id
    found = session.execute(
        update(OrganizationRow).where(row == org_id).values(org_id=row).returning(row)
    ).first()
    if found is None:
        raise IdentityError(f"there is no organisation {org_id}")
