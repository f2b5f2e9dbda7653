"""Alerts: a sensor that tells a webhook when a day crosses an organisation's threshold.

The pattern for every alert: a mart decides what is breached, the sensor only tells what it has
not told before, and its cursor is what it has told.
"""

import json
from collections.abc import Iterator

import dagster as dg
import httpx

from ecomind.settings import get_settings
from ecomind.warehouse.snapshot import NoSnapshot, current_snapshot
from orchestration.alerts import Breach, alert_key, message, open_breaches

_TIMEOUT_S = 15.0


def _tell(url: str, breach: Breach) -> None:
    response = httpx.post(url, json=message(breach), timeout=_TIMEOUT_S, follow_redirects=False)
    response.raise_for_status()


def _untold(breaches: list[Breach], told: set[str]) -> Iterator[Breach]:
    for breach in breaches:
        if alert_key(breach) not in told:
            yield breach


@dg.sensor(
    name="threshold_alerts",
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells ECOMIND_ALERT_WEBHOOK_URL of days above an organisation's thresholds.",
)
def threshold_alerts(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Send each breach once; a webhook that fails is tried again at the next tick."""
    settings = get_settings()
    if settings.alert_webhook_url is None:
        return dg.SkipReason("no webhook is set; set ECOMIND_ALERT_WEBHOOK_URL to be told")
    try:
        snapshot = current_snapshot(settings)
    except NoSnapshot as nothing:
        return dg.SkipReason(str(nothing))
    breaches = open_breaches(snapshot)
    told: set[str] = set(json.loads(context.cursor)) if context.cursor else set()
    still_open = {alert_key(breach) for breach in breaches}
    sent = 0
    for breach in _untold(breaches, told):
        try:
            _tell(settings.alert_webhook_url.get_secret_value(), breach)
        except httpx.HTTPError as error:
            # Not the address: it is a secret.
            context.log.warning("the alert webhook failed (%s)", type(error).__name__)
            break
        told.add(alert_key(breach))
        sent += 1
    return dg.SensorResult(
        skip_reason=dg.SkipReason(f"{sent} alerts sent, {len(still_open)} days above a threshold"),
        cursor=json.dumps(sorted(told & still_open)),
    )
