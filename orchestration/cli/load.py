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

    Factor files that changed are loaded too. `ecomind up` does this by itself whenever files
    are landed.
    """
    from orchestration.runs import load_job_name, prepare_home, run_job  # noqa: PLC0415

    settings = get_settings()
    console = Console(file=sys.stderr, highlight=False)
    prepare_home(settings)
    run_job(settings, "rebuild" if factors else load_job_name(settings), console)
    snapshot = current_snapshot(settings)
    through = snapshot.data_through
    received = (
        f"everything received until {through:%Y-%m-%d %H:%M:%S} UTC" if through else "no events"
    )
    click.echo(f"published {snapshot.snapshot_id}: {received}")
