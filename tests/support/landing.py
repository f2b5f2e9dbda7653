"""Lands files as the ingest API would, without the ingest API."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ecomind.contract.event import EVENTS, OUTCOMES
from ecomind.contract.fields import Table
from ecomind.contract.landing import LandedName, arrow_schema, folder


def event_row(event_id: str, **fields: Any) -> dict[str, Any]:
    """A landed event with every server field and the contract's defaults filled in."""
    now = datetime.now(UTC)
    defaults = {field.name: field.default for field in EVENTS.fields if field.default is not None}
    return {
        **defaults,
        "org_id": "acme",
        "key_id": "testkey1",
        "received_at": now,
        "receipt_id": "rcp_test",
        "adapter": "native",
        "event_id": event_id,
        "occurred_at": now,
        "provider": "openai",
        "request_model": "gpt-4o",
        "input_tokens": 1000,
        "output_tokens": 200,
        **fields,
    }


def land(
    landing_dir: Path,
    table: Table,
    sequence: int,
    rows: Iterable[dict[str, Any]],
    *,
    node: str = "node1",
    received: datetime | None = None,
) -> Path:
    """Write one landed file of a table; returns its path."""
    received = received or datetime.now(UTC)
    path = landing_dir / folder(table, received.date())
    path.mkdir(parents=True, exist_ok=True)
    path /= str(LandedName(node, sequence, f"s{sequence}"))
    pq.write_table(pa.Table.from_pylist(list(rows), schema=arrow_schema(table)), path)
    return path


def land_events(
    landing_dir: Path, sequence: int, rows: list[dict[str, Any]], *, node: str = "node1"
) -> Path:
    """Land events with their outcome row, as a sealed segment does; path of the events."""
    path = land(landing_dir, EVENTS, sequence, rows, node=node)
    received = [row["received_at"] for row in rows]
    outcome = {
        "node": node,
        "sequence": sequence,
        "segment": f"s{sequence}",
        "sealed_at": datetime.now(UTC),
        "events_count": len(rows),
        "rejects_count": 0,
        "damaged_count": 0,
        "torn_bytes": 0,
        "first_received_at": min(received, default=None),
        "last_received_at": max(received, default=None),
    }
    land(landing_dir, OUTCOMES, sequence, [outcome], node=node)
    return path
