"""The tables of restated months: units, signs, words and what is left out."""

from __future__ import annotations

import pandas as pd
import pytest

from streamlit_app import formatting, metrics, restatements
from streamlit_app.metrics import ENERGY

MONTH = {
    "period_start": pd.Timestamp("2026-09-01"),
    "frozen_on": pd.Timestamp("2026-10-21"),
    "metric": "energy_mid_kwh",
}


def part(difference: float, **values: str) -> dict[str, object]:
    texts = {"term": "PUE", "reported_factor_ids": "a", "restated_factor_ids": "b"}
    return {"difference": difference, **texts, **values}


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.397, "+39.7 %"), (-0.00865, "-0.865 %"), (0.0, "0 %"), (None, "n/a"), (12.0, "+1,200 %")],
)
def test_changes_keep_their_sign_and_digits(share: float | None, text: str) -> None:
    assert formatting.signed_percent(share) == text


def test_one_unit_per_row_and_the_flag_in_words() -> None:
    months = pd.DataFrame(
        [
            {**MONTH, "value_as_reported": 900.0, "value_restated": 1100.0, "difference": 200.0,
             "difference_share": 2 / 9, "is_significant": True},
            {**MONTH, "value_as_reported": 0.0, "value_restated": 0.5, "difference": 0.5,
             "difference_share": None, "is_significant": False},
        ]
    )  # fmt: skip
    table = restatements.comparison(months, metrics.by_mart_column())
    assert list(table.iloc[0]) == [
        "Sep 2026", "Energy", "0.900 MWh", "1.10 MWh", "+0.200 MWh", "+22.2 %", "Above 5 %",
        "21 Oct 2026",
    ]  # fmt: skip
    assert list(table.iloc[1])[2:7] == ["0 Wh", "500 Wh", "+500 Wh", "n/a", "Within 5 %"]


def test_largest_parts_come_first_and_the_rest_is_summed() -> None:
    count = restatements.PARTS_SHOWN + 3
    parts = pd.DataFrame([part(float(n) * (-1) ** n) for n in range(1, count + 1)])
    table = restatements.parts_table(parts, ENERGY, 1000.0)
    assert len(table) == restatements.PARTS_SHOWN + 1
    assert table["Difference (kWh)"].iloc[0] == "-33.0"
    last = table.iloc[-1]
    assert last["Part of the formula"] == "And 3 more"
    assert last["Difference (kWh)"] == "-2.00"
    assert last["Of the reported figure"] == "-0.200 %"


def test_factor_ids_cannot_become_markup() -> None:
    odd = part(1.0, reported_factor_ids="", restated_factor_ids="a:`**x**`, [b](http://c)")
    table = restatements.parts_table(pd.DataFrame([odd]), ENERGY, 0.0)
    assert table["Factor rows then"][0] == "none"
    assert table["Factor rows now"][0] == "`a:**x**`, `[b](http://c)`"
    assert table["Of the reported figure"][0] == "n/a"
