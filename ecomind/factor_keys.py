"""What the shared factor files know: types, units, keys and places.

Belongs here: reading names and units from the seed files, for whoever must refuse what no file
knows. Does not belong here: figures and their validity; those are read by dbt alone.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ecomind.errors import EcoMindError
from ecomind.settings import SEEDS_DIR


class FactorFilesUnreadable(EcoMindError):
    """A seed file is missing or lacks a column; says which in one sentence."""


@dataclass(frozen=True, slots=True)
class FactorKeys:
    """Names the seed files give.

    ``accepted_units``: every accepted unit of a type. ``units``: unit of each (type, key) that
    has a factor. ``regions``: ``cloud/region``. ``providers``: canonical names.
    """

    accepted_units: Mapping[str, frozenset[str]]
    units: Mapping[tuple[str, str], str]
    regions: frozenset[str]
    providers: frozenset[str]

    def knows(self, factor_type: str, key: str) -> bool:
        """Whether a shared factor of this type and key exists."""
        return (factor_type, key) in self.units

    def unit(self, factor_type: str, key: str) -> str | None:
        """The unit figures of this type and key are given in; None when it is not decided."""
        if self.knows(factor_type, key):
            return self.units[factor_type, key]
        accepted = self.accepted_units.get(factor_type, frozenset())
        return next(iter(accepted)) if len(accepted) == 1 else None


def _cells(path: Path, *columns: str) -> Iterator[tuple[str, ...]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                yield tuple(row[column] for column in columns)
    except OSError as error:
        raise FactorFilesUnreadable(f"the factor file {path.name} cannot be read") from error
    except KeyError as error:
        raise FactorFilesUnreadable(
            f"the factor file {path.name} has no column {error.args[0]}"
        ) from error


def read_factor_keys(folder: Path = SEEDS_DIR) -> FactorKeys:
    """Read the names from the seed files. Raises ``FactorFilesUnreadable``."""
    accepted: dict[str, set[str]] = {}
    for factor_type, unit in _cells(folder / "accepted_units.csv", "factor_type", "unit"):
        accepted.setdefault(factor_type, set()).add(unit)
    units = {
        (factor_type, key): unit
        for path in sorted(folder.glob("factor_*.csv"))
        for factor_type, key, unit in _cells(path, "factor_type", "key", "unit")
    }
    regions = _cells(folder / "cloud_regions.csv", "cloud", "region")
    providers = _cells(folder / "provider_defaults.csv", "provider")
    return FactorKeys(
        {factor_type: frozenset(names) for factor_type, names in accepted.items()},
        units,
        frozenset("/".join(names) for names in regions),
        frozenset(provider for (provider,) in providers),
    )
