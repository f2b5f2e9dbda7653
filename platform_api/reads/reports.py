"""``/v1/reports``: the organisation's report bundles and their files.

Belongs here: listing and downloading. Does not belong here: making reports, or asking for one.
"""

from __future__ import annotations

import mimetypes
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Path, Request, Response
from pydantic import BaseModel

from ecomind.identity import Principal, Scope
from ecomind.warehouse.bundles import Bundle, UnknownBundle, list_bundles, open_bundle
from platform_api import caching
from platform_api.callers import Holding, guarded
from platform_api.problems import Refused
from platform_api.representations import json_bytes
from platform_api.service import ServiceOf

router = guarded("reports")
PERIOD = r"^[0-9]{4}-(0[1-9]|1[0-2])$"
Period = Annotated[str, Path(pattern=PERIOD, description="Month.", examples=["2026-10"])]
Version = Annotated[int, Path(ge=1, le=999_999, description="Version of that month's report.")]


class ReportFile(BaseModel):
    """A file of a report."""

    name: str
    href: str


class Report(BaseModel):
    """One version of the report of one month."""

    period: str
    version: int
    snapshot_id: str
    created_at: datetime
    files: list[ReportFile]


class Reports(BaseModel):
    """Reports, the latest month and version first."""

    data: list[Report]


def described(bundle: Bundle) -> dict[str, Any]:
    """A bundle as members of a JSON object."""
    base = f"/v1/reports/{bundle.period}/versions/{bundle.version}/files"
    return {
        "period": bundle.period,
        "version": bundle.version,
        "snapshot_id": bundle.snapshot_id,
        "created_at": bundle.created_at,
        "files": [{"name": name, "href": f"{base}/{quote(name)}"} for name in bundle.files],
    }


@router.get(
    "/v1/reports",
    summary="Reports of the organisation",
    response_model=Reports,
    responses={200: {"headers": caching.DOCUMENTED}, 304: {"description": "Not changed."}},
)
def reports(
    request: Request,
    service: ServiceOf,
    principal: Annotated[Principal, Depends(Holding(Scope.REPORTS_READ))],
) -> Response:
    """Every version of every month's report."""
    found = [described(bundle) for bundle in list_bundles(service.settings, principal.org_id)]
    etag = caching.tag(principal, "reports", *((r["period"], r["version"]) for r in found))
    if caching.is_known(request, etag):
        return caching.not_modified(etag)
    return Response(
        json_bytes({"data": found}),
        media_type="application/json",
        headers=caching.headers(etag),
    )


@router.get(
    "/v1/reports/{period}/versions/{version}/files/{name}",
    summary="A file of a report",
    responses={
        200: {
            "description": "The file as it was written; it never changes.",
            "headers": caching.DOCUMENTED,
            "content": {
                media: {"schema": {"type": "string", "contentMediaType": media}}
                for media in ("text/csv", "application/pdf", "application/json")
            },
        },
        304: {"description": "Not changed."},
    },
)
def report_file(
    request: Request,
    service: ServiceOf,
    principal: Annotated[Principal, Depends(Holding(Scope.REPORTS_READ))],
    period: Period,
    version: Version,
    name: Annotated[str, Path(max_length=128, examples=["facts.csv"])],
) -> Response:
    """A file of one version of one month's report."""
    try:
        bundle = open_bundle(service.settings, principal.org_id, period, version)
        etag = caching.tag(principal, "report", period, version, bundle.snapshot_id, name)
        if name in bundle.files and caching.is_known(request, etag):
            return caching.not_modified(etag)
        content = bundle.read(name)
    except UnknownBundle as error:
        raise Refused("not-found", "There is no such report or file.") from error
    media, _encoding = mimetypes.guess_type(name)
    headers = caching.headers(etag)
    headers["content-disposition"] = (
        f'attachment; filename="ecomind-{principal.org_id}-{period}-v{version}-{name}"'
    )
    return Response(content, media_type=media or "application/octet-stream", headers=headers)
