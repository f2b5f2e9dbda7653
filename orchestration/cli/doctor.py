"""``ecomind doctor``: what is wrong with this installation, and what to do."""

from __future__ import annotations

import json

import click
from rich.console import Console
from rich.table import Table

from ecomind.settings import get_settings


@click.command("doctor", short_help="Say what is wrong and what to do.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def doctor_command(as_json: bool) -> None:
    """Look for what is wrong and say what to do; exit code 1 when something is."""
    from orchestration.examination import examine  # noqa: PLC0415 - imports every room.

    findings = examine(get_settings())
    if as_json:
        click.echo(json.dumps([finding.as_dict() for finding in findings], indent=2))
    else:
        table = Table("", "what", "found", "what to do", box=None)
        for finding in findings:
            mark = {"ok": "[green]✓[/green]", "note": "[yellow]•[/yellow]"}
            table.add_row(
                mark.get(finding.state, "[red]✗[/red]"), finding.what, finding.found, finding.remedy
            )
        Console().print(table)
    if any(finding.state == "wrong" for finding in findings):
        raise SystemExit(1)
