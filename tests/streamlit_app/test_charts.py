"""What the charts tell the browser."""

from __future__ import annotations

import pandas as pd
import pytest

from streamlit_app import charts, metrics
from streamlit_app.metrics import Basis

DAYS = pd.to_datetime(["2026-11-01", "2026-11-02"]).astype("datetime64[us]")
FRAME = pd.DataFrame({
    "period": DAYS, "low": [0.1, 0.2], "mid": [0.3, 0.4], "high": [0.9, 1.2], "label": ["a", "b"]
})  # fmt: skip


def test_days_reach_the_browser_as_utc_and_are_drawn_in_utc() -> None:
    carbon = metrics.carbon(Basis.LOCATION)
    for chart in (
        charts.band(FRAME, carbon, "day"),
        charts.stacked(FRAME, carbon, "day", "label", "Team"),
    ):
        assert str(chart.data["period"].dt.tz) == "UTC"
        layer = chart.to_dict().get("layer", [chart.to_dict()])[0]
        assert layer["encoding"]["x"]["timeUnit"].startswith("utc")
        assert layer["encoding"]["x"]["scale"] == {"type": "utc"}


def test_the_band_is_drawn_and_the_title_names_unit_and_range() -> None:
    chart = charts.band(FRAME, metrics.carbon(Basis.MARKET), "day").to_dict()
    area, line = chart["layer"]
    assert (area["mark"]["type"], line["mark"]["type"]) == ("area", "line")
    assert area["encoding"]["y"]["field"] == "low"
    assert area["encoding"]["y2"]["field"] == "high"
    assert "Carbon, market-based (g CO₂e)" in chart["title"]["text"]
    assert "low to high range" in chart["description"]


def test_counts_have_no_band() -> None:
    chart = charts.band(FRAME, metrics.CALLS, "day").to_dict()
    assert len(chart["layer"]) == 1
    assert "range" not in chart["title"]["text"]


def test_a_ranked_chart_draws_every_range_and_name() -> None:
    chart = charts.ranked(FRAME, metrics.ENERGY, "label", "Team").to_dict()
    marks = [layer["mark"]["type"] for layer in chart["layer"]]
    assert marks == ["bar", "rule", "tick", "tick"]
    assert chart["layer"][0]["encoding"]["y"]["sort"] == ["a", "b"]


@pytest.mark.parametrize("colours", [charts.LIGHT, charts.DARK])
def test_colours_are_distinct_and_as_many_as_groups(colours: tuple[str, ...]) -> None:
    assert len(set(colours)) == len(colours) == 8
