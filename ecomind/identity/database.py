"""Connections to the control store's database, SQLite or PostgreSQL.

Belongs here: opening them, and refusing to write through one that nobody opened for writing. Does
not belong here: what is written (``changes``) or the shape of the tables (``tables``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url

_MAY_WRITE = "may_write"
_EVERYTHING = "*"
_LOCK_TIMEOUT_S = 5
"""How long SQLite waits for another writer; a request that waits longer is told to come again."""

_READS = re.compile(r"^\s*(select|pragma|show|begin|savepoint|release|rollback|commit)\b", re.I)
_WRITTEN = re.compile(r'^\s*(?:insert\s+into|update|delete\s+from)\s+"?(\w+)"?', re.I)


class WriteOutsideChange(RuntimeError):
    """Code tried to write to the control store without saying who changes what; a mistake."""


def open_engine(url: str) -> Engine:
    """An engine on a SQLAlchemy URL; ``postgresql://`` means the driver that is installed."""
    parsed = make_url(url)
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(parsed, connect_args={"timeout": _LOCK_TIMEOUT_S})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        engine = create_engine(parsed, pool_pre_ping=True)
    event.listen(engine, "before_cursor_execute", _refuse_unannounced)
    return engine


@contextmanager
def writing(engine: Engine, tables: frozenset[str] | None = None) -> Iterator[Connection]:
    """A connection that may write, to these tables or, without them, to all.

    On SQLite its transactions hold the file from their start, so none fails half-way because
    another wrote in between.
    """
    with engine.connect() as connection:
        yield connection.execution_options(**{_MAY_WRITE: tables or _EVERYTHING})


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # Transactions are begun below; sqlite3 by itself begins them late and never for DDL.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("pragma foreign_keys=on")
    cursor.execute("pragma journal_mode=wal")
    cursor.execute("pragma secure_delete=on")  # What is deleted is overwritten: names of people.
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = _MAY_WRITE in connection.get_execution_options()
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _refuse_unannounced(
    connection: Connection, _cursor: Any, statement: str, *_others: Any
) -> None:
    allowed = connection.get_execution_options().get(_MAY_WRITE)
    if allowed == _EVERYTHING or _READS.match(statement):
        return
    written = _WRITTEN.match(statement)
    if allowed is None or written is None or written[1] not in allowed:
        raise WriteOutsideChange(f"not within a change: {statement[:80]}")
