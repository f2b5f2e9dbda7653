"""The tables of ``docs/validation.md``.

Belongs here: which figures stand in which table. Does not belong here: computing them.
"""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from benchmarks.accuracy import ecologits, sensitivity
from benchmarks.accuracy.anchors import Anchor, anchors, identities
from benchmarks.accuracy.fit import PUBLISHED, TERMS, measured
from benchmarks.accuracy.results import (
    ECOLOGITS,
    ECOLOGITS_64,
    GATE_MEDIAN,
    GATE_SD,
    HELD_OUT,
    OURS,
    SEEDED,
    Choice,
    Results,
    coverage,
    every,
    near_64,
    results,
)
from benchmarks.accuracy.tables import Table, percent, significant, times

METHODS = (*HELD_OUT, SEEDED, ECOLOGITS, ECOLOGITS_64)
# Rows fitted on, rows looked at.
PARTS: dict[str, tuple[str, Choice]] = {
    "every row": ("all", every),
    "text tasks alone": ("text", every),
    "every row near 64 calls": ("all", near_64),
}
WORST = 8


def gate() -> Table:
    """What was asked and what was reached, on every row."""
    all_rows = results("all")
    ours, theirs = (all_rows.errors(name, every) for name in (OURS, ECOLOGITS))
    rows = [
        ["geometric SD", f"at most {times(GATE_SD)}", times(ours.geometric_sd),
         times(theirs.geometric_sd), _verdict(ours.geometric_sd <= GATE_SD)],
        ["median error", f"at most {percent(GATE_MEDIAN)}", percent(ours.median_error),
         percent(theirs.median_error), _verdict(ours.median_error <= GATE_MEDIAN)],
    ]  # fmt: skip
    columns = ("", "aim", "this formula, held out", "EcoLogits, told the batch", "reached")
    return Table(f"Aims on all {ours.rows} measurements", columns, rows)


def _verdict(holds: bool) -> str:
    return "yes" if holds else "no"


def error_table() -> Table:
    """Errors of each method on each choice of rows."""
    rows = []
    for words, (scope, choice) in PARTS.items():
        for method in METHODS:
            found = results(scope).errors(method, choice)
            rows.append(
                [f"{words} ({found.rows})", method, times(found.geometric_sd),
                 percent(found.median_error), times(found.bias)]
            )  # fmt: skip
    columns = ("rows", "prediction", "geometric SD", "median error", "mean ratio to measured")
    return Table("Errors against measured GPU energy", columns, rows, frozenset(["prediction"]))


def coefficient_table() -> Table:
    """Coefficients fitted here on all rows, on text rows, and those of the seeds."""
    rows = [
        [f"`{term}`", *(significant(float(c[i]), 4) for c in (
            PUBLISHED, results("text").coefficients, results("all").coefficients))]
        for i, term in enumerate(TERMS)
    ]  # fmt: skip
    columns = ("term", "seeds", "fitted here, text tasks", "fitted here, every row")
    return Table("Coefficients", columns, rows)


