"""The access log: one line per request, off unless asked for.

Belongs here: what such a line holds. Does not belong here: addresses as they were asked for,
queries, keys, or who sent a request.
"""

from __future__ import annotations

import logging

from ingest_api.rsgi import Exchange

_log = logging.getLogger("ingest_api.access")


def log_request(exchange: Exchange, status: int, seconds: float) -> None:
    """Log an answered request."""
    members = {
        "request_id": f"req_{exchange.sortable_id}",
        "method": exchange.scope.method,
        "route": exchange.route,
        "status": status,
        "duration_ms": round(seconds * 1000, 3),
        "body_bytes": exchange.body_bytes,
    }
    if exchange.outcome is not None:
        members["accepted"] = exchange.outcome.accepted
        members["rejected"] = exchange.outcome.rejected
    _log.info("request", extra=members)
