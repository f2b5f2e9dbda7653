"""``/v1/privacy``: asking for a person to be erased or exported, and how far that is.

Belongs here: requests, their state and the archives of exports. Does not belong here: doing it: a
request is a row that the orchestration takes up.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import Depends, Response
from pydantic import Field, model_validator

from ecomind.identity import Job, JobKind, JobState, Principal, Scope
from platform_api.administration.frame import (
    FOUND,
    Document,
    changing,
    example,
    in_path,
    listed,
    single,
)
from platform_api.administration.users import USER_ID
from platform_api.callers import Holding, guarded
from platform_api.problems import Refused
from platform_api.service import ServiceOf

router = guarded("privacy")
JobId = Annotated[str, in_path("Id of a request.", "j_1f0e2d3c4b5a6978", r"^j_[0-9a-f]{16}$")]
Administers = Annotated[Principal, Depends(Holding(Scope.ADMIN_PRIVACY))]
Erases = Annotated[Principal, Depends(Holding(Scope.ADMIN_PRIVACY, freshly="erasure.request"))]
Exports = Annotated[Principal, Depends(Holding(Scope.ADMIN_PRIVACY, freshly="export.request"))]
Fetches = Annotated[Principal, Depends(Holding(Scope.ADMIN_PRIVACY, freshly="export.fetch"))]
_KINDS = (JobKind.ERASURE, JobKind.EXPORT)
_LISTED_MAX = 500
_ASKED: dict[int | str, dict[str, Any]] = {
    202: {"headers": {"Location": {"description": "Its state.", "schema": {"type": "string"}}}}
}


class OfPerson(Document):
    """A person, by the id their calls are sent with or by their pseudonym; one of both."""

    model_config = example({"user_ref": "ada@example.org"})

    user_ref: Annotated[str | None, Field(min_length=1, max_length=256)] = None
    user_id: Annotated[str | None, Field(pattern=USER_ID)] = None

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.user_ref is None) == (self.user_id is None):
            raise ValueError("give user_ref or user_id")
        return self


class PrivacyProgress(Document):
    """The step an erasure is at, counted from one; of one that failed, where it failed."""

    step: int
    steps: int
    doing: str


class PrivacyJob(Document):
    """How far a request is; it names nobody. ``archive`` is where an export can be fetched."""

    model_config = example(
        {
            "job_id": "j_1f0e2d3c4b5a6978",
            "kind": "export",
            "state": "done",
            "requested_at": "2026-11-21T09:00:00Z",
            "started_at": "2026-11-21T09:00:07Z",
            "finished_at": "2026-11-21T09:00:41Z",
            "expires_at": "2026-11-28T09:00:41Z",
            "archive": "/v1/privacy/jobs/j_1f0e2d3c4b5a6978/archive",
            "progress": None,
            "failure": None,
        }
    )

    job_id: str
    kind: Annotated[str, Field(json_schema_extra={"enum": ["erasure", "export"]})]
    state: Annotated[
        str, Field(json_schema_extra={"enum": ["requested", "running", "done", "failed"]})
    ]
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime | None
    archive: str | None
    progress: PrivacyProgress | None
    failure: str | None


class PrivacyJobs(Document):
    """Requests, newest first."""

    data: list[PrivacyJob]


def _told(job: Job) -> dict[str, Any]:
    has_archive = job.kind is JobKind.EXPORT and job.result_path is not None
    return {
        "job_id": job.job_id,
        "kind": job.kind.value,
        "state": job.state.value,
        "requested_at": job.requested_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "expires_at": job.expires_at,
        "archive": f"/v1/privacy/jobs/{job.job_id}/archive" if has_archive else None,
        "progress": asdict(job.progress) if job.progress else None,
        "failure": job.failure,
    }


def _ask(service: ServiceOf, principal: Principal, kind: JobKind, person: OfPerson) -> Response:
    org_id = principal.org_id
    with changing(service, principal) as store:
        if person.user_id is not None:
            ids = [person.user_id]
        else:
            keeps_raw = service.settings.keep_raw_user_ids
            ids = store.stored_ids(org_id, person.user_ref or "", keeps_raw=keeps_raw)
        jobs = [store.jobs.request(org_id, kind, each) for each in ids]
    job = jobs[-1]
    return single(_told(job), status=202, location=f"/v1/privacy/jobs/{job.job_id}")


@router.post(
    "/v1/privacy/erasures",
    summary="Ask for a person to be erased",
    description="No reader shows them from now on; files, databases and snapshots are rewritten "
    "within minutes. Their calls stay, as nobody's: no total changes. It cannot be undone.",
    status_code=202,
    response_model=PrivacyJob,
    responses=_ASKED,
)
def request_erasure(service: ServiceOf, principal: Erases, person: OfPerson) -> Response:
    """Ask for one."""
    return _ask(service, principal, JobKind.ERASURE, person)


@router.post(
    "/v1/privacy/exports",
    summary="Ask for everything that is held of a person",
    status_code=202,
    response_model=PrivacyJob,
    responses=_ASKED,
    openapi_extra={"x-problems": ["conflict"]},
)
def request_export(service: ServiceOf, principal: Exports, person: OfPerson) -> Response:
    """Ask for one."""
    return _ask(service, principal, JobKind.EXPORT, person)


@router.get(
    "/v1/privacy/jobs", summary="Erasures and exports, newest first", response_model=PrivacyJobs
)
def privacy_jobs(service: ServiceOf, principal: Administers) -> Response:
    """The latest requests."""
    jobs = service.store.jobs.listed(principal.org_id, *_KINDS)
    return listed([_told(job) for job in jobs[:_LISTED_MAX]])


def _found(service: ServiceOf, principal: Principal, job_id: str) -> Job:
    job = service.store.jobs.get(principal.org_id, job_id)
    if job.kind not in _KINDS:
        raise Refused("not-found")
    return job


@router.get(
    "/v1/privacy/jobs/{job_id}",
    summary="How far an erasure or an export is",
    response_model=PrivacyJob,
    responses=dict(FOUND),
)
def privacy_job(service: ServiceOf, principal: Administers, job_id: JobId) -> Response:
    """One request."""
    return single(_told(_found(service, principal, job_id)))


@router.get(
    "/v1/privacy/jobs/{job_id}/archive",
    summary="The archive of an export, until it expires",
    responses={
        200: {
            "description": "A ZIP archive of CSV files with a README.",
            "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
    openapi_extra={"x-problems": ["not-found"]},
)
def privacy_archive(service: ServiceOf, principal: Fetches, job_id: JobId) -> Response:
    """The archive."""
    job = _found(service, principal, job_id)
    if job.state is not JobState.DONE or job.result_path is None:
        raise Refused("not-found")
    try:
        content = (service.settings.exports_dir / job.result_path).read_bytes()
    except FileNotFoundError as error:
        raise Refused("not-found") from error
    headers = {
        "cache-control": "private, no-store",
        "content-disposition": f'attachment; filename="ecomind-{principal.org_id}-{job_id}.zip"',
    }
    return Response(content, media_type="application/zip", headers=headers)
