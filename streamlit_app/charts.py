"""The charts: one look, titles with units, ranges drawn, colours safe for colour-blind readers.

Belongs here: Altair specifications. Does not belong here: aggregation, or reading. Every
chart carries a text description for screen readers and a title that names its unit.
"""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from ecomind.warehouse.columns import SCENARIOS
from streamlit_app.figures import OTHERS
from streamlit_app.formatting import unit_for
from streamlit_app.metrics import Metric

LIGHT = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f", "#b8a900")
DARK = ("#56b4e9", "#e69f00", "#2fc597", "#e09cc4", "#f2733a", "#8ba6ff", "#a8a8a8", "#f0e442")
OTHERS_COLOUR = "#8c9692"
HEIGHT_PX = 300
ROW_PX = 30
FRAME_PX = 90  # Title, axis and margins, which the height of a chart includes.
NUMBER = ",~f"
TIP = ",.3~r"


def palette() -> tuple[str, ...]:
    """The categorical colours of the theme the reader chose."""
    return DARK if st.context.theme.type == "dark" else LIGHT


def scaled(frame: pd.DataFrame, metric: Metric) -> tuple[pd.DataFrame, str]:
    """The columns ``low``, ``mid``, ``high`` in one readable unit, and the title with it.

    The unit follows the largest central value.
    """
    unit = unit_for(metric.quantity, float(frame["mid"].max()) if len(frame) else None)
    columns = {name: frame[name] / unit.size for name in SCENARIOS if name in frame}
    title = f"{metric.label} ({unit.symbol})" if unit.symbol else metric.label
    return frame.assign(**columns), title


