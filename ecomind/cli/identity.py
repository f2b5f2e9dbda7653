"""``ecomind org`` and ``alert``: organisations from the command line."""

from __future__ import annotations

import click
from rich.console import Console
from rich.table import Table

from ecomind.identity import ALERT_METRICS, open_store
from ecomind.identity.first_owner import ensure_owner
from ecomind.settings import get_settings


@click.group("org")
def org_group() -> None:
    """Organisations, their teams and their people."""


@org_group.command("create")
@click.argument("org_id")
@click.option("--name", required=True, help="Name shown on dashboards and reports.")
def create_organization(org_id: str, name: str) -> None:
    """Create an organisation."""
    store = open_store(get_settings())
    store.organizations.create(org_id, name)
    ensure_owner(store)
    click.echo(f"created {org_id}; next: ecomind key create {org_id} --role ingest")


@org_group.command("add-team")
@click.argument("org_id")
@click.argument("team_id")
@click.option("--name", required=True, help="Name shown on dashboards and reports.")
def add_team(org_id: str, team_id: str, name: str) -> None:
    """Add a team to an organisation."""
    open_store(get_settings()).directory.create_team(org_id, team_id, name)
    click.echo(f"added {team_id} to {org_id}")


@org_group.command("add-user", short_help="Add a person to an organisation.")
@click.argument("org_id")
@click.argument("user")
@click.option("--name", required=True, help="Name shown to those who may see people.")
@click.option("--team", "team_id", help="Team of the person.")
def add_user(org_id: str, user: str, name: str, team_id: str | None) -> None:
    """Add a person by the id their events carry; prints the pseudonym that is stored."""
    store = open_store(get_settings())
    click.echo(store.directory.create_user(org_id, user, name, team_id))


@org_group.command("list")
def list_organizations() -> None:
    """List the organisations."""
    table = Table("organisation", "name", "created (UTC)", "state", box=None)
    for info in open_store(get_settings()).organizations.listed():
        state = "suspended" if info.suspended_at else "active"
        table.add_row(info.org_id, info.name, f"{info.created_at:%Y-%m-%d %H:%M}", state)
    Console().print(table)


@org_group.command("suspend")
@click.argument("org_id")
def suspend(org_id: str) -> None:
    """Let nobody send or read until it is resumed."""
    open_store(get_settings()).organizations.suspend(org_id)
    click.echo(f"suspended {org_id}")


@org_group.command("resume")
@click.argument("org_id")
def resume(org_id: str) -> None:
    """End a suspension."""
    open_store(get_settings()).organizations.resume(org_id)
    click.echo(f"resumed {org_id}")


@click.group("alert")
def alert_group() -> None:
    """Daily thresholds that alert a webhook."""


@alert_group.command("set")
@click.argument("org_id")
@click.argument("rule_id")
@click.option("--metric", type=click.Choice(ALERT_METRICS), required=True, help="What to watch.")
@click.option("--threshold", type=float, required=True, help="Alert above this value of a day.")
def set_alert(org_id: str, rule_id: str, metric: str, threshold: float) -> None:
    """Create or change a rule; it holds from the next load on."""
    open_store(get_settings()).rules.set_alert(org_id, rule_id, metric, threshold)
    click.echo(f"{rule_id}: alert when {metric} of a day is above {threshold:g}")
