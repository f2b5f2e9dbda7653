"""``/livez``, ``/readyz`` and ``/health``: whether the service runs, reads, and what of.

Belongs here: states without data of anybody; they take no credential. Does not belong here:
figures.
"""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from ecomind.identity import IdentityError
from platform_api.problems import Refused
from platform_api.service import Service, ServiceOf

router = APIRouter(tags=["health"])
_TEXT: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/plain": {"schema": {"type": "string"}}}}
}


class SnapshotState(BaseModel):
    """The publication the answers are of."""

    snapshot_id: str
    published_at: datetime
    data_through: datetime | None
    age_s: float


class Health(BaseModel):
    """State of the service."""

    status: str
    version: str
    snapshot: SnapshotState


def release() -> str:
    """Version of the installed package."""
    try:
        return version("ecomind")
    except PackageNotFoundError:
        return "unknown"


@router.get("/livez", summary="Whether the process runs", responses=_TEXT, response_class=Response)
async def livez() -> Response:
    """Asks nothing of anything."""
    return Response("ok", media_type="text/plain")


@router.get(
    "/readyz",
    summary="Whether credentials can be checked and figures read",
    responses=_TEXT,
    response_class=Response,
)
def readyz(service: ServiceOf) -> Response:
    """Asks the control store and opens the snapshot."""
    _check(service)
    return Response("ok", media_type="text/plain")


@router.get("/health", summary="Versions, and the age of the figures", response_model=Health)
def health(service: ServiceOf, response: Response) -> Health:
    """State of the service."""
    response.headers["cache-control"] = "no-store"
    return Health(status="ok", version=release(), snapshot=_check(service))


def _check(service: Service) -> SnapshotState:
    try:
        service.store.browser_origins()
    except (SQLAlchemyError, IdentityError) as error:
        raise Refused("identity-unavailable") from error
    with service.snapshots.current() as snapshot:
        return SnapshotState(
            snapshot_id=snapshot.snapshot_id,
            published_at=snapshot.published_at,
            data_through=snapshot.data_through,
            age_s=(datetime.now(UTC) - snapshot.published_at).total_seconds(),
        )
