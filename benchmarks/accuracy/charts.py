"""The charts of ``docs/validation.md``, as SVG text for light and for dark pages.

Belongs here: marks, axes and colours. Does not belong here: computing what is drawn.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import vl_convert

from benchmarks.accuracy.anchors import FLASH, GPT_4O, jegham_wh, oviedo_quartiles, published
from benchmarks.accuracy.fit import measured
from benchmarks.accuracy.measurements import rows_of
from benchmarks.accuracy.results import ECOLOGITS, OURS, every, results
from benchmarks.accuracy.seeds import energy_wh
from ecomind.settings import PROJECT_ROOT

# Text is measured with this font, so that a chart is the same wherever it is made.
FONT_DIR, FONT = PROJECT_ROOT / "orchestration" / "reports" / "fonts", "DejaVu Sans"
_VEGA_LITE = "6.4"
LOWEST_J, HIGHEST_J = 0.02, 32.0


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours of a page."""

    name: str
    background: str
    ink: str
    muted: str
    grid: str
    ours: str
    ecologits: str


THEMES = (
    Theme("light", "#ffffff", "#1b2a33", "#51616b", "#e3e8ea", "#0b6b60", "#c2671b"),
    Theme("dark", "#0d1117", "#e6edf0", "#9fb0b8", "#29343b", "#4fc3b0", "#f0a35e"),
)


def _chart(rows: Sequence[dict[str, Any]]) -> alt.Chart:
    return alt.Chart(alt.Data(values=list(rows)))  # type: ignore[no-untyped-call]


def _svg(chart: Any, theme: Theme) -> str:
    vl_convert.register_font_directory(str(FONT_DIR))
    themed = (
        chart.configure(font=f"{FONT}, sans-serif", background=theme.background, padding=12)
        .configure_view(stroke=None)
        .configure_axis(labelColor=theme.ink, titleColor=theme.muted, titleFontWeight="normal",
                        gridColor=theme.grid, domainColor=theme.muted, tickColor=theme.muted,
                        labelFontSize=11, titleFontSize=11, labelLimit=240)
        .configure_title(color=theme.ink, fontSize=12, anchor="start", fontWeight="normal")
        .configure_header(labelColor=theme.ink, labelFontSize=12, labelAnchor="start", title=None)
        .configure_legend(labelColor=theme.ink, labelFontSize=11, title=None, orient="top")
    )  # fmt: skip
    specification = themed.to_dict()
    specification["config"]["aria"] = False
    text = str(vl_convert.vegalite_to_svg(specification, vl_version=_VEGA_LITE))
    # Digits beyond a hundredth of a pixel cannot be seen and differ between machines.
    return re.sub(r"\d+\.\d{3,}", lambda match: f"{float(match[0]):.2f}", text) + "\n"


def _panel(rows: list[dict[str, Any]], title: str, color: str, theme: Theme) -> Any:
    scale = alt.Scale(type="log", domain=[LOWEST_J, HIGHEST_J], nice=False)
    axis = alt.Axis(values=[0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20], format="~g")
    points = (
        _chart(rows)
        .mark_point(color=color, filled=True, size=22, opacity=0.6)
        .encode(
            x=alt.X("measured:Q", title="measured (J per output token)", scale=scale, axis=axis),
            y=alt.Y("predicted:Q", title="predicted (J per output token)", scale=scale, axis=axis),
        )
    )
    lines = [
        _chart([{"x": LOWEST_J, "y": LOWEST_J * factor}, {"x": HIGHEST_J, "y": HIGHEST_J * factor}])
        .mark_line(color=theme.muted, strokeWidth=1, strokeDash=dash, clip=True)
        .encode(x=alt.X("x:Q", scale=scale), y=alt.Y("y:Q", scale=scale))
        for factor, dash in ((1.0, [1, 0]), (2.0, [3, 3]), (0.5, [3, 3]))
    ]
    return alt.layer(*lines, points).properties(title=title, width=300, height=300)


def predicted_against_measured(theme: Theme) -> str:
    """Both predictions of every measured row, logarithmic, with lines at half and double."""
    part = results("all")
    truth = measured(part.rows)
    panels = []
    for method, words, color in (
        (OURS, "This formula, model held out", theme.ours),
        (ECOLOGITS, "EcoLogits, told the batch", theme.ecologits),
    ):
        rows = [
            {"measured": float(f"{a:.4g}"), "predicted": float(f"{b:.4g}")}
            for a, b in zip(truth, part.predicted[method], strict=True)
        ]
        spread = part.errors(method, every).geometric_sd
        title = f"{words}: geometric SD x{spread:.2f}"
        panels.append(_panel(rows, title, color, theme))
    return _svg(alt.hconcat(*panels, spacing=84, bounds="flush"), theme)


