"""Commands that are loaded when they are asked for: each starts with what it needs, and no more.

A list of commands shows names and sentences; what a command does, and all that it needs for it,
lies in a module that whoever asks for another command never waits for.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand
from typer.main import get_group


class Deferred(TyperCommand):
    """Stands in a list of commands for one that is not loaded yet.

    Args:
        name: as it is typed.
        place: where it is, such as `infra.cli.check:check_command`: a function, or a Typer
            that has commands of its own.
        sentence: what the list says of it: its own help begins so.
    """

    def __init__(self, name: str, place: str, sentence: str) -> None:
        super().__init__(name, help=sentence)
        self.place = place

    def load(self) -> Any:
        """The command itself."""
        module, _, attribute = self.place.partition(":")
        found = getattr(import_module(module), attribute)
        group = typer.Typer(add_completion=False, rich_markup_mode="markdown")
        if isinstance(found, typer.Typer):
            group.add_typer(found, name=self.name)
        else:
            group.command(self.name)(found)
        (command,) = get_group(group).commands.values()
        return command

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        """What it is run in: the command's own, so that from here on it is the one that runs."""
        return self.load().make_context(info_name, args, parent, **extra)
