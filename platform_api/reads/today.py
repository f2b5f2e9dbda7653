"""``/v1/today``: the organisation's figures of the day, for people and the browser extension.

Belongs here: the day's totals. Does not belong here: anything of a person, team or model.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from pydantic import BaseModel, ConfigDict

from ecomind.identity import Principal, Scope
from ecomind.warehouse.columns import SCENARIOS
from ecomind.warehouse.daily import Group, daily
from ecomind.warehouse.reader import OrgReader
from platform_api import caching
from platform_api.callers import Holding, guarded
from platform_api.representations import json_bytes
from platform_api.service import ServiceOf

router = guarded("figures")
_MEASURES = {
    "energy_kwh": "energy_{s}_kwh",
    "water_l": "water_{s}_l",
    "co2e_kg": "co2e_total_location_{s}_kg",
    "co2e_market_kg": "co2e_total_market_{s}_kg",
}


class Range(BaseModel):
    """A figure with its low and high bound."""

    low: float
    mid: float
    high: float


class Today(BaseModel):
    """An organisation's figures of one day (UTC), as far as they are published."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "date": "2026-11-21",
                    "calls": 5321.0,
                    "tokens": 8123456.0,
                    "energy_kwh": {"low": 0.41, "mid": 1.52, "high": 5.6},
                    "water_l": {"low": 1.4, "mid": 5.1, "high": 18.9},
                    "co2e_kg": {"low": 0.12, "mid": 0.47, "high": 1.8},
                    "co2e_market_kg": {"low": 0.1, "mid": 0.4, "high": 1.5},
                    "data_through": "2026-11-21T09:58:41Z",
                    "published_at": "2026-11-21T10:00:12Z",
                    "snapshot_id": "20261121t100012000000z",
                }
            ]
        }
    )

    date: date
    calls: float
    tokens: float
    energy_kwh: Range
    water_l: Range
    co2e_kg: Range
    co2e_market_kg: Range
    data_through: datetime | None
    published_at: datetime
    snapshot_id: str


@router.get(
    "/v1/today",
    summary="Today's calls, energy, water and carbon of the organisation",
    description="All usage of the current day (UTC) that is published so far, location-based in "
    "`co2e_kg` and market-based in `co2e_market_kg`, operational and embodied together. Without "
    "usage, zeros.",
    response_model=Today,
    responses={200: {"headers": caching.DOCUMENTED}, 304: {"description": "Not changed."}},
)
def today(
    request: Request,
    service: ServiceOf,
    principal: Annotated[Principal, Depends(Holding(Scope.TOTALS_READ))],
) -> Response:
    """Totals of the day."""
    day = datetime.now(UTC).date()
    with service.snapshots.current() as snapshot:
        etag = caching.tag(principal, "today", snapshot.snapshot_id, day)
        if caching.is_known(request, etag):
            return caching.not_modified(etag)
        page = daily(OrgReader(snapshot, principal), Group.ORG, day, day, limit=1)
    rows = page.table.to_pylist()
    document = {
        "date": day,
        **_figures(rows[0] if rows else {}),
        "data_through": snapshot.data_through,
        "published_at": snapshot.published_at,
        "snapshot_id": snapshot.snapshot_id,
    }
    return Response(
        json_bytes(document), media_type="application/json", headers=caching.headers(etag)
    )


def _figures(row: dict[str, Any]) -> dict[str, Any]:
    tokens = ("input_tokens", "cached_input_tokens", "output_tokens")
    ranges = {
        name: {s: row.get(stem.format(s=s), 0.0) for s in SCENARIOS}
        for name, stem in _MEASURES.items()
    }
    return {
        "calls": row.get("calls", 0.0),
        "tokens": sum(row.get(name, 0.0) for name in tokens),
        **ranges,
    }
