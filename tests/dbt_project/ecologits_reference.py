"""Writes the files of ``seeds/parity`` from an installed EcoLogits 0.11.3.

Belongs here: running EcoLogits and copying the parameters it uses. Does not belong here: its
equations (SQL) and the comparison (test). The project does not depend on EcoLogits; run this with
the interpreter of a separate environment in which it is installed:

    <that python> tests/dbt_project/ecologits_reference.py seeds/parity
"""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

RELEASE = "0.11.3"
MODELS = {
    "openai": ("gpt-4o", "gpt-4o-mini", "gpt-5", "gpt-5-mini", "gpt-5.5", "gpt-6-sol"),
    "anthropic": (
        "claude-sonnet-4-5-20250929",
        "claude-sonnet-5-5",
        "claude-opus-5-5",
        "claude-haiku-4-5",
    ),
    "google_genai": ("gemini-2.5-flash", "gemini-2.5-pro", "gemini-3.8-flash"),
    "mistralai": ("mistral-large-2512", "ministral-8b-2512"),
    "cohere": ("command-a-03-2025",),
    "huggingface_hub": (
        "meta-llama/Meta-Llama-3.1-8B-Instruct",
        "meta-llama/Meta-Llama-3.1-70B-Instruct",
        "meta-llama/Meta-Llama-3.1-405B-Instruct",
        "openai/gpt-oss-120b",
    ),
}
PAIRS = [(provider, model) for provider, names in MODELS.items() for model in names]
OUTPUT_TOKENS = (100, 400, 1000)
PROVIDER_DEFAULT = "provider_default"
ZONES = ("USA", "FRA", "DEU", "SWE", "IND", "WOR")
SOURCE = {"source": f"EcoLogits {RELEASE}", "source_url": "https://github.com/mlco2/ecologits"}
CONSTANTS = (
    # name here, name there, unit, meaning
    ("batch_size", "BATCH_SIZE", "request", "Requests served together."),
    ("quantization_bits", "MODEL_QUANTIZATION_BITS", "bit", "Bits per parameter."),
    ("gpu_memory_gb", "GPU_MEMORY", "GB", "Memory of one GPU."),
    ("gpu_energy_alpha", "GPU_ENERGY_ALPHA", "Wh/token/B", "GPU energy, factor of parameters."),
    ("gpu_energy_beta", "GPU_ENERGY_BETA", "1/request", "GPU energy, decay with the batch."),
    ("gpu_energy_gamma", "GPU_ENERGY_GAMMA", "Wh/token", "GPU energy, constant term."),
    ("latency_alpha", "LATENCY_ALPHA", "s/token/B", "Latency, factor of parameters."),
    ("latency_beta", "LATENCY_BETA", "s/token/request", "Latency, factor of the batch."),
    ("latency_gamma", "LATENCY_GAMMA", "s/token", "Latency, constant term."),
    ("server_gpus", "SERVER_GPUS", "GPU", "GPUs of a server."),
    ("server_power_kw", "SERVER_POWER", "kW", "Power of a server without its GPUs."),
    ("server_embodied_kgco2e", "SERVER_EMBODIED_IMPACT_GWP", "kgCO2e", "Making a server."),
    ("gpu_embodied_kgco2e", "GPU_EMBODIED_IMPACT_GWP", "kgCO2e", "Making one GPU."),
    ("hardware_lifespan_s", "HARDWARE_LIFESPAN", "s", "Life of the hardware."),
)


def ecologits(module: str) -> Any:
    """A module of the installed EcoLogits; the test reads this file where there is none."""
    return import_module(f"ecologits.{module}")


def bounds(value: Any) -> tuple[float, float]:
    """Least and greatest of a number or of EcoLogits' range."""
    return (value.min, value.max) if hasattr(value, "min") else (value, value)


def both(stem: str, value: Any) -> dict[str, float]:
    return dict(zip((f"{stem}_min", f"{stem}_max"), map(float, bounds(value)), strict=True))


def constants() -> Iterable[dict[str, Any]]:
    llm = ecologits("impacts.llm")

    for name, there, unit, meaning in CONSTANTS:
        value = float(getattr(llm, there))
        yield {"name": name, "value": value, "unit": unit, "meaning": meaning}
    # Written as a number in EcoLogits' code.
    overhead = {"name": "memory_overhead", "value": 1.2, "unit": "1"}
    yield {**overhead, "meaning": "Memory needed per memory of the weights."}


def models() -> Iterable[dict[str, Any]]:
    registry = ecologits("model_repository").models

    for provider, name in PAIRS:
        model = registry.find_model(provider=provider, model_name=name)
        parameters = model.architecture.parameters
        yield {
            "provider": provider,
            "model": name,
            **both("total_params_b", getattr(parameters, "total", parameters)),
            **both("active_params_b", getattr(parameters, "active", parameters)),
            "tokens_per_second": model.deployment and model.deployment.tps,
            "first_token_s": model.deployment and model.deployment.ttft,
        }


def providers() -> Iterable[dict[str, Any]]:
    configured = ecologits("tracers.utils").PROVIDER_CONFIG_MAP

    for provider in MODELS:
        config = configured[provider]
        yield {
            "provider": provider,
            "default_zone": config.datacenter_location,
            **both("pue", config.datacenter_pue),
            **both("wue_l_per_kwh", config.datacenter_wue),
        }


def zones() -> Iterable[dict[str, Any]]:
    mixes = ecologits("electricity_mix_repository").electricity_mixes

    for zone in ZONES:
        mix = mixes.find_electricity_mix(zone=zone)
        yield {"zone": zone, "grid_kgco2e_per_kwh": mix.gwp, "water_l_per_kwh": mix.wue}


def vectors() -> Iterable[dict[str, Any]]:
    llm_impacts = ecologits("tracers.utils").llm_impacts

    for provider, model in PAIRS:
        for tokens in OUTPUT_TOKENS:
            for zone in (PROVIDER_DEFAULT, *ZONES):
                asked = None if zone == PROVIDER_DEFAULT else zone
                # A finite latency would cap the time EcoLogits estimates.
                found = llm_impacts(provider, model, tokens, math.inf, asked)
                yield {
                    **{"provider": provider, "model": model},
                    **{"output_tokens": tokens, "zone": zone},
                    **both("energy_kwh", found.energy.value),
                    **both("gwp_usage_kg", found.usage.gwp.value),
                    **both("gwp_embodied_kg", found.embodied.gwp.value),
                    **both("gwp_kg", found.gwp.value),
                    **both("water_l", found.wcf.value),
                }


def write(path: Path, rows: Iterable[dict[str, Any]], provenance: dict[str, str]) -> None:
    """One CSV; Python writes floats with every digit they have."""
    complete = [{**row, **provenance} for row in rows]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(complete[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(complete)


def main(folder: Path) -> int:
    if version("ecologits") != RELEASE:
        raise SystemExit(f"EcoLogits {RELEASE} is needed, {version('ecologits')} is installed")
    own = {**SOURCE, "licence": "MPL-2.0"}
    mixes = "; grid: Ember via Our World in Data; water: World Resources Institute 2020"
    mixed = {**SOURCE, "source": SOURCE["source"] + mixes, "licence": "MPL-2.0; CC BY 4.0"}
    write(folder / "ecologits_constants.csv", constants(), own)
    write(folder / "ecologits_models.csv", models(), own)
    write(folder / "ecologits_providers.csv", providers(), own)
    write(folder / "ecologits_zones.csv", zones(), mixed)
    write(folder / "ecologits_vectors.csv", vectors(), {})
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
