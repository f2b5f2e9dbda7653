"""``ecomind apply``: organisations as a file says."""

from __future__ import annotations

from pathlib import Path

import click

from ecomind.apply.carry import carry_out, rehearse
from ecomind.apply.document import Document
from ecomind.cli.keys import write_secret
from ecomind.identity import open_store
from ecomind.settings import get_settings


@click.command("apply", short_help="Make organisations as a file says.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Print what would change; change nothing.")
@click.option("--prune", is_flag=True, help="Also remove what sections of the file do not name.")
@click.option("--yes", is_flag=True, help="Remove without asking.")
@click.option(
    "--keys-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write new keys to files here, readable by you only, instead of printing them.",
)
def apply_command(file: Path, dry_run: bool, prune: bool, yes: bool, keys_dir: Path | None) -> None:
    """Create and change organisations, teams, users, members, keys, alerts and reports.

    Prints a line per change: + is added, ~ changed, - removed. An organisation is changed as a
    whole or not at all. Running it again changes nothing.
    """
    document = Document.read(file)
    store = open_store(get_settings())
    plan = rehearse(document, store, prune=prune)
    for org_id, steps in plan.items():
        click.echo(org_id)
        for step in steps:
            click.echo(f"  {step}")
    if not plan:
        click.echo("nothing to change")
        return
    removals = sum(step.startswith("-") for steps in plan.values() for step in steps)
    if dry_run:
        click.echo("nothing was changed")
        return
    if removals and not yes:
        click.confirm(f"Remove {removals}?", abort=True)

    def take_key(org_id: str, name: str, text: str) -> None:
        if keys_dir is None:
            click.echo(f"key {org_id}/{name}: {text}")
            return
        keys_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = keys_dir / f"{org_id}-{name}.key"
        write_secret(path, text)
        click.echo(f"key {org_id}/{name}: written to {path}")

    carry_out(document, store, plan, take_key, prune=prune)
