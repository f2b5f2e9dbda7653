"""What both encodings of OTLP are read into.

Belongs here: operations (spans, log records) and metric points, free of JSON and protobuf. Does
not belong here: what their attributes mean (``names``, ``calls``, ``metrics``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class Origin:
    """Who reported: the known attributes of the resource, and the name of the scope."""

    resource: Mapping[str, Any]
    scope: str


class Operation(NamedTuple):
    """A span or a log record with the attributes that are known to us.

    Ids are lower-case hex. Times are nanoseconds since the epoch, 0 where absent and None where
    they are no numbers; a log record has no end.
    """

    origin: Origin
    trace_id: str
    span_id: str
    trace_state: str
    start_ns: int | None
    end_ns: int | None
    is_error: bool
    attributes: Mapping[str, Any]


class Point(NamedTuple):
    """A data point of a metric that counts tokens.

    ``resource`` and ``attributes`` hold all attributes: together with the scope and the metric
    they are the identity of the series. ``value`` is the sum, None where the point has none.
    """

    resource: Mapping[str, Any]
    scope: str
    metric: str
    attributes: Mapping[str, Any]
    temporality: int
    start_ns: int | None
    end_ns: int | None
    value: Any
