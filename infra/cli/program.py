"""The command line: `quartier`, less what needs the HTTP API (`api/cli.py` adds that).

The commands are listed here and loaded when they are asked for. Nothing that only some of them
need is imported here: whoever reads the help, or verifies a proof, waits for no database.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from typer.core import TyperGroup

from infra.cli.deferred import Deferred
from infra.cli.terminal import FOUND_WRONG, Failure, note

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS: Final = (
    Deferred(
        "up",
        "infra.cli.up:up_command",
        "Start everything on this machine, to try it out: nothing need be installed or set.",
    ),
    Deferred(
        "web",
        "infra.cli.service:web_command",
        "Serve the API and the pages until told to stop.",
    ),
    Deferred(
        "worker",
        "infra.cli.work:worker_command",
        "Do all the background work until told to stop.",
    ),
    Deferred(
        "relay",
        "infra.cli.work:relay_command",
        "Publish to Kafka what is recorded, each event once, until told to stop.",
    ),
    Deferred(
        "topics",
        "infra.cli.topics:topics_command",
        "Compare every message in Kafka with the log; with `--recover`, put back what is missing.",
    ),
    Deferred(
        "migrate",
        "infra.cli.service:migrate_command",
        "Bring the database's tables to what this program needs. Quick where nothing is due.",
    ),
    Deferred(
        "import",
        "infra.cli.contracts:import_command",
        "Record the decisions of a file: all of them, or none.",
    ),
    Deferred(
        "export",
        "infra.cli.contracts:export_command",
        "Write a contract's decisions as a file that `quartier import` reads.",
    ),
    Deferred(
        "project",
        "infra.cli.work:project_command",
        "Bring the read models up to date, and go on doing so until told to stop.",
    ),
    Deferred(
        "rebuild",
        "infra.cli.read_models:rebuild_command",
        "Make read models anew from the events, beside those in use, then put them in their place.",
    ),
    Deferred(
        "replay",
        "infra.cli.replay:replay_command",
        "Tell a contract's history, decision by decision, and what it comes to.",
    ),
    Deferred(
        "check",
        "infra.cli.check:check_command",
        "Check configuration and integrity: what guards the events, the events, all made of them.",
    ),
    Deferred(
        "verify",
        "infra.cli.verify:verify_command",
        "Check a contract's evidence, or a decision's proof, offline.",
    ),
    Deferred(
        "seal",
        "infra.cli.work:seal_command",
        "Seal what is recorded until told to stop: sign a checkpoint, have witnesses cosign it.",
    ),
    Deferred(
        "token",
        "infra.cli.accounts:token_command",
        "Give an account a new token, shown now and never again; the old one opens nothing more.",
    ),
    Deferred(
        "log",
        "infra.cli.log:log_app",
        "The transparency log: its keys, its checkpoints.",
    ),
    Deferred(
        "funding",
        "infra.cli.funding:funding_app",
        "For finance systems: each funding event, once.",
    ),
    Deferred(
        "accounts",
        "infra.cli.accounts:app",
        "Accounts: who may ask, and with which role.",
    ),
)

program = TyperGroup(
    name="quartier",
    help="The case file of a neighbourhood contract, every decision of it provable.",
    commands=COMMANDS,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and leave with its exit status. What went wrong is said in a sentence."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit status."""
    try:
        return _run(arguments)
    except Failure as ended:
        failure = ended
    except BrokenPipeError:
        # Whoever read the answer has seen enough. Python would complain again when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FOUND_WRONG
    except Exception as error:
        from infra.cli import faults  # noqa: PLC0415 - knows databases; most need none

        if (meant := faults.failure(error)) is None:
            raise
        failure = meant
    note(f"[red]{failure}[/]")
    return failure.status


def _run(arguments: Sequence[str] | None) -> int:
    try:
        program.main(args=None if arguments is None else list(arguments), prog_name="quartier")
    except SystemExit as ending:  # typer has shown how the command is used
        return ending.code if isinstance(ending.code, int) else 0
    return 0


if __name__ == "__main__":
    main()
