"""OTLP's answers, worded from outcomes and refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from google.rpc.status_pb2 import Status

from ingest_api.dialects import otlp
from ingest_api.outcome import Outcome, Result
from ingest_api.replies import TITLES, Refused

SIGNALS = (otlp.TRACES, otlp.LOGS, otlp.METRICS)


def outcome(*results: Result) -> Outcome:
    rejected = sum(result.result == "rejected" for result in results)
    made = Outcome("0", 1_767_225_600_000_000)
    made.accepted, made.rejected = len(results) - rejected, rejected
    made.results = list(results)
    return made


def rejected(*codes: str) -> Result:
    errors = tuple({"code": code, "pointer": "/x", "detail": "SECRET"} for code in codes)
    return Result(0, "SECRET", "rejected", "r", errors)


GOOD = Result(0, "a", "accepted")
WARNED = Result(0, "a", "accepted", warnings=({"code": "value_discarded", "field": "service"},))


def told(signal: otlp.Signal, made: Outcome) -> tuple[int, str]:
    """Rejected items and message, which both encodings must tell alike."""
    of_json = otlp.json_dialect(signal).judged(made)
    of_protobuf = otlp.protobuf_dialect(signal).judged(made)
    assert (of_json.status, of_protobuf.status) == (200, 200)
    assert of_json.headers == [("content-type", "application/json")]
    assert of_protobuf.headers == [("content-type", "application/x-protobuf")]
    partial = json.loads(of_json.body).get("partialSuccess", {})
    parse: Callable[[bytes], Any] = signal.response.FromString  # type: ignore[attr-defined]
    message = parse(of_protobuf.body).partial_success
    counted = getattr(message, signal.protobuf_field)
    assert int(partial.get(signal.json_field, 0)) == counted
    assert partial.get("errorMessage", "") == message.error_message
    return counted, message.error_message


@pytest.mark.parametrize("signal", SIGNALS)
def test_all_stored_is_an_empty_answer(signal: otlp.Signal) -> None:
    assert told(signal, outcome(GOOD, GOOD)) == (0, "")
    assert told(signal, outcome()) == (0, "")
    assert otlp.json_dialect(signal).judged(outcome(GOOD)).body == b"{}"
    assert otlp.protobuf_dialect(signal).judged(outcome(GOOD)).body == b""


@pytest.mark.parametrize("signal", SIGNALS)
def test_rejections_are_counted_by_reason_without_values(signal: otlp.Signal) -> None:
    counted, message = told(signal, outcome(GOOD, rejected("a", "b"), rejected("a")))
    assert counted == 2
    assert message == "2 of 3 items not stored: a /x (2), b /x (1); receipt rcp_0"


def test_all_rejected_is_final_too() -> None:
    assert told(otlp.TRACES, outcome(rejected("a")))[0] == 1


def test_warnings_reject_nothing() -> None:
    message = "all stored: value_discarded service (1); receipt rcp_0"
    assert told(otlp.TRACES, outcome(GOOD, WARNED)) == (0, message)


def test_many_reasons_are_cut_short() -> None:
    _, message = told(otlp.TRACES, outcome(*(rejected(f"c{i}") for i in range(15))))
    assert message.endswith("and 5 more; receipt rcp_0")


@pytest.mark.parametrize("name", TITLES)
def test_every_refusal_has_a_status_in_both_encodings(name: str) -> None:
    refused = Refused(name, retry_after_s=30, detail="why")
    refused.status = otlp.json_dialect(otlp.LOGS).statuses.get(refused.status, refused.status)
    of_json = otlp.json_dialect(otlp.LOGS).refused(refused, "/v1/logs#req_1")
    of_protobuf = otlp.protobuf_dialect(otlp.LOGS).refused(refused, "/v1/logs#req_1")
    document, status = json.loads(of_json.body), Status.FromString(of_protobuf.body)
    assert (document["code"], document["message"]) == (status.code, status.message)
    assert document["code"] not in (0, 2)
    assert document["message"].endswith(": why")
    for reply in (of_json, of_protobuf):
        assert reply.status == {408: 503}.get(TITLES[name][0], TITLES[name][0])
        # Exporters give a batch up when they are told to wait beyond their timeout.
        waits = "3" if reply.status == 503 else "30"
        assert ("retry-after", waits) in reply.headers
