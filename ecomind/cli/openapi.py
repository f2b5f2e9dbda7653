"""``ecomind openapi``: the committed OpenAPI documents of the services.

Belongs here: writing them, and noticing that one has drifted. Does not belong here: their content,
which follows from each service's routes. A service contributes its document through the entry
points ``ecomind.openapi``, so that the ground floor imports no room.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import click

from ecomind.settings import PROJECT_ROOT

DOCUMENTS_GROUP = "ecomind.openapi"
FOLDER = Path("docs") / "reference"


def _documents() -> Iterator[tuple[Path, str]]:
    """The committed file of each service, and what it ought to hold."""
    for entry in sorted(entry_points(group=DOCUMENTS_GROUP), key=lambda entry: entry.name):
        content = json.dumps(entry.load()(), indent=1, ensure_ascii=False)
        yield FOLDER / f"{entry.name}-openapi.json", f"{content}\n"


def _drifted(root: Path) -> Iterator[tuple[Path, str]]:
    for name, content in _documents():
        path = root / name
        if not path.is_file() or path.read_text("utf-8") != content:
            yield name, content


@click.group("openapi")
def openapi_group() -> None:
    """The OpenAPI documents of the services."""


@openapi_group.command("export")
@click.option("--check", is_flag=True, help="Change nothing; fail when a document has drifted.")
def export_command(check: bool) -> None:
    """Rewrite the committed documents that differ from what the services answer with."""
    drifted = dict(_drifted(PROJECT_ROOT))
    names = ", ".join(name.as_posix() for name in drifted)
    if check and drifted:
        raise click.ClickException(f"drifted: {names}; run `ecomind openapi export`")
    for name, content in drifted.items():
        (PROJECT_ROOT / name).write_text(content, "utf-8")
    click.echo(f"wrote {names}" if drifted else "every document is what its service answers with")
