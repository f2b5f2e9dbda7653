"""The service's own log lines, on standard error.

Belongs here: their form. Does not belong here: what is worth saying. A line never holds a key, a
query, an organisation or anything of an event: only the members named here get into it.

One JSON object a line, for machines; on a terminal, lines for people.
"""

from __future__ import annotations

import logging
import sys
import time
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import msgspec

_MEMBERS = (
    "request_id", "method", "route", "status", "duration_ms", "body_bytes", "accepted",
    "rejected", "where",
)  # fmt: skip
"""What may stand beside an event's sentence, as ``extra`` of a log call."""

_log = logging.getLogger("ingest_api")


def _members(record: logging.LogRecord) -> dict[str, Any]:
    members = {name: getattr(record, name) for name in _MEMBERS if hasattr(record, name)}
    if record.exc_info and record.exc_info[0] is not None:
        kind, error, trace = record.exc_info
        members["error"] = kind.__name__
        if isinstance(error, OSError):  # All others might quote what they stumbled over.
            members["error"] = f"{kind.__name__}: {error.strerror}"
        members["where"] = "".join(traceback.format_tb(trace))
    return members


class JsonLines(logging.Formatter):
    """Log records as JSON objects: time, level, process, event and the members given."""

    def __init__(self, process: str) -> None:
        """``process`` tells the processes of a service apart."""
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        moment = datetime.fromtimestamp(record.created, UTC)
        line = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "process": self._process,
            "event": record.getMessage(),
            **_members(record),
        }
        return msgspec.json.encode(line).decode()


class Readable(logging.Formatter):
    """Log records for a person at a terminal."""

    def __init__(self) -> None:
        """Times are UTC."""
        super().__init__("%(asctime)s %(levelname)s %(message)s")
        self.converter = time.gmtime

    def formatException(self, ei: Any) -> str:
        """Nothing here: the members tell it without quoting."""
        return ""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the place of a mistake below it."""
        members = _members(record)
        where = members.pop("where", None)
        told = "".join(f" {name}={value}" for name, value in members.items())
        line = f"{super().format(record).rstrip()}{told}"
        return line if where is None else f"{line}\n{where}".rstrip()


def _tell_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    _log.critical("ended by an error nobody expected", exc_info=(kind, error, trace))


def configure(process: str, *, says_requests: bool = False) -> None:
    """Send everything that is logged in this process to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(Readable() if sys.stderr.isatty() else JsonLines(process))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(True)
    if says_requests:
        logging.getLogger("ingest_api.access").setLevel(logging.INFO)
    sys.excepthook = _tell_uncaught
