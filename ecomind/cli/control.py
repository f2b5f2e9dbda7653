"""``ecomind control`` and ``audit``: the control store itself, and what was done to it."""

from __future__ import annotations

import json

import click
from rich.console import Console
from rich.table import Table

from ecomind.identity import INSTALLATION, IdentityError, migrations, open_store
from ecomind.identity.store import control_engine, told_if_unreachable
from ecomind.settings import get_settings


@click.group("control")
def control_group() -> None:
    """The control store's database: its revision, up and down."""


@control_group.command("current")
def current_command() -> None:
    """Say at which revision the control store is."""
    engine = control_engine(get_settings())
    with told_if_unreachable(engine), engine.connect() as connection:
        found = migrations.current(connection)
    newest = migrations.REVISIONS[-1]
    click.echo(f"{found or 'before the first revision'}; this version of EcoMind uses {newest}")


@control_group.command("upgrade")
def upgrade_command() -> None:
    """Bring the control store up to date; every service does so when it starts."""
    engine = control_engine(get_settings())
    with told_if_unreachable(engine):
        before, after = migrations.upgrade(engine)
    click.echo(f"{before or 'nothing'} -> {after}" if before != after else f"already at {after}")


@control_group.command("downgrade")
@click.argument("revision", type=click.Choice([*migrations.REVISIONS, "base"]))
@click.confirmation_option(
    prompt="What only later revisions know is lost. Has a backup been made, are services stopped?"
)
def downgrade_command(revision: str) -> None:
    """Take the control store back to a revision, for an earlier version of EcoMind."""
    engine = control_engine(get_settings())
    with told_if_unreachable(engine):
        before, after = migrations.downgrade(engine, revision)
    click.echo(f"{before or 'nothing'} -> {after or 'nothing'}")


@click.group("audit")
def audit_group() -> None:
    """Who changed what, and what was denied to whom."""


@audit_group.command("list")
@click.option(
    "--org", "org_id", default=INSTALLATION, help="Organisation; without it, the installation."
)
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line.")
def list_command(org_id: str, limit: int, as_json: bool) -> None:
    """List the newest entries, newest first."""
    entries = open_store(get_settings()).audit.entries(org_id, limit=limit)
    if as_json:
        for entry in entries:
            told = {name: getattr(entry, name) for name in entry.__slots__}
            click.echo(json.dumps(told, default=str))
        return
    table = Table("no", "time (UTC)", "who", "what", "to", "outcome", "facts", box=None)
    for entry in entries:
        facts = ", ".join(f"{name}={value}" for name, value in entry.facts.items() if value)
        when = f"{entry.recorded_at:%Y-%m-%d %H:%M:%S}"
        done = (entry.action, entry.target, entry.outcome, facts)
        table.add_row(str(entry.sequence), when, entry.actor, *done)
    Console().print(table)


@audit_group.command("verify")
@click.option("--org", "org_id", help="Only the log of this organisation.")
def verify_command(org_id: str | None) -> None:
    """Check that no entry was altered, removed or put in between."""
    broken = 0
    for verdict in open_store(get_settings()).audit.verify(org_id):
        name = "installation" if verdict.org_id == INSTALLATION else verdict.org_id
        broken += verdict.broken is not None
        click.echo(f"{name}: {verdict.checked} entries checked, {verdict.broken or 'all whole'}")
    if broken:
        raise IdentityError(f"{broken} audit logs are not whole")
