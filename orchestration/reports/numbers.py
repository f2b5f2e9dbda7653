"""How figures are printed: units, digits, ranges. Nothing here changes a value that is stored.

Belongs here: text of numbers for people. Does not belong here: the CSV, which keeps every digit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from orchestration.reports.content import Range

EN_DASH = "\u2013"
MINUS = "\u2212"
NO_BREAK_SPACE = "\u00a0"
NOT_KNOWN = "not known"


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit to print in and its size in the unit of the marts."""

    name: str
    size: float


ENERGY = (Unit("Wh", 1e-3), Unit("kWh", 1.0), Unit("MWh", 1e3), Unit("GWh", 1e6))
CARBON = (Unit("g CO₂e", 1e-3), Unit("kg CO₂e", 1.0), Unit("t CO₂e", 1e3))
WATER = (Unit("mL", 1e-3), Unit("L", 1.0), Unit("m³", 1e3))


def fitting(units: Sequence[Unit], magnitude: float) -> Unit:
    """The largest unit in which ``magnitude`` (in the unit of the marts) is at least 1."""
    fit = [unit for unit in units if abs(magnitude) >= unit.size]
    return fit[-1] if fit else units[0]


def significant(value: float, digits: int = 3) -> str:
    """``value`` to some significant digits, with thousands commas and no exponent.

    A value that is not zero never prints as zero.
    """
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    exponent = math.floor(math.log10(abs(value)))
    step = Decimal(1).scaleb(exponent - digits + 1)
    rounded = Decimal(repr(value)).quantize(step, rounding=ROUND_HALF_EVEN)
    if rounded.adjusted() > exponent and rounded.as_tuple().exponent != 0:
        rounded = rounded.quantize(step.scaleb(1))
    places = max(0, -int(rounded.as_tuple().exponent))
    return f"{rounded:,.{places}f}"


def signed(value: float, digits: int = 3) -> str:
    """A difference with its sign, to some significant digits; none has no sign."""
    sign = "+" if value > 0 else MINUS if value < 0 else ""
    return f"{sign}{significant(abs(value), digits)}"


def exact(value: float) -> str:
    """``value`` with all its digits, as a factor was published, and no exponent."""
    return f"{Decimal(repr(value)).normalize():,f}"


def range_text(values: Range, unit: Unit) -> str:
    """Low and high estimate in a unit, for example ``1.2 - 17``."""
    low, high = values.low / unit.size, values.high / unit.size
    return f"{significant(low, 2)}{NO_BREAK_SPACE}{EN_DASH}{NO_BREAK_SPACE}{significant(high, 2)}"


def places_for(values: Sequence[float]) -> int:
    """Decimal places that give the largest of a column about three digits."""
    largest = max((abs(value) for value in values), default=0.0)
    if largest == 0:
        return 0
    return min(6, max(0, 2 - math.floor(math.log10(largest))))


def fixed(value: float, places: int) -> str:
    """``value`` with fixed places; one too small to show prints as below the last digit."""
    smallest = 10.0**-places
    if value != 0 and abs(value) < smallest / 2:
        return f"<{NO_BREAK_SPACE}{smallest:.{places}f}"
    return f"{value:,.{places}f}"


def columns(*values: Sequence[float]) -> list[list[str]]:
    """Columns of numbers in one unit with the same decimal places, so that they compare."""
    places = places_for([value for column in values for value in column])
    return [[fixed(value, places) for value in column] for column in values]


def percent(share: float | None) -> str:
    """A share of 1 in percent; a part that is neither none nor all never prints as such."""
    if share is None:
        return NOT_KNOWN
    if 0 < share < 0.001:
        return f"<{NO_BREAK_SPACE}0.1%"
    if 0.999 < share < 1:
        return f">{NO_BREAK_SPACE}99.9%"
    return f"{share * 100:.1f}%"


def count(value: float) -> str:
    """A whole number with thousands commas."""
    return f"{value:,.0f}"
