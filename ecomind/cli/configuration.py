"""``ecomind config``: what the settings are and where each came from."""

from __future__ import annotations

import json
import os

import click
from rich.console import Console
from rich.table import Table

from ecomind.settings import ENVIRONMENT_PREFIX, Settings, get_settings


def _rows(settings: Settings) -> list[dict[str, str]]:
    rows = []
    values = settings.model_dump(mode="json")
    for name, info in Settings.model_fields.items():
        variable = f"{ENVIRONMENT_PREFIX}{name.upper()}"
        source = "environment" if os.environ.get(variable) else "default"
        rows.append(
            {
                "setting": variable,
                "value": "" if values[name] is None else str(values[name]),
                "from": source,
                "meaning": info.description or "",
            }
        )
    return rows


@click.command("config", short_help="Print every setting.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def config_command(as_json: bool) -> None:
    """Print every setting, its value and its meaning; secrets are masked."""
    rows = _rows(get_settings())
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    table = Table("setting", "value", "from", "meaning", box=None)
    for row in rows:
        table.add_row(*row.values())
    Console().print(table)
