"""The charts of the report, as SVG text drawn with the vendored font.

Belongs here: marks, axes, colours and the text alternative of each chart. Does not belong here:
reading or summing rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import altair as alt
import vl_convert

from orchestration.reports.content import Content, Footprint
from orchestration.reports.numbers import CARBON, ENERGY, Unit, fitting, significant
from orchestration.reports.typeface import FAMILY, FONT_DIR, shortened

INK, MUTED, GRID = "#1b2a33", "#51616b", "#e3e8ea"
TEAL, TEAL_BAND, AMBER = "#0b6b60", "#b9dcd6", "#c2671b"
TEAL_BAR = "#4ba294"
WIDTH = 560
SHOWN = 8
_VEGA_LITE = "6.4"


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawn chart, its caption and what it shows in words."""

    svg: str
    caption: str
    alternative: str


@cache
def _register_font() -> None:
    vl_convert.register_font_directory(str(FONT_DIR))


def _chart(rows: list[Any]) -> alt.Chart:
    return alt.Chart(alt.Data(values=rows))  # type: ignore[no-untyped-call]


def _svg(chart: Any) -> str:
    _register_font()
    themed = (
        chart.configure(font=FAMILY, background="#ffffff")
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=INK,
            titleColor=MUTED,
            labelFontSize=9,
            titleFontSize=9,
            titleFontWeight="normal",
            gridColor=GRID,
            domainColor=MUTED,
            tickColor=MUTED,
            labelLimit=220,
        )
        .configure_legend(
            labelColor=INK, labelFontSize=9, title=None, orient="top", symbolType="square"
        )
    )
    return str(vl_convert.vegalite_to_svg(themed.to_dict(), vl_version=_VEGA_LITE))


def all_charts(content: Content) -> dict[str, Chart]:
    """Every chart of the report by the name the template knows it by."""
    return {
        "daily_energy": daily_energy(content),
        "energy_by_model": energy_by_model(content),
        "carbon_by_region": carbon_by_region(content),
    }


def daily_energy(content: Content) -> Chart:
    """Energy of each day as a line inside its low-high band; days without calls are gaps."""
    highest = max(day.metrics["energy"].high for day in content.days.values())
    unit = fitting(ENERGY, highest)
    rows = [_day_row(day, content.days.get(day), unit) for day in range(1, content.period.days + 1)]
    x = alt.X(
        "day:Q",
        title=f"Day of {content.period.title} (UTC)",
        axis=alt.Axis(values=[1, 5, 10, 15, 20, 25, content.period.days], grid=False, format="d"),
        scale=alt.Scale(domain=[0.5, content.period.days + 0.5], nice=False),
    )
    title = f"Energy ({unit.name} per day)"
    base = _chart(rows).properties(width=WIDTH, height=170)
    lonely = _chart([row for row in rows if _is_lonely(int(row["day"] or 0), content)])
    band = base.mark_area(color=TEAL_BAND).encode(
        x=x, y=alt.Y("low:Q", title=title, axis=alt.Axis(tickCount=5)), y2="high:Q"
    )
    bars = lonely.mark_rule(color=TEAL_BAND, strokeWidth=5).encode(x=x, y="low:Q", y2="high:Q")
    line = base.mark_line(color=TEAL, strokeWidth=2).encode(x=x, y="mid:Q")
    points = base.mark_point(color=TEAL, filled=True, size=18, opacity=1).encode(x=x, y="mid:Q")
    mids = {day: part.metrics["energy"].mid / unit.size for day, part in content.days.items()}
    top = max(mids, key=lambda day: mids[day])
    return Chart(
        svg=_svg(alt.layer(band, bars, line, points)),
        caption=(
            "Energy per day. Line: central estimate; band: low to high estimate. "
            "Days without calls have no mark."
        ),
        alternative=(
            f"Line chart of energy per day in {content.period.title}: {len(mids)} days with calls, "
            f"central estimate between {significant(min(mids.values()))} and "
            f"{significant(mids[top])} {unit.name}, highest on day {top}."
        ),
    )


def _is_lonely(day: int, content: Content) -> bool:
    """Whether a day has calls and its neighbours have none: a band would have no width."""
    return day in content.days and not {day - 1, day + 1} & content.days.keys()


def _day_row(day: int, footprint: Footprint | None, unit: Unit) -> dict[str, float | None]:
    if footprint is None:
        return {"day": day, "low": None, "mid": None, "high": None}
    energy = footprint.metrics["energy"]
    return {
        "day": day,
        "low": energy.low / unit.size,
        "mid": energy.mid / unit.size,
        "high": energy.high / unit.size,
    }


