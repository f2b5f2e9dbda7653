"""Bringing a control store made by an earlier version up to date.

Belongs here: columns added to tables that exist already. Does not belong here: new tables, which
``create_all`` makes, or changing what columns mean.
"""

from __future__ import annotations

from sqlalchemy import Engine, Table, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateColumn

from ecomind.identity.tables import Base


def add_missing_columns(engine: Engine) -> None:
    """Add the columns that the models have and the database has not; they must be nullable."""
    for table in Base.metadata.sorted_tables:
        for name in _missing(engine, table):
            definition = CreateColumn(table.c[name]).compile(dialect=engine.dialect)
            quoted = engine.dialect.identifier_preparer.format_table(table)
            try:
                with engine.begin() as connection:
                    connection.execute(text(f"ALTER TABLE {quoted} ADD COLUMN {definition}"))
            except DBAPIError:
                # Another process that starts at the same time may have been first.
                if name in _missing(engine, table):
                    raise


def _missing(engine: Engine, table: Table) -> list[str]:
    present = {column["name"] for column in inspect(engine).get_columns(table.name)}
    return [column.name for column in table.columns if column.name not in present]
