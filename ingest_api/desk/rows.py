"""Landed rows as the endpoints show them.

Belongs here: values as JSON, and the span of time that is looked through. Does not belong here:
finding rows (``search``).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from ecomind.contract.codec import EPOCH
from ecomind.contract.event import CLIENT_FIELDS, RECEIPT
from ingest_api.desk import schemas
from ingest_api.desk.base import Parameter, moment, utc_text
from ingest_api.replies import Refused

SPAN_DAYS = 7
"""How far back is looked when nothing else is said, in days."""

_SPAN = timedelta(days=SPAN_DAYS)
_SHOWN_OF_RECEIPT = [field.name for field in RECEIPT if field.name != "org_id"]
_FIELDS = [field.name for field in CLIENT_FIELDS]
_MICROSECONDS = {field.name for field in CLIENT_FIELDS if field.kind == "timestamp"}


def _value(name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        if name in _MICROSECONDS:  # As exact as it was sent.
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        return utc_text(value)
    return msgspec.json.decode(value) if name == "tags" else value


def receipt_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """When, by which key, in which format and under which receipt a row came."""
    return {name: _value(name, row[name]) for name in _SHOWN_OF_RECEIPT}


def event_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """The contract's fields of an event, without those it does not have."""
    return {name: _value(name, row[name]) for name in _FIELDS if row.get(name) is not None}


def item_of(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """The fields kept of a rejected item, or None when none were."""
    item = row.get("item")
    return None if item is None else msgspec.json.decode(item, type=dict[str, Any])


def span_parameters(prefix: str) -> tuple[Parameter, Parameter]:
    """The two ends of the span of time that is looked through."""
    schema = {"type": "string", "format": "date-time"}
    begin, end = f"{prefix}from", f"{prefix}to"
    told = f"by default {SPAN_DAYS} days before `{end}`"
    return (
        Parameter(begin, "query", f"Received from then on; {told}.", schema, moment),
        Parameter(end, "query", "Received until then; by default now.", schema, moment),
    )


def span(values: Mapping[str, Any], prefix: str) -> tuple[datetime, datetime]:
    """The span asked for. Raises ``Refused`` when its end lies before its beginning."""
    now = datetime.now(UTC)
    end = max(EPOCH + _SPAN, min(values.get(f"{prefix}to", now), now))
    begin = max(EPOCH, values.get(f"{prefix}from", end - _SPAN))
    if begin > end:
        detail = f"{prefix}from is later than {prefix}to"
        raise Refused("invalid-parameter", parameter=f"{prefix}from", detail=detail)
    return begin, end


SEARCHED = schemas.record(
    {"from": schemas.TIME, "to": schemas.TIME, "is_complete": {"type": "boolean"}}
)
RECEIVED = {
    "key_id": {"type": "string"},
    "received_at": schemas.TIME,
    "receipt_id": schemas.sortable("rcp"),
    "adapter": {"type": "string"},
}


def searched(begin: datetime, end: datetime, is_complete: bool) -> dict[str, Any]:
    """What was looked through; not complete when it took too long."""
    return {"from": utc_text(begin), "to": utc_text(end), "is_complete": is_complete}
