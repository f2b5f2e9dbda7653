"""Looking for a text in everything an installation has on the disk, decoded and as bytes."""

from __future__ import annotations

import zipfile
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

_DUCKDB_MAGIC = b"DUCK"


def traces(home: Path, text: str) -> list[str]:
    """Where below ``home`` a text is found: files, and within them tables or members."""
    found = []
    for path in sorted(home.rglob("*")):
        if path.is_file() and not path.is_symlink():
            name = str(path.relative_to(home))
            data = path.read_bytes()
            if text.encode() in data:
                found.append(f"{name} (bytes)")
            if path.suffix == ".parquet":
                found += [f"{name}: {column}" for column in _in_parquet(path, text)]
            elif data[8:12] == _DUCKDB_MAGIC:
                found += [f"{name}: {column}" for column in _in_duckdb(path, text)]
            elif zipfile.is_zipfile(path):
                found += [f"{name}: {member}" for member in _in_zip(path, text)]
    return found


def _in_parquet(path: Path, text: str) -> list[str]:
    table = pq.read_table(path)
    return [
        column
        for column in table.column_names
        if any(text in value for value in table[column].to_pylist() if isinstance(value, str))
    ]


def _in_duckdb(path: Path, text: str) -> list[str]:
    found = []
    with duckdb.connect(path, read_only=True) as connection:
        columns = connection.execute(
            "select columns.schema_name, columns.table_name, columns.column_name"
            " from duckdb_columns() as columns inner join duckdb_tables() as tables"
            " using (database_name, schema_name, table_name)"
            " where columns.data_type = 'VARCHAR' and database_name = current_database()"
        ).fetchall()
        for schema, table, column in columns:
            query = f'select 1 from "{schema}"."{table}" where contains("{column}", ?) limit 1'
            if connection.execute(query, [text]).fetchone():
                found.append(f"{schema}.{table}.{column}")
    return found


def _in_zip(path: Path, text: str) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return [name for name in archive.namelist() if text.encode() in archive.read(name)]
