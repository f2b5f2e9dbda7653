"""``ecomind factors sets``, ``add-electricity-maps``, ``remove-set``: sets that are not shipped.

Belongs here: these commands. Does not belong here: files and rows (``optional_factors``,
``electricity_maps``).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from ecomind.settings import get_settings
from orchestration.optional_factors import (
    OptionalSet,
    OptionalSetError,
    installed_sets,
    read_set,
    remove_set,
    set_path,
    write_set,
)

_NEXT = "see what it would change: ecomind factors preview; apply it: ecomind load"
_ODBL = (
    "licence ODbL 1.0: name Electricity Maps and the licence wherever figures made with it are"
    " shown; whoever is given these rows, or a database with them, gets them under the same licence"
)


@click.command("add-electricity-maps", short_help="Add Electricity Maps' yearly grid figures.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--published-on",
    type=click.DateTime(formats=["%Y-%m-%d"]),
    help="Day from which the figures are known; default: today. Months frozen before keep theirs.",
)
def add_electricity_maps_command(file: Path, published_on: datetime | None) -> None:
    """Add Electricity Maps' yearly grid figures, from a file you have, as an optional set.

    Where a call ran in a zone of theirs, they take the place of the shipped figure. A later edition
    is added to the rows of an earlier one.
    """
    from orchestration.electricity_maps import NAME, merge, read_edition  # noqa: PLC0415

    today = datetime.now(UTC).date()
    day = today if published_on is None else published_on.date()
    if day > today:
        raise OptionalSetError(f"{day} is not over yet: figures cannot be known from then on")
    path = set_path(get_settings(), NAME)
    figures = read_edition(file)
    merged = merge(read_set(path) if path.is_file() else [], figures, day)
    write_set(path, merged.rows)
    zones = len({figure.zone_id for figure in figures})
    years = ", ".join(str(year) for year in sorted({figure.year for figure in figures}))
    click.echo(
        f"{NAME}: {len(merged.rows)} rows; {zones} zones, years {years} read:"
        f" {merged.added} rows added, {merged.corrected} corrected, {merged.kept} there already"
    )
    click.echo(_ODBL)
    click.echo(_NEXT)


@click.command("sets")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def sets_command(as_json: bool) -> None:
    """List the optional factor sets of this installation, with their rows and licences."""
    found = [_summary(each) for each in installed_sets(get_settings())]
    if as_json:
        click.echo(json.dumps(found, indent=2))
    elif not found:
        click.echo("no optional set is installed; the shipped factors apply")
    else:
        table = Table("name", box=None)
        for name in ("factor set", "rows", "data years", "published", "licence"):
            table.add_column(name, overflow="fold")
        for row in found:
            table.add_row(*(_told(value) for key, value in row.items() if key != "file"))
        Console().print(table)


def _summary(of: OptionalSet) -> dict[str, Any]:
    return {
        "name": of.name,
        "factor_set_ids": of.values("factor_set_id"),
        "rows": len(of.rows),
        "data_years": of.values("data_year"),
        "published_on": of.values("published_at"),
        "licences": of.values("licence"),
        "file": str(of.path),
    }


def _told(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


@click.command("remove-set")
@click.argument("name")
def remove_set_command(name: str) -> None:
    """Take an optional factor set away; the shipped factors apply again, also to past days.

    Keep a copy if months were reported with it: without its rows their as-reported figures are
    computed with the shipped ones, too. Report bundles stay as they are.
    """
    path = remove_set(get_settings(), name)
    click.echo(f"removed {path.name}; {_NEXT}")


COMMANDS = (add_electricity_maps_command, sets_command, remove_set_command)
