"""``ecomind org``, ``key`` and ``alert``: the control store from the command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from ecomind.identity import ALERT_METRICS, Role, open_store
from ecomind.settings import get_settings


@click.group("org")
def org_group() -> None:
    """Organisations, their teams and their people."""


@org_group.command("create")
@click.argument("org_id")
@click.option("--name", required=True, help="Name shown on dashboards and reports.")
def create_organization(org_id: str, name: str) -> None:
    """Create an organisation."""
    open_store(get_settings()).create_organization(org_id, name)
    click.echo(f"created {org_id}; next: ecomind key create {org_id} --role ingest")


@org_group.command("add-team")
@click.argument("org_id")
@click.argument("team_id")
@click.option("--name", required=True, help="Name shown on dashboards and reports.")
def add_team(org_id: str, team_id: str, name: str) -> None:
    """Add a team to an organisation."""
    open_store(get_settings()).create_team(org_id, team_id, name)
    click.echo(f"added {team_id} to {org_id}")


@org_group.command("add-user", short_help="Add a person to an organisation.")
@click.argument("org_id")
@click.argument("user")
@click.option("--name", required=True, help="Name shown to those who may see people.")
@click.option("--team", "team_id", help="Team of the person.")
def add_user(org_id: str, user: str, name: str, team_id: str | None) -> None:
    """Add a person by the id their events carry; prints the pseudonym that is stored."""
    click.echo(open_store(get_settings()).create_user(org_id, user, name, team_id))


@org_group.command("list")
def list_organizations() -> None:
    """List the organisations."""
    table = Table("organisation", "name", "created (UTC)", box=None)
    for row in open_store(get_settings()).organizations():
        table.add_row(row["org_id"], row["name"], f"{row['created_at']:%Y-%m-%d %H:%M}")
    Console().print(table)


@click.group("key")
def key_group() -> None:
    """API keys; each belongs to one organisation."""


@key_group.command("create")
@click.argument("org_id")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    required=True,
    help="What the key may do: a machine's role (ingest, import, browser) or a person's.",
)
@click.option("--name", default="", help="What the key is for.")
@click.option(
    "--origin",
    "origins",
    multiple=True,
    help="Where a browser may use the key from, as chrome-extension://ID; may be repeated.",
)
@click.option(
    "--events-per-min",
    type=click.IntRange(1),
    help="The key's own limit; by default the installation's, for the role browser 60.",
)
@click.option("--expires-days", type=click.IntRange(1), help="Days until the key expires.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the key to this file, readable by you only, instead of printing it.",
)
def create_key(
    org_id: str,
    role: str,
    name: str,
    expires_days: int | None,
    out: Path | None,
    **limits: Any,
) -> None:
    """Create a key. Its text is shown once and cannot be shown again."""
    expires_at = datetime.now(UTC) + timedelta(days=expires_days) if expires_days else None
    store = open_store(get_settings())
    text, info = store.create_key(org_id, Role(role), name, expires_at, **limits)
    if out is None:
        click.echo(text)
        return
    out.touch(mode=0o600)
    out.chmod(0o600)
    out.write_text(text + "\n", encoding="utf-8")
    click.echo(f"wrote key {info.key_id} to {out}")


@key_group.command("list")
@click.option("--org", "org_id", help="Only keys of this organisation.")
def list_keys(org_id: str | None) -> None:
    """List keys; their secrets are not stored and cannot be listed."""
    table = Table(
        "key", "organisation", "role", "name", "created (UTC)", "state", "origins", box=None
    )
    now = datetime.now(UTC)
    for info in open_store(get_settings()).list_keys(org_id):
        expired = info.expires_at is not None and info.expires_at <= now
        state = "revoked" if info.revoked_at else "expired" if expired else "active"
        created = f"{info.created_at:%Y-%m-%d %H:%M}"
        origins = " ".join(info.origins)
        table.add_row(info.key_id, info.org_id, info.role.value, info.name, created, state, origins)
    Console().print(table)


@key_group.command("revoke")
@click.argument("key_id")
def revoke_key(key_id: str) -> None:
    """End a key; services notice within seconds."""
    open_store(get_settings()).revoke_key(key_id)
    click.echo(f"revoked {key_id}")


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
    open_store(get_settings()).set_alert_rule(org_id, rule_id, metric, threshold)
    click.echo(f"{rule_id}: alert when {metric} of a day is above {threshold:g}")
