"""The measures every footprint mart holds beside its keys.

Belongs here: names of columns, and how a column of several rows becomes one figure. Does not
belong here: any formula of the method (dbt).
"""

from __future__ import annotations

SCENARIOS = ("low", "mid", "high")
TOKEN_COLUMNS = ("input_tokens", "cached_input_tokens", "output_tokens")
"""Fresh input, input read from a cache, output."""
FOOTPRINT_STEMS = (
    "it_energy_{s}_kwh",
    "energy_{s}_kwh",
    "water_onsite_{s}_l",
    "water_offsite_{s}_l",
    "water_{s}_l",
    "water_offsite_without_hydro_{s}_l",
    "co2e_location_{s}_kg",
    "co2e_market_{s}_kg",
    "co2e_embodied_{s}_kg",
    "co2e_total_location_{s}_kg",
    "co2e_total_market_{s}_kg",
)
FOOTPRINTS = tuple(stem.format(s=s) for stem in FOOTPRINT_STEMS for s in SCENARIOS)
ADDITIVE = ("calls", *TOKEN_COLUMNS, *FOOTPRINTS)
"""Summed over rows, as ``events`` is, which is a whole number."""
ENERGY_WEIGHTED = (
    "data_quality_score",
    "default_factor_energy_share",
    "token_route_energy_share",
    "market_fallback_energy_share",
)
"""Averaged over rows, weighted by `WEIGHT`."""
WEIGHT = "energy_mid_kwh"
VERSIONS = ("factor_set_id", "method_version")
"""The latest of several rows."""
MEASURES = ("events", *ADDITIVE, *ENERGY_WEIGHTED, *VERSIONS)
