"""The CloudEvents webhook handshake: whether a sender may deliver here.

Belongs here: the answer to OPTIONS before anything is delivered. Does not belong here: who may
deliver (each delivery needs a key), or what browsers ask by OPTIONS (CORS).
"""

from __future__ import annotations

import re

from ingest_api.headers import Headers
from ingest_api.replies import Reply

_ORIGIN = "webhook-request-origin"
_PLAIN = re.compile(r"[A-Za-z0-9._:/\[\]-]{1,253}")


def handshake(headers: Headers) -> Reply | None:
    """The permission a sender asked for, or None when it asked for none.

    Anybody gets it: a delivery without a key is refused all the same.
    """
    origin = headers.get(_ORIGIN)
    if origin is None or not _PLAIN.fullmatch(origin):
        return None
    answer = [("allow", "POST"), ("webhook-allowed-origin", origin)]
    if headers.get("webhook-request-rate") is not None:
        answer.append(("webhook-allowed-rate", "*"))
    return Reply(200, b"", answer)
