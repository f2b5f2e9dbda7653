"""The measures a page can show, and the mart columns each is read from.

Belongs here: the catalogue of measures with their labels and quantities. Does not belong
here: arithmetic on them (``figures``) or number formatting (``formatting``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from streamlit_app.formatting import Quantity


class Basis(StrEnum):
    """How grid electricity is attributed: by location or by market instruments."""

    LOCATION = "location"
    MARKET = "market"


@dataclass(frozen=True)
class Metric:
    """One measure with a low, central and high value.

    ``stem`` names mart columns with ``{s}`` for the scenario; measures without a range have
    no ``{s}``. ``per_million_tokens`` divides by tokens and multiplies by one million.
    """

    name: str
    label: str
    quantity: Quantity
    stem: str
    per_million_tokens: bool = False

    @property
    def has_range(self) -> bool:
        """Whether the marts hold a low and a high value."""
        return "{s}" in self.stem

    def column(self, scenario: str) -> str:
        """The mart column of a scenario (``low``, ``mid`` or ``high``)."""
        return self.stem.format(s=scenario)


ENERGY = Metric("energy", "Energy", Quantity.ENERGY, "energy_{s}_kwh")
WATER = Metric("water", "Water", Quantity.WATER, "water_{s}_l")
WATER_ONSITE = Metric("water_onsite", "Water on site", Quantity.WATER, "water_onsite_{s}_l")
WATER_OFFSITE = Metric("water_offsite", "Water off site", Quantity.WATER, "water_offsite_{s}_l")
WATER_OFFSITE_WITHOUT_HYDRO = Metric(
    "water_offsite_without_hydro",
    "Water off site, without reservoirs",
    Quantity.WATER,
    "water_offsite_without_hydro_{s}_l",
)
EMBODIED = Metric("embodied", "Embodied carbon", Quantity.CARBON, "co2e_embodied_{s}_kg")
CALLS = Metric("calls", "Calls", Quantity.COUNT, "calls")
TOKENS = Metric("tokens", "Tokens", Quantity.COUNT, "tokens")
ENERGY_INTENSITY = Metric(
    "energy_intensity",
    "Energy per million tokens",
    Quantity.ENERGY_PER_MILLION_TOKENS,
    "energy_{s}_kwh",
    per_million_tokens=True,
)


def carbon(basis: Basis) -> Metric:
    """Operational and embodied carbon on one basis; the bases are never added."""
    label = f"Carbon, {basis}-based"
    return Metric("carbon", label, Quantity.CARBON, f"co2e_total_{basis}_{{s}}_kg")


def carbon_intensity(basis: Basis) -> Metric:
    """Carbon per million tokens on one basis."""
    return Metric(
        "carbon_intensity",
        f"Carbon intensity, {basis}-based",
        Quantity.CARBON_PER_MILLION_TOKENS,
        f"co2e_total_{basis}_{{s}}_kg",
        per_million_tokens=True,
    )


def footprint_metrics(basis: Basis) -> tuple[Metric, ...]:
    """The three footprints a page lets its reader choose from."""
    return (carbon(basis), ENERGY, WATER)


def by_mart_column(scenario: str = "mid") -> dict[str, Metric]:
    """The footprints on both bases by the mart column of a scenario, in their order."""
    main = (ENERGY, WATER, *(carbon(basis) for basis in Basis))
    return {metric.column(scenario): metric for metric in main}


def all_metrics(basis: Basis) -> tuple[Metric, ...]:
    """Every measure that has a trend."""
    return (
        *footprint_metrics(basis),
        WATER_ONSITE,
        WATER_OFFSITE,
        WATER_OFFSITE_WITHOUT_HYDRO,
        EMBODIED,
        CALLS,
        TOKENS,
        carbon_intensity(basis),
        ENERGY_INTENSITY,
    )
