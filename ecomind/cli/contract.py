"""``ecomind contract``: the committed copies derived from the event contract."""

from __future__ import annotations

import click

from ecomind.contract.exports import drifted, export
from ecomind.settings import PROJECT_ROOT


@click.group("contract")
def contract_group() -> None:
    """The event contract and the files derived from it."""


@contract_group.command("export")
@click.option("--check", is_flag=True, help="Change nothing; fail when a copy has drifted.")
def export_command(check: bool) -> None:
    """Rewrite every committed file that is derived from the contract."""
    names = drifted(PROJECT_ROOT) if check else export(PROJECT_ROOT)
    if check and names:
        message = f"drifted from the contract: {', '.join(names)}; run `ecomind contract export`"
        raise click.ClickException(message)
    click.echo("\n".join(f"wrote {name}" for name in names) or "every copy equals the contract")
