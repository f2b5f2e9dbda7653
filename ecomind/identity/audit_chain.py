"""How an organisation's audit entries hang together.

Belongs here: what is hashed, adding an entry, and finding the first one that does not fit. Does
not belong here: when entries are made (``changes``), or reading and pruning them (``audit``).

Each entry's hash covers the one before it, so an entry that was altered, removed or put in
between is found by computing the hashes anew. The chain's newest entry is kept apart, so that
entries missing at the end are found, too.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from ecomind.identity.principal import Actor
from ecomind.identity.tables import AuditChainRow, AuditEntryRow

Fact = str | int | float | bool | None | list[str] | list[int]
"""What an entry may tell about a change."""

DONE, REFUSED = "done", "denied"
START = "0" * 64
"""In the place of a hash before the first entry."""

_SECRET = re.compile(r"eco_(live|pub)_[0-9A-Za-z]{8}_")


@dataclass(frozen=True, slots=True)
class Happening:
    """What an entry tells: what was done, or asked for, to what."""

    action: str
    target: str
    outcome: str = DONE
    facts: Mapping[str, Fact] = field(default_factory=dict)


def append(session: Session, org_id: str, actor: Actor, what: Happening) -> None:
    """Add an entry to an organisation's log; its lock is held.

    Raises ``ValueError`` when a key's text is among the facts: a mistake of the caller.
    """
    chain = session.get(AuditChainRow, org_id, populate_existing=True)
    if chain is None:
        chain = AuditChainRow(
            org_id=org_id,
            pruned_sequence=0,
            pruned_hash=START,
            head_sequence=0,
            head_hash=START,
        )
        session.add(chain)
    entry = AuditEntryRow(
        org_id=org_id,
        sequence=chain.head_sequence + 1,
        recorded_at=datetime.now(UTC),
        actor=actor.name,
        role=None if actor.role is None else actor.role.value,
        action=what.action,
        target=what.target,
        outcome=what.outcome,
        facts=json.dumps(
            dict(what.facts), sort_keys=True, separators=(",", ":"), ensure_ascii=False
        ),
        previous_hash=chain.head_hash,
    )
    if _SECRET.search(entry.facts + entry.target):
        raise ValueError("the text of a key is no fact of an audit entry")
    entry.hash = digest(entry)
    chain.head_sequence, chain.head_hash = entry.sequence, entry.hash
    session.add(entry)
    session.flush()


def digest(entry: AuditEntryRow) -> str:
    """SHA-256, hex, over the hash before and everything an entry says, as canonical JSON."""
    said = [
        entry.org_id,
        entry.sequence,
        entry.recorded_at.astimezone(UTC).isoformat(timespec="microseconds"),
        entry.actor,
        entry.role,
        entry.action,
        entry.target,
        entry.outcome,
        entry.facts,
    ]
    return hashlib.sha256(f"{entry.previous_hash}{_canonical(said)}".encode()).hexdigest()


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def first_break(chain: AuditChainRow, entries: Iterable[AuditEntryRow]) -> tuple[int, str | None]:
    """Entries checked, oldest first, and what is wrong with the first that does not fit."""
    sequence, hash_ = chain.pruned_sequence, chain.pruned_hash
    checked = 0
    for entry in entries:
        if entry.sequence != sequence + 1:
            return checked, f"entry {sequence + 1} is missing"
        if entry.previous_hash != hash_:
            return checked, f"entry {entry.sequence} does not follow the one before it"
        if entry.hash != digest(entry):
            return checked, f"entry {entry.sequence} was altered"
        sequence, hash_ = entry.sequence, entry.hash
        checked += 1
    if (sequence, hash_) != (chain.head_sequence, chain.head_hash):
        return checked, f"entries after {sequence} are missing, up to {chain.head_sequence}"
    return checked, None
