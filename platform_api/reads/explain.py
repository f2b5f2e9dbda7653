"""``/v1/footprint/explain``: from a figure to its factors and events.

Belongs here: the question and its answer as JSON. Does not belong here: the explanation
(``ecomind.warehouse.explanation``).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response

from ecomind.identity import Principal, Scope
from ecomind.warehouse.explanation import Cell, NothingToExplain, UnknownMetric, explain
from ecomind.warehouse.reader import Lens, OrgReader
from platform_api import caching
from platform_api.callers import Holding, guarded, sentence
from platform_api.problems import Refused, wrong_parameter
from platform_api.representations import json_bytes
from platform_api.service import ServiceOf

router = guarded("figures")
_LONGEST = 512
_TEXT = {"type": "string"}
_NUMBER = {"type": ["number", "null"]}
EXPLANATION: dict[str, Any] = {
    "type": "object",
    "required": ["org_id", "usage_date", "keys", "metric", "value", "unit", "parts", "factors"],
    "properties": {
        "org_id": _TEXT,
        "usage_date": {"type": "string", "format": "date"},
        "keys": {"type": "object", "additionalProperties": _TEXT},
        "lens": {"enum": [lens.value for lens in Lens]},
        "metric": _TEXT,
        "value": {"type": "number"},
        "unit": _TEXT,
        "formula": _TEXT,
        "events": {"type": "integer"},
        "calls": {"type": "number"},
        "snapshot_id": _TEXT,
        "data_through": {"type": ["string", "null"], "format": "date-time"},
        "parts": {
            "type": "array",
            "description": "What the figure is the sum of, the largest first.",
            "items": {
                "type": "object",
                "required": ["value", "steps", "factor_ids"],
                "properties": {
                    "value": {"type": "number"},
                    "events": {"type": "integer"},
                    "steps": {"type": "array", "items": _TEXT},
                    "factor_ids": {"type": "array", "items": _TEXT},
                },
            },
        },
        "factors": {
            "type": "array",
            "description": "Every factor row the parts take, with its source.",
            "items": {
                "type": "object",
                "required": ["factor_id", "value", "unit", "source", "licence"],
                "properties": {"factor_id": _TEXT, "value": _NUMBER, "unit": _TEXT},
            },
        },
    },
    "examples": [
        {
            "org_id": "lumen",
            "usage_date": "2026-11-20",
            "keys": {"model": "gpt-4o"},
            "lens": "restated",
            "metric": "energy_mid_kwh",
            "value": 0.00685843,
            "unit": "kWh",
            "formula": "energy = it_energy x PUE",
            "events": 9,
            "calls": 9.0,
            "snapshot_id": "20261121t164535453960z",
            "data_through": "2026-11-21T16:44:02Z",
            "parts": [
                {
                    "value": 0.00685843,
                    "events": 9,
                    "steps": ["energy = it_energy x PUE = 0.00601617 kWh x 1.14 = 0.00685843 kWh"],
                    "factor_ids": ["pue:azure/westeurope:2025-01-01"],
                }
            ],
            "factors": [
                {
                    "factor_id": "pue:azure/westeurope:2025-01-01",
                    "value": 1.14,
                    "unit": "kWh/IT kWh",
                    "source": "Microsoft",
                    "licence": "facts",
                }
            ],
        }
    ],
}


def _key(description: str) -> Any:
    return Query(description=description, min_length=1, max_length=_LONGEST)


class Asked:
    """The cell of the question."""

    def __init__(
        self,
        date: Annotated[date, Query(description="Day (UTC).", examples=["2026-11-20"])],
        metric: Annotated[str, _key("Column of the footprints.")] = "energy_mid_kwh",
        team: Annotated[str | None, _key("Only this team.")] = None,
        user: Annotated[str | None, _key("Only this user (pseudonym).")] = None,
        provider: Annotated[str | None, _key("Only this provider, as sent.")] = None,
        model: Annotated[str | None, _key("Only this model, as sent.")] = None,
        region: Annotated[str | None, _key("Only this region; `unknown` if none.")] = None,
        zone: Annotated[str | None, _key("Only this grid zone.")] = None,
        lens: Annotated[
            Lens, Query(description="As all is known now, or as the month was reported.")
        ] = Lens.RESTATED,
    ) -> None:
        """Take the parameters as they are."""
        self.cell = Cell(date, metric, team, user, provider, model, region, zone)
        self.lens = lens


@router.get(
    "/v1/footprint/explain",
    summary="The formula, numbers, factors and sources behind one figure",
    description="A day's measure, narrowed by any of the keys, taken apart into what it is the "
    "sum of. Takes `factors:read` too; `user` takes `people:read`, and without it a team is "
    "explained only as a whole, and only if five people used it that day.",
    responses={
        200: {
            "description": "The explanation.",
            "headers": caching.DOCUMENTED,
            "content": {"application/json": {"schema": EXPLANATION}},
        },
        304: {"description": "Not changed."},
    },
    openapi_extra={"x-problems": ["not-found"]},
)
def footprint_explain(
    request: Request,
    service: ServiceOf,
    principal: Annotated[Principal, Depends(Holding(Scope.MARTS_READ))],
    asked: Annotated[Asked, Depends()],
) -> Response:
    """The explanation of one figure."""
    service.store.authorize(principal, Scope.FACTORS_READ)
    if asked.cell.user is not None:
        service.store.authorize(principal, Scope.PEOPLE_READ)
    with service.snapshots.current() as snapshot:
        etag = caching.tag(principal, "explain", snapshot.snapshot_id, repr(asked.cell), asked.lens)
        if caching.is_known(request, etag):
            return caching.not_modified(etag)
        try:
            found = explain(OrgReader(snapshot, principal, asked.lens), asked.cell)
        except UnknownMetric as error:
            raise wrong_parameter("metric", "is no measure of the footprints") from error
        except NothingToExplain as error:
            raise Refused("not-found", "The organisation has no such usage that day.") from error
        except PermissionError as error:
            raise Refused("insufficient-scope", sentence(error)) from error
    return Response(
        json_bytes(found.document()),
        media_type="application/json",
        headers=caching.headers(etag),
    )
