"""``ecomind period``: freeze months that were reported."""

from __future__ import annotations

from datetime import datetime

import click
from rich.console import Console
from rich.table import Table

from ecomind.identity import open_store
from ecomind.settings import get_settings
from orchestration.cli.overrides import APPLY, as_date


@click.group("period")
def period_group() -> None:
    """Months an organisation has reported and keeps as they were reported."""


@period_group.command("freeze")
@click.argument("org_id", metavar="ORG")
@click.argument("month", metavar="YYYY-MM")
@click.option(
    "--on",
    type=click.DateTime(formats=["%Y-%m-%d"]),
    help="Keep what was known on this day; default: today (UTC).",
)
def freeze_command(org_id: str, month: str, on: datetime | None) -> None:
    """Keep a month's figures as reported, whatever becomes known later; for good."""
    day = open_store(get_settings()).freezes.freeze(org_id, month, as_date(on))
    click.echo(f"{month} of {org_id} is frozen as known on {day}; {APPLY}")


@period_group.command("list")
@click.argument("org_id", metavar="[ORG]", required=False)
def list_command(org_id: str | None) -> None:
    """List frozen months."""
    table = Table("organisation", "month", "frozen on", box=None)
    for row in open_store(get_settings()).freezes.rows(org_id):
        table.add_row(row["org_id"], f"{row['period_start']:%Y-%m}", str(row["frozen_on"]))
    Console().print(table)
