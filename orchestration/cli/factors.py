"""``ecomind factors``: judge the factor files, preview their changes, override them, add sets."""

from __future__ import annotations

import json
import sys
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from ecomind.settings import get_settings
from orchestration.cli import optional_sets, overrides

_DIGITS = 4
_ROWS_SHOWN = 40
_NOISE = 1e-9


@click.group("factors")
def factors_group() -> None:
    """The factor files in seeds/, optional sets, and factors organisations put in their place."""


for _command in (*overrides.COMMANDS, *optional_sets.COMMANDS):
    factors_group.add_command(_command)


def _run(job_name: str) -> None:
    from orchestration.runs import prepare_home, run_job  # noqa: PLC0415 - seconds.

    settings = get_settings()
    prepare_home(settings)
    run_job(settings, job_name, Console(file=sys.stderr, highlight=False))


@factors_group.command("check")
def check_command() -> None:
    """Build the factor files with all their tests; changes nothing.

    Refused files are told with the row and the reason.
    """
    _run("factor_check")
    click.echo("the factor files are sound")


@factors_group.command("preview")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def preview_command(as_json: bool) -> None:
    """Compute every figure with the factor files as they are, and compare; changes nothing."""
    from orchestration.factor_candidate import preview_file  # noqa: PLC0415

    _run("factor_preview")
    text = preview_file(get_settings()).read_text(encoding="utf-8")
    if as_json:
        click.echo(text)
        return
    found = json.loads(text)
    _print_factors(found["factors"])
    _print_totals(found["totals"])


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.{_DIGITS}g}"


def _change(before: float | None, after: float | None) -> str:
    if not before or after is None:
        return ""
    share = (after - before) / before
    return "none" if abs(share) < _NOISE else f"{share:+.2%}"


def _print_factors(rows: list[list[Any]]) -> None:
    if not rows:
        click.echo("no factor differs from those in force")
        return
    table = Table("", "file", box=None)
    table.add_column("factor", overflow="fold")
    for name in ("before", "after", "unit"):
        table.add_column(name)
    for change, file, factor_id, before, after, unit in rows[:_ROWS_SHOWN]:
        table.add_row(change, file, factor_id, _number(before), _number(after), unit)
    Console().print(table)
    if len(rows) > _ROWS_SHOWN:
        click.echo(f"and {len(rows) - _ROWS_SHOWN} more; all of them: --json")


def _print_totals(rows: list[list[Any]]) -> None:
    table = Table("organisation", "sum over all days", "before", "after", "change", box=None)
    for org_id, metric, before, after in rows:
        table.add_row(org_id, metric, _number(before), _number(after), _change(before, after))
    Console().print(table)
