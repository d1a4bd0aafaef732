"""The command line: `quartier`, less what needs the HTTP API (`api/cli.py` adds that)."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import psycopg
import structlog
import typer
from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseError

from infra.commands import accounts, check, contracts, read_models, replay, service, topics
from infra.commands.terminal import FOUND_WRONG, USED_WRONGLY, Failure, note, plain
from infra.embedded_place import EmbeddedPostgresError
from infra.finance import commands as finance_commands
from infra.log import commands as log_commands

if TYPE_CHECKING:
    from collections.abc import Sequence

log = structlog.get_logger(__name__)

app = typer.Typer(
    name="quartier",
    help="The case file of a neighbourhood contract, every decision of it provable.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("up")(service.up_command)
app.command("web")(service.web_command)
app.command("worker")(service.worker_command)
app.command("relay")(service.relay_command)
app.command("topics")(topics.topics_command)
app.command("migrate")(service.migrate_command)
app.command("import")(contracts.import_command)
app.command("export")(contracts.export_command)
app.command("project")(read_models.project_command)
app.command("rebuild")(read_models.rebuild_command)
app.command("replay")(replay.replay_command)
app.command("check")(check.check_command)
app.command("verify")(log_commands.verify_command)
app.command("seal")(log_commands.seal_command)
app.add_typer(log_commands.log_app, name="log")
app.add_typer(finance_commands.funding_app, name="funding")
app.add_typer(accounts.app, name="accounts")
app.command("token")(accounts.token_command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and leave with its exit status. What went wrong is said in a sentence."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit status."""
    try:
        return _run(arguments)
    except Failure as failure:
        note(f"[red]{failure}[/]")
        return failure.status
    except (ImproperlyConfigured, EmbeddedPostgresError) as error:
        note(f"[red]{plain(error)}[/]")
        return USED_WRONGLY if isinstance(error, ImproperlyConfigured) else FOUND_WRONG
    except (psycopg.Error, DatabaseError) as error:
        if os.environ.get("QUARTIER_TRACEBACK"):
            raise
        note(f"[red]{plain(_about(error))}[/]")
        return FOUND_WRONG
    except BrokenPipeError:
        # Whoever read the answer has seen enough. Python would complain again when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FOUND_WRONG


def _run(arguments: Sequence[str] | None) -> int:
    try:
        typer.main.get_command(app).main(
            args=None if arguments is None else list(arguments), prog_name="quartier"
        )
    except SystemExit as ending:  # typer has shown how the command is used
        return ending.code if isinstance(ending.code, int) else 0
    return 0


def _about(error: Exception) -> str:
    """What a database's error means to whoever ran the command."""
    cause = error.__cause__ or error
    said = str(error).strip().splitlines() or [type(error).__name__]
    if (
        isinstance(cause, psycopg.errors.UndefinedTable)
        or '"quartier_app" does not exist' in said[0]
    ):
        return f"The database is not migrated ({said[0]}). Run: quartier migrate"
    if isinstance(cause, psycopg.OperationalError):
        return f"The database does not answer: {' '.join(line.strip() for line in said)}"
    return f"The database refused: {said[0]} (QUARTIER_TRACEBACK=1 shows where)"


if __name__ == "__main__":
    main()
