"""``/v1/alerts``: the daily thresholds an organisation wants to hear of.

Belongs here: setting, listing and removing them. Does not belong here: evaluating or sending.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from pydantic import Field

from ecomind.identity import ALERT_METRICS, IdentityStore, Principal, Scope
from platform_api.administration.frame import (
    CREATED,
    FOUND,
    GONE,
    MATCHES,
    TAG,
    Document,
    changing,
    check_match,
    done,
    example,
    in_path,
    listed,
    only,
    single,
)
from platform_api.callers import Holding, guarded
from platform_api.problems import Refused, wrong_member
from platform_api.service import ServiceOf

router = guarded(TAG)
RuleId = Annotated[str, in_path("Id of a rule.", "energy-day")]
Reads = Annotated[Principal, Depends(Holding(Scope.MARTS_READ))]
Writes = Annotated[Principal, Depends(Holding(Scope.ALERTS_WRITE))]
Metric = Annotated[str, Field(json_schema_extra={"enum": list(ALERT_METRICS)})]


class Alert(Document):
    """A threshold on one measure of a day, in the measure's unit."""

    model_config = example(
        {
            "rule_id": "energy-day",
            "metric": "energy_mid_kwh",
            "threshold": 25.0,
            "created_at": "2026-11-21T09:00:00Z",
        }
    )

    rule_id: str
    metric: Metric
    threshold: float
    created_at: datetime


class Alerts(Document):
    """Rules by id."""

    data: list[Alert]


class AlertToSet(Document):
    """What a rule watches."""

    model_config = example({"metric": "energy_mid_kwh", "threshold": 25.0})

    metric: Metric
    threshold: Annotated[float, Field(ge=0, allow_inf_nan=False)]


def _found(store: IdentityStore, org_id: str, rule_id: str) -> dict[str, Any] | None:
    try:
        return only(store.rules.alerts(org_id), "rule_id", rule_id)
    except Refused:
        return None


@router.get("/v1/alerts", summary="Alert rules of the organisation", response_model=Alerts)
def alerts(service: ServiceOf, principal: Reads) -> Response:
    """Every rule."""
    rows = service.store.rules.alerts(principal.org_id)
    return listed([only([row], "rule_id", row["rule_id"]) for row in rows])


@router.get(
    "/v1/alerts/{rule_id}", summary="An alert rule", response_model=Alert, responses=dict(FOUND)
)
def alert(service: ServiceOf, principal: Reads, rule_id: RuleId) -> Response:
    """One rule."""
    return single(only(service.store.rules.alerts(principal.org_id), "rule_id", rule_id))


@router.put(
    "/v1/alerts/{rule_id}",
    summary="Set an alert rule",
    description="Makes the rule (201) or changes it (200). `If-None-Match: *` makes only.",
    response_model=Alert,
    responses={**FOUND, **CREATED},
    openapi_extra=MATCHES,
)
def set_alert(
    request: Request, service: ServiceOf, principal: Writes, rule_id: RuleId, rule: AlertToSet
) -> Response:
    """Make or change one."""
    if rule.metric not in ALERT_METRICS:
        raise wrong_member("#/metric", f"is one of {', '.join(ALERT_METRICS)}")
    org_id = principal.org_id
    with changing(service, principal) as store:
        before = _found(store, org_id, rule_id)
        check_match(request, before)
        store.rules.set_alert(org_id, rule_id, rule.metric, rule.threshold)
        found = only(store.rules.alerts(org_id), "rule_id", rule_id)
    if before is None:
        return single(found, status=201, location=f"/v1/alerts/{rule_id}")
    return single(found)


@router.delete(
    "/v1/alerts/{rule_id}",
    summary="Remove an alert rule",
    status_code=204,
    response_class=Response,
    responses=GONE,
    openapi_extra=MATCHES,
)
def delete_alert(
    request: Request, service: ServiceOf, principal: Writes, rule_id: RuleId
) -> Response:
    """Remove one."""
    with changing(service, principal) as store:
        check_match(request, only(store.rules.alerts(principal.org_id), "rule_id", rule_id))
        store.rules.delete_alert(principal.org_id, rule_id)
    return done()
