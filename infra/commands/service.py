"""What runs until it is told to stop: the web service, the background work, all of it at once."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from infra import background, metrics, up, web
from infra.commands import brokers, session
from infra.commands.terminal import FOUND_WRONG, USED_WRONGLY, fail, plain, say
from infra.memory import look_seldom_for_cycles
from infra.parent import end_with_supervisor
from infra.relay.relay import relay_of
from infra.relay.resuming import RelayStopped
from infra.relay.topics import TopicsUnfit
from infra.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from infra.worker import Work

Port = Annotated[
    int, typer.Option(envvar="PORT", min=1, max=65535, help="Where to listen for HTTP.")
]
MetricsPort = Annotated[
    int | None,
    typer.Option(
        envvar="METRICS_PORT",
        min=1,
        max=65535,
        help="Where to answer Prometheus; nowhere by default.",
    ),
]


def up_command(port: Port = 8000) -> None:
    """Start everything on this machine, to try it out: nothing need be installed or set.

    Starts PostgreSQL in `.quartier` (`QUARTIER_HOME`), or uses the server that `DATABASE_URL`
    names, and a Kafka broker in memory, or uses those that `KAFKA_BOOTSTRAP_SERVERS` names;
    migrates; opens the example accounts; imports the two examples if the store is empty; serves
    HTTP on this machine alone and does the background work. Prints the addresses, the accounts
    with their tokens, and then `ready`. Ctrl-C stops everything; the data are kept, but for what
    the broker in memory held, which is published again.

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


def worker_command(metrics_port: MetricsPort = None) -> None:
    """Do all the background work until told to stop.

    Brings the read models up to date, seals the log, and publishes to the Kafka brokers that
    `KAFKA_BOOTSTRAP_SERVERS` names. Any number may run, on any machine: each part is done by one
    of them at a time.

    For example:

        quartier worker

        METRICS_PORT=9464 quartier worker
    """
    _serve_metrics(metrics_port)
    work_until_stopped(background.everything())


def relay_command(metrics_port: MetricsPort = None) -> None:
    """Publish to Kafka what is recorded, each event once, until told to stop.

    Ends with exit status 1, and says why, where going on would lose or double an event. Any
    number may run: one publishes, and the others wait for its end.

    For example:

        KAFKA_BOOTSTRAP_SERVERS=kafka:9092 quartier relay
    """
    cluster = brokers.named()
    end_with_supervisor()
    _serve_metrics(metrics_port)
    with session.opened(quiet=False):
        look_seldom_for_cycles()
        stopping = threading.Event()
        _on_stop(stopping.set)
        try:
            relay_of(cluster).run(stopping)
        except (RelayStopped, TopicsUnfit) as refused:
            fail(plain(refused))


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
        look_seldom_for_cycles()
        worker = Worker(works)
        _on_stop(worker.stop)
        worker.run()


def _serve_metrics(port: int | None) -> None:
    if port is None:
        return
    try:
        metrics.serve(port)
    except OSError as error:
        fail(f"Cannot listen at port {port}: {error.strerror or error}.")


def _on_stop(stop: Callable[[], None]) -> None:
    """Stop at SIGINT and SIGTERM."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop())
