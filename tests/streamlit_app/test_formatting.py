"""Units and rounding."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from streamlit_app import formatting
from streamlit_app.formatting import Quantity


@pytest.mark.parametrize(
    ("value", "quantity", "text"),
    [
        (43.21, Quantity.ENERGY, "43.2 kWh"),
        (0.01234, Quantity.ENERGY, "12.3 Wh"),
        (1234.5, Quantity.ENERGY, "1.23 MWh"),
        (0.9996, Quantity.ENERGY, "1.00 kWh"),
        (0.99949, Quantity.ENERGY, "999 Wh"),
        (3.4e-8, Quantity.ENERGY, "0.0340 mWh"),
        (0.0, Quantity.ENERGY, "0 kWh"),
        (0.00052, Quantity.WATER, "0.520 mL"),
        (0.25, Quantity.WATER, "250 mL"),
        (1500.0, Quantity.WATER, "1.50 m³"),
        (0.0131, Quantity.CARBON, "13.1 g CO₂e"),
        (2500.0, Quantity.CARBON, "2.50 t CO₂e"),
        (0.0713, Quantity.CARBON_PER_MILLION_TOKENS, "71.3 g CO₂e/M tokens"),
        (7.0, Quantity.COUNT, "7.00"),
        (999.6, Quantity.COUNT, "1.00k"),
        (28185.0, Quantity.COUNT, "28.2k"),
        (183e6, Quantity.COUNT, "183M"),
        (5.5e16, Quantity.COUNT, "55,000T"),
        (None, Quantity.ENERGY, "n/a"),
        (float("nan"), Quantity.WATER, "n/a"),
        (float("inf"), Quantity.WATER, "n/a"),
    ],
)
def test_amounts_take_the_unit_that_reads_well(
    value: float | None, quantity: Quantity, text: str
) -> None:
    assert formatting.amount(value, quantity) == text


def test_whole_counts_below_a_thousand_have_no_decimals() -> None:
    assert formatting.count(7) == "7"
    assert formatting.count(28185) == "28.2k"


def test_a_range_keeps_the_unit_of_its_figure() -> None:
    unit = formatting.unit_for(Quantity.ENERGY, 43.2)
    assert formatting.interval(0.5, 155.0, Quantity.ENERGY, unit) == "0.500 to 155 kWh"
    assert formatting.interval(float("nan"), 1.0, Quantity.ENERGY, unit) == "n/a"


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0 %"), (1.0, "100 %"), (0.4871, "48.7 %"), (0.0004, "< 0.1 %"), (None, "n/a")],
)
def test_shares(share: float | None, text: str) -> None:
    assert formatting.percent(share) == text


@pytest.mark.parametrize(
    ("now", "before", "text"),
    [
        (110.0, 100.0, "+10.0 %"),
        (75.0, 100.0, "-25.0 %"),
        (5000.0, 100.0, "50 times"),
        (1.0, 0.0, None),
        (1.0, None, None),
        (float("nan"), 1.0, None),
    ],
)
def test_changes(now: float, before: float | None, text: str | None) -> None:
    assert formatting.change(now, before) == text


def test_times_are_utc_wherever_they_come_from() -> None:
    tokyo = timezone(timedelta(hours=9))
    assert formatting.moment(datetime(2026, 11, 15, 8, 58, tzinfo=tokyo)) == "14 Nov 2026 23:58 UTC"
    assert formatting.moment(None) == "n/a"


def test_ages() -> None:
    now = datetime(2026, 11, 15, 12, tzinfo=UTC)
    assert formatting.age(now, now) == "just now"
    assert formatting.age(now, now - timedelta(minutes=1)) == "1 minute ago"
    assert formatting.age(now, now - timedelta(hours=5)) == "5 hours ago"
    assert formatting.age(now, now - timedelta(days=6, hours=3)) == "6 days ago"
