"""Numbers for people: the unit that keeps a figure short, and three significant digits.

Belongs here: every choice of unit and every rounding of the dashboard. Does not belong
here: where the numbers come from, or any markup.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum

MISSING = "n/a"
SIGNIFICANT_DIGITS = 3


@dataclass(frozen=True)
class Unit:
    """A display unit: its ``symbol`` and how many base units it holds."""

    symbol: str
    size: float


class Quantity(Enum):
    """What a number measures; the value lists its display units, smallest first.

    Base units are those of the marts: kWh, L, kg, and plain counts.
    """

    ENERGY = (
        Unit("mWh", 1e-6),
        Unit("Wh", 1e-3),
        Unit("kWh", 1.0),
        Unit("MWh", 1e3),
        Unit("GWh", 1e6),
    )
    WATER = (Unit("mL", 1e-3), Unit("L", 1.0), Unit("m³", 1e3), Unit("ML", 1e6))
    CARBON = (
        Unit("mg CO₂e", 1e-6),
        Unit("g CO₂e", 1e-3),
        Unit("kg CO₂e", 1.0),
        Unit("t CO₂e", 1e3),
        Unit("kt CO₂e", 1e6),
    )
    COUNT = (Unit("", 1.0), Unit("k", 1e3), Unit("M", 1e6), Unit("B", 1e9), Unit("T", 1e12))
    CARBON_PER_MILLION_TOKENS = (
        Unit("mg CO₂e/M tokens", 1e-6),
        Unit("g CO₂e/M tokens", 1e-3),
        Unit("kg CO₂e/M tokens", 1.0),
    )
    ENERGY_PER_MILLION_TOKENS = (
        Unit("Wh/M tokens", 1e-3),
        Unit("kWh/M tokens", 1.0),
    )

    @property
    def units(self) -> tuple[Unit, ...]:
        """The display units, smallest first."""
        units: tuple[Unit, ...] = self.value
        return units


def unit_for(quantity: Quantity, largest: float | None) -> Unit:
    """The largest unit in which ``largest`` (base units) still reads as 1 or more.

    Zero, missing and non-finite values take the base unit of the marts, or the first unit
    when the quantity has no unit of that size.
    """
    units = quantity.units
    if largest is None or not math.isfinite(largest) or largest == 0:
        return next((unit for unit in units if unit.size == 1.0), units[0])
    size = abs(float(f"{abs(largest):.{SIGNIFICANT_DIGITS}g}"))
    fitting = [unit for unit in units if unit.size <= size * (1 + 1e-12)]
    return fitting[-1] if fitting else units[0]


def digits(number: float | None) -> str:
    """A plain number with three significant digits and thousands separators."""
    if number is None or not math.isfinite(number):
        return MISSING
    if number == 0:
        return "0"
    rounded = float(f"{number:.{SIGNIFICANT_DIGITS}g}")
    if abs(rounded) >= 100:
        return f"{round(number):,}"
    magnitude = math.floor(math.log10(abs(rounded)))
    decimals = SIGNIFICANT_DIGITS - 1 - magnitude
    if decimals > 6:
        return f"{number:.2e}"
    return f"{rounded:.{decimals}f}"


def amount(value: float | None, quantity: Quantity, unit: Unit | None = None) -> str:
    """``value`` (base units) in a readable unit, such as ``12.3 kWh``."""
    if value is None or not math.isfinite(value):
        return MISSING
    unit = unit or unit_for(quantity, value)
    space = "" if quantity is Quantity.COUNT else " "
    return f"{digits(value / unit.size)}{space}{unit.symbol}".strip()


def count(value: float) -> str:
    """A count: whole below one thousand, shortened above."""
    return f"{value:.0f}" if abs(value) < 999.5 else amount(value, Quantity.COUNT)


def interval(low: float | None, high: float | None, quantity: Quantity, unit: Unit) -> str:
    """The low and high value in one given unit, such as ``8.10 to 20.4 kWh``."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return MISSING
    return f"{digits(low / unit.size)} to {digits(high / unit.size)} {unit.symbol}"


def percent(share: float | None) -> str:
    """A share between 0 and 1 as a percentage; tiny shares read ``< 0.1 %``."""
    if share is None or not math.isfinite(share):
        return MISSING
    if 0 < abs(share) < 0.001:
        return "< 0.1 %"
    if abs(share) >= 0.9995 or share == 0:
        return f"{share * 100:.0f} %"
    return f"{share * 100:.1f} %"


def signed_percent(share: float | None) -> str:
    """A change relative to what was before as ``+12.3 %``, small ones with all three digits."""
    if share is None or not math.isfinite(share):
        return MISSING
    return f"{signed(share * 100)} %"


def signed(number: float) -> str:
    """A difference with three significant digits and its sign; none has no sign."""
    sign = "+" if number > 0 else "-" if number < 0 else ""
    return f"{sign}{digits(abs(number))}"


def change(current: float | None, previous: float | None) -> str | None:
    """The relative change as ``+12.3 %``; None when there is nothing to compare with."""
    if current is None or previous is None or previous <= 0:
        return None
    if not (math.isfinite(current) and math.isfinite(previous)):
        return None
    ratio = current / previous - 1
    return f"{ratio * 100:+.1f} %" if abs(ratio) < 10 else f"{current / previous:,.0f} times"


def day(value: date) -> str:
    """A date as ``14 Nov 2026``."""
    return f"{value.day} {value:%b %Y}"


def month(value: date) -> str:
    """The month of a date as ``Nov 2026``."""
    return f"{value:%b %Y}"


def moment(value: datetime | None) -> str:
    """A time as ``14 Nov 2026 23:58 UTC``."""
    if value is None:
        return MISSING
    utc = value.astimezone(UTC)
    return f"{day(utc.date())} {utc:%H:%M} UTC"


def age(now: datetime, then: datetime) -> str:
    """How long ago ``then`` was, in the largest sensible unit."""
    seconds = max(0.0, (now - then).total_seconds())
    for size, one, many in ((86400, "day", "days"), (3600, "hour", "hours")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {one if count == 1 else many} ago"
    count = int(seconds // 60)
    return "just now" if count == 0 else f"{count} {'minute' if count == 1 else 'minutes'} ago"