OWN, LOGITS, OTHER = "EcoMind, low to high", "EcoLogits 0.11.3", "published by others"


def _ours(call: str, model: str, fresh: int, output: int) -> dict[str, Any]:
    band = energy_wh(model, fresh, output)
    return {"call": call, "name": f"EcoMind, {output:,} out", "kind": OWN,
            "low": band.low, "mid": band.mid, "high": band.high}  # fmt: skip


def _theirs(call: str, model: str, output: int) -> dict[str, Any]:
    row = next(
        r
        for r in rows_of("ecologits_energy.csv")
        if r["model"] == model and r["output_tokens"] == str(output)
    )
    low, high = float(row["energy_wh_min"]), float(row["energy_wh_max"])
    return {"call": call, "name": f"EcoLogits, {output:,} out", "kind": LOGITS,
            "low": low, "mid": None, "high": high}  # fmt: skip


def _point(call: str, name: str, value: float, low: float = 0, high: float = 0) -> dict[str, Any]:
    return {"call": call, "name": name, "kind": OTHER,
            "low": low or value, "mid": value, "high": high or value}  # fmt: skip


def comparison_rows() -> list[dict[str, Any]]:
    """Wh per query by call and by who says so; with the facility's share, as all of them."""
    jegham = jegham_wh()
    short = "GPT-4o, an ordinary question: 100 in"
    medium = "GPT-4o: 1,000 in, 1,000 out"
    long = "GPT-4o: 10,000 in"
    flash = "Gemini 2.5 Flash, an ordinary question: 100 in"
    large = "Mistral Large 3 (2512): 100 in"
    return [
        _ours(short, GPT_4O, 100, 300),
        _ours(short, GPT_4O, 100, 500),
        _theirs(short, "gpt-4o", 400),
        _point(short, "Jegham v6, 300 out", jegham[100, 300]),
        _point(short, "Epoch AI, 500 out", published("epoch-2025")),
        _point(short, "Altman, average query", published("altman-2025")),
        _point(short, "Oviedo, median and quartiles", published("oviedo-2026"),
               *oviedo_quartiles()),
        _ours(medium, GPT_4O, 1000, 1000),
        _theirs(medium, "gpt-4o", 1000),
        _point(medium, "Jegham v6, 1,000 out", jegham[1000, 1000]),
        _ours(long, GPT_4O, 10_000, 500),
        _ours(long, GPT_4O, 10_000, 1500),
        _point(long, "Jegham v6, 1,500 out", jegham[10_000, 1500]),
        _point(long, "Epoch AI, 500 out", published("epoch-2025-10k")),
        _ours(flash, FLASH, 100, 300),
        _theirs(flash, "gemini-2.5-flash", 400),
        _point(flash, "Google, median prompt", published("google-2025-energy")),
        _ours(large, "mistral/mistral-large-2512", 100, 400),
        _theirs(large, "mistral-large-2512", 400),
    ]  # fmt: skip


def energy_per_query(theme: Theme) -> str:
    """Ours from low to high beside EcoLogits and published figures, one strip per call."""
    rows = comparison_rows()
    kinds = [OWN, LOGITS, OTHER]
    color = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=kinds, range=[theme.ours, theme.ecologits, theme.muted]),
        legend=alt.Legend(symbolType="circle", symbolOpacity=1),
    )
    strips = []
    calls = list(dict.fromkeys(row["call"] for row in rows))
    for call in calls:
        own = [row for row in rows if row["call"] == call]
        base = _chart(own).encode(
            y=alt.Y("name:N", sort=[row["name"] for row in own], title=None,
                    axis=alt.Axis(domain=False, ticks=False, minExtent=200, maxExtent=200)),
            color=color,
        )  # fmt: skip
        last = call == calls[-1]
        x = alt.X(
            "low:Q",
            title="Wh per query, logarithmic" if last else None,
            scale=alt.Scale(type="log", domain=[0.05, 16], nice=False),
            axis=alt.Axis(values=[0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10], format="~g", labels=last),
        )
        rule = base.mark_rule(strokeWidth=5, opacity=0.45, strokeCap="round").encode(
            x=x, x2="high:Q"
        )
        point = base.mark_point(filled=True, size=60, opacity=1).encode(x="mid:Q")
        strips.append(alt.layer(rule, point).properties(title=call, width=440, height={"step": 18}))
    return _svg(alt.vconcat(*strips, spacing=8), theme)


def pictures() -> dict[str, str]:
    """SVG text by file name."""
    drawn = {"validation-fit": predicted_against_measured, "validation-queries": energy_per_query}
    return {
        f"{name}-{theme.name}.svg": draw(theme) for name, draw in drawn.items() for theme in THEMES
    }
