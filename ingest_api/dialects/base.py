"""What every dialect is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ingest_api.outcome import Outcome
from ingest_api.replies import Refused, Reply, problem


@dataclass(frozen=True, slots=True)
class Dialect:
    """Words what became of a request's items, and a request of which nothing was stored.

    ``refused`` is also given the request's ``instance``, its path and id. ``judged`` may raise
    ``Refused``, as when no item was good enough. ``statuses`` maps the status of a refusal to
    the one its clients understand: some give up at 429 and come back after 503.
    """

    name: str
    judged: Callable[[Outcome], Reply]
    refused: Callable[[Refused, str], Reply] = problem
    statuses: Mapping[int, int] = field(default_factory=dict)
