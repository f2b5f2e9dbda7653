"""``ecomind privacy``: erase or export a person."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from ecomind.errors import EcoMindError
from ecomind.identity import IdentityStore, Job, JobKind, JobState, open_store
from ecomind.settings import Settings, get_settings

_KINDS = (JobKind.ERASURE, JobKind.EXPORT)
_SHOWN = 50


class NotFulfilled(EcoMindError):
    """A request that ended badly; says why in one sentence."""


@click.group("privacy")
def privacy_group() -> None:
    """Erase or export everything that is held of a person."""


def _person(store: IdentityStore, settings: Settings, org_id: str, user: str) -> list[str]:
    """Under which ids a person is stored: the pseudonym, given or of an id, and ids kept raw."""
    store.organizations.get(org_id)
    if user.startswith("u_") and len(user) == 34:
        return [user]
    return store.stored_ids(org_id, user, keeps_raw=settings.keep_raw_user_ids)


def _fulfil(settings: Settings, store: IdentityStore, jobs: list[Job]) -> list[Job]:
    """Do what was asked for here and now; a service that runs may do it first."""
    from orchestration.runs import prepare_home, run_job  # noqa: PLC0415 - heavy.

    prepare_home(settings)
    run_job(settings, "privacy_requests", Console(file=sys.stderr, highlight=False))
    ended = [store.jobs.get(job.org_id, job.job_id) for job in jobs]
    for job in ended:
        if job.state is not JobState.DONE:
            raise NotFulfilled(f"the request {job.job_id} is {job.state.value}: {job.failure}")
    return ended


@privacy_group.command("erase")
@click.argument("org_id", metavar="ORG")
@click.argument("user")
@click.confirmation_option(prompt="The person is erased for good. Go on?")
def erase_command(org_id: str, user: str) -> None:
    """Erase USER, given by the id their calls are sent with or by the pseudonym.

    Their calls stay, as those of nobody: all totals remain as they are.
    """
    settings = get_settings()
    store = open_store(settings)
    people = _person(store, settings, org_id, user)
    jobs = [store.jobs.request(org_id, JobKind.ERASURE, person) for person in people]
    for job in _fulfil(settings, store, jobs):
        click.echo(f"{job.job_id}: erased")


@privacy_group.command("export")
@click.argument("org_id", metavar="ORG")
@click.argument("user")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Copy the archive here."
)
def export_command(org_id: str, user: str, out: Path | None) -> None:
    """Write everything that is held of USER into an archive."""
    settings = get_settings()
    store = open_store(settings)
    person = _person(store, settings, org_id, user)[-1]
    [job] = _fulfil(settings, store, [store.jobs.request(org_id, JobKind.EXPORT, person)])
    archive = settings.exports_dir / (job.result_path or "")
    if out is not None:
        out.write_bytes(archive.read_bytes())
    expires = f"{job.expires_at:%Y-%m-%d %H:%M} UTC" if job.expires_at else "never"
    click.echo(f"{job.job_id}: {out or archive}; the archive is removed on {expires}")


@privacy_group.command("jobs")
@click.argument("org_id", metavar="[ORG]", required=False)
def jobs_command(org_id: str | None) -> None:
    """List erasures and exports, newest first."""
    table = Table("job", "organisation", "kind", "state", "asked for (UTC)", "", box=None)
    for job in open_store(get_settings()).jobs.listed(org_id, *_KINDS)[:_SHOWN]:
        when = f"{job.requested_at:%Y-%m-%d %H:%M}"
        told = job.failure or job.result_path or _how_far(job)
        table.add_row(job.job_id, job.org_id, job.kind.value, job.state.value, when, told)
    Console().print(table)


def _how_far(job: Job) -> str:
    if job.progress is None or job.state is not JobState.RUNNING:
        return ""
    return f"step {job.progress.step} of {job.progress.steps}: {job.progress.doing}"
