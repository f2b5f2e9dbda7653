"""How good are the factors, by data-quality score? The made parts of ``docs/method.md``.

    python -m benchmarks.factor_quality            print every table; fails where the page differs
    python -m benchmarks.factor_quality --write    also write docs/method.md

Belongs here: counting rows of the factor files that hold today. Does not belong here: errors
against measurements (benchmarks.accuracy); tables shared with it are taken from there.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable

from benchmarks.accuracy import report
from benchmarks.accuracy.page import filled
from benchmarks.accuracy.seeds import SEEDS, read
from benchmarks.accuracy.tables import Table, percent
from ecomind.settings import PROJECT_ROOT

PAGE = PROJECT_ROOT / "docs" / "method.md"
SCORES = ("5", "4", "3", "2", "1")
SHARED = ("gate", "batch", "variance")
# Types that a route or formula applies; all others are references.
APPLIED = {
    "model_output": "energy per output token",
    "model_input": "energy per input token",
    "model_context": "energy of re-reading context",
    "model_call": "energy per call",
    "unit_image": "energy per image",
    "unit_video_second": "energy per second of video",
    "unit_speech_minute": "energy per minute of speech",
    "unit_embedding": "energy of embedding",
    "unit_rerank": "energy of reranking",
    "pue": "PUE",
    "wue": "WUE",
    "grid_location": "grid, location-based",
    "grid_market": "grid, market-based",
    "water_offsite": "water of electricity",
    "water_offsite_without_hydro": "the same without reservoirs",
    "embodied": "manufacture of hardware",
    "method_parameter": "constants of the method",
}
Row = dict[str, str]


def rows_in_force() -> dict[tuple[str, str], Row]:
    """The row of each type and key that holds for use today: open, the latest published."""
    found: dict[tuple[str, str], Row] = {}
    for path in sorted(SEEDS.glob("factor_*.csv")):
        for row in sorted(read(path), key=lambda row: (row["valid_from"], row["published_at"])):
            if not row["valid_to"]:
                found[row["factor_type"], row["key"]] = row
    return found


def _shares(scores: Iterable[str]) -> list[str]:
    listed = list(scores)
    counts = [listed.count(score) for score in SCORES]
    if sum(counts) != len(listed):
        raise ValueError("a score is not one of 1 to 5")
    return [percent(count / len(listed)) if count else "" for count in counts]


def by_type() -> Table:
    """Factors in force by type: how many, their scores, and how many have a range."""
    rows = []
    for factor_type, words in APPLIED.items():
        found = [row for (kind, _), row in rows_in_force().items() if kind == factor_type]
        ranged = sum(row["value_low"] != row["value_high"] for row in found)
        shares = _shares(row["dq_score"] for row in found)
        rows.append([words, str(len(found)), *shares, percent(ranged / len(found))])
    columns = ("factor", "rows in force", *SCORES, "with a range")
    return Table("Factors by data quality", columns, rows)


def by_use() -> Table:
    """What a model, country, region or provider gets, by score."""
    force = rows_in_force()

    def scores(factor_type: str, keys: Iterable[str]) -> list[str]:
        return [force[factor_type, key]["dq_score"] for key in keys if (factor_type, key) in force]

    models = read(SEEDS / "models.csv")
    named = sorted({row["model_key"] for row in models if row["provider"] != "*"})
    zones = sorted({row["zone_id"] for row in read(SEEDS / "countries.csv")})
    regions = read(SEEDS / "cloud_regions.csv")
    places = sorted({f"{row['cloud']}/{row['region']}" for row in regions})
    providers = sorted({row["provider"] for row in read(SEEDS / "provider_defaults.csv")})
    found = {
        "named models, energy": scores("model_output", named),
        "countries, grid": scores("grid_location", zones),
        "countries, water of their own": scores("water_offsite", zones),
        "cloud regions, grid": scores("grid_location", [row["zone_id"] for row in regions]),
        "cloud regions, PUE of their own": scores("pue", places),
        "cloud regions, WUE of their own": scores("wue", places),
        "cloud regions, market claim": scores("grid_market", places),
        "providers, PUE": scores("pue", providers),
        "providers, WUE": scores("wue", providers),
    }
    totals = [len(named), *[len(zones)] * 2, *[len(regions)] * 4, *[len(providers)] * 2]
    rows = [
        [words, f"{len(listed)} of {total}", *_shares(listed)]
        for (words, listed), total in zip(found.items(), totals, strict=True)
    ]
    columns = ("of", "have one", *SCORES)
    return Table("What is behind a model, a country, a region", columns, rows)


def by_basis() -> Table:
    """Models of the registry by what their energy rests on."""
    models = read(SEEDS / "models.csv")
    force = rows_in_force()
    rows = []
    for basis in dict.fromkeys(row["basis"] for row in models):
        found = [row for row in models if row["basis"] == basis]
        spreads = sorted({row["gsd"] for row in found})
        scores = {force["model_output", row["model_key"]]["dq_score"] for row in found}
        rows.append([f"`{basis}`", str(len(found)), ", ".join(spreads), ", ".join(sorted(scores))])
    columns = ("basis", "models", "gsd", "data quality")
    return Table("Models by the basis of their energy", columns, rows)


TABLES = {"basis": by_basis, "factors": by_type, "uses": by_use}


def outdated() -> bool:
    """Whether docs/method.md differs from what the command makes now."""
    text = PAGE.read_text(encoding="utf-8")
    return filled(text, regions()) != text


def regions() -> dict[str, str]:
    """Text of each made part of the page, by name."""
    shared = report.regions()
    made = {name: make().markdown() for name, make in TABLES.items()}
    return made | {name: shared[name] for name in SHARED}


def main() -> int:
    """Print, and write or compare the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--write", action="store_true", help="write docs/method.md")
    for make in TABLES.values():
        make().show()
    if parser.parse_args().write:
        text = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(filled(text, regions()), encoding="utf-8")
    elif outdated():
        print("docs/method.md is not what the command makes now; run it with --write")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
