"""Whatever bytes arrive: every adapter reads them or says that it cannot, in bounded time.

Walks through ``ingest_api.routes``, so that a new format is fuzzed by being registered.
"""

from __future__ import annotations

import contextlib
import json
import random
import tracemalloc
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ecomind.contract.codec import Judged, Problem
from ingest_api.adapters.base import Adapter, Bucket, Document, MalformedBody, TooManyItems
from ingest_api.routes import BY_PATH
from tests.ingest_api.planted import SAMPLES
from tests.ingest_api.samples import judged

ADAPTERS: Mapping[str, Adapter] = {
    found.adapter.name: found.adapter for route in BY_PATH.values() for found in route.all_formats
}
BOUNDED = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
ODD: Sequence[Any] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**70), 10**400, 0.5, -0.0, 1e308, "", " ",
    "0", "-1", "NaN", "1e999", "1795255198120", "9" * 400, "\x00", "\u202e", "ü" * 300,
    "x" * 100_000, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999+00:00",
    "0001-01-01T00:00:00+23:59", "2026-11-21T09:59:58", "2026-13-41T99:99:99Z", "//[::1",
    "http://[", "a://b:99999999/", "arn:::", [], {}, [[]], [{}], [None], {"": ""},
    {"a": {"b": {"c": []}}}, [[1, 2], [3]],
)  # fmt: skip
_GROWN_MAX = 200_000
LITERALS: Sequence[bytes] = (
    b"NaN", b"Infinity", b"-Infinity", b"1e999", b"1" * 5000, b"-" + b"9" * 400, b"0.1e-99999",
    b'"\\ud800"', b'"\\ud83d\\ude00"', b'{"a":1,"a":2}', b"[" * 5000 + b"]" * 5000,
    b'{"a":' * 5000 + b"1" + b"}" * 5000, b"\xff", b"",
)  # fmt: skip


def check(adapter: Adapter, body: bytes, headers: Mapping[str, str]) -> None:
    try:
        items = adapter.parse(Document(body, headers))
    except TooManyItems:
        return
    except MalformedBody as error:
        assert len(str(error)) < 200
        return
    for item in items:
        is_native = adapter.name.startswith("native")
        assert is_native or isinstance(item, Mapping | Bucket | Problem)
        if isinstance(item, Problem):
            continue
        result: Judged = judged(item, adapter)
        assert (result.row is None) == bool(result.problems)
        # What is stored must be JSON in UTF-8.
        json.dumps(result.row).encode()


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container of a JSON value with every key or index in it."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        holder = waiting.pop()
        keys = holder if isinstance(holder, dict) else range(len(holder))
        for key in list(keys):
            found.append((holder, key))
            if isinstance(holder[key], dict | list):
                waiting.append(holder[key])
    return found


def mutated(document: Any, chance: random.Random) -> Any:
    """A document with up to four members replaced, removed, doubled or moved."""
    holder = [json.loads(json.dumps(document))]
    for _ in range(chance.randint(1, 4)):
        if len(json.dumps(holder)) > _GROWN_MAX:
            break
        where, key = chance.choice(places(holder))
        kind = chance.randrange(5)
        if kind == 0 and where is not holder:
            del where[key]
        elif kind == 1:
            held = where[key]
            where[key] = [held] * (2 if isinstance(held, dict | list) else 50)
        elif kind == 2:
            other, name = chance.choice(places(holder))
            where[key] = json.loads(json.dumps(other[name]))
        else:
            where[key] = chance.choice(ODD)
        holder = json.loads(json.dumps(holder))  # No container stands in two places.
    return holder[0]


def headers_of(name: str) -> dict[str, str]:
    return dict(SAMPLES[name].headers())


@pytest.mark.parametrize("name", ADAPTERS)
@BOUNDED
@given(body=st.binary(max_size=2_000))
def test_any_bytes(name: str, body: bytes) -> None:
    check(ADAPTERS[name], body, headers_of(name))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner),
    max_leaves=20,
)


@pytest.mark.parametrize("name", ADAPTERS)
@BOUNDED
@given(value=_JSON)
def test_any_json(name: str, value: Any) -> None:
    check(ADAPTERS[name], json.dumps(value).encode(), headers_of(name))


@pytest.mark.parametrize("name", ADAPTERS)
@settings(BOUNDED, max_examples=200)
@given(seed=st.integers(0, 2**32))
def test_mutated_samples(name: str, seed: int) -> None:
    document = mutated(SAMPLES[name].load(), random.Random(seed))
    if name.endswith("protobuf"):
        body = bytearray(SAMPLES[name].write(SAMPLES[name].load()))
        chance = random.Random(seed)
        for _ in range(chance.randint(1, 20)):
            body[chance.randrange(len(body))] = chance.randrange(256)
        check(ADAPTERS[name], bytes(body), headers_of(name))
        return
    check(ADAPTERS[name], json.dumps(document).encode(), headers_of(name))


@pytest.mark.parametrize("name", [name for name in ADAPTERS if not name.endswith("protobuf")])
@settings(BOUNDED, max_examples=100)
@given(seed=st.integers(0, 2**32))
def test_samples_with_odd_literals(name: str, seed: int) -> None:
    """Numbers and texts that no JSON library would write."""
    chance = random.Random(seed)
    holder = [json.loads(json.dumps(SAMPLES[name].load()))]
    for _ in range(chance.randint(1, 3)):
        where, key = chance.choice(places(holder))
        where[key] = "\x01literal"
    pieces = json.dumps(holder[0]).encode().split(b'"\\u0001literal"')
    body = pieces[0] + b"".join(chance.choice(LITERALS) + piece for piece in pieces[1:])
    check(ADAPTERS[name], body, headers_of(name))


@pytest.mark.parametrize("name", ADAPTERS)
@BOUNDED
@given(values=st.dictionaries(st.sampled_from(
    ["ce-id", "ce-source", "ce-type", "ce-time", "ce-subject", "ce-sampledrate", "ce-dataschema",
     "authorization", "content-type"]), st.text(max_size=40)))  # fmt: skip
def test_any_headers(name: str, values: dict[str, str]) -> None:
    body = SAMPLES[name].write(SAMPLES[name].load())
    check(ADAPTERS[name], body, {**headers_of(name), **values})


@pytest.mark.parametrize("name", ADAPTERS)
def test_memory_stays_in_proportion_to_the_body(name: str) -> None:
    """A body of each shape that costs parsers most."""
    size = 2**18
    bodies = (
        b"[" * size,
        b'{"a":' * (size // 5),
        b"[" + b"{}," * (size // 3) + b"{}]",
        b"1" * size,
        b'"' + b"\\u0041" * (size // 6) + b'"',
        b"\n" * size,
        b"x\n" * (size // 2),
    )
    tracemalloc.start()
    try:
        for body in bodies:
            tracemalloc.reset_peak()
            with contextlib.suppress(MalformedBody, TooManyItems):
                ADAPTERS[name].parse(Document(body, headers_of(name)))
            assert tracemalloc.get_traced_memory()[1] < 300 * size
    finally:
        tracemalloc.stop()
