"""The background work, until it is told to stop: all of it, or one part alone."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from infra.cli import brokers, terminal
from infra.cli.terminal import fail, plain, say
from infra.database.connection import bound_transactions
from infra.eventstore.source import StoredEvents
from infra.operations import background, session
from infra.operations.worker import Worker
from infra.processes import metrics
from infra.processes.memory import look_seldom_for_cycles
from infra.processes.parent import end_with_supervisor
from infra.relay.relay import relay_of
from infra.relay.resuming import RelayStopped
from infra.relay.topics import TopicsUnfit
from projections.engine.positions import positions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from infra.operations.worker import Work

MetricsPort = Annotated[
    int | None,
    typer.Option(
        envvar="METRICS_PORT",
        min=1,
        max=65535,
        help="Where to answer Prometheus; nowhere by default.",
    ),
]


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
    _work_until_stopped(background.everything())


def project_command(
    once: Annotated[
        bool, typer.Option("--once", help="Take in what there is now, and end.")
    ] = False,
) -> None:
    """Bring the read models up to date, and go on doing so until told to stop.

    For example:

        quartier project

        quartier project --once
    """
    if not once:
        _work_until_stopped(background.projections())
        return
    with session.opened():
        runner = background.runner()
        end = StoredEvents().end()
        with terminal.progress("Events", end) as done:
            while runner.step():
                done(min(position.position for position in positions().values()))
        behind = [name for name, each in positions().items() if each.position < end]
    if behind:
        fail(f"Stopped before the last event: {', '.join(behind)}. `quartier check` says why.")
    say(f"Every read model is at event {end}.")


def seal_command() -> None:
    """Seal what is recorded until told to stop: sign a checkpoint, have witnesses cosign it.

    `quartier worker` does it too; one of them at a time, and another takes over when it ends.

    For example:

        quartier seal
    """
    _work_until_stopped(background.sealing())


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
        bound_transactions()
        look_seldom_for_cycles()
        stopping = threading.Event()
        _on_stop(stopping.set)
        try:
            relay_of(cluster).run(stopping)
        except (RelayStopped, TopicsUnfit) as refused:
            fail(plain(refused))


def _work_until_stopped(works: Sequence[Work]) -> None:
    """Run the works in this process until SIGINT or SIGTERM."""
    end_with_supervisor()
    with session.opened(quiet=False):
        bound_transactions()
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
