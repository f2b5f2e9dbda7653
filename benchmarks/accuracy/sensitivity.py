"""What the figures hang on: calls served together first.

Belongs here: energy at other batch sizes, and the parts of the band. Does not belong here:
measurements of errors (``fit.py``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from benchmarks.accuracy.fit import PUBLISHED
from benchmarks.accuracy.measurements import Measurement
from benchmarks.accuracy.seeds import factor, models, reading_wh, writing_wh

BATCHES = (16, 64, 256)
HOST_AND_IDLE = 1.571
REFERENCE_INPUT, REFERENCE_OUTPUT = "reference_input_tokens", "reference_output_tokens"
# Model of the seeds, and the measured variant it stands for.
SHOWN = {
    "openai/gpt-4o": None,
    "openai/gpt-4o-mini": None,
    "meta/llama-3.1-70b-instruct": "meta-llama/Llama-3.1-70B-Instruct",
    "meta/llama-3.1-405b-instruct": "meta-llama/Llama-3.1-405B-Instruct-FP8",
    "deepseek/deepseek-v3.1": "deepseek-ai/DeepSeek-V3.1",
}
FORMULA = "formula against measurements"
# Standard deviations of ln(energy) the seeds' bands are made of; precision and size only where the
# model is closed.
SPREAD = {
    "calls served together, 16 to 256": 0.65,
    "size of a closed model": 0.54,
    "precision of a closed model": 0.46,
    FORMULA: 0.31,
    "host and idle energy": 0.20,
}


@dataclass(frozen=True, slots=True)
class AtBatch:
    """A model at one batch size; Wh is IT energy of the reference call."""

    batch: int
    formula_joules: float
    measured_joules: float | None
    call_wh: float


def gpu_joules(model: str, batch: float) -> float:
    """GPU energy per output token by the published formula without context."""
    row = models()[model]
    weights_gb = float(row["total_params_b"]) * float(row["weight_bytes_per_param"])
    terms = (
        weights_gb / batch,
        weights_gb / math.sqrt(batch),
        float(row["active_params_b_mid"]),
        1,
    )
    return float(sum(c * term for c, term in zip(PUBLISHED, terms, strict=False)))


def reference_call_wh(model: str, batch: float) -> float:
    """IT energy of the reference call by the formula at a batch size, central estimate."""
    fresh = factor("method_parameter", REFERENCE_INPUT).mid
    output = factor("method_parameter", REFERENCE_OUTPUT).mid
    per_1k = gpu_joules(model, batch) * HOST_AND_IDLE / 3.6
    context = writing_wh(model, fresh, output).mid - (
        factor("model_output", model).mid * output / 1000
    )
    return per_1k * output / 1000 + context + reading_wh(model, fresh).mid


def _measured(rows: list[Measurement], model: str | None, batch: int) -> float | None:
    """Geometric mean over GPUs of the chat measurements near a batch size."""
    logs = [
        math.log(row.joules_per_output_token)
        for row in rows
        if row.model == model and row.task == "lm-arena-chat" and row.column == f"b{batch}"
    ]
    return math.exp(sum(logs) / len(logs)) if logs else None


def batch_sensitivity(rows: list[Measurement]) -> dict[str, list[AtBatch]]:
    """Each shown model at 16, 64 and 256 calls served together."""
    return {
        model: [
            AtBatch(
                batch,
                gpu_joules(model, batch),
                _measured(rows, variant, batch),
                reference_call_wh(model, batch),
            )
            for batch in BATCHES
        ]
        for model, variant in SHOWN.items()
    }


def variance_shares() -> dict[str, float]:
    """Share of each part in the variance of ln(energy) of a closed model."""
    total = sum(spread**2 for spread in SPREAD.values())
    return {name: spread**2 / total for name, spread in SPREAD.items()}


def closed_gsd(formula: float = SPREAD[FORMULA]) -> float:
    """Geometric SD of a closed model from its parts; ``formula`` replaces the formula's."""
    parts = SPREAD | {FORMULA: formula}
    return math.exp(math.sqrt(sum(spread**2 for spread in parts.values())))
