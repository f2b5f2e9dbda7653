"""``/v1/factors``: the factors behind the figures, and the organisation's own in their place.

Belongs here: what is in use, and recording and withdrawing overrides. Does not belong here: any
rule about them (``ecomind.identity.overrides``).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from pydantic import Field

from ecomind.identity import NewOverride, Principal, Scope
from ecomind.warehouse.reader import OrgReader
from platform_api import caching
from platform_api.administration.frame import (
    CREATED,
    FOUND,
    MAKES,
    MATCHES,
    TAG,
    Document,
    Text,
    changing,
    check_match,
    example,
    in_path,
    listed,
    only,
    single,
)
from platform_api.callers import Holding, guarded
from platform_api.representations import json_bytes
from platform_api.service import ServiceOf

router = guarded(TAG)
OverrideId = Annotated[str, in_path("Id of an override.", "o_1f0e2d3c4b5a", r"^o_[0-9a-f]{12}$")]
Reads = Annotated[Principal, Depends(Holding(Scope.FACTORS_READ))]
Writes = Annotated[Principal, Depends(Holding(Scope.FACTORS_WRITE))]
Value = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Key = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]*$")]
OVERRIDES = "/v1/factors/overrides"


class FactorInUse(Document):
    """A factor row that the published figures take."""

    model_config = example(
        {
            "factor_id": "grid_location:USA:2025-01-01",
            "factor_type": "grid_location",
            "key": "USA",
            "value_low": 384.0,
            "value_mid": 384.0,
            "value_high": 384.0,
            "unit": "gCO2e/kWh",
            "source": "Ember",
            "source_url": "https://ember-energy.org/",
            "licence": "CC BY 4.0",
            "dq_score": 3,
            "is_override": False,
            "energy_mid_kwh": 12.5,
        },
        extra="allow",
    )

    factor_id: str
    factor_type: str
    key: str
    value_low: float | None
    value_mid: float | None
    value_high: float | None
    unit: str
    is_override: bool


class FactorsInUse(Document):
    """Factors by type and key."""

    data: list[FactorInUse]
    snapshot_id: str


class Override(Document):
    """A factor an organisation put in the place of the shared one."""

    override_id: str
    factor_type: str
    key: str
    value_low: float
    value_mid: float
    value_high: float
    unit: str
    valid_from: date
    valid_to: date | None
    reason: str
    evidence: str | None
    dq_score: int
    recorded_at: datetime
    withdrawn_at: datetime | None
    withdrawal_reason: str | None


class Overrides(Document):
    """Overrides, the oldest first."""

    data: list[Override]


class OverrideToRecord(Document):
    """An override to record; ``valid_to`` is the first day it no longer applies to."""

    model_config = example(
        {
            "factor_type": "pue",
            "key": "azure/eastus",
            "value_mid": 1.14,
            "valid_from": "2026-01-01",
            "reason": "measured by our provider, statement of May",
        }
    )

    factor_type: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$")]
    key: Key
    value_mid: Value
    value_low: Value | None = None
    value_high: Value | None = None
    unit: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]*$")] | None = None
    valid_from: date
    valid_to: date | None = None
    reason: Text
    evidence: Text | None = None
    dq_score: Annotated[int, Field(ge=1, le=5)] = 3


class Withdrawal(Document):
    """Why an override ends."""

    model_config = example({"reason": "the statement was corrected"})

    reason: Text


def _listed(store: Any, org_id: str) -> list[dict[str, Any]]:
    return [only([row], "override_id", row["override_id"]) for row in store.overrides.rows(org_id)]


@router.get(
    "/v1/factors",
    summary="Factors the published figures take",
    response_model=FactorsInUse,
    responses={200: {"headers": caching.DOCUMENTED}, 304: {"description": "Not changed."}},
    openapi_extra={"x-problems": ["nothing-published"]},
)
def factors(request: Request, service: ServiceOf, principal: Reads) -> Response:
    """Every factor row in use, with its source and the energy that takes it."""
    with service.snapshots.current() as snapshot:
        etag = caching.tag(principal, "factors", snapshot.snapshot_id)
        if caching.is_known(request, etag):
            return caching.not_modified(etag)
        rows = OrgReader(snapshot, principal).mart("factor_in_use").to_pylist()
    data = [{name: each for name, each in row.items() if name != "org_id"} for row in rows]
    return Response(
        json_bytes({"data": data, "snapshot_id": snapshot.snapshot_id}),
        media_type="application/json",
        headers=caching.headers(etag),
    )


@router.get(OVERRIDES, summary="The organisation's own factors", response_model=Overrides)
def overrides(service: ServiceOf, principal: Reads) -> Response:
    """Every override, also withdrawn ones."""
    return listed(_listed(service.store, principal.org_id))


@router.get(
    f"{OVERRIDES}/{{override_id}}",
    summary="An override",
    response_model=Override,
    responses=dict(FOUND),
)
def override(service: ServiceOf, principal: Reads, override_id: OverrideId) -> Response:
    """One override."""
    return single(only(service.store.overrides.rows(principal.org_id), "override_id", override_id))


@router.post(
    OVERRIDES,
    summary="Put an own factor in the place of the shared one",
    description="Its figures are computed with it from the next load on. What is recorded is never "
    "changed; it can be withdrawn.",
    status_code=201,
    response_model=Override,
    responses=CREATED,
    openapi_extra=MAKES,
)
def create_override(service: ServiceOf, principal: Writes, new: OverrideToRecord) -> Response:
    """Record one."""
    with changing(service, principal) as store:
        override_id = store.overrides.record(
            NewOverride(org_id=principal.org_id, **new.model_dump())
        )
        found = only(store.overrides.rows(principal.org_id), "override_id", override_id)
    return single(found, status=201, location=f"{OVERRIDES}/{override_id}")


@router.post(
    f"{OVERRIDES}/{{override_id}}/withdraw",
    summary="Withdraw an override",
    description="It ends with the next load; months that were frozen with it keep it.",
    response_model=Override,
    responses=dict(FOUND),
    openapi_extra=MATCHES,
)
def withdraw_override(
    request: Request,
    service: ServiceOf,
    principal: Writes,
    override_id: OverrideId,
    withdrawal: Withdrawal,
) -> Response:
    """Withdraw one."""
    org_id = principal.org_id
    with changing(service, principal) as store:
        check_match(request, only(store.overrides.rows(org_id), "override_id", override_id))
        store.overrides.withdraw(override_id, withdrawal.reason, org_id)
        found = only(store.overrides.rows(org_id), "override_id", override_id)
    return single(found)
