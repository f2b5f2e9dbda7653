"""A table as JSON, CSV or an Arrow stream.

Belongs here: choosing by ``Accept`` and writing. Does not belong here: what the table holds.
"""

from __future__ import annotations

import io
from enum import StrEnum
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.csv as pa_csv

from platform_api.problems import Refused


class Media(StrEnum):
    """Media types a table is served as, the preferred one first."""

    JSON = "application/json"
    CSV = "text/csv"
    ARROW = "application/vnd.apache.arrow.stream"


def _weight(parameters: str) -> float:
    for each in parameters.split(";"):
        name, _, value = each.strip().partition("=")
        if name.lower() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def _accepted(accept: str, media: Media) -> float:
    """How much a client wants a media type: the weight of the range that names it closest."""
    best = (-1, 0.0)
    for each in accept.split(","):
        name, _, parameters = each.strip().partition(";")
        name = name.strip().lower()
        ranges = ("*/*", f"{media.split('/')[0]}/*", media.value)
        if name in ranges:
            best = max(best, (ranges.index(name), _weight(parameters)))
    return best[1]


def chosen(accept: str | None) -> Media:
    """The media type to answer with. Raises ``Refused`` when none is accepted."""
    if not accept or not accept.strip():
        return Media.JSON
    media = max(Media, key=lambda each: _accepted(accept, each))
    if _accepted(accept, media) <= 0:
        raise Refused("not-acceptable", f"Served are {', '.join(Media)}.")
    return media


def json_bytes(document: Any) -> bytes:
    """JSON in UTF-8; dates and times in ISO 8601, numbers with every digit."""
    return msgspec.json.encode(document)


def csv_bytes(table: pa.Table) -> bytes:
    """CSV with a header line."""
    sink = io.BytesIO()
    pa_csv.write_csv(table, sink)
    return sink.getvalue()


def arrow_bytes(table: pa.Table) -> bytes:
    """An Arrow IPC stream."""
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()
