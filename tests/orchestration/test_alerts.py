"""Threshold alerts: told once to a real webhook, again only when it failed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from ecomind.settings import Settings, get_settings
from tests.orchestration.snapshot_fixture import changed, publish_snapshot

BREACH = (
    "create or replace table mart.alert_evaluation_daily as"
    " select date '2026-11-01' as usage_date, 'aurelia' as org_id, 'daily-energy' as rule_id,"
    " '{metric}' as metric, {threshold}::double as threshold,"
    " {value}::double as value, {breached} as is_breached"
)


class Webhook(HTTPServer):
    """Receives alerts on loopback; answers with ``status``."""

    received: list[dict[str, Any]]
    status = 200


class _Handler(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.status < 300:
            self.server.received.append(json.loads(body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output quiet."""


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    server = Webhook(("127.0.0.1", 0), _Handler)
    server.received = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def _publish(
    settings: Settings,
    value: float,
    *,
    breached: bool,
    metric: str = "energy_mid_kwh",
    threshold: float = 1.0,
) -> None:
    path = publish_snapshot(settings.served_dir)
    sql = BREACH.format(
        value=value, breached=str(breached).lower(), metric=metric, threshold=threshold
    )
    copy = path.with_name("changed.duckdb")
    changed(path, copy, sql)
    path.unlink()
    copy.rename(path)


def _tick(cursor: str | None) -> tuple[str | None, str]:
    from orchestration.defs.alerts import threshold_alerts  # noqa: PLC0415

    result = threshold_alerts(dg.build_sensor_context(cursor=cursor))
    if isinstance(result, dg.SkipReason):
        return cursor, result.skip_message or ""
    assert isinstance(result, dg.SensorResult)
    reason = result.skip_reason
    return result.cursor, (reason.skip_message or "") if isinstance(reason, dg.SkipReason) else ""


def test_no_webhook_no_alert(settings: Settings) -> None:
    assert "ECOMIND_ALERT_WEBHOOK_URL" in _tick(None)[1]


def test_a_breach_is_told_once(
    settings: Settings, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"http://127.0.0.1:{webhook.server_port}/secret-path"
    monkeypatch.setenv("ECOMIND_ALERT_WEBHOOK_URL", url)
    get_settings.cache_clear()
    assert "nothing is published yet" in _tick(None)[1]
    _publish(settings, 2.5, breached=True)

    webhook.status = 500
    cursor, _ = _tick(None)
    assert webhook.received == []
    webhook.status = 204
    cursor, said = _tick(cursor)
    assert said.startswith("1 alerts sent")
    cursor, said = _tick(cursor)
    assert said.startswith("0 alerts sent")
    [alert] = webhook.received
    assert alert["text"] == (
        "aurelia: energy_mid_kwh on 2026-11-01 was 2.5 kWh, above the threshold of 1 kWh."
    )
    assert alert["data"]["value"] == 2.5
    assert "secret-path" not in json.dumps(alert) + said


def test_refused_items_are_told_as_a_percentage(
    settings: Settings, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECOMIND_ALERT_WEBHOOK_URL", f"http://127.0.0.1:{webhook.server_port}")
    get_settings.cache_clear()
    _publish(settings, 0.125, breached=True, metric="rejected_share", threshold=0.05)
    _tick(None)
    [alert] = webhook.received
    assert alert["text"] == (
        "aurelia: rejected_share on 2026-11-01 was 12.5 %, above the threshold of 5 %."
    )
    assert alert["data"]["value"] == 0.125


def test_a_day_that_is_fine_again_may_be_told_again(
    settings: Settings, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECOMIND_ALERT_WEBHOOK_URL", f"http://127.0.0.1:{webhook.server_port}")
    get_settings.cache_clear()
    cursor = None
    for breached in (True, False, True):
        for path in settings.served_dir.glob("*"):
            path.unlink()
        _publish(settings, 2.0, breached=breached)
        cursor, _ = _tick(cursor)
    assert len(webhook.received) == 2


def test_fixture_has_the_columns_the_mart_has(settings: Settings, tmp_path: Path) -> None:
    path = publish_snapshot(tmp_path)
    with duckdb.connect(path, read_only=True) as connection:
        columns = connection.execute("describe mart.alert_evaluation_daily").fetchall()
    assert [column[0] for column in columns] == [
        "usage_date", "org_id", "rule_id", "metric", "threshold", "value", "is_breached",
    ]  # fmt: skip
