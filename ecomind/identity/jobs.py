"""Work an organisation asked for that is done elsewhere, and erased pseudonyms.

Belongs here: asking, taking up, ending and listing jobs; tombstones. Does not belong here: doing
the work.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ecomind.identity.changes import Action, Changes
from ecomind.identity.errors import Conflict, NotFound
from ecomind.identity.tables import JobRow, MembershipRow, TombstoneRow, UserRow


class JobKind(StrEnum):
    """What is to be done; the subject is a pseudonym, of a report its month (``YYYY-MM``)."""

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


class JobStore:
    """The jobs and tombstones of the control store."""

    def __init__(self, changes: Changes) -> None:
        """Read and change through ``changes``."""
        self._changes = changes

    def request(self, org_id: str, kind: JobKind, subject: str) -> Job:
        """Ask for work; an equal job that is not yet done is given back instead of another.

        An erasure holds at once for names: the pseudonym's entry in the directory is removed and
        a tombstone put up in the same transaction.
        """
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
            Action.JOB_REQUEST, org_id, f"job/{row.job_id}", kind=kind.value, subject=subject
        ) as change:
            session = change.session
            waiting = session.scalars(
                select(JobRow).where(
                    JobRow.org_id == org_id,
                    JobRow.kind == kind.value,
                    JobRow.subject == subject,
                    JobRow.state.in_([JobState.REQUESTED.value, JobState.RUNNING.value]),
                )
            ).first()
            if waiting is not None:
                change.is_made = False
                return _job(waiting)
            session.add(row)
            if kind is JobKind.ERASURE:
                _bury(session, org_id, subject)
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

    def finish(
        self,
        job_id: str,
        *,
        result_path: str | None = None,
        failure: str | None = None,
    ) -> None:
        """End a job that was taken up, well or with the reason why not. Raises ``NotFound``."""
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
            row.result_path, row.failure = result_path, failure

    def get(self, org_id: str, job_id: str) -> Job:
        """One job. Raises ``NotFound``, also when it is another organisation's."""
        with self._changes.read() as session:
            row = session.get(JobRow, job_id)
            if row is None or row.org_id != org_id:
                raise NotFound(f"there is no job {job_id}")
            return _job(row)

    def listed(self, org_id: str | None = None, *kinds: JobKind) -> list[Job]:
        """Jobs of one organisation or of all, newest first."""
        query = select(JobRow).order_by(JobRow.requested_at.desc(), JobRow.job_id)
        if org_id is not None:
            query = query.where(JobRow.org_id == org_id)
        if kinds:
            query = query.where(JobRow.kind.in_([kind.value for kind in kinds]))
        with self._changes.read() as session:
            return [_job(row) for row in session.scalars(query)]

    def tombstones(self, org_id: str | None = None) -> list[dict[str, object]]:
        """Erased pseudonyms of one organisation or of all: ``org_id``, ``user_id``, time."""
        columns = TombstoneRow.__table__.columns
        query = select(*columns).order_by(columns.org_id, columns.user_id)
        if org_id is not None:
            query = query.where(columns.org_id == org_id)
        with self._changes.read() as session:
            return [dict(row) for row in session.execute(query).mappings()]


def _bury(session: Session, org_id: str, user_id: str) -> None:
    if session.get(TombstoneRow, (org_id, user_id)) is None:
        now = datetime.now(UTC)
        session.add(TombstoneRow(org_id=org_id, user_id=user_id, created_at=now))
    person = session.get(UserRow, (org_id, user_id))
    if person is not None:
        session.delete(person)
    own = MembershipRow.org_id == org_id, MembershipRow.user_id == user_id
    session.execute(update(MembershipRow).where(*own).values(user_id=None))


def _job(row: JobRow) -> Job:
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
    )
