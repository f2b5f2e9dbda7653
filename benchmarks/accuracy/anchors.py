"""What others publish beside what the seeds give for the same call.

Belongs here: the published figures (by id of ``reference_points.csv``), the call each is compared
with, and whether it holds. Does not belong here: tuning; nothing here feeds a factor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.accuracy.measurements import rows_of
from benchmarks.accuracy.seeds import (
    Band,
    energy_wh,
    factor,
    it_energy_wh,
    models,
    reading_wh,
    writing_wh,
)

GPT_4O, FLASH = "openai/gpt-4o", "google/gemini-2.5-flash"
LARGE_2, LLAMA_70B = "mistral/mistral-large-2407", "meta/llama-3.1-70b-instruct"
JEGHAM_CALLS = {
    "wh_short_100in_300out": (100, 300),
    "wh_medium_1k_1k": (1000, 1000),
    "wh_long_10k_1500out": (10_000, 1500),
}
# Corners of what an ordinary question is: input and output tokens.
ORDINARY = tuple((fresh, output) for fresh in (100, 500) for output in (200, 500))


@dataclass(frozen=True, slots=True)
class Anchor:
    """A published figure and ours. ``aim`` says in words what must hold; ``holds`` whether so."""

    name: str
    published: str
    call: str
    ours: Band
    unit: str
    aim: str
    holds: bool


def published(identity: str) -> float:
    """A figure of ``reference_points.csv``."""
    row = next(row for row in rows_of("reference_points.csv") if row["id"] == identity)
    return float(row["value"])


def oviedo_quartiles() -> tuple[float, float]:
    """First and third quartile of Oviedo et al. in Wh."""
    rows = rows_of("reference_points.csv")
    text = next(row["range_or_sd"] for row in rows if row["id"] == "oviedo-2026")
    low, high = text.removeprefix("IQR ").split("-")
    return float(low), float(high)


def jegham_wh() -> dict[tuple[int, int], float]:
    """Wh of GPT-4o by input and output tokens, sixth edition."""
    rows = rows_of("jegham_per_query.csv")
    row = next(r for r in rows if r["model"] == "gpt-4o" and r["edition"] == "v6 T4")
    return {call: float(row[column]) for column, call in JEGHAM_CALLS.items()}


def _within(name: str, value: float, model: str, fresh: int, output: int) -> Anchor:
    ours = energy_wh(model, fresh, output)
    call = f"{model.split('/')[1]}, {fresh:,} in / {output:,} out"
    return Anchor(name, f"{value:g} Wh", call, ours, "Wh", "within low to high", ours.holds(value))


def ordinary_question_holds(model: str, value: float) -> bool:
    """Whether a figure is in the band of every corner of an ordinary question."""
    return all(energy_wh(model, *call).holds(value) for call in ORDINARY)


def _oviedo() -> Anchor:
    low, high = oviedo_quartiles()
    ours = energy_wh(GPT_4O, 100, 300)
    text = f"{published('oviedo-2026'):g} Wh, quartiles {low:g} to {high:g}"
    holds = ours.low <= low and high <= ours.high
    return Anchor("Oviedo et al. 2026, frontier model", text, "gpt-4o, 100 in / 300 out", ours,
                  "Wh", "both quartiles within low to high", holds)  # fmt: skip


def _mistral(identity: str, unit: str, ours: Band) -> Anchor:
    value = published(identity)
    name = f"Mistral life cycle assessment, {'carbon' if unit == 'g' else 'water'}"
    call = "mistral-large-2407, 100 in / 400 out, world's mean grid"
    aim = "above our high: wider boundary"
    return Anchor(name, f"{value:g} {unit}", call, ours, unit, aim, value > ours.high)


def mistral_footprint() -> tuple[Band, Band]:
    """Grams of CO2e with manufacture, and mL of water, of the 400-token reply Mistral assessed."""
    it = it_energy_wh(LARGE_2, 100, 400)
    electricity = energy_wh(LARGE_2, 100, 400)
    provider = models()[LARGE_2]["provider"]
    carbon = (electricity * factor("grid_location", "WORLD") + it * factor("embodied", "*")).times(
        1 / 1000
    )
    water = it * factor("wue", provider) + electricity * factor("water_offsite", "WORLD")
    return carbon, water


def _per_output_token(context: int, output: int, part: Callable[[int, int], Band]) -> Band:
    return part(context, output).times(1 / output)


def context_growth(output: int, *, with_reading: bool) -> Band:
    """Energy per output token at 10,000 tokens of context over that at 2,000, Llama 3.1 70B.

    The band is low, central and high at 10,000 over the central value at 2,000.
    """

    def part(context: int, out: int) -> Band:
        written = writing_wh(LLAMA_70B, context, out)
        return written + reading_wh(LLAMA_70B, context) if with_reading else written

    long, short = (_per_output_token(context, output, part) for context in (10_000, 2000))
    return long.times(1 / short.mid)


def _growth(*, with_reading: bool) -> Anchor:
    value = float(3)
    ours = context_growth(500, with_reading=with_reading)
    what = "with reading the prompt" if with_reading else "writing alone"
    return Anchor(
        f"TokenPowerBench 2025, energy per token from 2,000 to 10,000 context, {what}",
        "about x3",
        "llama-3.1-70b, 500 out",
        ours,
        "ratio",
        "not above our high",
        value <= ours.high,
    )


def anchors() -> list[Anchor]:
    """Every published figure with ours."""
    carbon, water = mistral_footprint()
    return [
        _within("Altman 2025, average query", published("altman-2025"), GPT_4O, 100, 300),
        _oviedo(),
        _within("Epoch AI 2025, 500 output tokens", published("epoch-2025"), GPT_4O, 100, 500),
        _within("Epoch AI 2025, 10,000 input", published("epoch-2025-10k"), GPT_4O, 10_000, 500),
        _within("Epoch AI 2025, 100,000 input", published("epoch-2025-100k"), GPT_4O, 100_000, 500),
        *(_within("Jegham et al. v6", value, GPT_4O, *call) for call, value in jegham_wh().items()),
        _within("Google 2025, median prompt", published("google-2025-energy"), FLASH, 100, 300),
        _mistral("mistral-2025-co2", "g", carbon),
        _mistral("mistral-2025-water", "mL", water),
        _growth(with_reading=True),
        _growth(with_reading=False),
    ]


@dataclass(frozen=True, slots=True)
class Identity:
    """An arithmetic link between published figures that the seeds must reproduce."""

    name: str
    formula: str
    result: float
    published: str
    unit: str


def identities() -> list[Identity]:
    """Google's median prompt from its own energy and the seeds' factors of Google."""
    energy, facility = published("google-2025-energy"), 0.02
    it = energy - facility
    wue, market = factor("wue", "google").mid, factor("grid_market", "google").mid
    embodied = factor("embodied", "*").mid
    return [
        Identity("water on site", f"({energy:g} - {facility:g}) Wh x {wue:g} L/kWh", it * wue,
                 "0.26", "mL"),
        Identity("carbon, market-based", f"{energy:g} Wh x {market:g} g/kWh",
                 energy * market / 1000, "0.023", "g"),
        Identity("carbon, location-based", f"{energy:g} Wh x 345 g/kWh", energy * 345 / 1000,
                 "not printed", "g"),
        Identity("manufacture", f"{it:.2f} Wh x {embodied:g} g/kWh", it * embodied / 1000,
                 "0.010", "g"),
    ]  # fmt: skip
