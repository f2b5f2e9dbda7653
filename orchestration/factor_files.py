"""Whether the warehouse holds the factor files as they are on disk, whole and tested.

Belongs here: the fingerprint of the factor files and the marks that they were loaded or refused.
Does not belong here: loading them (dbt) or judging them (``factor_candidate``).

The mark is taken away before the files are loaded and put back once their tests passed, so a
load that failed or was cut off can neither be built upon nor be mistaken for a finished one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ecomind.settings import Settings
from ecomind.warehouse.files import write_text_atomically
from orchestration.dbt import SEEDS_DIR


def _mark(settings: Settings) -> Path:
    return settings.warehouse_dir / "factors-loaded.sha256"


def _refusal(settings: Settings) -> Path:
    return settings.warehouse_dir / "factors-refused.sha256"


def fingerprint() -> str:
    """SHA-256 over every factor file's name and content, hex."""
    digest = hashlib.sha256()
    for path in sorted(SEEDS_DIR.glob("*.csv")):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def are_whole(settings: Settings) -> bool:
    """Whether the factors in the warehouse are those of a load that passed its tests."""
    return _mark(settings).is_file() and settings.marts_database.is_file()


def are_current(settings: Settings) -> bool:
    """Whether the factors in the warehouse are also those on disk now."""
    return are_whole(settings) and _mark(settings).read_text(encoding="utf-8") == fingerprint()


def refuse(settings: Settings) -> None:
    """Remember that the files as they are now were judged and refused."""
    write_text_atomically(_refusal(settings), fingerprint())


def are_refused(settings: Settings) -> bool:
    """Whether exactly the files on disk were refused, and an earlier set is in force."""
    mark = _refusal(settings)
    return (
        are_whole(settings) and mark.is_file() and mark.read_text(encoding="utf-8") == fingerprint()
    )


@contextmanager
def loading(settings: Settings) -> Iterator[None]:
    """Around a load of the factor files: marked as loaded only if the body succeeds."""
    loaded = fingerprint()
    _mark(settings).unlink(missing_ok=True)
    yield
    write_text_atomically(_mark(settings), loaded)
