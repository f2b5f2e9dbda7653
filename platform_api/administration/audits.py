"""``/v1/audits``: what was done in the organisation and what was refused.

Belongs here: reading and verifying the log. Does not belong here: making entries, which no one does
by hand (``ecomind.identity.changes``).
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Query, Response

from ecomind.identity import Principal, Scope
from platform_api.administration.frame import TAG, Document, example, listed
from platform_api.callers import Holding, guarded
from platform_api.representations import json_bytes
from platform_api.service import ServiceOf

router = guarded(TAG)
Reads = Annotated[Principal, Depends(Holding(Scope.AUDIT_READ))]
PAGE_MAX = 1_000
_SEQUENCE_MAX = 2**62


class Entry(Document):
    """One thing done or refused; ``hash`` hangs on the entry before."""

    model_config = example(
        {
            "sequence": 42,
            "recorded_at": "2026-11-21T09:00:00Z",
            "actor": "key:V1StGXR8",
            "role": "admin",
            "action": "team.create",
            "target": "team/research",
            "outcome": "done",
            "facts": {"name": "Research"},
            "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        }
    )

    sequence: int
    recorded_at: datetime
    actor: str
    role: str | None
    action: str
    target: str
    outcome: str
    facts: dict[str, Any]
    hash: str


class Entries(Document):
    """Entries, the newest first; ``next_before`` is set if older ones follow."""

    data: list[Entry]
    next_before: int | None


class Verdict(Document):
    """Whether the log is whole; ``broken`` names the first entry that is not as it was."""

    model_config = example({"checked": 42, "broken": None})

    checked: int
    broken: str | None


@router.get("/v1/audits", summary="The organisation's audit log", response_model=Entries)
def audits(
    service: ServiceOf,
    principal: Reads,
    before: Annotated[
        int | None, Query(ge=1, le=_SEQUENCE_MAX, description="`next_before` of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 100,
) -> Response:
    """A page of entries."""
    found = service.store.audit.entries(principal.org_id, before=before, limit=limit + 1)
    rows = [
        {name: value for name, value in asdict(entry).items() if name != "org_id"}
        for entry in found[:limit]
    ]
    return listed(rows, next_before=rows[-1]["sequence"] if len(found) > limit else None)


@router.get(
    "/v1/audits/verification",
    summary="Whether the audit log is whole",
    description="Computes the hash of every entry anew.",
    response_model=Verdict,
)
def verification(service: ServiceOf, principal: Reads) -> Response:
    """Verify the log."""
    verdicts = service.store.audit.verify(principal.org_id)
    checked = sum(verdict.checked for verdict in verdicts)
    broken = next((verdict.broken for verdict in verdicts if verdict.broken), None)
    return Response(
        json_bytes({"checked": checked, "broken": broken}), media_type="application/json"
    )
