"""The samples of every generation of the conventions give exactly what is expected."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from tests.ingest_api.otlp.wire import ENCODINGS, judged, parsed
from tests.ingest_api.samples import FOLDER, expected, sample

EXPECTED: dict[str, list[dict[str, Any]]] = {
    name: calls for name, calls in expected()["calls"].items() if name.startswith("otlp_")
}
COMMON = {
    "connector": "otlp_metrics",
    "bucket_start": "2026-11-21T09:59:58.120Z",
    "bucket_end": "2026-11-21T10:00:58.120Z",
    "provider": "openai",
    "model": "gpt-5-mini-2026-02-01",
    "operation": "chat",
    "service": "answer-api",
}
BUCKETS = {
    "otlp_metrics_latest.json": [
        {**COMMON, "temporality": "delta", "input_tokens": 183400},
        {**COMMON, "temporality": "delta", "output_tokens": 41200},
        {**COMMON, "temporality": "delta", "cache_read_input_tokens": 102400},
        {**COMMON, "temporality": "delta", "reasoning_output_tokens": 25600},
    ],
    "otlp_metrics_v1_41.json": [
        {**COMMON, "temporality": "cumulative", "input_tokens": 183400},
        {**COMMON, "temporality": "cumulative", "output_tokens": 41200},
    ],
}


def normalised(fields: Any) -> dict[str, Any]:
    """Fields with their times to the millisecond, as the expected ones have them."""
    told = dict(fields)
    for name, value in told.items():
        if isinstance(value, datetime):
            told[name] = value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return told


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", EXPECTED)
def test_a_sample_gives_the_expected_calls(name: str, encoding: str) -> None:
    items = parsed(name.split("_")[1], encoding, json.loads(sample(name)))
    told = [{"schema_version": "1", **normalised(item)} for item in items]
    assert told == EXPECTED[name]
    for item in items:
        answer = judged(item)
        assert (answer.problems, answer.warnings) == ((), ())


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", BUCKETS)
def test_a_sample_gives_the_expected_buckets(name: str, encoding: str) -> None:
    items = parsed("metrics", encoding, json.loads(sample(name)))
    told = [normalised(item.fields) for item in items]
    series = [bucket.pop("series_id") for bucket in told]
    assert told == BUCKETS[name]
    assert len(set(series)) == len(series)
    for item in items:
        answer = judged(item)
        assert (answer.problems, answer.warnings) == ((), ())


def test_every_sample_has_an_expectation() -> None:
    names = {path.name for path in FOLDER.glob("otlp_*.json")}
    assert names == {*EXPECTED, *BUCKETS}
    assert len(names) == 8


@pytest.mark.parametrize("name", BUCKETS)
def test_both_encodings_name_a_series_alike(name: str) -> None:
    of_json, of_protobuf = (
        [item.fields["series_id"] for item in parsed("metrics", encoding, json.loads(sample(name)))]
        for encoding in ENCODINGS
    )
    assert of_json == of_protobuf
