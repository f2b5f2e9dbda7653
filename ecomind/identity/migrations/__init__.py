"""Bringing a control store up to date, and back.

Belongs here: which revisions there are, and moving a database between them under a lock. Does not
belong here: what a revision does (``versions``, one file each, run by Alembic).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, func, inspect, select, text

from ecomind.identity.database import writing
from ecomind.identity.errors import IdentityError

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006")
"""Every revision, oldest first; a store at another one was made by a later version of EcoMind."""

_LOCK = 0x65636F6D696E64  # "ecomind", so that no other application's lock is meant.


def current(connection: Connection) -> str | None:
    """The revision a database is at; None before the first."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def upgrade(engine: Engine, revision: str = REVISIONS[-1]) -> tuple[str | None, str | None]:
    """Bring a database up to a revision; from and to which it went.

    One process does it, others wait for it. Raises ``IdentityError`` when the database is newer
    than this version of EcoMind; it is not touched then.
    """
    with engine.connect() as connection:
        found = _known(current(connection))
    if _is_reached(found, revision):
        return found, found
    with _alone(engine) as connection:
        found = _known(current(connection))
        if not _is_reached(found, revision):
            _run(connection, "upgrade", revision)
        return found, current(connection)


def downgrade(engine: Engine, revision: str) -> tuple[str | None, str | None]:
    """Take a database back to a revision, or to ``base``; from and to which it went.

    What only later revisions know is lost. Raises ``IdentityError`` for an unknown revision.
    """
    if revision not in (*REVISIONS, "base"):
        raise IdentityError(f"there is no revision {revision}; those are {', '.join(REVISIONS)}")
    with _alone(engine) as connection:
        found = _known(current(connection))
        if found is None or (revision != "base" and _is_reached(revision, found)):
            return found, found
        _run(connection, "downgrade", revision)
        return found, current(connection)


def _known(revision: str | None) -> str | None:
    if revision is not None and revision not in REVISIONS:
        raise IdentityError(
            f"the control store is at revision {revision}, of a later version of EcoMind; this"
            f" one knows it up to {REVISIONS[-1]}"
        )
    return revision


def _is_reached(found: str | None, revision: str) -> bool:
    return found is not None and REVISIONS.index(found) >= REVISIONS.index(revision)


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """One transaction that no other process's migration can overlap."""
    with writing(engine) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        yield connection


def _run(connection: Connection, direction: str, revision: str) -> None:
    # Alembic is loaded only when there is something to do; most commands start without it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    getattr(command, direction)(config, revision)
