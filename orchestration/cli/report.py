"""``ecomind report``: build a monthly report, or list those there are."""

from __future__ import annotations

import re
import sys

import click
from rich.console import Console

from ecomind.errors import EcoMindError
from ecomind.settings import get_settings
from ecomind.warehouse.bundles import list_bundles, open_bundle


@click.command("report", short_help="Build or list monthly reports.")
@click.argument("org_id")
@click.argument("month", required=False, metavar="[YYYY-MM]")
def report_command(org_id: str, month: str | None) -> None:
    """Build the report of an organisation and month, or list its reports.

    A report of a month that was reported before gets a new version only if its figures changed.
    """
    settings = get_settings()
    if month is None:
        bundles = list_bundles(settings, org_id)
        for bundle in bundles:
            click.echo(f"{bundle.period} {bundle.directory.name}  {bundle.directory}")
        if not bundles:
            click.echo(f"no reports of {org_id} yet; build one: ecomind report {org_id} YYYY-MM")
        return
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
        raise EcoMindError(f"{month} is not a month; write it as YYYY-MM")
    _build(org_id, month)


def _build(org_id: str, month: str) -> None:
    import dagster as dg  # noqa: PLC0415 - seconds, not wanted for listing.

    from orchestration.organizations import register_organizations  # noqa: PLC0415
    from orchestration.runs import prepare_home, run_job  # noqa: PLC0415

    settings = get_settings()
    prepare_home(settings)
    with dg.DagsterInstance.get() as instance:
        if org_id not in register_organizations(instance, settings):
            raise EcoMindError(f"there is no organisation {org_id}")
    partition = dg.MultiPartitionKey({"month": f"{month}-01", "organization": org_id})
    run_job(settings, "report", Console(file=sys.stderr, highlight=False), partition)
    bundle = open_bundle(settings, org_id, month)
    for name in bundle.files:
        click.echo(bundle.directory / name)
