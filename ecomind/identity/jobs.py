"""Work an organisation asked for that is done elsewhere, and erased pseudonyms.

Belongs here: asking, taking up, ending and listing jobs; tombstones. Does not belong here: doing
the work.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from ecomind.identity.changes import Action, Changes
from ecomind.identity.errors import Conflict, IdentityError, NotFound
from ecomind.identity.tables import (
    JobProgressRow,
    JobRow,
    MembershipRow,
    OrganizationRow,
    TombstoneRow,
    UserRow,
)
from ecomind.identity.tombstones import ERASED, Buried, Tombstones, mark_of


class JobKind(StrEnum):
    """What is to be done.

    The subject is a pseudonym, of somebody erased ``erased:`` and a mark, of a report its month.
    """

    ERASURE = "erasure"
    EXPORT = "export"
    REPORT = "report"


class JobState(StrEnum):
    """How far it is."""

    REQUESTED = "requested"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Progress:
    """Which step of how many a job came to, counted from one, and what that step does."""

    step: int
    steps: int
    doing: str


@dataclass(frozen=True, slots=True)
class Job:
    """A job as its organisation may see it."""

    job_id: str
    org_id: str
    kind: JobKind
    subject: str
    state: JobState
    requested_by: str
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    result_path: str | None
    failure: str | None
    expires_at: datetime | None = None
    """When what the job made is removed (UTC)."""
    progress: Progress | None = None
    """The step it is at or, of one that failed, was at."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """Somebody whose traces are to go, and the team their calls stay with."""

    org_id: str
    user_id: str
    team_id: str | None


_GONE = "erased:"
_NOBODY = frozenset({ERASED, "unattributed"})
"""What stands in the place of people in the warehouse."""
_UNFINISHED = (JobState.REQUESTED.value, JobState.RUNNING.value)
_OF_PEOPLE = (JobKind.ERASURE.value, JobKind.EXPORT.value)


class JobStore:
    """The jobs and tombstones of the control store."""

    def __init__(self, changes: Changes) -> None:
        """Read and change through ``changes``."""
        self._changes = changes

    def request(self, org_id: str, kind: JobKind, subject: str) -> Job:
        """Ask for work; an equal job that is not yet done is given back instead of another.

        An erasure holds at once for names: the pseudonym's entry in the directory is removed and
        a tombstone put up in the same transaction. Raises ``IdentityError`` for a name that stands
        for nobody in particular, ``Conflict`` to export somebody erased.
        """
        if kind is not JobKind.REPORT and subject in _NOBODY:
            raise IdentityError(f"{subject} is no person")
        row = JobRow(
            job_id=f"j_{secrets.token_hex(8)}",
            org_id=org_id,
            kind=kind.value,
            subject=subject,
            state=JobState.REQUESTED.value,
            requested_by=self._changes.actor.name,
            requested_at=datetime.now(UTC),
        )
        with self._changes.make(
            Action.JOB_REQUEST, org_id, f"job/{row.job_id}", kind=kind.value
        ) as change:
            session = change.session
            mark = mark_of(_secret(session, org_id), subject)
            change.facts["subject"] = subject if kind is JobKind.REPORT else mark
            waiting = session.scalars(
                select(JobRow).where(
                    JobRow.org_id == org_id,
                    JobRow.kind == kind.value,
                    JobRow.subject == subject,
                    JobRow.state.in_(_UNFINISHED),
                )
            ).first()
            if waiting is not None:
                change.is_made = False
                return _job(waiting)
            if kind is JobKind.EXPORT and session.get(TombstoneRow, (org_id, mark)) is not None:
                raise Conflict("this person was erased")
            if kind is JobKind.ERASURE:
                row.team_id = _team(session, org_id, subject)
                _bury(session, org_id, subject, mark)
            session.add(row)
            session.flush()
            return _job(row)

    def take(self, *kinds: JobKind) -> Job | None:
        """The oldest job of these kinds that waits, which is the caller's from now on."""
        query = (
            select(JobRow)
            .where(
                JobRow.state == JobState.REQUESTED.value,
                JobRow.kind.in_([kind.value for kind in kinds]),
            )
            .order_by(JobRow.requested_at, JobRow.job_id)
        )
        with self._changes.read() as session:
            waiting = [(row.org_id, row.job_id) for row in session.scalars(query)]
        for org_id, job_id in waiting:
            with self._changes.make(Action.JOB_START, org_id, f"job/{job_id}") as change:
                row = change.session.get_one(JobRow, job_id)
                change.is_made = row.state == JobState.REQUESTED.value
                if change.is_made:  # Otherwise another process was first.
                    row.state, row.started_at = JobState.RUNNING.value, datetime.now(UTC)
                    return _job(row)
        return None

    def resume(self, *kinds: JobKind) -> list[Job]:
        """Every job of these kinds that waits or was begun, oldest first; all are the caller's.

        Only for whoever knows that nobody else is at work on them.
        """
        while self.take(*kinds) is not None:
            pass
        query = select(JobRow).where(
            JobRow.kind.in_([kind.value for kind in kinds]), JobRow.state == JobState.RUNNING.value
        )
        with self._changes.read() as session:
            found = session.scalars(query.order_by(JobRow.requested_at, JobRow.job_id))
            return [_job(row) for row in found]

    def finish(
        self,
        job_id: str,
        *,
        result_path: str | None = None,
        failure: str | None = None,
        expires_at: datetime | None = None,
    ) -> None:
        """End a job that was taken up, well or with the reason why not. Raises ``NotFound``.

        Once an erasure went well, no job names the pseudonym any more.
        """
        with self._changes.read() as session:
            found = session.get(JobRow, job_id)
        if found is None:
            raise NotFound(f"there is no job {job_id}")
        state = JobState.DONE if failure is None else JobState.FAILED
        with self._changes.make(
            Action.JOB_FINISH, found.org_id, f"job/{job_id}", state=state.value
        ) as change:
            row = change.session.get_one(JobRow, job_id)
            if row.state != JobState.RUNNING.value:
                raise Conflict(f"the job {job_id} is {row.state}, not running")
            row.state, row.finished_at = state.value, datetime.now(UTC)
            row.result_path, row.failure, row.expires_at = result_path, failure, expires_at
            if row.kind == JobKind.ERASURE.value and failure is None:
                _forget(change.session, row.org_id, row.subject)

    def note_progress(self, job_ids: Iterable[str], progress: Progress) -> None:
        """Say which step jobs are at."""
        with self._changes.note() as session:
            for job_id in job_ids:
                row = session.get(JobProgressRow, job_id)
                if row is None:
                    row = JobProgressRow(job_id=job_id, has_left=False)
                    session.add(row)
                row.step, row.steps, row.doing = progress.step, progress.steps, progress.doing

    def note_left(self, job_ids: Iterable[str]) -> None:
        """Say that calls of the people these jobs erase have their team: all jobs or none."""
        with self._changes.note() as session:
            session.execute(
                update(JobProgressRow)
                .where(JobProgressRow.job_id.in_(list(job_ids)))
                .values(has_left=True)
            )

    def forget_result(self, job_id: str) -> None:
        """Say that what a job made is no longer there. Raises ``NotFound``."""
        with self._changes.read() as session:
            found = session.get(JobRow, job_id)
        if found is None:
            raise NotFound(f"there is no job {job_id}")
        with self._changes.make(Action.JOB_EXPIRE, found.org_id, f"job/{job_id}") as change:
            row = change.session.get_one(JobRow, job_id)
            change.is_made = row.result_path is not None
            row.result_path = None

    def get(self, org_id: str, job_id: str) -> Job:
        """One job. Raises ``NotFound``, also when it is another organisation's."""
        with self._changes.read() as session:
            row = session.get(JobRow, job_id)
            if row is None or row.org_id != org_id:
                raise NotFound(f"there is no job {job_id}")
            return _job(row, session.get(JobProgressRow, job_id))

    def listed(self, org_id: str | None = None, *kinds: JobKind) -> list[Job]:
        """Jobs of one organisation or of all, newest first."""
        query = (
            select(JobRow, JobProgressRow)
            .outerjoin(JobProgressRow, JobProgressRow.job_id == JobRow.job_id)
            .order_by(JobRow.requested_at.desc(), JobRow.job_id)
        )
        if org_id is not None:
            query = query.where(JobRow.org_id == org_id)
        if kinds:
            query = query.where(JobRow.kind.in_([kind.value for kind in kinds]))
        with self._changes.read() as session:
            return [_job(row, progress) for row, progress in session.execute(query)]

    def erasures(self, org_id: str | None = None) -> list[Erasure]:
        """Everybody whose erasure was asked for and has not ended well yet."""
        query = _erasures()
        if org_id is not None:
            query = query.where(JobRow.org_id == org_id)
        with self._changes.read() as session:
            found = {(row.org_id, row.subject): row.team_id for row in session.scalars(query)}
        return [Erasure(org, user, team) for (org, user), team in sorted(found.items())]

    def leaving_users(self) -> list[dict[str, Any]]:
        """Rows for the warehouse of people under erasure, until their calls have their team."""
        query = _erasures().join(JobProgressRow, JobProgressRow.job_id == JobRow.job_id)
        with self._changes.read() as session:
            # Also those of an earlier try that failed later on: their calls have it for good.
            left = {
                (row.org_id, row.subject)
                for row in session.scalars(query.where(JobProgressRow.has_left))
            }
        return [
            {
                "org_id": each.org_id,
                "user_id": each.user_id,
                "display_name": ERASED,
                "team_id": each.team_id,
            }
            for each in self.erasures()
            if each.team_id is not None and (each.org_id, each.user_id) not in left
        ]

    def tombstones(self, org_id: str | None = None) -> Tombstones:
        """Who was erased, of one organisation or of all."""
        query = select(
            TombstoneRow.org_id, TombstoneRow.mark, OrganizationRow.pseudonym_secret
        ).join(OrganizationRow, OrganizationRow.org_id == TombstoneRow.org_id)
        if org_id is not None:
            query = query.where(TombstoneRow.org_id == org_id)
        secrets_of: dict[str, bytes] = {}
        marks: dict[str, set[str]] = {}
        with self._changes.read() as session:
            for organization, mark, secret in session.execute(query):
                secrets_of[organization] = bytes.fromhex(secret)
                marks.setdefault(organization, set()).add(mark)
        return Tombstones(
            {org: Buried(secrets_of[org], frozenset(found)) for org, found in marks.items()}
        )


