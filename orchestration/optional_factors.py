"""Factor sets that are not shipped: which an installation has, and whether their files can be read.

Belongs here: the files ``factor_<name>.csv`` in the installation's folder ``factors``. Does not
belong here: what a set holds (``electricity_maps``), whether its figures are sound (dbt's tests,
``factor_candidate``), or its use (dbt's models).
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ecomind.errors import EcoMindError
from ecomind.settings import Settings
from ecomind.warehouse.files import fsync_path, write_text_atomically

NUMBERS = ("value_low", "value_mid", "value_high", "data_year", "dq_score")
DAYS = ("valid_from", "valid_to", "published_at")
COLUMNS = (
    "factor_id", "factor_type", "key", "value_low", "value_mid", "value_high", "unit", "basis",
    "method", "data_year", "valid_from", "valid_to", "published_at", "source", "source_url",
    "licence", "dq_score", "supersedes_id", "factor_set_id", "note",
)  # fmt: skip
"""Columns of every factor file, in their order."""
_WHOLE = ("data_year", "dq_score")
_NAME = re.compile(r"^[a-z0-9_]{1,64}\Z")

Row = dict[str, str]


class OptionalSetError(EcoMindError):
    """A set cannot be added, read or removed; says why in one sentence. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class OptionalSet:
    """An installed set: its name, its file, and its rows by column name."""

    name: str
    path: Path
    rows: list[Row]

    def values(self, column: str) -> list[str]:
        """The distinct values of a column, in order."""
        return sorted({row[column] for row in self.rows if row[column]})


def set_path(settings: Settings, name: str) -> Path:
    """File of a set, there or not; raises ``OptionalSetError`` when no set can have the name."""
    plain = name.lower().replace("-", "_").removeprefix("factor_").removesuffix(".csv")
    if not _NAME.match(plain):
        raise OptionalSetError(f"{name} is not the name of a set: see `ecomind factors sets`")
    return settings.optional_factors_dir / f"factor_{plain}.csv"


def installed_sets(settings: Settings) -> list[OptionalSet]:
    """All sets, by name; raises ``OptionalSetError`` naming file and line that cannot be read."""
    paths = sorted(settings.optional_factors_dir.glob("factor_*.csv"))
    return [OptionalSet(p.stem.removeprefix("factor_"), p, read_set(p)) for p in paths]


def read_set(path: Path) -> list[Row]:
    """Rows of a factor file.

    Raises ``OptionalSetError`` with file and line when it is not CSV in UTF-8 with exactly the
    columns of a factor file, or when a number or a day is none.
    """
    rows = []
    for line, row in read_csv(path):
        if line == 1 and tuple(row) != COLUMNS:
            wanted = ", ".join(COLUMNS)
            raise OptionalSetError(f"{path.name} has not exactly the columns {wanted}")
        if line > 1:
            _check_values(f"{path.name}, line {line}", row)
            rows.append(row)
    return rows


def read_csv(path: Path) -> Iterator[tuple[int, Row]]:
    """Rows of a CSV file with the line each ends on; first the header, as a row of its names.

    Raises ``OptionalSetError`` when it cannot be read.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise OptionalSetError(f"{path.name} cannot be read: {reason}") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] | None = None
    try:
        for fields in reader:
            header = fields if header is None else header
            if not fields:
                continue
            if len(fields) != len(header):
                raise OptionalSetError(
                    f"{path.name}, line {reader.line_num}: {len(fields)} fields instead of"
                    f" {len(header)}"
                )
            yield reader.line_num, dict(zip(header, fields, strict=True))
    except csv.Error as error:
        raise OptionalSetError(f"{path.name}, line {reader.line_num}: {error}") from error
    if header is None:
        raise OptionalSetError(f"{path.name} is empty")


def _check_values(where: str, row: Row) -> None:
    for column in NUMBERS:
        if row[column] and not _is_number(row[column], column in _WHOLE):
            what = "a whole number" if column in _WHOLE else "a finite number"
            raise OptionalSetError(f"{where}: {column} {row[column]!r} is not {what}")
    for column in DAYS:
        if row[column] and not _is_day(row[column]):
            raise OptionalSetError(f"{where}: {column} {row[column]!r} is not a day YYYY-MM-DD")


def _is_number(text: str, whole: bool) -> bool:
    try:
        return math.isfinite(int(text) if whole else float(text))
    except ValueError:
        return False


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def write_set(path: Path, rows: Iterable[Row]) -> None:
    """Write a set whole or not at all, rows by key and id."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        sorted(rows, key=lambda row: (row["key"], row["valid_from"], row["factor_id"]))
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text_atomically(path, text.getvalue())


def remove_set(settings: Settings, name: str) -> Path:
    """Take a set away, readable or not; returns the file that is gone.

    Raises ``OptionalSetError`` when there is none of the name.
    """
    path = set_path(settings, name)
    try:
        path.unlink()
    except FileNotFoundError:
        raise OptionalSetError(
            f"there is no optional set {name}: see `ecomind factors sets`"
        ) from None
    fsync_path(path.parent)
    return path
