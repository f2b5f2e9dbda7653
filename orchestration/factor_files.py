"""Whether the warehouse holds the factors as they are now, whole and tested.

Belongs here: the fingerprint of the factors and the marks that they were loaded or refused. Does
not belong here: loading them (dbt) or judging them (``factor_candidate``).

The factors are the files of seeds/, the optional sets of the installation, and what the control
store adds: overrides and frozen months.
They are loaded or refused together. The mark is taken away before they are loaded and put back
once their tests passed, so a load that failed or was cut off can neither be built upon nor be
mistaken for a finished one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb

from ecomind.contract.raw import CONTROL_FACTOR_OVERRIDES, CONTROL_PERIOD_FREEZES, RAW_SCHEMA
from ecomind.identity import open_store
from ecomind.settings import SEEDS_DIR, Settings
from ecomind.warehouse.files import write_text_atomically

_OVERRIDES = f"select override_id, withdrawn_at from {RAW_SCHEMA}.{CONTROL_FACTOR_OVERRIDES.name}"
_FREEZES = f"select org_id, period_start, frozen_on from {RAW_SCHEMA}.{CONTROL_PERIOD_FREEZES.name}"


def _mark(settings: Settings) -> Path:
    return settings.warehouse_dir / "factors-loaded.sha256"


def _refusal(settings: Settings) -> Path:
    return settings.warehouse_dir / "factors-refused.sha256"


def _of_files(settings: Settings) -> str:
    digest = hashlib.sha256()
    optional = sorted(settings.optional_factors_dir.glob("factor_*.csv"))
    for path in [*sorted(SEEDS_DIR.glob("*.csv")), *optional]:
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _of_organizations(overrides: list[tuple[Any, ...]], freezes: list[tuple[Any, ...]]) -> str:
    """An override is never changed, only withdrawn: its id and that say all."""
    standing = sorted((override_id, at is not None) for override_id, at in overrides)
    frozen = sorted((org_id, str(start), str(on)) for org_id, start, on in freezes)
    return hashlib.sha256(json.dumps([standing, frozen]).encode()).hexdigest()


def of_control_store(settings: Settings) -> str:
    """SHA-256 of the overrides and frozen months of the control store, hex.

    Raises ``IdentityError`` when it cannot be opened.
    """
    with closing(open_store(settings)) as store:
        overrides = [(row["override_id"], row["withdrawn_at"]) for row in store.overrides.rows()]
        freezes = [tuple(row.values()) for row in store.freezes.rows()]
    return _of_organizations(overrides, freezes)


def _of_raw_store(settings: Settings) -> str:
    """As ``of_control_store``, of what the last load brought; a build sees nothing newer."""
    if not settings.raw_database.is_file():
        return _of_organizations([], [])
    with duckdb.connect(settings.raw_database, read_only=True) as connection:
        known = connection.execute("select table_name from duckdb_tables()").fetchall()
        found = [
            connection.execute(query).fetchall() if (table.name,) in known else []
            for table, query in (
                (CONTROL_FACTOR_OVERRIDES, _OVERRIDES),
                (CONTROL_PERIOD_FREEZES, _FREEZES),
            )
        ]
    return _of_organizations(*found)


def fingerprint(settings: Settings) -> str:
    """The factors as they are now: a digest of the files and one of the control store."""
    return f"{_of_files(settings)} {of_control_store(settings)}"


def _seen_by_build(settings: Settings) -> str:
    return f"{_of_files(settings)} {_of_raw_store(settings)}"


def _holds(mark: Path, text: str) -> bool:
    return mark.is_file() and mark.read_text(encoding="utf-8") == text


def are_whole(settings: Settings) -> bool:
    """Whether the factors in the warehouse are those of a load that passed its tests."""
    return _mark(settings).is_file() and settings.marts_database.is_file()


def are_current(settings: Settings) -> bool:
    """Whether the factors in the warehouse are also those on disk and in the control store."""
    return are_whole(settings) and _holds(_mark(settings), fingerprint(settings))


def files_are_current(settings: Settings) -> bool:
    """Whether the files on disk are those that were loaded last."""
    mark = _mark(settings)
    return are_whole(settings) and mark.read_text(encoding="utf-8").partition(" ")[0] == _of_files(
        settings
    )


def organizations_are_current(settings: Settings) -> bool:
    """Whether the overrides and frozen months are those that were loaded last."""
    loaded = _mark(settings).read_text(encoding="utf-8") if are_whole(settings) else ""
    return loaded.partition(" ")[2] == of_control_store(settings)


def refuse(settings: Settings) -> None:
    """Remember that the factors as the build saw them were judged and refused."""
    write_text_atomically(_refusal(settings), _seen_by_build(settings))


def are_refused(settings: Settings) -> bool:
    """Whether exactly the factors as they are now were refused, and an earlier set is in force."""
    return are_whole(settings) and _holds(_refusal(settings), fingerprint(settings))


@contextmanager
def loading(settings: Settings) -> Iterator[None]:
    """Around a load of the factors: marked as loaded only if the body succeeds."""
    loaded = _seen_by_build(settings)
    _mark(settings).unlink(missing_ok=True)
    yield
    write_text_atomically(_mark(settings), loaded)