def network_table() -> Table:
    """Predicted over measured near 64 calls, by network: geometric means."""
    part = results("all")
    near = np.array([row.column == "b64" for row in part.rows])
    names = np.array([row.network for row in part.rows])
    truth = measured(part.rows)

    def ratio(method: str, chosen: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float:
        return math.exp(float(np.mean(np.log(part.predicted[method][chosen] / truth[chosen]))))

    lines = []
    for name in sorted(set(names)):
        chosen = near & (names == name)
        row = next(r for r in part.rows if r.network == name)
        lines.append(
            [name, f"{row.active_params_b:g} / {row.total_params_b:g}", str(int(chosen.sum())),
             significant(math.exp(float(np.mean(np.log(truth[chosen])))), 2),
             times(ratio(OURS, chosen)), times(ratio(ECOLOGITS_64, chosen)),
             str(ecologits.gpus(row.total_params_b))]
        )  # fmt: skip
    columns = ("network", "active / total B", "rows", "measured J/token", "this formula, held out",
               "EcoLogits", "GPUs EcoLogits assumes")  # fmt: skip
    return Table("Predicted over measured near 64 calls, by network", columns, lines)


def worst_table() -> Table:
    """The rows the held-out formula misses most."""
    part = results("all")
    truth, ours, theirs = (
        measured(part.rows), part.predicted[OURS], part.predicted[ECOLOGITS])  # fmt: skip
    order = np.argsort(-np.abs(np.log(ours / truth)))[:WORST]
    rows = [
        [part.rows[i].model.split("/")[1], part.rows[i].gpu, part.rows[i].task,
         str(part.rows[i].batch), significant(float(truth[i])), significant(float(ours[i])),
         times(float(ours[i] / truth[i])), times(float(theirs[i] / truth[i]))]
        for i in order
    ]  # fmt: skip
    columns = ("model", "GPU", "task", "batch", "measured J", "predicted J", "ratio",
               "EcoLogits' ratio")  # fmt: skip
    return Table("Worst rows of this formula", columns, rows, frozenset(["GPU", "task"]))


def coverage_table() -> Table:
    """Whether the band holds what it should: four in five."""
    rows = [[part.column.removeprefix("b"), str(part.rows), percent(part.share_inside)]
            for part in coverage()]  # fmt: skip
    return Table("Measurements within low to high", ("batch near", "rows", "inside"), rows)


def unused_table(part: Results) -> Table:
    """Every cell that is no measurement of its own."""
    rows = [[cell.model, cell.gpu, cell.task, cell.column, cell.reason] for cell in part.unused]
    columns = ("model", "GPU", "task", "column", "reason")
    return Table("Cells not used", columns, rows, frozenset(columns))


def unused_sentence(part: Results) -> str:
    """How many cells were not used, by kind of reason."""
    kinds = Counter(cell.reason.split(":")[0] == "empty" for cell in part.unused)
    return (
        f"No measurement was left out. Of {len(part.rows) + len(part.unused)} cells "
        f"{len(part.rows)} hold a measurement of their own; {kinds[True]} are empty in the source "
        f"and {kinds[False]} repeat the row of another column (the best batch was 16, 64 or 256). "
        "The command lists each."
    )


def batch_table() -> Table:
    """Energy at 16, 64 and 256 calls served together."""
    table = sensitivity.batch_sensitivity(results("all").rows)
    rows = []
    for model, cells in table.items():
        rows.append(
            [model.split("/")[1], *(f"{cell.formula_joules:.2f}" for cell in cells),
             *("" if c.measured_joules is None else f"{c.measured_joules:.2f}" for c in cells),
             *(significant(cell.call_wh, 2) for cell in cells)]
        )  # fmt: skip
    columns = ["model"]
    for what in ("formula J", "measured J", "call Wh"):
        columns += [f"{what}, {batch}" for batch in sensitivity.BATCHES]
    return Table("Calls served together: 16, 64, 256", columns, rows)


def variance_table() -> Table:
    """Parts of a closed model's band."""
    shares = sensitivity.variance_shares()
    rows = [
        [name, times(math.exp(sensitivity.SPREAD[name])), percent(share)]
        for name, share in shares.items()
    ]
    strict = results("all").errors(OURS, every).geometric_sd
    rows += [
        ["together, as in the seeds", times(sensitivity.closed_gsd()), percent(1)],
        [f"together, were the formula's {times(strict)}",
         times(sensitivity.closed_gsd(math.log(strict))), ""],
    ]  # fmt: skip
    columns = ("part", "geometric SD", "share of the variance")
    return Table("What the band of a closed model is made of", columns, rows)


def _anchor_row(anchor: Anchor) -> list[str]:
    band = anchor.ours
    low, mid, high = (significant(v, 2) for v in (band.low, band.mid, band.high))
    unit = "" if anchor.unit == "ratio" else f" {anchor.unit}"
    ours = f"{mid}{unit} ({low} to {high})"
    return [anchor.name, anchor.published, anchor.call, ours, anchor.aim, _verdict(anchor.holds)]


def anchor_table() -> Table:
    """Published figures and ours."""
    columns = ("published by", "figure", "call taken", "ours: mid (low to high)", "aim", "reached")
    return Table("Published figures", columns, [_anchor_row(a) for a in anchors()],
                 frozenset(columns))  # fmt: skip


def identity_table() -> Table:
    """Google's own figures from the seeds' factors of Google."""
    rows = [
        [i.name, i.formula, f"{significant(i.result)} {i.unit}", i.published] for i in identities()
    ]
    columns = ("figure", "from the seeds", "result", "published")
    return Table("Google's median prompt, recomputed", columns, rows, frozenset(columns[1:2]))


def regions() -> dict[str, str]:
    """Text of each made part of the page, by name."""
    tables = {
        "gate": gate(),
        "errors": error_table(),
        "networks": network_table(),
        "worst": worst_table(),
        "coefficients": coefficient_table(),
        "coverage": coverage_table(),
        "batch": batch_table(),
        "variance": variance_table(),
        "anchors": anchor_table(),
        "identities": identity_table(),
    }
    made = {name: table.markdown() for name, table in tables.items()}
    return made | {"unused": unused_sentence(results("all"))}


def printed() -> list[Table]:
    """Every table the command prints, the list of unused cells last."""
    return [
        gate(), error_table(), network_table(), worst_table(), coefficient_table(),
        coverage_table(), batch_table(), variance_table(), anchor_table(), identity_table(),
        unused_table(results("all")),
    ]  # fmt: skip
