"""From token metrics to usage buckets.

Belongs here: which metrics count tokens, and what a point of them is. Does not belong here:
differencing cumulative series, or comparing counts with calls (dbt does both). Histograms that
are there for percentiles count the same tokens again and are left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from math import isfinite
from typing import Any

import msgspec

from ecomind.contract.codec import Problem
from ingest_api.adapters.base import Bucket
from ingest_api.adapters.otlp import calls, names
from ingest_api.adapters.otlp.shape import Point

_COUNTERS = {
    "gen_ai.client.inference.usage.input_tokens": "input_tokens",
    "gen_ai.client.inference.usage.output_tokens": "output_tokens",
    "gen_ai.client.inference.usage.cache_read.input_tokens": "cache_read_input_tokens",
    "gen_ai.client.inference.usage.cache_write.input_tokens": "cache_write_input_tokens",
    "gen_ai.client.inference.usage.reasoning.output_tokens": "reasoning_output_tokens",
}
_TOKEN_USAGE = "gen_ai.client.token.usage"  # noqa: S105
_TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105
_TOKEN_TYPES = {
    "input": "input_tokens",
    "prompt": "input_tokens",
    "output": "output_tokens",
    "completion": "output_tokens",
}
METRICS = frozenset({*_COUNTERS, _TOKEN_USAGE})
"""Metrics of which every token is counted once."""

TEMPORALITY_NAMES = {
    "AGGREGATION_TEMPORALITY_DELTA": 1,
    "AGGREGATION_TEMPORALITY_CUMULATIVE": 2,
}
_TEMPORALITIES = {1: "delta", 2: "cumulative"}
_SERIES_DIGITS = 32


def items(points: Iterable[Point]) -> Iterator[object]:
    """The buckets of points; a point whose operation or token type counts nothing is none."""
    for point in points:
        column = _column(point)
        operation = _operation(point.attributes)
        if column is not None and operation is not None:
            yield _bucket(point, column, operation)


def _column(point: Point) -> str | None:
    if point.metric == _TOKEN_USAGE:
        return _TOKEN_TYPES.get(str(point.attributes.get(_TOKEN_TYPE))[:16])
    return _COUNTERS[point.metric]


def _operation(attributes: Mapping[str, Any]) -> str | None:
    """The contract's operation; None for one that repeats the usage of others."""
    value = attributes.get(names.OPERATION)
    return "chat" if value is None else names.OPERATIONS[names.OPERATION].get(str(value)[:64])


def _bucket(point: Point, column: str, operation: str) -> Bucket | Problem:
    if point.value is None:
        return Problem("missing_field", f"/{column}", "the data point has no value")
    known = calls.fields(point.attributes)
    provider = names.provider_name(known.get("provider"))
    bucket = {
        "connector": "otlp_metrics",
        "series_id": series_id(point),
        # An unspecified temporality is told as invalid: both guesses could be wrong.
        "temporality": _TEMPORALITIES.get(point.temporality, "unspecified"),
        "bucket_start": calls.moment(point.start_ns),
        "bucket_end": calls.moment(point.end_ns),
        "provider": provider,
        "operation": operation,
        column: _count(point.value),
    }
    described = {
        "model": known.get("response_model", known.get("request_model")),
        "service": calls.service_name(point.resource),
        "service_tier": known.get("service_tier"),
    }
    if calls.is_self_hosted(provider, point.scope):
        described["region"] = point.resource.get(names.CLOUD_REGION)
    bucket.update({name: value for name, value in described.items() if value is not None})
    return Bucket(bucket)


def _count(value: Any) -> Any:
    """A histogram's sum is a double that holds whole tokens."""
    return round(value) if isinstance(value, float) and isfinite(value) else value


def series_id(point: Point) -> str:
    """What stays the same for all points of one series, whichever way they were sent."""
    identity = [point.resource, point.scope, point.metric, point.attributes]
    digest = hashlib.sha256(msgspec.json.encode(identity, order="sorted"))
    return digest.hexdigest()[:_SERIES_DIGITS]
