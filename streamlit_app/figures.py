"""Sums, means and ratios of mart columns.

Belongs here: aggregation of rows the marts hold. Does not belong here: any factor or
footprint formula, reading data, or formatting.

Frames are pandas frames with the metric columns of a footprint mart; ``tokens`` (fresh
input + cached input + output) is added by `with_tokens`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from ecomind.warehouse.columns import (
    ADDITIVE,
    ENERGY_WEIGHTED,
    SCENARIOS,
    TOKEN_COLUMNS,
    WEIGHT,
)
from streamlit_app.metrics import Metric

SUMMED = ("events", "tokens", *ADDITIVE)
OTHERS = "All others"


@dataclass(frozen=True)
class Value:
    """A central value with its low and high bound, in the base unit of its quantity."""

    low: float
    mid: float
    high: float


def with_tokens(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with a ``tokens`` column: fresh, cached and output tokens together."""
    return frame.assign(tokens=sum(frame[column] for column in TOKEN_COLUMNS))


def _mean(weighted_sum: pd.Series[float], weight: pd.Series[float]) -> pd.Series[float]:
    return weighted_sum / weight.where(weight > 0)


def grouped(frame: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """One row per key: footprints summed, quality and shares averaged by energy."""
    products = frame.assign(**{name: frame[name] * frame[WEIGHT] for name in ENERGY_WEIGHTED})
    result = products.groupby(list(keys), sort=False, observed=True, dropna=False)[
        [*SUMMED, *ENERGY_WEIGHTED]
    ].sum()
    for name in ENERGY_WEIGHTED:
        result[name] = _mean(result[name], result[WEIGHT])
    return result.reset_index()


def totals(frame: pd.DataFrame) -> pd.Series[float]:
    """The one-row aggregate of a frame; an empty frame gives zeros and missing means."""
    sums = {name: float(frame[name].sum()) for name in SUMMED}
    weight = sums[WEIGHT]
    for name in ENERGY_WEIGHTED:
        product = float((frame[name] * frame[WEIGHT]).sum())
        sums[name] = product / weight if weight > 0 else float("nan")
    return pd.Series(sums, dtype="float64")


def value_of(row: pd.Series[float], metric: Metric) -> Value:
    """A metric of one aggregated row, in the base unit of its quantity."""
    divisor = 1.0
    if metric.per_million_tokens:
        tokens = float(row["tokens"])
        divisor = tokens / 1e6 if tokens > 0 else float("nan")
    low, mid, high = (float(row[metric.column(s)]) / divisor for s in SCENARIOS)
    return Value(low, mid, high)


def with_metric(frame: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """The aggregated frame with the columns ``low``, ``mid`` and ``high`` of a metric."""
    divisor: pd.Series[float] | float = 1.0
    if metric.per_million_tokens:
        divisor = frame["tokens"].where(frame["tokens"] > 0) / 1e6
    return frame.assign(
        **{s: frame[metric.column(s)].astype("float64") / divisor for s in SCENARIOS}
    )


def by_period(frame: pd.DataFrame, grain: str, start: date, end: date) -> pd.DataFrame:
    """Sums per ``day``, ``week`` or ``month`` from ``start`` to ``end``, both included.

    Periods without usage are present with zeros, so a line does not bridge a gap. The
    column ``period`` holds the first day of each period that lies in the range.
    """
    days = pd.date_range(start, end, freq="D", unit="us")
    periods = pd.DataFrame({"period": period_start(pd.Series(days), grain).unique()})
    summed = grouped(frame.assign(period=period_start(frame["usage_date"], grain)), ["period"])
    result = periods.merge(summed, on="period", how="left")
    result[list(SUMMED)] = result[list(SUMMED)].fillna(0.0)
    return result.assign(period=not_before(result["period"], start))


def period_start(days: pd.Series[pd.Timestamp], grain: str) -> pd.Series[pd.Timestamp]:
    """The first day of the day, week (Monday) or month of each date."""
    frequency = {"day": "D", "week": "W-SUN", "month": "M"}[grain]
    return days.dt.to_period(frequency).dt.start_time.astype("datetime64[us]")


def not_before(days: pd.Series[pd.Timestamp], start: date) -> pd.Series[pd.Timestamp]:
    """The days with those before ``start`` moved to it."""
    first = pd.Timestamp(start)
    return days.where(days >= first, first)


def top(frame: pd.DataFrame, label: str, order: str, count: int) -> pd.DataFrame:
    """The ``count`` largest rows by ``order``; the rest summed into one row of others."""
    ordered = frame.sort_values([order, label], ascending=[False, True], ignore_index=True)
    if len(ordered) <= count:
        return ordered
    rest = totals(ordered.iloc[count:]).to_frame().T.assign(**{label: OTHERS})
    kept = ordered.iloc[:count]
    columns = [label, *SUMMED, *ENERGY_WEIGHTED]
    return pd.concat([kept[columns], rest[columns]], ignore_index=True)


def previous_period(start: date, end: date) -> tuple[date, date]:
    """The equally long period that ends the day before ``start``."""
    length = end - start
    last = start - timedelta(days=1)
    return last - length, last
