"""One import: rows in, batches out, a tally and a file of what was refused.

Belongs here: the order of steps. Does not belong here: formats (``rows``), HTTP (``sender``) or
the command line (``ingest_api.cli``).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import msgspec

from ingest_api.client.mapping import Completer, Defaults
from ingest_api.client.rows import Malformed, Row, Source
from ingest_api.client.sender import Sender
from ingest_api.client.session import ImportSession, Rows

BATCH_EVENTS = 1000
_MALFORMED = [{"code": "malformed_row", "pointer": "", "detail": "the row cannot be read"}]


@dataclass(slots=True)
class Tally:
    """What became of the rows so far."""

    sent: int = 0
    accepted: int = 0
    known: int = 0
    """Rows accepted by an import that was interrupted, and not sent again."""
    rejected: Counter[str] = field(default_factory=Counter)
    started_at: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Time since the import began, in seconds."""
        return time.monotonic() - self.started_at


class Refusals(AbstractContextManager["Refusals"]):
    """The file of refused rows (NDJSON: file, row number, reasons); made when there is one."""

    def __init__(self, path: Path, file_name: str) -> None:
        """Append to ``path`` what is refused of the file ``file_name``."""
        self.path = path
        self._file_name = file_name
        self._file: IO[bytes] | None = None

    def add(self, number: int, errors: list[dict[str, str]]) -> None:
        """Record a row's reasons; none of its values is written."""
        if self._file is None:
            self._file = self.path.open("ab")
        kept = [{k: e.get(k, "") for k in ("code", "pointer", "detail")} for e in errors]
        line = {"file": self._file_name, "row": number, "errors": kept}
        self._file.write(msgspec.json.encode(line) + b"\n")

    def clear(self) -> None:
        """Forget what was added: the file is sent from the start."""
        if self._file is not None:
            self._file.close()
            self._file = None
        self.path.unlink(missing_ok=True)

    @property
    def is_empty(self) -> bool:
        """Whether no row was refused."""
        return self._file is None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH_EVENTS:
            yield batch
            batch = []
    if batch:
        yield batch


class Import:
    """Sends files with one key and keeps count."""

    def __init__(self, defaults: Defaults, sender: Sender) -> None:
        """``defaults`` complete the rows of every file."""
        self._defaults = defaults
        self.sender = sender
        self.tally = Tally()

    def run(
        self,
        source: Source,
        refusals: Refusals,
        on_progress: Callable[[int], None],
        session: ImportSession | None = None,
    ) -> None:
        """Send every row of a file; ``on_progress`` hears the position after each batch.

        Memory is bounded by one batch. Raises ``CannotSend``, ``UnreadableFile`` or
        ``CannotResume``; importing again resumes, because every row has the same id each time and
        a ``session`` has the same parts.
        """
        completer = Completer(source, self._defaults)
        for batch in _batches(source.read()):
            readable = []
            for row in batch:
                if isinstance(row.item, Malformed):
                    self._refuse(refusals, row.number, _MALFORMED)
                else:
                    readable.append((row.number, completer.complete(row.item, row.number)))
            if readable and session is None:
                self._send(readable, refusals)
            elif session is not None:
                for part in session.cut(readable):
                    self._put(session, part, refusals)
            on_progress(batch[-1].position)
        if session is not None:
            session.complete()

    def _send(self, rows: list[tuple[int, dict[str, Any]]], refusals: Refusals) -> None:
        answer = self.sender.send([item for _, item in rows])
        self.tally.sent += len(rows)
        self.tally.accepted += answer.accepted
        for rejected in answer.rejected:
            self._refuse(refusals, rows[rejected.index][0], rejected.errors)

    def _put(self, session: ImportSession, rows: Rows, refusals: Refusals) -> None:
        answer, is_known = session.put(rows)
        if is_known:
            self.tally.known += answer.accepted
        else:
            self.tally.sent += len(rows.numbers)
            self.tally.accepted += answer.accepted
        for rejected in answer.rejected:
            self._refuse(refusals, rows.numbers[rejected.index], rejected.errors)

    def _refuse(self, refusals: Refusals, number: int, errors: list[dict[str, str]]) -> None:
        self.tally.rejected[errors[0]["code"]] += 1
        refusals.add(number, errors)
