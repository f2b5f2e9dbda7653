"""An import as numbered parts, so that one that was interrupted goes on where it stopped.

Belongs here: cutting rows into parts the same way each time, and which parts the endpoint has.
Does not belong here: HTTP and retries (``sender``), or where rows come from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ingest_api.client.sender import Answer, CannotSend, Rejected, Sender

PART_ROWS = 1000
_NDJSON = "application/x-ndjson"


class CannotResume(Exception):
    """The endpoint's import does not fit this file: a new one is needed."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("the import at the endpoint does not fit this file")


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one part: their numbers in the file and their bytes."""

    numbers: tuple[int, ...]
    body: bytes


@dataclass(slots=True)
class ImportSession:
    """An open import of the endpoint; ``stored`` maps parts it has to fingerprint and refusals."""

    sender: Sender
    import_id: str
    max_bytes: int
    max_rows: int
    stored: Mapping[int, tuple[str, int]] = field(default_factory=dict)
    parts: int = 0

    @classmethod
    def begin(cls, sender: Sender, name: str) -> ImportSession | None:
        """A new import, or None when the key may not import. Raises ``CannotSend``."""
        status, document = sender.ask("POST", "/v1/imports", {"name": name[:200]})
        if status == 403:
            return None
        return cls._of(sender, _checked(status, document), {})

    @classmethod
    def resume(cls, sender: Sender, import_id: str) -> ImportSession | None:
        """An import begun earlier, or None when the endpoint does not know it or it is over."""
        status, document = sender.ask("GET", f"/v1/imports/{import_id}")
        if status in (403, 404) or document.get("state") == "complete":
            return None
        parts = _checked(status, document)["parts"]
        stored = {part["part"]: (part["sha256"], part["rejected"]) for part in parts}
        return cls._of(sender, document, stored)

    @classmethod
    def _of(
        cls, sender: Sender, document: Mapping[str, Any], stored: Mapping[int, tuple[str, int]]
    ) -> ImportSession:
        limits = document["limits"]
        rows = min(PART_ROWS, limits["part_events"])
        return cls(sender, document["import_id"], limits["part_bytes"], rows, stored)

    def cut(self, rows: Sequence[tuple[int, dict[str, Any]]]) -> Iterator[Rows]:
        """Rows as parts within the endpoint's limits; the same rows are cut the same way."""
        numbers: list[int] = []
        lines: list[bytes] = []
        size = 0
        for number, item in rows:
            line = msgspec.json.encode(item)
            if lines and (len(lines) == self.max_rows or size + len(line) + 1 > self.max_bytes):
                yield Rows(tuple(numbers), b"\n".join(lines))
                numbers, lines, size = [], [], 0
            numbers.append(number)
            lines.append(line)
            size += len(line) + 1
        if lines:
            yield Rows(tuple(numbers), b"\n".join(lines))

    def put(self, rows: Rows) -> tuple[Answer, bool]:
        """Send the next part; its answer, and whether the endpoint had it before.

        Raises ``CannotSend`` or ``CannotResume``.
        """
        self.parts += 1
        known = self.stored.get(self.parts)
        if known is not None:
            sha256, rejected_count = known
            if sha256 != hashlib.sha256(rows.body).hexdigest():
                raise CannotResume
            if not rejected_count:
                return Answer(accepted=len(rows.numbers)), True
        path = f"/v1/imports/{self.import_id}/parts/{self.parts}"
        status, document = self.sender.exchange("PUT", path, rows.body, _NDJSON)
        if status == 409:
            raise CannotResume
        results = _checked(status, document)["results"]
        rejected = [Rejected(result["index"], result["errors"]) for result in results]
        return Answer(len(rows.numbers) - len(rejected), rejected), known is not None

    def complete(self) -> None:
        """End the import. Raises ``CannotSend`` or ``CannotResume``."""
        path = f"/v1/imports/{self.import_id}/complete"
        status, document = self.sender.ask("POST", path, {"parts": self.parts})
        if status == 409:
            raise CannotResume
        _checked(status, document)


def _checked(status: int, document: Mapping[str, Any]) -> Mapping[str, Any]:
    if status in (200, 201, 202, 207):
        return document
    detail = document.get("detail")
    words = document.get("title", "an answer that is not understood")
    raise CannotSend(f"the endpoint answers {status}: {words}{f' ({detail})' if detail else ''}")
