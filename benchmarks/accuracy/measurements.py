"""The measured rows: GPU energy per output token of open models.

Belongs here: reading the measurements with what the formula needs of each model, and saying which
cells hold none. Does not belong here: predictions.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DATA = Path(__file__).parent / "data"
TEXT_TASKS = ("lm-arena-chat", "gpqa")
COLUMNS = {
    "b16": ("j_per_output_token_b16", "b16_actual"),
    "b64": ("j_per_output_token_b64", "b64_actual"),
    "b256": ("j_per_output_token_b256", "b256_actual"),
    "best": ("j_per_output_token_best", "best_batch"),
}


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measured configuration; energy is that of the GPUs alone, without host and facility."""

    model: str
    network: str
    family: str
    gpu: str
    task: str
    column: str
    batch: int
    joules_per_output_token: float
    total_params_b: float
    active_params_b: float
    weight_bytes_per_param: float
    cache_gb_per_token: float
    mean_output_tokens: float

    @property
    def weights_gb(self) -> float:
        """Weights as stored on the GPUs."""
        return self.total_params_b * self.weight_bytes_per_param

    @property
    def is_text(self) -> bool:
        """Whether short text went in: no image, video or long file to read first."""
        return self.task in TEXT_TASKS


@dataclass(frozen=True, slots=True)
class Unused:
    """A cell of the file that is no measurement of its own, and why."""

    model: str
    gpu: str
    task: str
    column: str
    reason: str


def rows_of(name: str) -> list[dict[str, str]]:
    """Rows of a file of the data folder."""
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _measurement(
    row: Mapping[str, str], model: Mapping[str, str], column: str
) -> Measurement | None:
    joules, batch = (row[name] for name in COLUMNS[column])
    if not joules:
        return None
    return Measurement(
        model=row["model_id"],
        network=model["network"],
        family=model["family"],
        gpu=row["gpu"],
        task=row["task"],
        column=column,
        batch=int(batch),
        joules_per_output_token=float(joules),
        total_params_b=float(row["total_params_b"]),
        active_params_b=float(row["active_params_b"]),
        weight_bytes_per_param=float(model["weight_bytes_per_param"]),
        cache_gb_per_token=float(model["kv_kb_per_token"]) * 1e-6,
        mean_output_tokens=float(row["avg_output_len_b64"]),
    )


def load() -> tuple[list[Measurement], list[Unused]]:
    """Every measurement once, and the cells that hold none or one that is already there."""
    models = {row["model_id"]: row for row in rows_of("measured_models.csv")}
    found: list[Measurement] = []
    unused: list[Unused] = []
    for row in rows_of("mlenergy_measured.csv"):
        at_batch: dict[int, str] = {}
        for column in COLUMNS:
            measured = _measurement(row, models[row["model_id"]], column)
            if measured is None:
                reason = "empty: not measured there"
            elif measured.batch in at_batch:
                reason = f"the measurement that stands under {at_batch[measured.batch]} too"
            else:
                at_batch[measured.batch] = column
                found.append(measured)
                continue
            unused.append(Unused(row["model_id"], row["gpu"], row["task"], column, reason))
    return found, unused
