"""Nobody who was erased is in the marts or in a published snapshot.

Belongs here: taking people out of a DuckDB file of marts, and files without what was deleted from
them. Does not belong here: landed files and the raw store (``dlt_pipelines.erasure``), or when this
runs: nobody else may hold the files.

Rows are relabelled and merged, never computed anew from events: raw events may be gone by then, and
tables that name nobody stay as they are, to the last digit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from ecomind.errors import EcoMindError
from ecomind.identity import ERASED, Erasure
from ecomind.warehouse.files import fsync_path, replace_durably

_WEIGHT = "energy_mid_kwh"
_PER_MILLION = "_g_per_million_tokens"
_TOKENS = ("input_tokens", "cached_input_tokens", "output_tokens")
_IS_DIRECTORY = "display_name"


class RewriteError(EcoMindError):
    """A database file could not be rewritten faithfully; it is as it was."""


def erase(connection: duckdb.DuckDBPyConnection, erasures: Sequence[Erasure]) -> int:
    """Take people out of every table of the connected file that names people; how many rows.

    Runs in one transaction. Rows of several erased people become one where their other keys agree.
    """
    changed = 0
    connection.execute("begin")
    for table, columns in _tables_of_people(connection).items():
        for each in erasures:
            changed += _erase_from(connection, table, columns, each)
    connection.execute("commit")
    return changed


def names(connection: duckdb.DuckDBPyConnection, erasures: Sequence[Erasure]) -> bool:
    """Whether a table of the connected file names one of them."""
    return any(
        connection.execute(
            f"select 1 from {table} where org_id = ? and user_id = ? limit 1",
            [each.org_id, each.user_id],
        ).fetchone()
        for table in _tables_of_people(connection)
        for each in erasures
    )


def _tables_of_people(connection: duckdb.DuckDBPyConnection) -> dict[str, Mapping[str, str]]:
    """Tables with organisations and people, and the types of their columns."""
    found: dict[str, dict[str, str]] = {}
    rows = connection.execute(
        """
        select columns.schema_name, columns.table_name, columns.column_name, columns.data_type
        from duckdb_columns() as columns
        inner join duckdb_tables() as tables using (database_name, schema_name, table_name)
        where database_name = current_database()
        order by columns.schema_name, columns.table_name, columns.column_index
        """
    ).fetchall()
    for schema, table, column, data_type in rows:
        found.setdefault(f'"{schema}"."{table}"', {})[column] = data_type
    return {
        table: columns for table, columns in found.items() if {"org_id", "user_id"} <= set(columns)
    }


def _erase_from(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str], each: Erasure
) -> int:
    theirs, values = "org_id = ? and user_id = ?", [each.org_id, each.user_id]
    if _IS_DIRECTORY in columns:
        return _count(connection, f"delete from {table} where {theirs}", values)
    days = f"select distinct usage_date from {table} where {theirs}"
    affected = f"org_id = ? and (user_id = ? or (user_id = '{ERASED}' and usage_date in ({days})))"
    both = [*values, *values]
    before = _count(connection, f"select count(*) from {table} where {theirs}", values)
    if not before:
        return 0
    connection.execute(
        f"create or replace temp table erased_rows as {_merged(table, columns, affected)}",
        [each.team_id, *both] if "team_id" in columns else both,
    )
    connection.execute(f"delete from {table} where {affected}", both)
    connection.execute(f"insert into {table} by name select * from temp.erased_rows")
    connection.execute("drop table temp.erased_rows")
    return before


def _merged(table: str, columns: Mapping[str, str], affected: str) -> str:
    """The affected rows under the new name, those with equal keys as one."""
    keys, values = [], []
    for name, data_type in columns.items():
        quoted = f'"{name}"'
        if name in ("factor_set_id", "method_version"):
            values.append(f"max({quoted}) as {quoted}")
        elif data_type not in ("DOUBLE", "BIGINT"):
            keys.append(name)
        elif data_type == "BIGINT":
            values.append(f"cast(sum({quoted}) as bigint) as {quoted}")
        elif name.endswith(_PER_MILLION):
            kilograms = name.removesuffix(_PER_MILLION) + "_kg"
            tokens = " + ".join(f"sum({token})" for token in _TOKENS)
            values.append(f"sum({kilograms}) * 1e3 / nullif({tokens}, 0e0) * 1e6 as {quoted}")
        elif name.endswith("_share") or name == "data_quality_score":
            # The same mean as the mart's own: weighed by energy, the least where there is none.
            weighed = f"sum({quoted} * {_WEIGHT}) / nullif(sum({_WEIGHT}), 0e0)"
            values.append(
                f"case when count(*) = 1 then min({quoted})"
                f" else coalesce({weighed}, min({quoted})) end as {quoted}"
            )
        else:
            values.append(f"sum({quoted}) as {quoted}")
    renamed = {
        "user_id": f"'{ERASED}' as user_id",
        "team_id": f"case when user_id = '{ERASED}' then team_id else coalesce(team_id, ?) end"
        " as team_id",
    }
    others = ", ".join(f'"{name}"' for name in columns if name not in keys)
    chosen = ", ".join(renamed.get(key, f'"{key}"') for key in keys)
    by = ", ".join(f'k."{key}"' for key in keys)
    return (
        f"select {by}, {', '.join(values)}"
        f" from (select {chosen}, {others} from {table} where {affected}) as k group by {by}"
    )


def _count(connection: duckdb.DuckDBPyConnection, statement: str, values: Sequence[object]) -> int:
    row = connection.execute(statement, list(values)).fetchone()
    return int(row[0]) if row else 0


def rewritten(database: Path, *, beside: Mapping[str, Path] | None = None) -> None:
    """Copy a DuckDB file into a new one that takes its place.

    A file keeps what was deleted in free blocks; a new one never had it. ``beside``: databases to
    attach read-only under a name, where views of the file read from them. Raises ``RewriteError``.
    """
    new = database.with_name(f".{database.name}.tmp")
    for leftover in (new, new.with_name(new.name + ".wal")):
        leftover.unlink(missing_ok=True)
    name = database.stem.replace('"', "")
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        for alias, path in (beside or {}).items():
            connection.execute(f"attach '{_quoted(path)}' as \"{alias}\" (read_only)")
        connection.execute(f"attach '{_quoted(database)}' as \"{name}\"")
        connection.execute(f'checkpoint "{name}"')
        connection.execute(f"attach '{_quoted(new)}' as rewritten_copy")
        connection.execute(f'copy from database "{name}" to rewritten_copy')
        connection.execute("checkpoint rewritten_copy")
        if _contents(connection, name) != _contents(connection, "rewritten_copy"):
            new.unlink()
            raise RewriteError(f"{database.name} could not be copied faithfully; nothing changed")
    fsync_path(new)
    replace_durably(new, database)
    database.with_name(database.name + ".wal").unlink(missing_ok=True)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _contents(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, int]:
    """Rows of every table, and every view and macro."""
    tables = connection.execute(
        "select schema_name, table_name from duckdb_tables() where database_name = ?", [database]
    ).fetchall()
    found = {
        f"{schema}.{table}": _count(
            connection, f'select count(*) from "{database}"."{schema}"."{table}"', []
        )
        for schema, table in tables
    }
    others = connection.execute(
        "select schema_name || '.' || view_name from duckdb_views()"
        " where database_name = $1 and not internal"
        " union all select schema_name || '.' || function_name from duckdb_functions()"
        " where database_name = $1 and not internal",
        [database],
    ).fetchall()
    return found | {name: 0 for (name,) in others}
