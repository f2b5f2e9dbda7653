"""``ecomind factors override``, ``overrides``, ``withdraw``: factors of an organisation's own.

Belongs here: these commands. Does not belong here: the rules (``ecomind.identity.overrides``).
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from ecomind.identity import NewOverride, open_store
from ecomind.settings import get_settings

_DAY = click.DateTime(formats=["%Y-%m-%d"])
APPLY = "apply it with: ecomind load"


def as_date(moment: datetime | None) -> date | None:
    """The day of a parsed option."""
    return None if moment is None else moment.date()


@click.command("override", short_help="Put a factor in the place of the shared one.")
@click.argument("org_id", metavar="ORG")
@click.argument("factor_type", metavar="TYPE")
@click.argument("key")
@click.argument("value_mid", metavar="MID", type=float)
@click.option("--low", "value_low", type=float, help="Low value; default: MID.")
@click.option("--high", "value_high", type=float, help="High value; default: MID.")
@click.option("--unit", help="Unit of the values; default: the accepted one.")
@click.option("--from", "valid_from", type=_DAY, required=True, help="First day it applies to.")
@click.option("--to", "valid_to", type=_DAY, help="First day it no longer applies to.")
@click.option("--reason", required=True, help="Why the shared factor does not fit.")
@click.option("--evidence", help="Document or address that shows the figure.")
@click.option(
    "--quality", "dq_score", type=int, default=3, show_default=True, help="Data quality, 1 to 5."
)
def override_command(valid_from: datetime, valid_to: datetime | None, **asked: Any) -> None:
    """Put a factor of an organisation in the place of the shared one.

    TYPE and KEY are those of the factor files; MID is the central value in the accepted unit.
    """
    new = NewOverride(valid_from=valid_from.date(), valid_to=as_date(valid_to), **asked)
    override_id = open_store(get_settings()).overrides.record(new)
    click.echo(f"recorded {override_id}; {APPLY}")


@click.command("withdraw")
@click.argument("override_id")
@click.option("--reason", required=True, help="Why it no longer holds.")
def withdraw_command(override_id: str, reason: str) -> None:
    """Withdraw an override; the shared factor applies again, also to past days."""
    open_store(get_settings()).overrides.withdraw(override_id, reason)
    click.echo(f"withdrew {override_id}; {APPLY}")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    return value.isoformat() if isinstance(value, date) else value


@click.command("overrides")
@click.argument("org_id", metavar="[ORG]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def overrides_command(org_id: str | None, as_json: bool) -> None:
    """List overrides, also those withdrawn."""
    rows = open_store(get_settings()).overrides.rows(org_id)
    if as_json:
        plain = [{name: _plain(value) for name, value in row.items()} for row in rows]
        click.echo(json.dumps(plain, indent=1))
        return
    table = Table(box=None)
    table.add_column("override", no_wrap=True)  # Wanted whole, to withdraw it.
    for name in ("organisation", "factor", "value", "applies", "state"):
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(row["override_id"], row["org_id"], *_told(row))
    Console().print(table)


def _told(row: dict[str, Any]) -> tuple[str, ...]:
    """What an override is of, its figures, its days and whether it stands."""
    low, mid, high = (f"{row[f'value_{name}']:.6g}" for name in ("low", "mid", "high"))
    withdrawn = row["withdrawn_at"]
    return (
        f"{row['factor_type']} {row['key']}",
        f"{mid} ({low} to {high}) {row['unit']}, quality {row['dq_score']}",
        f"from {row['valid_from']}" + (f" to {row['valid_to']}" if row["valid_to"] else ""),
        f"withdrawn {withdrawn:%Y-%m-%d}" if withdrawn else "stands",
    )


COMMANDS = (override_command, overrides_command, withdraw_command)
