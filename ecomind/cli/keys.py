"""``ecomind key``: API keys from the command line."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from ecomind.identity import KeyInfo, Role, open_store
from ecomind.settings import get_settings

_out = click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the key to this file, readable by you only, instead of printing it.",
)


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
    "--scope",
    "scopes",
    multiple=True,
    help="Only this right of the role, as events:read; may be repeated.",
)
@click.option(
    "--origin",
    "origins",
    multiple=True,
    help="Where a browser may use the key from, as chrome-extension://ID; may be repeated.",
)
@click.option(
    "--network",
    "networks",
    multiple=True,
    help="Where the key may be used from, as 192.0.2.0/24; may be repeated.",
)
@click.option("--project", "project_id", help="The one project that events sent with it are of.")
@click.option(
    "--events-per-min",
    type=click.IntRange(1),
    help="The key's own limit; by default the installation's, for the role browser 60.",
)
@click.option("--expires-days", type=click.IntRange(1), help="Days until the key expires.")
@_out
def create_key(
    org_id: str,
    role: str,
    expires_days: int | None,
    scopes: tuple[str, ...],
    out: Path | None,
    **parts: Any,
) -> None:
    """Create a key. Its text is shown once and cannot be shown again."""
    expires_at = datetime.now(UTC) + timedelta(days=expires_days) if expires_days else None
    store = open_store(get_settings())
    text, info = store.keys.create(
        org_id, Role(role), expires_at=expires_at, scopes=scopes or None, **parts
    )
    _hand_over(text, info, out)


@key_group.command("rotate")
@click.argument("key_id")
@click.option(
    "--grace-hours",
    type=click.FloatRange(0),
    default=24.0,
    show_default=True,
    help="How long the secret before opens; 0 ends it now.",
)
@_out
def rotate_key(key_id: str, grace_hours: float, out: Path | None) -> None:
    """Give a key a new secret, shown once; the one before opens for a while."""
    store = open_store(get_settings())
    org_id = store.keys.find(key_id).org_id
    text, info = store.keys.rotate(org_id, key_id, timedelta(hours=grace_hours))
    _hand_over(text, info, out)
    click.echo(f"the secret before opens until {info.previous_until:%Y-%m-%d %H:%M} UTC", err=True)


@key_group.command("list")
@click.option("--org", "org_id", help="Only keys of this organisation.")
def list_keys(org_id: str | None) -> None:
    """List keys; their secrets are not stored and cannot be listed."""
    table = Table(
        "key", "organisation", "role", "name", "created (UTC)", "used", "state", "origins", box=None
    )
    now = datetime.now(UTC)
    for info in open_store(get_settings()).keys.listed(org_id):
        used = f"{info.last_used_at:%Y-%m-%d %H:%M}" if info.last_used_at else "never"
        created = f"{info.created_at:%Y-%m-%d %H:%M}"
        origins = " ".join(info.origins)
        told = (info.role.value, info.name, created, used, info.state(now), origins)
        table.add_row(info.key_id, info.org_id, *told)
    Console().print(table)


@key_group.command("revoke")
@click.argument("key_id")
def revoke_key(key_id: str) -> None:
    """End a key; services notice within seconds."""
    store = open_store(get_settings())
    store.keys.revoke(store.keys.find(key_id).org_id, key_id)
    click.echo(f"revoked {key_id}")


def write_secret(path: Path, text: str) -> None:
    """Write a secret to a file that only its owner can read, from its first byte on."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        path.chmod(0o600)
        file.write(text + "\n")


def _hand_over(text: str, info: KeyInfo, out: Path | None) -> None:
    if out is None:
        click.echo(text)
        return
    write_secret(out, text)
    click.echo(f"wrote key {info.key_id} to {out}")
