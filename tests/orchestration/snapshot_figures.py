"""Invented organisations, people, models and usage rows for the snapshot of the tests."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import date, timedelta

FACTOR_SET_ID = "ecomind-factors-2026.11"
METHOD_VERSION = "ecomind-2026.11"
SCENARIOS = ("low", "mid", "high")


@dataclass(frozen=True, slots=True)
class Model:
    """One invented model: Wh per 1,000 tokens, spread and where it runs."""

    provider: str
    model: str
    out_wh: float
    in_wh: float
    spread: float
    level: int
    region: str
    zone_id: str
    weight: float


MODELS = (
    Model("openai", "gpt-4o", 0.98, 0.078, 3.7, 1, "unknown", "USA", 0.30),
    Model("openai", "gpt-4o-mini", 0.21, 0.012, 3.7, 1, "unknown", "USA", 0.22),
    Model("azure", "gpt-4o", 0.98, 0.078, 3.7, 2, "swedencentral", "SWE", 0.14),
    Model("anthropic", "claude-opus-5-5", 2.40, 0.190, 3.7, 1, "us-east-1", "SRVC", 0.12),
    Model("google", "gemini-2.5-flash", 0.34, 0.021, 2.7, 1, "europe-west1", "BEL", 0.14),
    Model("mistral", "mistral-large-2512", 1.10, 0.085, 2.4, 1, "unknown", "FRA", 0.06),
    Model("northstar", "nova-chat-9", 1.25, 0.100, 5.0, 6, "unknown", "WORLD", 0.02),
)
# location g/kWh, market g/kWh, off-site water L/kWh, PUE, on-site water L per IT kWh
ZONES = {
    "USA": (384.0, 384.0, 3.13, 1.17, 0.27),
    "SWE": (36.0, 12.0, 6.03, 1.16, 0.09),
    "SRVC": (279.0, 0.0, 2.385, 1.15, 0.12),
    "BEL": (138.0, 55.0, 2.21, 1.09, 1.15),
    "FRA": (44.0, 44.0, 3.67, 1.25, 0.84),
    "WORLD": (458.0, 458.0, 3.91, 1.25, 0.84),
}
EMBODIED_G = {"low": 19.0, "mid": 45.5, "high": 89.0}
ORGANIZATIONS = (
    ("aurelia", "Aurelia Health"),
    ("borealis", "Borealis Freight"),
    ("cedar", "Cedar Savings Bank"),
    ("dune", "Dune Robotics"),
)
TEAMS = (
    ("research", "Research", 0.38),
    ("support", "Customer support", 0.34),
    ("platform", "Platform engineering", 0.20),
    ("unattributed", "Not attributed", 0.08),
)
PEOPLE = {
    "research": (
        "Ada Okafor",
        "Bo Lindqvist",
        "Chen Wei",
        "Dora Novak",
        "Eli Haddad",
        "Fay Moreau",
    ),
    "support": ("Gus Almeida", "Hana Sato", "Ines Rossi", "Jon Bakke", "Kofi Mensah"),
    "platform": ("Lea Fischer", "Mia Kowalska"),
}
ADDITIVE = (
    "events",
    "calls",
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    *(f"it_energy_{s}_kwh" for s in SCENARIOS),
    *(f"energy_{s}_kwh" for s in SCENARIOS),
    *(f"water_onsite_{s}_l" for s in SCENARIOS),
    *(f"water_offsite_{s}_l" for s in SCENARIOS),
    *(f"water_{s}_l" for s in SCENARIOS),
    *(f"water_offsite_without_hydro_{s}_l" for s in SCENARIOS),
    *(f"co2e_location_{s}_kg" for s in SCENARIOS),
    *(f"co2e_market_{s}_kg" for s in SCENARIOS),
    *(f"co2e_embodied_{s}_kg" for s in SCENARIOS),
    *(f"co2e_total_location_{s}_kg" for s in SCENARIOS),
    *(f"co2e_total_market_{s}_kg" for s in SCENARIOS),
)
WEIGHTED = (
    "data_quality_score",
    "default_factor_energy_share",
    "token_route_energy_share",
    "market_fallback_energy_share",
)


def people_of(org_id: str, team_id: str) -> list[tuple[str, str]]:
    """``(user_id, display name)`` of the invented people of one team."""
    if team_id == "unattributed":
        return [("unattributed", "Not attributed")]
    return [(f"u_{org_id}_{team_id}_{i}", name) for i, name in enumerate(PEOPLE[team_id], 1)]


def usage_rows(
    org_id: str, random_: random.Random, days: int, last_day: date
) -> list[dict[str, object]]:
    """Rows of one organisation at the grain of the usage mart, weekends quieter."""
    scale = {"aurelia": 1.0, "borealis": 0.45, "cedar": 0.7, "dune": 0.2}[org_id]
    rows: list[dict[str, object]] = []
    for offset in range(days):
        day = last_day - timedelta(days=days - 1 - offset)
        weekday = 0.28 if day.weekday() >= 5 else 1.0
        level = 4200 * scale * weekday * (1 + offset / (days * 3)) * random_.uniform(0.85, 1.15)
        for team_id, _name, team_share in TEAMS:
            people = people_of(org_id, team_id)
            for user_id, _display in people:
                share = team_share / len(people) * random_.uniform(0.5, 1.5)
                for model in MODELS:
                    calls = round(level * share * model.weight * random_.uniform(0.4, 1.4))
                    if calls:
                        key = {"usage_date": day, "org_id": org_id, "team_id": team_id}
                        key["user_id"] = user_id
                        rows.append({**key, **footprint(model, calls, random_)})
    return rows


def footprint(model: Model, calls: int, random_: random.Random) -> dict[str, object]:
    """The remaining columns of one usage row."""
    fresh = calls * random_.uniform(900.0, 1500.0)
    cached = fresh * random_.uniform(0.05, 0.4)
    out = calls * random_.uniform(180.0, 420.0)
    zone = ZONES[model.zone_id]
    it_kwh = (out * model.out_wh + (fresh + 0.14 * cached) * model.in_wh) / 1e6
    row: dict[str, object] = {
        "project_id": "unattributed",
        "source": "urn:ecomind:native" if model.level < 5 else "ext-chrome",
        "provider": model.provider,
        "model": model.model,
        "region": model.region,
        "zone_id": model.zone_id,
        "energy_route": "token_model" if model.level < 5 else "token_tier",
        "model_fallback_level": model.level,
        "zone_fallback_level": 3 if model.region == "unknown" else 1,
        "events": calls,
        "calls": float(calls),
        "input_tokens": fresh,
        "cached_input_tokens": cached,
        "output_tokens": out,
        "data_quality_score": 2.0 if model.spread > 3 else 3.0,
        "default_factor_energy_share": float(model.level >= 5 or model.region == "unknown"),
        "token_route_energy_share": 1.0,
        "market_fallback_energy_share": float(zone[0] == zone[1]),
        "factor_set_id": FACTOR_SET_ID,
        "method_version": METHOD_VERSION,
    }
    for scenario, power in zip(SCENARIOS, (-1, 0, 1), strict=True):
        it = it_kwh * math.pow(model.spread, power)
        row |= scenario_columns(scenario, it, zone)
    return row


def scenario_columns(s: str, it: float, zone: tuple[float, ...]) -> dict[str, object]:
    """Energy, water and carbon of one scenario from ``it`` kWh of IT energy."""
    location_g, market_g, ewif, pue, wue = zone
    kwh = it * pue
    location, market = kwh * location_g / 1000, kwh * market_g / 1000
    embodied = it * EMBODIED_G[s] / 1000
    return {
        f"it_energy_{s}_kwh": it,
        f"energy_{s}_kwh": kwh,
        f"water_onsite_{s}_l": it * wue,
        f"water_offsite_{s}_l": kwh * ewif,
        f"water_offsite_without_hydro_{s}_l": kwh * ewif / 3,
        f"water_{s}_l": it * wue + kwh * ewif,
        f"co2e_location_{s}_kg": location,
        f"co2e_market_{s}_kg": market,
        f"co2e_embodied_{s}_kg": embodied,
        f"co2e_total_location_{s}_kg": location + embodied,
        f"co2e_total_market_{s}_kg": market + embodied,
    }
