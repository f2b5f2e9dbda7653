"""How far the load has come, told beside the landing zone.

Belongs here: the note the load leaves and what it means. Does not belong here: the load's own
cursor (the raw store holds it), or where the landing zone is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from ecomind.contract.landing import LandedName

LOADED_NAME = "_loaded.json"
"""Name of the note in the landing zone; the load is its only writer."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Per landed table and node, the sequence up to which files are in the raw store."""

    sequences: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    written_at: str = ""

    @classmethod
    def now(cls, sequences: Mapping[str, Mapping[str, int]]) -> Loaded:
        """A note of this moment."""
        return cls(sequences, datetime.now(UTC).isoformat())

    @classmethod
    def decode(cls, note: bytes) -> Loaded:
        """The note, or one that knows of nothing when it cannot be read."""
        try:
            return msgspec.json.decode(note, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return cls()

    def encode(self) -> bytes:
        """The note as bytes."""
        return msgspec.json.encode(self)

    def includes(self, table: str, name: LandedName) -> bool:
        """Whether a landed file's rows are in the raw store."""
        return name.sequence <= self.sequences.get(table, {}).get(name.node, 0)
