"""The landing zone's shape: Arrow schemas and names of landed files.

Belongs here: what the writer (ingest) and the reader (dlt) must agree on. Does not belong
here: writing or reading the files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from ecomind.contract.bucket import BUCKETS
from ecomind.contract.event import EVENTS, OUTCOMES, REJECTS
from ecomind.contract.fields import Field, Table

LANDED_TABLES: tuple[Table, ...] = (EVENTS, BUCKETS, REJECTS, OUTCOMES)

_ARROW: dict[str, pa.DataType] = {
    "string": pa.string(),
    "tags": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "date": pa.date32(),
}
_NAME = re.compile(
    r"^(?P<node>[a-z0-9]{1,32})-(?P<sequence>\d{12})"
    r"-(?:c(?P<merged_from>\d{12})_)?(?P<segment>[a-z0-9_]{1,64})\.parquet$"
)


def arrow_field(field: Field) -> pa.Field[Any]:
    """The Arrow field of a contract field."""
    return pa.field(field.name, _ARROW[field.kind], nullable=field.nullable)


def arrow_schema(table: Table) -> pa.Schema:
    """The Arrow schema of a landed table, columns in contract order."""
    return pa.schema([arrow_field(field) for field in table.fields])


@dataclass(frozen=True, slots=True, order=True)
class LandedName:
    """Name of a landed file; sequences grow without repeats on each node.

    ``segment`` is the write-ahead segment's name (lower-case letters, digits, underscores). A
    file merged from several has the sequence and segment of the last one and says with
    ``merged_from`` which sequence it begins with, as in ``node-000000000009-c000000000002_s9``: it
    stands for every file of its folder and node in between. 0: the file was not merged.
    """

    node: str
    sequence: int
    segment: str
    merged_from: int = 0

    def __str__(self) -> str:
        merged = f"c{self.merged_from:012d}_" if self.merged_from else ""
        return f"{self.node}-{self.sequence:012d}-{merged}{self.segment}.parquet"

    @property
    def first_sequence(self) -> int:
        """The first sequence the file stands for."""
        return self.merged_from or self.sequence

    @classmethod
    def parse(cls, name: str) -> LandedName | None:
        """The parts of a landed file's name, or None for any other file."""
        match = _NAME.match(name)
        if match is None:
            return None
        sequence, merged_from = int(match["sequence"]), int(match["merged_from"] or 0)
        if merged_from > sequence:
            return None
        return cls(match["node"], sequence, match["segment"], merged_from)


def folder(table: Table, received_date: date) -> str:
    """Folder of a table's files of one received date (UTC), relative to the landing zone."""
    return f"{table.name}/received_date={received_date.isoformat()}"