def energy_by_model(content: Content) -> Chart:
    """Bars of energy by model with low-high whiskers."""
    parts = {f"{model} · {provider}": part for (provider, model), part in content.models.items()}
    unit = fitting(ENERGY, max(part.metrics["energy"].mid for part in parts.values()))
    rows = [
        {
            "name": name,
            "low": part.metrics["energy"].low / unit.size,
            "mid": part.metrics["energy"].mid / unit.size,
            "high": part.metrics["energy"].high / unit.size,
        }
        for name, part in _top(parts).items()
    ]
    order = [str(row["name"]) for row in rows]
    base = _chart(rows).properties(width=WIDTH - 130, height={"step": 20})
    y = alt.Y("name:N", sort=order, title=None, axis=alt.Axis(domain=False, ticks=False))
    bar = base.mark_bar(color=TEAL_BAR, height=10).encode(
        y=y, x=alt.X("mid:Q", title=f"Energy in the month ({unit.name})")
    )
    whisker = base.mark_rule(color=INK, strokeWidth=1).encode(y=y, x="low:Q", x2="high:Q")
    ends = [
        base.mark_tick(color=INK, thickness=1, height=6).encode(y=y, x=f"{end}:Q")
        for end in ("low", "high")
    ]
    return Chart(
        svg=_svg(alt.layer(bar, whisker, *ends)),
        caption="Energy by model and provider. Bar: central estimate; whisker: low to high."
        + _largest_of(parts),
        alternative="Bar chart of energy by model: "
        + "; ".join(f"{row['name']} {significant(float(str(row['mid'])))}" for row in rows)
        + f" {unit.name}.",
    )


def carbon_by_region(content: Content) -> Chart:
    """Location- and market-based greenhouse gases by region, side by side."""
    parts = {
        _region_name(provider, region, zone): part
        for (provider, region, zone), part in content.regions.items()
    }
    carbon = "co2e_total_location"
    order = sorted(parts, key=lambda name: (-parts[name].metrics[carbon].mid, name))
    top = _top({name: parts[name] for name in order})
    methods = {"Location-based": carbon, "Market-based": "co2e_total_market"}
    unit = fitting(CARBON, max(p.metrics[carbon].mid for p in top.values()))
    rows = [
        {"name": name, "method": method, "mid": part.metrics[metric].mid / unit.size}
        for name, part in top.items()
        for method, metric in methods.items()
    ]
    chart = (
        _chart(rows)
        .mark_bar()
        .encode(
            y=alt.Y(
                "name:N",
                sort=list(top),
                title=None,
                axis=alt.Axis(domain=False, ticks=False),
                scale=alt.Scale(paddingInner=0.35),
            ),
            yOffset=alt.YOffset("method:N", sort=list(methods)),
            x=alt.X(
                "mid:Q",
                title=f"Greenhouse gases in the month ({unit.name})",
                axis=alt.Axis(tickCount=6),
            ),
            color=alt.Color(
                "method:N",
                sort=list(methods),
                scale=alt.Scale(domain=list(methods), range=[TEAL, AMBER]),
            ),
        )
        .properties(width=WIDTH - 130, height={"step": 11})
    )
    return Chart(
        svg=_svg(chart),
        caption=(
            "Greenhouse gases by region, central estimate, operational and embodied. "
            "The two methods are alternatives and are never added." + _largest_of(parts)
        ),
        alternative="Paired bar chart of greenhouse gases by region, location- and market-based: "
        + "; ".join(
            f"{name} {significant(part.metrics[carbon].mid / unit.size)} and "
            f"{significant(part.metrics['co2e_total_market'].mid / unit.size)}"
            for name, part in top.items()
        )
        + f" {unit.name}.",
    )


def _region_name(provider: str, region: str, zone: str) -> str:
    place = "region not known" if region == "unknown" else region
    return f"{place} · {provider} ({zone})"


def _top(parts: dict[str, Footprint]) -> dict[str, Footprint]:
    """The largest parts under short, distinct names; the table beside a chart has all."""
    top: dict[str, Footprint] = {}
    for name, part in list(parts.items())[:SHOWN]:
        short = shortened(name, 40)
        top[short if short not in top else f"{short} ({len(top) + 1})"] = part
    return top


def _largest_of(parts: dict[Any, Footprint]) -> str:
    return f" The {SHOWN} largest of {len(parts)}." if len(parts) > SHOWN else ""
