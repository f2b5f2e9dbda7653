"""The ``ecomind`` command: its frame, and the commands of the ground floor.

Belongs here: finding commands and telling errors in one sentence. Does not belong here: the
commands of other rooms; each contributes its own through the entry points ``ecomind.commands``,
so the ground floor imports no room and a command's imports cost only those who call it.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

import click
from pydantic import ValidationError

from ecomind import __version__
from ecomind.errors import EcoMindError

COMMANDS_GROUP = "ecomind.commands"


def _commands() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=COMMANDS_GROUP)}


class CommandGroup(click.Group):
    """A group whose commands are loaded when they are called or listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands, sorted."""
        return sorted(_commands())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, or None."""
        entry = _commands().get(cmd_name)
        if entry is None:
            return None
        command = entry.load()
        if not isinstance(command, click.Command):
            raise TypeError(f"the entry point {entry.value} is not a command")
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run the chosen command; known errors become one sentence and exit code 1."""
        try:
            return super().invoke(ctx)
        except EcoMindError as error:
            raise click.ClickException(str(error)) from error
        except ValidationError as error:
            problem = error.errors()[0]
            name = "ECOMIND_" + "_".join(str(part) for part in problem["loc"]).upper()
            raise click.ClickException(f"the setting {name} is wrong: {problem['msg']}") from error


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ecomind")
def main() -> None:
    """The open warehouse for the energy, water and carbon of AI use."""
