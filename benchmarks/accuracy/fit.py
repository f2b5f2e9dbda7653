"""The formula for GPU energy per output token, its fit and its errors.

Belongs here: the terms, the published coefficients, the least-squares fit, predictions for what
was held out, and statistics of errors. Does not belong here: other tools' formulas.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.accuracy.measurements import Measurement

Array = NDArray[np.float64]
TERMS = ("W/B", "W/sqrt(B)", "P", "1", "K x context")
# Those the seeds are made with: docs/method.md, "Where the model factors come from".
PUBLISHED: Array = np.array([0.1266, 0.02022, 0.002277, 0.02291, 0.1536])


class NotConverged(ArithmeticError):
    """The fit did not settle."""


@dataclass(frozen=True, slots=True)
class Errors:
    """Errors of predictions against measurements.

    ``geometric_sd`` is exp of the root mean square of ln(predicted / measured), so a constant
    bias counts; ``median_error`` the median of |predicted / measured - 1|; ``bias`` the geometric
    mean of predicted / measured.
    """

    rows: int
    geometric_sd: float
    median_error: float
    bias: float


def terms(rows: Sequence[Measurement], batch: float | None = None) -> Array:
    """One line per row, one column per term; ``batch`` replaces the measured one.

    W weights in GB, B calls at once, P active parameters in billions, K attention cache in GB per
    token. Context is half the mean output: the prompt's length is not in the data.
    """
    lines = []
    for row in rows:
        calls = batch or row.batch
        context = row.mean_output_tokens / 2
        lines.append(
            [
                row.weights_gb / calls,
                row.weights_gb / math.sqrt(calls),
                row.active_params_b,
                1.0,
                row.cache_gb_per_token * context,
            ]
        )
    return np.array(lines)


def measured(rows: Sequence[Measurement]) -> Array:
    """Measured joules per output token."""
    return np.array([row.joules_per_output_token for row in rows])


def non_negative_least_squares(matrix: Array, target: Array) -> Array:
    """The x >= 0 with the least |matrix x - target|², by trying every set of positive columns.

    Exact, and with five columns only 31 small systems. Raises ``numpy.linalg.LinAlgError`` where
    columns depend on each other.
    """
    gram, moment = matrix.T @ matrix, matrix.T @ target
    count = matrix.shape[1]
    best, best_loss = np.zeros(count), 0.0
    for mask in range(1, 2**count):
        chosen = [column for column in range(count) if mask >> column & 1]
        solution = np.zeros(count)
        solution[chosen] = np.linalg.solve(gram[np.ix_(chosen, chosen)], moment[chosen])
        loss = float(solution @ gram @ solution - 2 * moment @ solution)
        if (solution >= 0).all() and loss < best_loss:
            best, best_loss = solution, loss
    return best


def fit(matrix: Array, target: Array, *, rounds: int = 50) -> Array:
    """Coefficients >= 0 with the least sum of (ln predicted - ln measured)².

    Gauss-Newton: each round replaces ln(predicted) by its tangent at the last prediction, which
    makes it a linear problem; the first starts at the measurements. Raises ``NotConverged``.
    """
    last = target
    for _ in range(rounds):
        coefficients = non_negative_least_squares(matrix / last[:, None], 1 + np.log(target / last))
        predicted = matrix @ coefficients
        if np.allclose(predicted, last, rtol=1e-9, atol=0):
            return coefficients
        last = predicted
    raise NotConverged(f"The fit did not settle in {rounds} rounds.")


def held_out(
    rows: Sequence[Measurement],
    group: Callable[[Measurement], str],
    batch: float | None = None,
) -> Array:
    """Joules per output token of each row by coefficients fitted to the other groups only."""
    groups = np.array([group(row) for row in rows])
    matrix, target = terms(rows), measured(rows)
    asked = terms(rows, batch)
    predicted = np.zeros(len(rows))
    for name in sorted(set(groups)):
        out = groups == name
        predicted[out] = asked[out] @ fit(matrix[~out], target[~out])
    return predicted


def errors(predicted: Array, target: Array) -> Errors:
    """Statistics of the errors; both in the same unit, all above zero."""
    logs = np.log(predicted / target)
    return Errors(
        rows=len(logs),
        geometric_sd=math.exp(math.sqrt(float(np.mean(logs**2)))),
        median_error=float(np.median(np.abs(predicted / target - 1))),
        bias=math.exp(float(np.mean(logs))),
    )
