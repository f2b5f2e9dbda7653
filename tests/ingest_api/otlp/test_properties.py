"""Whatever the bytes: items or a malformed body, and never any content."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest_api.adapters.base import Document, MalformedBody
from ingest_api.adapters.otlp import names
from tests.ingest_api.otlp.wire import ADAPTERS, REQUESTS, encoded, judged, parsed
from tests.ingest_api.samples import FOLDER, sample

CANARY = "kanarienvogel"
QUICK = settings(
    max_examples=100,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
SIGNALS = tuple(REQUESTS)
SAMPLES = sorted(path.name for path in FOLDER.glob("otlp_*.json"))
TEXT = st.one_of(st.just(CANARY), st.text(max_size=8))
SCALAR = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), TEXT, st.just("1795255198120000000")
)
VALUE_KEYS = ("stringValue", "intValue", "doubleValue", "boolValue", "arrayValue", "kvlistValue",
              "bytesValue", "values", "key", "value")  # fmt: skip
ANY_JSON = st.recursive(
    SCALAR,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(VALUE_KEYS), inner, max_size=3)
    ),
    max_leaves=8,
)
NAME = st.sampled_from(sorted({*names.SPAN_ATTRIBUTES, *names.RESOURCE_ATTRIBUTES}))
ATTRIBUTE = st.fixed_dictionaries({"key": NAME, "value": ANY_JSON})
MEMBERS = ("traceId", "spanId", "traceState", "startTimeUnixNano", "endTimeUnixNano", "attributes",
           "status", "timeUnixNano", "eventName", "name", "sum", "histogram", "dataPoints",
           "aggregationTemporality", "asInt", "asDouble", "flags")  # fmt: skip


def outcome_of(signal: str, encoding: str, body: bytes) -> list[Any]:
    """The items of a body; every one of them must be judged without raising."""
    try:
        items = list(ADAPTERS[signal, encoding].parse(Document(body, {})))
    except MalformedBody as error:
        assert CANARY not in str(error)
        return []
    for item in items:
        if not hasattr(item, "code"):
            judged(item)
    return items


@pytest.mark.parametrize("adapter", ADAPTERS)
@given(body=st.binary(max_size=300))
@QUICK
def test_any_bytes_are_items_or_malformed(adapter: tuple[str, str], body: bytes) -> None:
    outcome_of(*adapter, body)


@pytest.mark.parametrize("name", SAMPLES)
@given(data=st.data())
@QUICK
def test_damaged_samples_are_items_or_malformed(name: str, data: st.DataObject) -> None:
    signal = name.split("_")[1]
    for encoding in ("json", "protobuf"):
        body = bytearray(encoded(signal, encoding, json.loads(sample(name))))
        for _ in range(data.draw(st.integers(1, 4))):
            place = data.draw(st.integers(0, len(body) - 1))
            body[place] = data.draw(st.integers(0, 255))
        cut = data.draw(st.integers(0, len(body)))
        outcome_of(signal, encoding, bytes(body))
        outcome_of(signal, encoding, bytes(body[:cut]))


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in a document with each of its keys."""
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield value, key
            yield from places(each)


@pytest.mark.parametrize("name", SAMPLES)
@given(data=st.data())
@QUICK
def test_odd_documents_are_items_or_malformed(name: str, data: st.DataObject) -> None:
    document = json.loads(sample(name))
    for _ in range(data.draw(st.integers(1, 4))):
        every = list(places(document))
        if every:
            container, key = every[data.draw(st.integers(0, len(every) - 1))]
            if isinstance(container, dict) and data.draw(st.booleans()):
                key = data.draw(st.sampled_from(MEMBERS))
            container[key] = data.draw(ANY_JSON)
    outcome_of(name.split("_")[1], "json", json.dumps(document).encode())


@given(attributes=st.lists(ATTRIBUTE, max_size=6))
@QUICK
def test_odd_attributes_reject_at_most_their_own_span(attributes: list[dict[str, Any]]) -> None:
    document = json.loads(sample("otlp_traces_latest.json"))
    spans = document["resourceSpans"][0]["scopeSpans"][0]["spans"]
    good = parsed("traces", "json", document)
    odd = {**spans[1], "attributes": attributes}
    spans.append(odd)
    try:
        found = parsed("traces", "json", document)
    except MalformedBody:
        # Only where a value is no object at all: that is no OTLP.
        assert any(not isinstance(a["value"], dict | None) for a in attributes)
        return
    assert found[: len(good)] == good
    for item in found[len(good) :]:
        judged(item)


@pytest.mark.parametrize("encoding", ["json", "protobuf"])
@given(name=st.text(max_size=40).filter(lambda name: name not in names.SPAN_ATTRIBUTES))
@QUICK
def test_attributes_that_are_not_known_leave_no_trace(encoding: str, name: str) -> None:
    document = json.loads(sample("otlp_traces_latest.json"))
    before = parsed("traces", encoding, document)
    for span in document["resourceSpans"][0]["scopeSpans"][0]["spans"]:
        span["attributes"].append({"key": name, "value": {"stringValue": CANARY}})
        span["name"] = CANARY
        span["events"] = [{"name": CANARY, "attributes": span["attributes"]}]
        span["status"] = {"message": CANARY}
    after = parsed("traces", encoding, document)
    assert CANARY not in str(after)
    assert after == before


@pytest.mark.parametrize("signal", SIGNALS)
def test_deep_nesting_is_malformed(signal: str) -> None:
    deep = b'{"values":[{"arrayValue":' * 20_000
    envelope = {
        "traces": b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[{"key":"x","value":',
        "logs": b'{"resourceLogs":[{"resource":{"attributes":[{"key":"x","value":',
        "metrics": b'{"resourceMetrics":[{"resource":{"attributes":[{"key":"x","value":'
        b'{"arrayValue":',
    }[signal]
    for depth in (envelope + deep, b"[" * 100_000):
        with pytest.raises(MalformedBody):
            ADAPTERS[signal, "json"].parse(Document(depth, {}))


@pytest.mark.parametrize("depth", [100, 300, 500, 900, 3000])
def test_nesting_that_still_closes_is_items_or_malformed(depth: int) -> None:
    nested = '{"arrayValue":{"values":[' * depth + '{"intValue":1}' + "]}}" * depth
    body = '{"resourceMetrics":[{"resource":{"attributes":[{"key":"x","value":NESTED}]},'
    body += sample("otlp_metrics_latest.json").decode().split("[", 1)[1].split("{", 1)[1]
    outcome_of("metrics", "json", body.replace("NESTED", nested).encode())
