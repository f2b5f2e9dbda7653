"""``POST /v1/reports``: asking for a report to be made, and how far it is.

Belongs here: the request and its state. Does not belong here: making it: the request is a row that
the orchestration takes up.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, Response
from pydantic import Field

from ecomind.identity import Job, JobKind, Principal, Scope
from platform_api.administration.frame import (
    FOUND,
    Document,
    changing,
    example,
    in_path,
    single,
)
from platform_api.callers import Holding, guarded
from platform_api.problems import Refused, wrong_member
from platform_api.reads.reports import PERIOD
from platform_api.service import ServiceOf

router = guarded("reports")
JobId = Annotated[str, in_path("Id of a request.", "j_1f0e2d3c4b5a6978", r"^j_[0-9a-f]{16}$")]


class ReportRequest(Document):
    """A month to report."""

    model_config = example({"period": "2026-10"})

    period: Annotated[str, Field(pattern=PERIOD)]


class ReportJob(Document):
    """How far a request is; the report is listed at ``/v1/reports`` when it is done."""

    model_config = example(
        {
            "job_id": "j_1f0e2d3c4b5a6978",
            "period": "2026-10",
            "state": "requested",
            "requested_at": "2026-11-21T09:00:00Z",
            "started_at": None,
            "finished_at": None,
            "failure": None,
        }
    )

    job_id: str
    period: str
    state: Annotated[
        str, Field(json_schema_extra={"enum": ["requested", "running", "done", "failed"]})
    ]
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    failure: str | None


def _told(job: Job) -> dict[str, Any]:
    return {
        "job_id": job.job_id,
        "period": job.subject,
        "state": job.state.value,
        "requested_at": job.requested_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "failure": job.failure,
    }


@router.post(
    "/v1/reports",
    summary="Ask for a month's report",
    description="Unchanged figures make no new version. A month that is waited for already is not "
    "asked for twice.",
    status_code=202,
    response_model=ReportJob,
    responses={
        202: {"headers": {"Location": {"description": "Its state.", "schema": {"type": "string"}}}}
    },
)
def request_report(
    service: ServiceOf,
    principal: Annotated[Principal, Depends(Holding(Scope.REPORTS_REQUEST))],
    wanted: ReportRequest,
) -> Response:
    """Ask for one."""
    if wanted.period > datetime.now(UTC).strftime("%Y-%m"):
        raise wrong_member("#/period", "is a month that has begun")
    with changing(service, principal) as store:
        job = store.jobs.request(principal.org_id, JobKind.REPORT, wanted.period)
    return single(_told(job), status=202, location=f"/v1/reports/requests/{job.job_id}")


@router.get(
    "/v1/reports/requests/{job_id}",
    summary="How far a request for a report is",
    response_model=ReportJob,
    responses=dict(FOUND),
)
def report_request(
    service: ServiceOf,
    principal: Annotated[Principal, Depends(Holding(Scope.REPORTS_READ))],
    job_id: JobId,
) -> Response:
    """One request."""
    job = service.store.jobs.get(principal.org_id, job_id)
    if job.kind is not JobKind.REPORT:
        raise Refused("not-found")
    return single(_told(job))
