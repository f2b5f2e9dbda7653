"""``ecomind load``: load what was landed, rebuild what it touched, publish."""

from __future__ import annotations

import sys

import click
from rich.console import Console

from ecomind.settings import get_settings
from ecomind.warehouse.snapshot import current_snapshot


@click.command("load")
@click.option(
    "--factors",
    is_flag=True,
    help="Load the factor files even if they did not change since they were loaded last.",
)
def load_command(factors: bool) -> None:
    """Load landed events into the warehouse and publish them.

    Factor files that changed, overrides and frozen months are loaded too; if they are refused, the
    set in force stays and the events are loaded with it. `ecomind up` does this by itself whenever
    files are landed or organisations record something.
    """
    from orchestration.factor_files import are_refused  # noqa: PLC0415
    from orchestration.runs import RunFailed, load_job_name, prepare_home, run_job  # noqa: PLC0415

    settings = get_settings()
    console = Console(file=sys.stderr, highlight=False)
    prepare_home(settings)
    job_name = "rebuild" if factors else load_job_name(settings)
    refusal = None
    try:
        run_job(settings, job_name, console)
    except RunFailed as failure:
        if job_name != "rebuild" or not are_refused(settings):
            raise
        refusal = failure
        run_job(settings, "refresh", console)  # What was landed need not wait for the factors.
    if job_name == "refresh" and are_refused(settings):
        console.print(
            "the factor files were refused before, see `ecomind factors check`;"
            " overrides and frozen months wait until they are mended"
        )
    snapshot = current_snapshot(settings)
    through = snapshot.data_through
    received = (
        f"everything received until {through:%Y-%m-%d %H:%M:%S} UTC" if through else "no events"
    )
    click.echo(f"published {snapshot.snapshot_id}: {received}")
    if refusal is not None:
        raise refusal
