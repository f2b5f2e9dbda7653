"""Privacy jobs taken up, done and ended.

Belongs here: which jobs there are to do, in which order, and how they end. Does not belong here:
the work (``erasing``, ``exporting``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ecomind.identity import Actor, Erasure, IdentityStore, Job, JobKind, Progress, open_store
from ecomind.settings import Settings
from orchestration.privacy.erasing import People, Run, Step, erase_people
from orchestration.privacy.exporting import export_person, files_of
from orchestration.privacy.sealing import seal_what_was_received

KINDS = (JobKind.ERASURE, JobKind.EXPORT)
_REASON_LENGTH = 900


def do_waiting_jobs(settings: Settings, run: Run) -> int:
    """Erase and export everybody it was asked for; how many jobs ended well.

    The caller alone holds the warehouse, so a job that was begun and not ended is taken up again.
    When something fails, the jobs concerned end with the reason and it is raised.
    """
    store = open_store(settings, Actor.system("privacy"))
    jobs = store.jobs.resume(*KINDS)
    if not jobs:
        return 0
    erasures = [job for job in jobs if job.kind is JobKind.ERASURE]
    exports = [job for job in jobs if job.kind is JobKind.EXPORT]
    try:
        if erasures:
            asked_at = max(job.requested_at for job in erasures)
            _begun(store, erasures, Step.SEAL)
            seal_what_was_received(settings, asked_at)
            _begun(store, erasures, Step.REFRESH)
        run.refresh()
        if erasures:
            _erase(settings, store, run, erasures)
    except Exception as error:
        _fail(store, jobs, error)
        raise
    for job in exports:
        _export(settings, store, job)
    store.settle()
    return len(jobs)


def _erase(settings: Settings, store: IdentityStore, run: Run, jobs: Sequence[Job]) -> None:
    wanted = {(job.org_id, job.subject) for job in jobs}
    people = [each for each in store.jobs.erasures() if (each.org_id, each.user_id) in wanted]
    _remove_exports(settings, store, people)
    told = People(
        store.tombstones(),
        people,
        lambda step: _begun(store, jobs, step),
        lambda: store.jobs.note_left(job.job_id for job in jobs),
    )
    erase_people(settings, run, told)
    for job in jobs:
        store.jobs.finish(job.job_id)


def _begun(store: IdentityStore, jobs: Sequence[Job], step: Step) -> None:
    steps = list(Step)
    progress = Progress(steps.index(step) + 1, len(steps), step.value)
    store.jobs.note_progress((job.job_id for job in jobs), progress)


def _fail(store: IdentityStore, jobs: Sequence[Job], error: Exception) -> None:
    reason = " ".join(str(error).split()) or type(error).__name__
    for job in jobs:
        for other in jobs:  # A reason is shown and kept: it names nobody.
            reason = reason.replace(other.subject, "(the person)")
        store.jobs.finish(job.job_id, failure=reason[:_REASON_LENGTH])


def _export(settings: Settings, store: IdentityStore, job: Job) -> None:
    if store.tombstones(job.org_id).holds(job.org_id, job.subject):
        store.jobs.finish(job.job_id, failure="this person was erased")
        return
    try:
        path = export_person(settings, store, job.org_id, job.subject, job.job_id)
    except Exception as error:
        _fail(store, [job], error)
        raise
    expires_at = datetime.now(UTC) + timedelta(days=settings.export_days)
    result = str(path.relative_to(settings.exports_dir))
    store.jobs.finish(job.job_id, result_path=result, expires_at=expires_at)


def _remove_exports(settings: Settings, store: IdentityStore, people: Sequence[Erasure]) -> None:
    gone = {(each.org_id, each.user_id) for each in people}
    for job in store.jobs.listed(None, JobKind.EXPORT):
        if (job.org_id, job.subject) in gone:
            for path in files_of(settings, job.org_id, job.job_id):  # Also of one that was cut off.
                path.unlink(missing_ok=True)
            remove_export(settings, store, job)


def remove_export(settings: Settings, store: IdentityStore, job: Job) -> None:
    """Remove what an export made, and say so on its job."""
    if job.result_path is not None:
        (settings.exports_dir / Path(job.result_path)).unlink(missing_ok=True)
        store.jobs.forget_result(job.job_id)
