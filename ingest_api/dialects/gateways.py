"""Answers that other tools' clients expect where ours would mislead them.

Belongs here: statuses and documents by which those clients decide to retry or to complain.
"""

from __future__ import annotations

from typing import Any

from ingest_api.dialects.base import Dialect
from ingest_api.dialects.native import NATIVE, nothing_accepted
from ingest_api.outcome import Outcome
from ingest_api.replies import Refused, Reply, json_reply


def _openmeter_judged(outcome: Outcome) -> Reply:
    if not outcome.accepted:
        raise nothing_accepted(outcome)
    headers = [("ecomind-rejected", str(outcome.rejected))] if outcome.rejected else []
    return Reply(204, b"", headers)


def _greenscale_judged(outcome: Outcome) -> Reply:
    # Its client takes any other status for a failure.
    reply = NATIVE.judged(outcome)
    return Reply(200, reply.body, reply.headers)


def _langfuse_judged(outcome: Outcome) -> Reply:
    """207 with each event of the batch in ``successes`` or ``errors``, by the event's own id.

    An event that owns no usage (a trace, a score) counts as a success: nothing of it is stored.
    """
    successes: list[dict[str, Any]] = [{"id": name, "status": 201} for name in outcome.passed]
    errors: list[dict[str, Any]] = []
    for result, names in zip(outcome.results, outcome.names, strict=True):
        if not result.errors:
            successes += ({"id": name, "status": 201} for name in names)
            continue
        first = result.errors[0]
        errors += (
            {"id": name, "status": 400, "message": first["detail"], "error": first["code"]}
            for name in names
        )
    reply = json_reply(207, {"successes": successes, "errors": errors})
    if outcome.rejected:
        reply.headers.append(("ecomind-rejected", str(outcome.rejected)))
    return reply


def _langfuse_refused(refused: Refused, instance: str) -> Reply:
    document = {"message": refused.sentence, "error": refused.name, "instance": instance}
    reply = json_reply(refused.status, document)
    reply.headers.extend(refused.headers)
    return reply


# LiteLLM's callback tries again only from 500 on: a 429 would lose the batch.
LITELLM = Dialect("litellm", NATIVE.judged, statuses={429: 503})
OPENMETER = Dialect("openmeter", _openmeter_judged, statuses={422: 400})
GREENSCALE = Dialect("greenscale", _greenscale_judged)
LANGFUSE = Dialect("langfuse", _langfuse_judged, _langfuse_refused)
