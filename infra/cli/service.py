"""The web service, and the tables that it finds in the database."""

from __future__ import annotations

from typing import Annotated

import typer

from infra.cli.terminal import Port, fail, say
from infra.operations import session
from infra.processes.parent import end_with_supervisor
from infra.web import server


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
    patience: Annotated[
        float,
        typer.Option(min=1, help="Seconds for which a process may leave /health/live unanswered."),
    ] = server.PATIENCE_SECONDS,
) -> None:
    """Serve the API and the pages until told to stop.

    For example:

        quartier web --port 8080

        HOST=0.0.0.0 WEB_CONCURRENCY=4 quartier web
    """
    end_with_supervisor()
    with session.opened(quiet=False):
        try:
            server.serve(
                host,
                port,
                processes=processes or server.default_processes(),
                patience=patience,
            )
        except OSError as error:
            fail(f"Cannot listen at {host}:{port}: {error.strerror or error}.")


def migrate_command() -> None:
    """Bring the database's tables to what this program needs. Quick where nothing is due.

    For example:

        DATABASE_URL=postgresql://owner@db/quartier quartier migrate
    """
    with session.opened():
        session.migrate()
    say("The database is up to date.")
