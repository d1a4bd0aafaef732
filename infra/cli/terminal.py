"""How commands speak: to a person on a terminal, to a machine, and when something is wrong.

Answers go to standard output, everything else to standard error. Exit status 0: done; 1: found
wrong; 2: used wrongly.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import typer
from pydantic_core import PydanticCustomError
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from domain.kernel import days
from domain.kernel.days import instant_within

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.kernel.values import Language

FOUND_WRONG: Final = 1
USED_WRONGLY: Final = 2

AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON, for a machine.")]
InLanguage = Annotated[
    str, typer.Option("--language", metavar="fr|en", help="Of the sentences that people read.")
]
Port = Annotated[
    int, typer.Option(envvar="PORT", min=1, max=65535, help="Where to listen for HTTP.")
]

Done = Callable[[int], None]
"""Told how much is done."""

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


class Failure(Exception):
    """The command ends here; `status` says whether something was found or used wrongly."""

    def __init__(self, message: str, status: int = FOUND_WRONG) -> None:
        super().__init__(message)
        self.status = status


def fail(message: str, status: int = FOUND_WRONG) -> NoReturn:
    """End the command with a sentence for whoever runs it."""
    raise Failure(message, status)


def say(message: str) -> None:
    """A line of the answer, for a person; takes rich's markup."""
    out.print(message)


def note(message: str) -> None:
    """A line beside the answer."""
    err.print(message)


def answer(value: Any) -> None:
    """The answer, for a machine: one JSON value."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2, default=str)
    sys.stdout.write("\n")


@contextlib.contextmanager
def progress(what: str, total: int | None) -> Iterator[Done]:
    """A bar on a terminal and nothing elsewhere. It is told how much is done."""
    if not err.is_terminal:
        yield lambda _: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


def plain(text: object) -> str:
    """Somebody's text, so that nothing in it is taken for markup."""
    return escape(str(text))


# --- What is given on the command line ----------------------------------------------------------


def read_language(given: str) -> Language:
    """`fr` or `en`."""
    if given == "fr":
        return "fr"
    if given == "en":
        return "en"
    fail(f"--language is fr or en, not {given}.", USED_WRONGLY)


def read_instant(given: str | None, option: str) -> datetime | None:
    """An instant in RFC 3339, such as 2015-09-23T18:00:00Z; a day alone means its end, in UTC."""
    if given is None:
        return None
    with contextlib.suppress(ValueError, OverflowError):
        if len(given) == len("2015-09-23"):
            return instant_within(datetime.fromisoformat(f"{given}T23:59:59.999999+00:00"))
        instant = datetime.fromisoformat(given)
        if instant.tzinfo is not None:
            return instant_within(instant)
    fail(f"{option} takes an instant such as 2015-09-23T18:00:00Z, not {given}.", USED_WRONGLY)


def read_day(given: str | None, option: str) -> date | None:
    """A day, such as 2015-09-23."""
    if given is None:
        return None
    with contextlib.suppress(PydanticCustomError):
        return min(days.read_day(given), days.LAST_DAY)
    fail(f"{option} takes a day such as 2015-09-23, not {given}.", USED_WRONGLY)
