"""Predictions of the formula and of EcoLogits for every measured row, and their errors.

Belongs here: which predictions are compared on which rows. Does not belong here: how they are
written or drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from benchmarks.accuracy import ecologits
from benchmarks.accuracy.fit import (
    PUBLISHED,
    Array,
    Errors,
    errors,
    fit,
    held_out,
    measured,
    terms,
)
from benchmarks.accuracy.measurements import Measurement, Unused, load
from benchmarks.accuracy.seeds import models

Choice = Callable[[Measurement], bool]
GATE_SD, GATE_MEDIAN = 1.5, 0.25
OURS = "this formula, model held out with all its variants"
HELD_OUT: dict[str, Callable[[Measurement], str]] = {
    OURS: lambda row: row.network,
    "this formula, only the variant itself held out": lambda row: row.model,
    "this formula, the whole family held out": lambda row: row.family,
}
SEEDED = "this formula, coefficients of the seeds"
ECOLOGITS = "EcoLogits, told the batch"
ECOLOGITS_64 = "EcoLogits as published, batch 64"


def every(row: Measurement) -> bool:
    """Choose every row."""
    return True


def near_64(row: Measurement) -> bool:
    """Choose rows near the batch EcoLogits assumes."""
    return row.column == "b64"


SCOPES: dict[str, Choice] = {
    "all": every,
    "text": lambda row: row.is_text,
}


@dataclass(frozen=True, slots=True)
class Results:
    """Joules per output token as predicted, per method, for the rows in their order."""

    rows: list[Measurement]
    unused: list[Unused]
    predicted: dict[str, Array]
    coefficients: Array

    def errors(self, method: str, choice: Choice) -> Errors:
        """Errors of a method over the chosen rows."""
        chosen = np.array([choice(row) for row in self.rows])
        return errors(self.predicted[method][chosen], measured(self.rows)[chosen])


def _of(rows: list[Measurement]) -> dict[str, Array]:
    return {
        **{name: held_out(rows, group) for name, group in HELD_OUT.items()},
        SEEDED: terms(rows) @ PUBLISHED,
        ECOLOGITS: _ecologits(rows, follow=True),
        ECOLOGITS_64: _ecologits(rows, follow=False),
    }


def _ecologits(rows: list[Measurement], *, follow: bool) -> Array:
    return np.array(
        [
            ecologits.joules_per_output_token(
                row.total_params_b, row.active_params_b, row.batch if follow else ecologits.BATCH
            )
            for row in rows
        ]
    )


@cache
def results(scope: str = "all") -> Results:
    """Fitted and predicted on the rows of a scope alone."""
    rows, unused = load()
    rows = [row for row in rows if SCOPES[scope](row)]
    return Results(rows, unused, _of(rows), fit(terms(rows), measured(rows)))


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many measurements near a batch the band of a model of published size holds."""

    column: str
    rows: int
    share_inside: float


@cache
def coverage() -> list[Coverage]:
    """The band about the held-out prediction at 64 calls, against measurements at others."""
    rows = results("text").rows
    central = held_out(rows, lambda row: row.network, batch=64)
    gsd = next(float(m["gsd"]) for m in models().values() if m["basis"] == "modelled_open")
    inside = np.abs(np.log(measured(rows) / central)) <= 1.2816 * np.log(gsd)
    columns = np.array([row.column for row in rows])
    return [
        Coverage(column, int((columns == column).sum()), float(inside[columns == column].mean()))
        for column in ("b16", "b64", "b256")
    ]
