"""Sums, means, ratios and the rule for small groups."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import pandas as pd
import pytest

from ecomind.warehouse.small_groups import SMALL_TEAMS_ID, small_teams
from streamlit_app import figures, metrics
from streamlit_app.metrics import Basis
from streamlit_app.privacy import fold_small_teams


def row(day: str, label: str, kwh: float, **values: Any) -> dict[str, Any]:
    numbers = dict.fromkeys((*figures.SUMMED, *figures.ENERGY_WEIGHTED), 0.0)
    bounds = {"energy_low_kwh": kwh / 2, "energy_mid_kwh": kwh, "energy_high_kwh": kwh * 3}
    return {"usage_date": pd.Timestamp(day), "label": label, **numbers, **bounds, **values}


ROWS = pd.DataFrame(
    [
        row("2026-11-01", "a", 3.0, data_quality_score=2.0, tokens=1e6),
        row("2026-11-03", "a", 1.0, data_quality_score=4.0, tokens=3e6),
        row("2026-11-03", "b", 4.0, data_quality_score=5.0, tokens=0.0),
        row("2026-11-09", "c", 0.0, data_quality_score=1.0, tokens=0.0),
    ]
)


def test_footprints_are_summed_and_quality_is_weighted_by_energy() -> None:
    by_label = figures.grouped(ROWS, ["label"]).set_index("label")
    assert by_label.loc["a", "energy_mid_kwh"] == 4.0
    assert by_label.loc["a", "data_quality_score"] == (3 * 2 + 1 * 4) / 4
    assert math.isnan(by_label.loc["c", "data_quality_score"])
    whole = figures.totals(ROWS)
    assert whole["energy_high_kwh"] == 24.0
    assert whole["data_quality_score"] == (3 * 2 + 1 * 4 + 4 * 5) / 8


def test_the_totals_of_nothing_are_zero_without_a_mean() -> None:
    whole = figures.totals(ROWS.iloc[:0])
    assert whole["energy_mid_kwh"] == 0.0
    assert math.isnan(whole["data_quality_score"])


def test_a_ratio_divides_sums_and_is_missing_without_tokens() -> None:
    by_label = figures.grouped(ROWS, ["label"]).set_index("label")
    value = figures.value_of(by_label.loc["a"], metrics.ENERGY_INTENSITY)
    assert (value.low, value.mid, value.high) == (0.5, 1.0, 3.0)
    assert math.isnan(figures.value_of(by_label.loc["b"], metrics.ENERGY_INTENSITY).mid)


def test_days_without_usage_are_zeros_not_gaps() -> None:
    daily = figures.by_period(ROWS, "day", date(2026, 11, 1), date(2026, 11, 4))
    assert daily["energy_mid_kwh"].tolist() == [3.0, 0.0, 5.0, 0.0]


def test_weeks_start_on_monday_and_months_on_the_first() -> None:
    weeks = figures.by_period(ROWS, "week", date(2026, 11, 1), date(2026, 11, 9))
    starts = ["2026-11-01", "2026-11-02", "2026-11-09"]
    assert weeks["period"].dt.strftime("%Y-%m-%d").tolist() == starts
    assert weeks["energy_mid_kwh"].tolist() == [3.0, 5.0, 0.0]
    months = figures.by_period(ROWS, "month", date(2026, 11, 1), date(2026, 12, 2))
    assert months["energy_mid_kwh"].tolist() == [8.0, 0.0]


def test_the_rest_is_summed_into_others_and_nothing_is_lost() -> None:
    summed = figures.grouped(ROWS, ["label"])
    largest = figures.top(summed, "label", "energy_mid_kwh", 1)
    assert largest["label"].tolist() == ["a", figures.OTHERS]
    assert largest["energy_mid_kwh"].tolist() == [4.0, 4.0]
    assert len(figures.top(summed, "label", "energy_mid_kwh", 3)) == 3


def test_the_previous_period_is_equally_long_and_adjacent() -> None:
    before = figures.previous_period(date(2026, 11, 1), date(2026, 11, 30))
    assert before == (date(2026, 10, 2), date(2026, 10, 31))
    one_day = figures.previous_period(date(2026, 11, 5), date(2026, 11, 5))
    assert one_day == (date(2026, 11, 4), date(2026, 11, 4))


def test_the_bases_are_separate_columns() -> None:
    assert metrics.carbon(Basis.LOCATION).column("mid") == "co2e_total_location_mid_kg"
    assert metrics.carbon(Basis.MARKET).column("low") == "co2e_total_market_low_kg"


@pytest.mark.parametrize(
    ("people", "hidden"),
    [
        ({"a": 5, "b": 9}, set()),
        ({"a": 4, "b": 1, "c": 9}, {"a", "b"}),
        # One small team alone could be had as the total minus the others.
        ({"a": 2, "b": 6, "c": 9}, {"a", "b"}),
        ({"a": 2, "b": 1}, {"a", "b"}),
        ({"a": 0, "b": 8, "c": 9}, {"a", "b"}),
        ({"unattributed": 0, "b": 8}, set()),
        ({"unattributed": 1, "b": 8}, {"unattributed", "b"}),
    ],
)
def test_no_shown_group_has_fewer_than_five_people(
    people: dict[str, int], hidden: set[str]
) -> None:
    assert small_teams(people, sorted(people)) == hidden


def test_folded_rows_keep_their_figures() -> None:
    rows = pd.DataFrame({"team_id": ["a", "b", "c"], "energy_mid_kwh": [1.0, 2.0, 4.0]})
    folded = fold_small_teams(rows, {"a": 2, "b": 3, "c": 7})
    assert folded["team_id"].tolist() == [SMALL_TEAMS_ID, SMALL_TEAMS_ID, "c"]
    assert folded["energy_mid_kwh"].sum() == 7.0