def _as_utc(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """The frame with days marked as UTC, or a browser would read them in its own time zone."""
    return frame.assign(**{column: frame[column].dt.tz_localize("UTC")})


def _days(column: str, grain: str) -> alt.X:
    # Days are UTC days: a browser elsewhere must not move them to the evening before.
    steps = {"day": "utcyearmonthdate", "week": "utcyearmonthdate", "month": "utcyearmonth"}
    form = "%b %Y" if grain == "month" else "%-d %b"
    axis = alt.Axis(format=form, labelOverlap=True, grid=False, tickCount=8)
    unit: Any = steps[grain]
    return alt.X(
        column, type="temporal", timeUnit=unit, title=None, axis=axis, scale=alt.Scale(type="utc")
    )


def _tooltips(metric: Metric, title: str) -> list[alt.Tooltip]:
    tips = [alt.Tooltip("mid:Q", title=title, format=TIP)]
    if metric.has_range:
        tips.append(alt.Tooltip("low:Q", title="Low", format=TIP))
        tips.append(alt.Tooltip("high:Q", title="High", format=TIP))
    return tips


def _described(
    chart: Any, title: str, description: str, height_px: int = HEIGHT_PX, subtitle: str = ""
) -> Any:
    heading = alt.TitleParams(
        title,
        anchor="start",
        fontSize=14,
        fontWeight=600,
        subtitle=subtitle,
        subtitleFontSize=12,
        subtitleColor="#9fb0a8" if st.context.theme.type == "dark" else "#5d6b65",
    )
    return chart.properties(title=heading, description=description, height=height_px)


def band(frame: pd.DataFrame, metric: Metric, grain: str, heading: str = "") -> Any:
    """A line of the central value within its low to high band.

    ``frame`` holds ``period``, ``low``, ``mid`` and ``high`` (base units).
    """
    data, title = scaled(_as_utc(frame, "period"), metric)
    x, colour = _days("period", grain), palette()[0]
    day = alt.Tooltip(
        "period:T",
        title="From" if grain != "day" else "Day",
        format="%-d %b %Y",
        timeUnit="utcyearmonthdate",
    )
    y_axis = alt.Axis(title=None, tickCount=5, format=NUMBER)
    base = alt.Chart(data)
    line = base.mark_line(
        color=colour, strokeWidth=2.5, point=alt.OverlayMarkDef(color=colour, size=28)
    ).encode(x=x, y=alt.Y("mid:Q", axis=y_axis), tooltip=[day, *_tooltips(metric, title)])
    layers = [line]
    note = ""
    if metric.has_range:
        area = base.mark_area(color=colour, opacity=0.22).encode(
            x=x, y=alt.Y("low:Q", axis=y_axis), y2="high:Q"
        )
        layers.insert(0, area)
        note = " with its low to high range"
    text = f"Line chart of {title}{note} per {grain}."
    return _described(alt.layer(*layers), f"{heading or title}{note} per {grain}", text)


def stacked(frame: pd.DataFrame, metric: Metric, grain: str, label: str, by: str) -> Any:
    """Stacked bars of the central value per period, split by ``label``.

    ``frame`` holds ``period``, ``mid`` (base units) and the text column ``label``; colours
    follow the total of each label.
    """
    per_period = frame.groupby("period")["mid"].sum()
    unit = unit_for(metric.quantity, float(per_period.max()) if len(per_period) else None)
    title = f"{metric.label} ({unit.symbol})" if unit.symbol else metric.label
    data = _as_utc(frame, "period").assign(mid=frame["mid"] / unit.size)
    order = data.groupby(label)["mid"].sum().sort_values(ascending=False).index.tolist()
    names = [name for name in order if name != OTHERS]
    names += [OTHERS] if OTHERS in order else []
    data = data.assign(rank=data[label].map({name: i for i, name in enumerate(names)}))
    colours = palette()
    shades = [
        OTHERS_COLOUR if name == OTHERS else colours[i % len(colours)]
        for i, name in enumerate(names)
    ]
    day = alt.Tooltip(
        "period:T",
        title="From" if grain != "day" else "Day",
        format="%-d %b %Y",
        timeUnit="utcyearmonthdate",
    )
    chart = (
        alt.Chart(data)
        .mark_bar()
        .encode(
            x=_days("period", grain),
            y=alt.Y("mid:Q", stack=True, axis=alt.Axis(title=None, tickCount=5, format=NUMBER)),
            color=alt.Color(
                f"{label}:N",
                scale=alt.Scale(domain=names, range=shades),
                legend=alt.Legend(title=None, orient="bottom", columns=4, labelLimit=220),
            ),
            order=alt.Order("rank:Q"),
            tooltip=[
                day,
                alt.Tooltip(f"{label}:N", title=by),
                alt.Tooltip("mid:Q", title=title, format=TIP),
            ],
        )
    )
    heading = f"{title} per {grain}, by {by.lower()}"
    return _described(chart, heading, f"Stacked bar chart of {heading}.", HEIGHT_PX + 60)


def ranked(frame: pd.DataFrame, metric: Metric, label: str, by: str) -> Any:
    """Horizontal bars of the central value, with a line from low to high on each.

    ``frame`` holds ``label``, ``low``, ``mid`` and ``high`` (base units), in display order.
    """
    data, title = scaled(frame, metric)
    names = data[label].tolist()
    # Room for the names first: the plot area shrinks, the names stay whole.
    y = alt.Y(
        f"{label}:N", sort=names, title=None, axis=alt.Axis(labelLimit=220, labelOverlap=False)
    )
    x_axis = alt.Axis(title=None, tickCount=5, format=NUMBER)
    base = alt.Chart(data)
    tips = [alt.Tooltip(f"{label}:N", title=by), *_tooltips(metric, title)]
    bars = base.mark_bar(color=palette()[0], opacity=0.85, height={"band": 0.62}).encode(
        y=y, x=alt.X("mid:Q", axis=x_axis), tooltip=tips
    )
    layers, note = [bars], ""
    if metric.has_range:
        ink = "#e8efec" if st.context.theme.type == "dark" else "#1a2421"
        layers.append(
            base.mark_rule(color=ink, strokeWidth=1.5).encode(
                y=y, x=alt.X("low:Q", axis=x_axis), x2="high:Q"
            )
        )
        for end in ("low", "high"):
            layers.append(
                base.mark_tick(color=ink, thickness=1.5, size=9).encode(
                    y=y, x=alt.X(f"{end}:Q", axis=x_axis)
                )
            )
        note = "Bar: central value; line: low to high"
    heading = f"{title} by {by.lower()}"
    height_px = ROW_PX * len(names) + FRAME_PX
    description = f"Bar chart of {heading}. {note}".strip()
    return _described(alt.layer(*layers), heading, description, height_px, note)


def paired(frame: pd.DataFrame, metric: Metric, label: str, by: str) -> Any:
    """Location and market side by side: ``frame`` holds ``label``, ``basis`` and ``mid``."""
    data, title = scaled(frame, metric)
    names = data[label].drop_duplicates().tolist()
    bases = ["Location-based", "Market-based"]
    chart = (
        alt.Chart(data)
        .mark_bar()
        .encode(
            y=alt.Y(
                f"{label}:N",
                sort=names,
                title=None,
                axis=alt.Axis(labelLimit=220, labelOverlap=False),
            ),
            yOffset=alt.YOffset("basis:N", sort=bases),
            x=alt.X("mid:Q", axis=alt.Axis(title=None, tickCount=5, format=NUMBER)),
            color=alt.Color(
                "basis:N",
                scale=alt.Scale(domain=bases, range=list(palette()[:2])),
                legend=alt.Legend(title=None, orient="bottom"),
            ),
            tooltip=[
                alt.Tooltip(f"{label}:N", title=by),
                alt.Tooltip("basis:N", title="Basis"),
                alt.Tooltip("mid:Q", title=title, format=TIP),
            ],
        )
    )
    heading = f"{title} by {by.lower()}, the two bases side by side"
    height_px = ROW_PX * len(names) + FRAME_PX + 40
    return _described(chart, heading, f"Grouped bar chart of {heading}.", height_px)


def counts(frame: pd.DataFrame, day: str, columns: dict[str, str], heading: str) -> Any:
    """Stacked daily counts: ``columns`` maps a column to its label, in stacking order."""
    long = (
        _as_utc(frame, day)
        .melt(id_vars=[day], value_vars=list(columns), var_name="kind", value_name="count")
        .assign(kind=lambda f: f["kind"].map(columns))
    )
    names = list(columns.values())
    chart = (
        alt.Chart(long)
        .mark_bar()
        .encode(
            x=_days(day, "day"),
            y=alt.Y("count:Q", stack=True, axis=alt.Axis(title=None, tickCount=5, format=NUMBER)),
            color=alt.Color(
                "kind:N",
                scale=alt.Scale(domain=names, range=list(palette()[: len(names)])),
                legend=alt.Legend(title=None, orient="bottom"),
            ),
            tooltip=[
                alt.Tooltip(
                    f"{day}:T", title="Day", format="%-d %b %Y", timeUnit="utcyearmonthdate"
                ),
                alt.Tooltip("kind:N", title="Kind"),
                alt.Tooltip("count:Q", title="Events", format=","),
            ],
        )
    )
    return _described(chart, heading, f"Stacked bar chart: {heading}.")


def show(chart: Any) -> None:
    """Put a chart on the page, as wide as its place."""
    st.altair_chart(chart, width="stretch", theme="streamlit")
