"""``ecomind import``: files of AI calls through the real endpoint.

Belongs here: options, progress and the summary a person reads. Does not belong here: what is
done with the rows (``ingest_api.client``).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from ecomind.settings import get_settings
from ingest_api.client.importing import Import, Refusals, Tally
from ingest_api.client.mapping import Defaults
from ingest_api.client.record import ImportRecord
from ingest_api.client.rows import Source, UnreadableFile, open_source
from ingest_api.client.sender import CannotSend, Sender
from ingest_api.client.session import CannotResume, ImportSession

KEY_VARIABLE = "ECOMIND_KEY"


def _key(key_file: Path | None) -> str:
    if key_file is None:
        key = os.environ.get(KEY_VARIABLE, "")
        where = f"the environment variable {KEY_VARIABLE}"
    else:
        try:
            key, where = key_file.read_text("utf-8"), str(key_file)
        except (OSError, UnicodeDecodeError):
            raise click.ClickException(f"the key file {key_file} cannot be read") from None
    key = key.strip()
    if not key or not key.isascii() or not key.isprintable():
        raise click.ClickException(f"there is no API key in {where}; use --key-file or set it")
    return key


def _sources(files: tuple[Path, ...], defaults: Defaults) -> list[Source]:
    try:
        sources = [open_source(path) for path in files]
    except UnreadableFile as error:
        raise click.ClickException(str(error)) from None
    missing = defaults.missing_for_trace()
    for source in sources:
        if source.is_trace and missing:
            needed = " and ".join(missing)
            raise click.ClickException(f"{source.path} is a trace without models: give {needed}")
    return sources


def _summarise(console: Console, tally: Tally) -> None:
    rate = tally.accepted / tally.seconds if tally.seconds else 0.0
    console.print(
        f"sent {tally.sent:,}, accepted {tally.accepted:,}, "
        f"rejected {tally.rejected.total():,} in {tally.seconds:.1f} s ({rate:,.0f} events/s)"
    )
    if tally.known:
        console.print(f"{tally.known:,} more were accepted before the import was interrupted")
    for code, count in tally.rejected.most_common():
        console.print(f"  {code}: {count:,}")
    if tally.rejected["too_old"]:
        days = get_settings().max_event_age_days
        console.print(
            f"Events older than {days} days are accepted from keys with the scope ingest:import "
            "only: make a key with the role import."
        )


def _refusals(source: Source, chosen: Path | None) -> Refusals:
    """Where refused rows of a file go, without those of an earlier import."""
    path = chosen or Path(f"{source.path.name}.rejected.ndjson")
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise click.ClickException(f"{path} cannot be replaced") from error
    return Refusals(path, source.path.name)


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--url", help="Address of the ingest API; by default the local one.")
@click.option("--key-file", type=click.Path(path_type=Path), help="File holding the API key.")
@click.option("--provider", help="Provider of rows that name none.")
@click.option("--model", help="Model of rows that name none.")
@click.option("--region", help="Cloud region of rows that name none.")
@click.option("--team", help="Team of rows that name none.")
@click.option("--project", help="Project of rows that name none.")
@click.option("--user-pool", type=click.IntRange(0), default=0, help="Spread rows over N users.")
@click.option("--org-check", "org_id", metavar="ORG", help="Refuse unless the key is ORG's.")
@click.option("--again", is_flag=True, help="Send files that were imported before, too.")
@click.option(
    "--rejected-file",
    type=click.Path(path_type=Path),
    help="Where refused rows are listed; by default FILE.rejected.ndjson in this folder.",
)
def import_command(
    files: tuple[Path, ...],
    url: str | None,
    key_file: Path | None,
    rejected_file: Path | None,
    again: bool,
    **defaults_given: Any,
) -> None:
    """Send FILES of AI calls through the ingest API.

    A file is an Azure LLM inference trace (give --provider and --model), or CSV, NDJSON or
    Parquet with the contract's field names. Importing a file again sends nothing; were it sent,
    every row would keep its id and count once. The API key is read from --key-file or from
    ECOMIND_KEY.
    """
    defaults = Defaults(**defaults_given)
    key = _key(key_file)
    sources = _sources(files, defaults)
    settings = get_settings()
    console = Console(stderr=True, highlight=False)
    address = url or settings.ingest_url
    sender = Sender(
        address,
        key,
        on_wait=lambda seconds, why: console.print(f"waiting {seconds:.1f} s: {why}"),
    )
    job, is_failed = Import(defaults, sender), False
    try:
        refusals = [_refusals(source, rejected_file) for source in sources]
        for source, refused in zip(sources, refusals, strict=True):
            record = ImportRecord(settings.home / "imports", source, defaults, address, key)
            earlier = None if again else record.earlier()
            before = job.tally.accepted + job.tally.known
            if earlier is not None:
                console.print(f"{source.path.name} was imported before ({earlier}): nothing sent")
            elif _import_resumed(job, source, refused, console, record):
                record.write(job.tally.accepted + job.tally.known - before)
            else:
                record.forget()
    except (CannotSend, CannotResume, UnreadableFile) as error:
        console.print(f"Error: {error}; what was accepted is safe, importing again resumes")
        is_failed = True
    finally:
        sender.close()
    _summarise(console, job.tally)
    if is_failed or job.tally.rejected:
        raise SystemExit(1)


def _import_resumed(
    job: Import, source: Source, refusals: Refusals, console: Console, record: ImportRecord
) -> bool:
    """Send a file, or what is left of it; whether every row was accepted."""
    begun = record.interrupted()
    session = ImportSession.resume(job.sender, begun) if begun else None
    if session is not None:
        console.print(
            f"{source.path.name}: going on with {session.import_id}, "
            f"which has {len(session.stored):,} parts"
        )
        known, rejected = job.tally.known, job.tally.rejected.copy()
        try:
            return _import_one(job, source, refusals, console, session)
        except CannotResume:
            job.tally.known, job.tally.rejected = known, rejected
            console.print(f"{source.path.name} is not as it was: sending it from the start")
            refusals.clear()
    session = ImportSession.begin(job.sender, source.path.name)
    if session is not None:
        record.begin(session.import_id)
    return _import_one(job, source, refusals, console, session)


def _import_one(
    job: Import,
    source: Source,
    refusals: Refusals,
    console: Console,
    session: ImportSession | None,
) -> bool:
    """Send a file; whether every row was accepted."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[accepted]:,} accepted"),
        TimeRemainingColumn(),
    )
    with refusals, Progress(*columns, console=console) as progress:
        task = progress.add_task(source.path.name, total=source.extent, accepted=0)
        before = job.tally.accepted + job.tally.known

        def move(position: int) -> None:
            accepted = job.tally.accepted + job.tally.known - before
            progress.update(task, completed=position, accepted=accepted)

        job.run(source, refusals, move, session)
        progress.update(task, completed=source.extent)
    if not refusals.is_empty:
        console.print(f"refused rows are listed in {refusals.path}")
    return refusals.is_empty
