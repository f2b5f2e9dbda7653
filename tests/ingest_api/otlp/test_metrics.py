"""What becomes of metric points, in both encodings."""

from __future__ import annotations

from typing import Any

import pytest

from ecomind.contract.codec import Problem
from ingest_api.adapters.base import Bucket
from tests.ingest_api.otlp.wire import (
    ENCODINGS,
    END_NS,
    START_NS,
    attributes,
    judged,
    metrics,
    parsed,
)

SHARED = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "m",
}
INPUT = "gen_ai.client.inference.usage.input_tokens"
TOKEN_USAGE = "gen_ai.client.token.usage"
LAST_MODALITY = "gen_ai.token.modality"


@pytest.fixture(params=ENCODINGS)
def encoding(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def point(of: dict[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    held = SHARED if of is None else of
    times = {"startTimeUnixNano": str(START_NS), "timeUnixNano": str(END_NS)}
    return {"attributes": attributes(held), **times, **members}


def counter(*points: dict[str, Any], name: str = INPUT, temporality: int = 1) -> dict[str, Any]:
    data = {"aggregationTemporality": temporality, "isMonotonic": True, "dataPoints": list(points)}
    return {"name": name, "sum": data}


def histogram(
    *points: dict[str, Any], name: str = TOKEN_USAGE, kind: str = "histogram"
) -> dict[str, Any]:
    return {"name": name, kind: {"aggregationTemporality": 2, "dataPoints": list(points)}}


def buckets(encoding: str, *each: dict[str, Any], **document: Any) -> list[dict[str, Any]]:
    found = parsed("metrics", encoding, metrics(*each, **document))
    assert all(isinstance(item, Bucket) for item in found)
    return [dict(item.fields) for item in found]


def test_modalities_are_series_of_their_own_and_nothing_is_lost(encoding: str) -> None:
    points = [
        point({**SHARED, LAST_MODALITY: modality}, asInt=str(count))
        for modality, count in (("text", 100), ("image", 7), ("unknown", 1))
    ]
    found = buckets(encoding, counter(*points))
    assert sum(bucket["input_tokens"] for bucket in found) == 108
    assert len({bucket["series_id"] for bucket in found}) == 3


def test_a_series_is_told_by_everything_but_its_time_and_value(encoding: str) -> None:
    def series(of: dict[str, Any] | None = None, name: str = INPUT, **members: Any) -> str:
        resource = members.pop("resource", None)
        metric = counter(point(of, asInt="1", **members), name=name)
        return str(buckets(encoding, metric, resource=resource)[0]["series_id"])

    first = series()
    assert series(timeUnixNano=str(END_NS + 1)) == first
    assert series(dict(reversed(SHARED.items()))) == first
    others = {
        series({**SHARED, "server.port": 443}),
        series({**SHARED, "server.port": "443"}),
        series({**SHARED, "list": ["a", "b"]}),
        series({**SHARED, "list": ["b", "a"]}),
        series(resource={"service.name": "answer-api", "service.instance.id": "2"}),
        series(name="gen_ai.client.inference.usage.output_tokens"),
    }
    assert len(others - {first}) == 6


def test_metrics_for_percentiles_and_others_are_no_items(encoding: str) -> None:
    for name in (
        "gen_ai.client.inference.operation.input_tokens",
        "gen_ai.client.inference.operation.output_tokens",
        "gen_ai.client.operation.duration",
        "http.server.request.duration",
    ):
        assert buckets(encoding, histogram(point(sum=5.0, count="1"), name=name)) == []
    gauge = {"name": INPUT, "gauge": {"dataPoints": [point(asInt="1")]}}
    assert buckets(encoding, gauge, {"name": INPUT}) == []


@pytest.mark.parametrize("kind", ["histogram", "exponentialHistogram"])
def test_of_the_token_histogram_the_sum_counts(encoding: str, kind: str) -> None:
    of = {**SHARED, "gen_ai.token.type": "input"}
    (found,) = buckets(encoding, histogram(point(of, count="3", sum=1834.0000001), kind=kind))
    assert (found["input_tokens"], found["temporality"]) == (1834, "cumulative")
    assert "request_count" not in found


@pytest.mark.parametrize(
    ("kind", "column"),
    [("input", "input_tokens"), ("output", "output_tokens"), ("completion", "output_tokens"),
     ("total", None), (None, None)],
)  # fmt: skip
def test_token_types_have_columns(encoding: str, kind: str | None, column: str | None) -> None:
    of = dict(SHARED) if kind is None else {**SHARED, "gen_ai.token.type": kind}
    found = buckets(encoding, histogram(point(of, count="1", sum=5.0)))
    assert [bucket[column] for bucket in found if column] == ([5] if column else [])
    assert bool(found) == (column is not None)


def test_operations_that_repeat_usage_are_no_items(encoding: str) -> None:
    agent = {**SHARED, "gen_ai.operation.name": "invoke_agent"}
    assert buckets(encoding, counter(point(agent, asInt="1"))) == []
    unnamed = {k: v for k, v in SHARED.items() if k != "gen_ai.operation.name"}
    assert buckets(encoding, counter(point(unnamed, asInt="1")))[0]["operation"] == "chat"


def test_points_without_a_recorded_value_are_no_items(encoding: str) -> None:
    assert buckets(encoding, counter(point(asInt="1", flags=1))) == []


@pytest.mark.parametrize(
    ("metric", "code", "pointer"),
    [
        (counter(point(asInt="-1")), "bad_token_count", "/input_tokens"),
        (counter(point(asInt="1"), temporality=0), "invalid_value", "/temporality"),
        (counter(point(asInt="1", startTimeUnixNano="0")), "missing_field", "/bucket_start"),
        (
            counter(point(asInt="1", timeUnixNano=str(START_NS))),
            "invalid_value",
            "/bucket_end",
        ),
    ],
)
def test_a_bad_point_is_its_own_problem(
    encoding: str, metric: dict[str, Any], code: str, pointer: str
) -> None:
    data = {**metric["sum"], "dataPoints": [*metric["sum"]["dataPoints"], point(asInt="5")]}
    bad, other = parsed("metrics", encoding, metrics({**metric, "sum": data}))
    first = judged(bad).problems[0]
    assert (first.code, first.pointer) == (code, pointer)
    is_of_all = pointer == "/temporality"
    assert (judged(other).row is None) == is_of_all


def test_a_point_without_a_count_is_a_problem(encoding: str) -> None:
    of = {**SHARED, "gen_ai.token.type": "input"}
    (found,) = parsed("metrics", encoding, metrics(histogram(point(of, count="1"))))
    assert isinstance(found, Problem)
    assert (found.code, found.pointer) == ("missing_field", "/input_tokens")


def test_doubles_are_rounded_and_what_is_no_number_is_refused() -> None:
    def bucket(value: object) -> Any:
        (found,) = parsed("metrics", "json", metrics(counter(point(asDouble=value))))
        return found

    assert bucket(99.6).fields["input_tokens"] == 100
    for odd in ("NaN", "Infinity", "many"):
        assert judged(bucket(odd)).problems[0].code == "bad_token_count"


def test_the_region_is_that_of_the_model_only_where_it_runs_there(encoding: str) -> None:
    resource = {"service.name": "s", "cloud.region": "eu-west-1"}
    (found,) = buckets(encoding, counter(point(asInt="1")), resource=resource)
    assert "region" not in found
    hosted = {**SHARED, "gen_ai.provider.name": "vllm"}
    (found,) = buckets(encoding, counter(point(hosted, asInt="1")), resource=resource)
    assert found["region"] == "eu-west-1"