def being_erased(session: Session, org_id: str) -> frozenset[str]:
    """Pseudonyms of an organisation whose erasure has not ended well yet."""
    return frozenset(row.subject for row in session.scalars(_erasures(org_id)))


def _erasures(org_id: str | None = None) -> Select[tuple[JobRow]]:
    query = (
        select(JobRow)
        .where(JobRow.kind == JobKind.ERASURE.value, JobRow.state != JobState.DONE.value)
        .where(JobRow.subject.not_like(f"{_GONE}%"))
        .order_by(JobRow.requested_at.desc())
    )
    return query if org_id is None else query.where(JobRow.org_id == org_id)


def _secret(session: Session, org_id: str) -> bytes:
    return bytes.fromhex(session.get_one(OrganizationRow, org_id).pseudonym_secret)


def _team(session: Session, org_id: str, user_id: str) -> str | None:
    """The team of somebody in the directory, or of an earlier try to erase them."""
    person = session.get(UserRow, (org_id, user_id))
    if person is not None:
        return person.team_id
    tries = session.scalars(_erasures(org_id).where(JobRow.subject == user_id)).all()
    return next((row.team_id for row in tries if row.team_id is not None), None)


def _bury(session: Session, org_id: str, user_id: str, mark: str) -> None:
    if session.get(TombstoneRow, (org_id, mark)) is None:
        session.add(TombstoneRow(org_id=org_id, mark=mark, created_at=datetime.now(UTC)))
    person = session.get(UserRow, (org_id, user_id))
    if person is not None:
        session.delete(person)
    own = MembershipRow.org_id == org_id, MembershipRow.user_id == user_id
    session.execute(update(MembershipRow).where(*own).values(user_id=None))


def _forget(session: Session, org_id: str, user_id: str) -> None:
    gone = _GONE + mark_of(_secret(session, org_id), user_id)
    of_them = JobRow.org_id == org_id, JobRow.subject == user_id, JobRow.kind.in_(_OF_PEOPLE)
    session.execute(update(JobRow).where(*of_them).values(subject=gone, team_id=None))


def _job(row: JobRow, progress: JobProgressRow | None = None) -> Job:
    return Job(
        row.job_id,
        row.org_id,
        JobKind(row.kind),
        row.subject,
        JobState(row.state),
        row.requested_by,
        row.requested_at,
        row.started_at,
        row.finished_at,
        row.result_path,
        row.failure,
        row.expires_at,
        Progress(progress.step, progress.steps, progress.doing) if progress else None,
    )
