"""The internal port: what it counts, and what it never shows."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from ingest_api.meters import Histogram, Totals, added
from tests.ingest_api.running import FAST, Running, event, wait_for_rows
from tests.ingest_api.test_service import refused_start


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    service = Running(tmp_path_factory.mktemp("metrics"), **FAST)
    yield service.start()
    service.close()


class Samples:
    def __init__(self, text: str) -> None:
        self.text = text
        self.all = [sample for family in plain(text) for sample in family.samples]

    def __call__(self, name: str, **labels: str) -> float:
        """The sum of the samples that have these labels."""
        found = [
            sample.value
            for sample in self.all
            if sample.name == f"ecomind_ingest_{name}" and labels.items() <= sample.labels.items()
        ]
        assert found, name
        return sum(found)


def samples(running: Running) -> Samples:
    response = running.internal("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain")
    return Samples(response.text)


def test_requests_items_and_commits_are_counted(running: Running) -> None:
    key = running.key("acme")
    good, bad = event("counted"), event("bad", input_tokens=-1)
    assert running.post("/v1/events", key, json=[good, good, bad]).status_code == 207
    assert running.post("/v1/events", "no-key", json=good).status_code == 401
    assert running.client.get("/somebody/asked/for/this").status_code == 404
    wait_for_rows(running.home, "events", {"counted"})
    seen = samples(running)
    assert seen("requests_total", route="/v1/events", status="207") == 1
    assert seen("requests_total", route="/v1/events", status="401") == 1
    assert seen("requests_total", route="other", status="404") == 1
    assert seen("items_accepted_total", adapter="native_json") == 1
    assert seen("items_repeated_total", adapter="native_json") == 1
    assert seen("items_rejected_total", adapter="native_json", code="bad_token_count") == 1
    assert seen("request_body_bytes_total") > 300
    assert seen("commit_duration_seconds_count") == seen("commit_group_requests_count") == 1
    assert seen("commit_duration_seconds_sum") > 0
    assert seen("committed_bytes_total") > 300
    assert seen("commit_failures_total", reason="fsync_error") == 0
    assert seen("pending_bytes") == 0
    assert seen("disk_free_bytes") > 0
    assert seen("sealer_up") == seen("ready") == seen("workers") == seen("workers_up") == 1
    assert seen("last_seal_timestamp_seconds") > 1.7e9
    assert seen("resident_memory_bytes") > 1e6
    assert seen("request_duration_seconds_count") == seen("requests_total")


def test_nobody_can_be_told_from_the_numbers(running: Running) -> None:
    key = running.key("secretive")
    assert running.post("/v1/events", key, json=event("e", user_id="grace")).status_code == 202
    text = samples(running).text
    ids = [info.key_id for info in running.store.keys.listed()]
    for told in ("secretive", "acme", "grace", "gpt-4o", "/somebody", *ids):
        assert told not in text


def test_prometheus_own_form_is_given_when_asked_for(running: Running) -> None:
    address = f"http://127.0.0.1:{running.metrics_port}/metrics"
    accept = "application/openmetrics-text;version=1.0.0"
    response = httpx.get(address, headers={"accept": accept})
    assert response.headers["content-type"].startswith("application/openmetrics-text")
    assert any(family.name == "ecomind_ingest_requests" for family in openmetrics(response.text))


def test_the_internal_port_tells_health_and_nothing_else(running: Running) -> None:
    assert running.internal("/livez").json() == {"status": "alive"}
    assert running.internal("/readyz").json() == {"status": "ready"}
    assert running.internal("/v1/events").status_code == 404
    assert running.internal("/health").status_code == 404
    address = f"http://127.0.0.1:{running.metrics_port}/metrics"
    assert httpx.post(address).status_code == 405
    assert running.client.get("/metrics").status_code == 404


@pytest.mark.parametrize("workers", ["1", "2"])
def test_not_ready_is_told_with_its_reason(tmp_path: Path, workers: str) -> None:
    service = Running(tmp_path, ECOMIND_MIN_FREE_BYTES=str(2**60), ECOMIND_INGEST_WORKERS=workers)
    service.start()
    refused = service.internal("/readyz")
    assert (refused.status_code, refused.json()["reason"]) == (503, "disk_watermark")
    seen = samples(service)
    assert seen("ready") == seen("workers_up") == 0
    assert seen("workers") == int(workers)
    assert service.internal("/livez").status_code == 200
    service.close()


def test_an_internal_port_in_use_is_told_and_none_is_opened_for_nought(tmp_path: Path) -> None:
    service = Running(tmp_path)
    with socket.socket() as other:
        other.bind(("127.0.0.1", service.metrics_port))
        other.listen()
        sentence = refused_start(service)
    assert sentence.startswith(f"cannot listen on 127.0.0.1:{service.metrics_port}: address")
    assert sentence.endswith("set ECOMIND_INGEST_METRICS_PORT")
    service.environment["ECOMIND_INGEST_METRICS_PORT"] = "0"
    service.start()
    with pytest.raises(httpx.ConnectError):
        service.internal("/livez")
    service.close()


def test_what_an_ended_process_counted_stays_counted() -> None:
    one = Totals(requests={"/v1/events": {202: 3}}, accepted={"a": 3}, pending_bytes=7)
    two = Totals(requests={"/v1/events": {202: 1, 503: 2}}, rejected={"a": {"c": 1}})
    one.request_seconds.observe(0.002)
    two.request_seconds.observe(99)
    both = added([one.without_gauges(), two])
    assert both.requests == {"/v1/events": {202: 4, 503: 2}}
    assert (both.accepted, both.rejected, both.pending_bytes) == ({"a": 3}, {"a": {"c": 1}}, 0)
    assert (sum(both.request_seconds.counts), both.request_seconds.total) == (2, 99.002)
    assert one.requests == {"/v1/events": {202: 3}}


def test_a_histogram_counts_up_to_and_including_its_bounds() -> None:
    histogram = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 2.0, 2.5):
        histogram.observe(value)
    assert histogram.counts == [2, 2, 1]
