"""Reading, verifying and pruning the audit log.

Belongs here: what is asked of the log, and its retention. Does not belong here: making entries
(``changes``) or how they hang together (``audit_chain``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from ecomind.identity.audit_chain import first_break
from ecomind.identity.changes import Action, Changes
from ecomind.identity.tables import AuditChainRow, AuditEntryRow

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing done or denied."""

    org_id: str
    sequence: int
    recorded_at: datetime
    actor: str
    role: str | None
    action: str
    target: str
    outcome: str
    facts: dict[str, Any]
    hash: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verifying an organisation's log found; ``broken`` is None when it is whole."""

    org_id: str
    checked: int
    broken: str | None


class AuditStore:
    """The audit log of every organisation, and of the installation (``INSTALLATION``)."""

    def __init__(self, changes: Changes) -> None:
        """Read and prune through ``changes``."""
        self._changes = changes

    def entries(self, org_id: str, *, before: int | None = None, limit: int = 100) -> list[Entry]:
        """The newest entries of an organisation, newest first; ``before`` a number, for paging."""
        row = AuditEntryRow
        query = select(row).where(row.org_id == org_id).order_by(row.sequence.desc()).limit(limit)
        if before is not None:
            query = query.where(row.sequence < before)
        with self._changes.read() as session:
            return [_entry(found) for found in session.scalars(query)]

    def verify(self, org_id: str | None = None) -> list[Verdict]:
        """Compute the hashes of one log or of all anew."""
        query = select(AuditChainRow).order_by(AuditChainRow.org_id)
        if org_id is not None:
            query = query.where(AuditChainRow.org_id == org_id)
        with self._changes.read() as session:
            if session.get_bind().dialect.name == "postgresql":
                # What is appended meanwhile is not to look like entries beyond the newest.
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            return [_verified(session, chain) for chain in session.scalars(query).all()]

    def prune(self, org_id: str, before: datetime) -> int:
        """Remove entries recorded before a time; how many.

        What remains still verifies: the hash of the last one removed stays, and an entry says so.
        """
        row = AuditEntryRow
        with self._changes.make(Action.AUDIT_PRUNE, org_id, "audit") as change:
            session = change.session
            chain = session.get(AuditChainRow, org_id, populate_existing=True)
            newest_kept = select(func.min(row.sequence)).where(
                row.org_id == org_id, row.recorded_at >= before
            )
            kept = session.scalar(newest_kept)
            removable = select(func.max(row.sequence)).where(row.org_id == org_id)
            if kept is not None:
                removable = removable.where(row.sequence < kept)
            last = session.scalar(removable)
            if chain is None or last is None:
                change.is_made = False
                return 0
            removed = last - chain.pruned_sequence
            hash_ = session.get_one(row, (org_id, last)).hash
            chain.pruned_sequence, chain.pruned_hash = last, hash_
            session.flush()
            session.execute(delete(row).where(row.org_id == org_id, row.sequence <= last))
            change.facts = {"removed": removed, "through": last, "hash": hash_}
        return removed


def _verified(session: Session, chain: AuditChainRow) -> Verdict:
    row = AuditEntryRow
    query = select(row).where(row.org_id == chain.org_id).order_by(row.sequence)
    entries = session.scalars(query.execution_options(yield_per=_PAGE))
    checked, broken = first_break(chain, entries)
    return Verdict(chain.org_id, checked, broken or _anchor_trouble(session, chain))


def _anchor_trouble(session: Session, chain: AuditChainRow) -> str | None:
    """Removing entries leaves an entry that names the last one removed; without it, tampering."""
    if chain.pruned_sequence == 0:
        return None
    row = AuditEntryRow
    query = (
        select(row.facts)
        .where(row.org_id == chain.org_id, row.action == Action.AUDIT_PRUNE.value)
        .order_by(row.sequence.desc())
        .limit(1)
    )
    facts = json.loads(session.scalar(query) or "{}")
    if (facts.get("through"), facts.get("hash")) != (chain.pruned_sequence, chain.pruned_hash):
        return f"entries up to {chain.pruned_sequence} were removed, but not by retention"
    return None


def _entry(row: AuditEntryRow) -> Entry:
    return Entry(
        row.org_id,
        row.sequence,
        row.recorded_at,
        row.actor,
        row.role,
        row.action,
        row.target,
        row.outcome,
        json.loads(row.facts),
        row.hash,
    )
