"""What runs until it is told to stop: the web service, the background work, all of it at once."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Annotated

import typer

from infra import background, up, web
from infra.commands import session
from infra.commands.terminal import FOUND_WRONG, USED_WRONGLY, fail, say
from infra.parent import end_with_supervisor
from infra.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from infra.worker import Work

Port = Annotated[
    int, typer.Option(envvar="PORT", min=1, max=65535, help="Where to listen for HTTP.")
]


def up_command(port: Port = 8000) -> None:
    """Start everything on this machine, to try it out: nothing need be installed or set.

    Starts PostgreSQL in `.quartier` (`QUARTIER_HOME`), or uses the server that `DATABASE_URL`
    names; migrates; opens the example accounts; imports the two examples if the store is empty;
    serves HTTP on this machine alone and does the background work. Prints the addresses, the
    accounts with their tokens, and then `ready`. Ctrl-C stops everything; the data are kept.

    For example:

        quartier up

        PORT=8080 quartier up

        QUARTIER_HOME=/srv/quartier quartier up --port 8080
    """
    try:
        up.up(port)
    except up.CannotStart as error:
        fail(str(error), USED_WRONGLY if error.used_wrongly else FOUND_WRONG)


def web_command(
    host: Annotated[
        str, typer.Option(envvar="HOST", help="The address to listen at.")
    ] = "127.0.0.1",
    port: Port = 8000,
    processes: Annotated[
        int | None,
        typer.Option(
            envvar="WEB_CONCURRENCY",
            min=1,
            max=64,
            help="How many processes answer; one for two cores by default.",
        ),
    ] = None,
) -> None:
    """Serve the API and the pages until told to stop.

    For example:

        quartier web --port 8080

        HOST=0.0.0.0 WEB_CONCURRENCY=4 quartier web
    """
    end_with_supervisor()
    with session.opened(quiet=False):
        try:
            web.serve(host, port, processes=processes or web.default_processes())
        except OSError as error:
            fail(f"Cannot listen at {host}:{port}: {error.strerror or error}.")


def worker_command() -> None:
    """Do all the background work until told to stop: bring the read models up to date.

    Any number may run, on any machine: each read model is moved by one of them at a time.

    For example:

        quartier worker
    """
    work_until_stopped(background.everything())


def migrate_command() -> None:
    """Bring the database's tables to what this program needs. Quick where nothing is due.

    For example:

        DATABASE_URL=postgresql://owner@db/quartier quartier migrate
    """
    with session.opened():
        session.migrate()
    say("The database is up to date.")


def work_until_stopped(works: Sequence[Work]) -> None:
    """Run the works in this process until SIGINT or SIGTERM."""
    end_with_supervisor()
    with session.opened(quiet=False):
        worker = Worker(works)
        _on_stop(worker.stop)
        worker.run()


def _on_stop(stop: Callable[[], None]) -> None:
    """Stop at SIGINT and SIGTERM."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop())
