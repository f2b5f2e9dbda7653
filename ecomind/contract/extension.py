"""The factors the browser extension computes with, copied from the seeds.

Belongs here: which rows the extension needs and the file they are copied to. Does not belong here:
the formula (dbt and ``ext-chrome/src/core/estimate.ts``, held together by one fixture).

Rows are those in force from the latest ``valid_from`` on; the copy knows neither regions nor what
an organisation recorded itself.
"""

from __future__ import annotations

import ast
import csv
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ecomind.settings import PROJECT_ROOT, SEEDS_DIR

Row = dict[str, str]
Factors = dict[tuple[str, str], Row]

_MACROS = PROJECT_ROOT / "dbt_project" / "macros" / "method" / "model_names.sql"
_MODEL_TERMS = {
    "call_kwh": "model_call",
    "output_wh_per_1k": "model_output",
    "input_wh_per_1k": "model_input",
    "context_wh_per_1k_1k": "model_context",
}
_CONSTANTS = ("reference_input_tokens", "reference_output_tokens", "attention_context_tokens")
_WORLD = "WORLD"
_NOTE = "Generated from seeds by `ecomind contract export`; do not edit."


def _rows(name: str) -> list[Row]:
    with (SEEDS_DIR / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _factors() -> Factors:
    """The row in force of every type and key."""
    rows = [row for path in sorted(SEEDS_DIR.glob("factor_*.csv")) for row in _rows(path.name)]
    rows.sort(key=lambda row: (row["valid_from"], row["published_at"], row["factor_id"]))
    return {(row["factor_type"], row["key"]): row for row in rows if not row["valid_to"]}


def _triple(row: Row) -> list[float]:
    return [float(row[f"value_{scenario}"]) for scenario in ("low", "mid", "high")]


class _Taken:
    """The factors, and which of them were taken: they are the sources to name."""

    def __init__(self) -> None:
        self._factors = _factors()
        self._taken: Factors = {}

    def triple(self, factor_type: str, *keys: str) -> list[float]:
        """Values of the first key that has a row; ``KeyError`` when none has."""
        for key in keys:
            row = self._factors.get((factor_type, key))
            if row is not None:
                self._taken[factor_type, key] = row
                return _triple(row)
        raise KeyError(f"no {factor_type} for any of {', '.join(keys)}")

    def model_keys(self) -> list[str]:
        """Keys of all models, sorted."""
        return sorted(key for kind, key in self._factors if kind == "model_call")

    def sources(self) -> list[dict[str, str]]:
        """What the taken rows rest on, each once."""
        names = ("factor_type", "source", "source_url", "licence")
        found = {tuple(row[name] for name in names) for row in self._taken.values()}
        return [dict(zip(names, one, strict=True)) for one in sorted(found)]

    def factor_set_ids(self) -> str:
        """Ids of the sets the taken rows belong to."""
        return " + ".join(sorted({row["factor_set_id"] for row in self._taken.values()}))


def _provider(taken: _Taken, row: Row) -> dict[str, Any]:
    zone = row["default_zone_id"]
    fallback = "USA" if zone.startswith("US-") else _WORLD
    return {
        "model_key": row["default_model_key"],
        "zone_id": zone,
        "pue": taken.triple("pue", row["provider"]),
        "wue": taken.triple("wue", row["provider"]),
        "ewif_l_per_kwh": taken.triple("water_offsite", zone, fallback),
        "grid_g_per_kwh": taken.triple("grid_location", zone),
    }


def _model(taken: _Taken, key: str) -> dict[str, list[float]]:
    return {name: taken.triple(kind, key) for name, kind in _MODEL_TERMS.items()}


def model_name_cuts() -> list[str]:
    """What the warehouse cuts off model names, in its order."""
    found = re.search(r"set cuts = (\[.*?\n    \])", _MACROS.read_text(encoding="utf-8"), re.S)
    if found is None:
        raise ValueError(f"{_MACROS.name} no longer says which parts of model names are cut")
    return [str(cut) for cut in ast.literal_eval(found[1])]


def bare_model_name(name: str) -> str:
    """Lower case, without the path of a registry or gateway."""
    return re.sub("^.*/", "", name.lower())


def common_model_name(name: str, cuts: Iterable[str]) -> str:
    """Without geography, vendor, revision, date and channel; dots written as dashes."""
    text = bare_model_name(name)
    for cut in cuts:
        text = re.sub(cut, "", text, count=1)
    return text.replace(".", "-")


def _model_names(cuts: list[str]) -> dict[str, str]:
    """Every spelling of a name in the registry, by the rules of ``int_model_names``."""
    keys = [row["model_key"] for row in _rows("models.csv")]
    aliases = [(row["model_name"], row["model_key"]) for row in _rows("model_aliases.csv")]
    by_level = (
        [(bare_model_name(key), key) for key in keys],
        [*aliases, *((common_model_name(key, cuts), key) for key in keys)],
    )
    found: dict[str, str] = {}
    for level in by_level:
        for name, key in sorted(level, reverse=True):
            found.setdefault(name, key)
    return dict(sorted(found.items()))


def _method_version() -> str:
    text = (PROJECT_ROOT / "dbt_project" / "dbt_project.yml").read_text(encoding="utf-8")
    found = re.search(r"^  method_version: (\S+)$", text, re.M)
    if found is None:
        raise ValueError("dbt_project.yml names no method_version")
    return found[1]


def extension_factors() -> dict[str, Any]:
    """What the extension computes with, as the value of its JSON file."""
    taken = _Taken()
    cuts = model_name_cuts()
    providers = {row["provider"]: _provider(taken, row) for row in _rows("provider_defaults.csv")}
    models = {key: _model(taken, key) for key in taken.model_keys()}
    constants: dict[str, Any] = {
        name: taken.triple("method_parameter", name)[1] for name in _CONSTANTS
    }
    constants["embodied_g_per_it_kwh"] = taken.triple("embodied", "*")
    families = sorted(_rows("model_families.csv"), key=lambda row: int(row["priority"]))
    return {
        "$comment": _NOTE,
        "factor_set_id": taken.factor_set_ids(),
        "method_version": _method_version(),
        "constants": constants,
        "providers": providers,
        "provider_aliases": {
            row["provider_name"]: row["provider"] for row in _rows("provider_aliases.csv")
        },
        "models": models,
        "model_names": _model_names(cuts),
        "model_name_cuts": cuts,
        "model_families": [
            {"pattern": row["pattern"], "model_key": row["model_key"]} for row in families
        ],
        "sources": taken.sources(),
    }


def extension_factors_json() -> str:
    """The file of the extension: one row a line, so that a change shows as a line."""
    blocks = []
    for name, value in extension_factors().items():
        if isinstance(value, dict):
            lines = [f"    {json.dumps(key)}: {json.dumps(row)}" for key, row in value.items()]
            text = "{\n" + ",\n".join(lines) + "\n  }"
        elif isinstance(value, list):
            text = "[\n" + ",\n".join(f"    {json.dumps(row)}" for row in value) + "\n  ]"
        else:
            text = json.dumps(value)
        blocks.append(f"  {json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(blocks) + "\n}\n"


EXTENSION_FACTORS = Path("ext-chrome/src/generated/defaults.json")
"""The copy, relative to the project root."""
