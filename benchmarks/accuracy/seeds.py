"""The factors of the seeds, and the method's formulas with them for one call.

Belongs here: reading the latest value of a factor; energy of one call by tokens. Does not belong
here: published figures. The warehouse computes the same in SQL; docs/method.md has the formulas.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ecomind.settings import PROJECT_ROOT

SEEDS = PROJECT_ROOT / "seeds"
FILES = (
    "factor_model_energy.csv",
    "factor_facility.csv",
    "factor_market.csv",
    "factor_method_parameters.csv",
    "factor_embodied.csv",
    "factor_grid_country.csv",
    "factor_water.csv",
)


@dataclass(frozen=True, slots=True)
class Band:
    """A figure as low, central and high estimate."""

    low: float
    mid: float
    high: float

    def with_(self, other: Band, combine: Callable[[float, float], float]) -> Band:
        """Low with low, central with central, high with high."""
        return Band(
            combine(self.low, other.low),
            combine(self.mid, other.mid),
            combine(self.high, other.high),
        )

    def __add__(self, other: Band) -> Band:
        return self.with_(other, lambda a, b: a + b)

    def __mul__(self, other: Band) -> Band:
        return self.with_(other, lambda a, b: a * b)

    def times(self, number: float) -> Band:
        """Each multiplied by the same number."""
        return Band(self.low * number, self.mid * number, self.high * number)

    def holds(self, value: float) -> bool:
        """Whether a value lies within, ends included."""
        return self.low <= value <= self.high


def read(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def _factors() -> dict[tuple[str, str], Band]:
    latest: dict[tuple[str, str], tuple[str, str]] = {}
    bands: dict[tuple[str, str], Band] = {}
    for name in FILES:
        for row in read(SEEDS / name):
            key, age = (
                (row["factor_type"], row["key"]),
                (row["valid_from"], row["published_at"]),
            )
            if age >= latest.get(key, ("", "")):
                latest[key] = age
                bands[key] = Band(*(float(row[f"value_{s}"]) for s in ("low", "mid", "high")))
    return bands


def factor(factor_type: str, key: str) -> Band:
    """The latest figure of a factor. Raises ``KeyError`` where there is none."""
    return _factors()[factor_type, key]


@cache
def models() -> dict[str, dict[str, str]]:
    """The latest rows of ``models.csv`` by model key."""
    rows = sorted(read(SEEDS / "models.csv"), key=lambda row: row["published_at"])
    return {row["model_key"]: row for row in rows}


def it_energy_wh(model: str, fresh: float, output: float, cached: float = 0) -> Band:
    """IT energy of one call in Wh, by tokens: fresh input, cache reads, output."""
    return writing_wh(model, fresh + cached, output) + reading_wh(model, fresh, cached)


def writing_wh(model: str, context: float, output: float) -> Band:
    """The part of the output tokens, with re-reading what stands before each."""
    reread = output * (context + output / 2) / 1e6
    return factor("model_output", model).times(output / 1000) + factor(
        "model_context", model
    ).times(reread)


def reading_wh(model: str, fresh: float, cached: float = 0) -> Band:
    """The part of the input tokens."""
    ratio = factor("method_parameter", "cached_input_ratio")
    doubling = factor("method_parameter", "attention_context_tokens").mid
    tokens = Band(fresh, fresh, fresh) + ratio.times(cached)
    attention = 1 + (fresh + cached) / doubling
    return factor("model_input", model) * tokens.times(attention / 1000)


def energy_wh(model: str, fresh: float, output: float, cached: float = 0) -> Band:
    """Energy of one call in Wh with the facility's share: IT energy x PUE of the provider."""
    provider = models()[model]["provider"]
    return it_energy_wh(model, fresh, output, cached) * factor("pue", provider)
