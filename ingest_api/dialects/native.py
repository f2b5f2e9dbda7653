"""Our own answers: 202 when all was stored, 207 when some was, problems otherwise."""

from __future__ import annotations

from ingest_api.dialects.base import Dialect
from ingest_api.outcome import Outcome
from ingest_api.replies import Refused, Reply, json_reply


def _judged(outcome: Outcome) -> Reply:
    if not outcome.accepted:
        raise nothing_accepted(outcome)
    document = {
        "receipt_id": outcome.receipt_id,
        "received_at": outcome.received_text,
        "durability": "fsync",
        "accepted": outcome.accepted,
        "duplicate": outcome.duplicate,
        "rejected": outcome.rejected,
        "results": outcome.results,
    }
    if not outcome.rejected:
        return json_reply(202, document)
    reply = json_reply(207, document)
    reply.headers.append(("ecomind-rejected", str(outcome.rejected)))
    return reply


def nothing_accepted(outcome: Outcome) -> Refused:
    """Why no item of a request was good enough."""
    if not outcome.rejected:
        return Refused("no-valid-event", detail="the body holds no event", rejected=0, errors=[])
    return Refused(
        "tenant-mismatch" if outcome.is_all_of_others else "no-valid-event",
        headers=(("ecomind-rejected", str(outcome.rejected)),),
        rejected=outcome.rejected,
        errors=outcome.errors,
    )


NATIVE = Dialect("native", _judged)
