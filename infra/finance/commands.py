"""`quartier funding …`: follow the funding events, and prove that none is missing."""

from __future__ import annotations

import contextlib
import datetime as dt
import signal
import sys
import threading
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import psycopg
import typer
from confluent_kafka import OFFSET_BEGINNING, KafkaException, TopicPartition
from rich.console import Console

from infra import kafka_client
from infra.finance.digest import landed_day, recorded_day
from infra.finance.follow import Follower, partitions, read_message, reader
from infra.finance.landing import StreamFault
from infra.finance.reconcile import ask, compare
from infra.relay.topics import FUNDING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.kafka_client import Cluster

funding_app = typer.Typer(
    name="funding", help="For finance systems: each funding event, once.", no_args_is_help=True
)

Into = Annotated[
    str | None,
    typer.Option(
        "--into",
        envvar="QUARTIER_FINANCE_DSN",
        metavar="DSN",
        help="The finance database (PostgreSQL).",
        show_default=False,
    ),
]

FOUND_WRONG = 1
USED_WRONGLY = 2

_complaints = Console(stderr=True, highlight=False)


@funding_app.command()
def follow(
    into: Into = None,
    once: Annotated[bool, typer.Option(help="Stop at the end of the topic.")] = False,
    after: Annotated[
        int | None,
        typer.Option(
            "--after",
            min=0,
            metavar="POSITION",
            help="Replay: read from the beginning, and land what follows this position.",
        ),
    ] = None,
) -> None:
    """Land the funding events in a finance database; without one, print them, one a line."""
    with _complaining(), _until_interrupted() as stop:
        cluster = kafka_client.cluster()
        if into is None:
            _print(cluster, stop, once=once, after=after or 0)
            return
        follower = Follower(cluster, lambda: psycopg.connect(into))
        follower.run(stop, once=once, after=after)
        _complaints.print(f"{follower.landed} funding events landed.")


@funding_app.command()
def reconcile(
    date: Annotated[dt.datetime, typer.Argument(formats=["%Y-%m-%d"], metavar="DATE")],
    into: Into = None,
    against: Annotated[
        str | None,
        typer.Option(metavar="URL", help="A Quartier elsewhere; left out, DATABASE_URL is asked."),
    ] = None,
    token: Annotated[
        str | None, typer.Option(envvar="QUARTIER_TOKEN", show_default=False, help="For its API.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For a machine to read.")] = False,
) -> None:
    """Compare a day of the finance database with what was recorded."""
    if into is None:
        _complaints.print("Name the finance database: --into DSN, or QUARTIER_FINANCE_DSN.")
        raise typer.Exit(USED_WRONGLY)
    day = date.date()
    with _complaining():
        recorded = recorded_day(day) if against is None else ask(against, day, token=token)
        with psycopg.connect(into) as connection:
            found = compare(recorded, landed_day(connection, day))
    if as_json:
        typer.echo(orjson.dumps(found.as_json(), option=orjson.OPT_INDENT_2).decode())
    elif found.agrees:
        typer.echo(f"{day}: {recorded.events} funding events on both sides, {recorded.digest}.")
    else:
        typer.echo(
            f"{day}: {recorded.events} funding events recorded, {found.landed.events} landed. "
            f"The first difference: {found.difference}."
        )
    if not found.agrees:
        raise typer.Exit(FOUND_WRONG)


def _print(cluster: Cluster, stop: threading.Event, *, once: bool, after: int) -> None:
    """Print the payloads of all events from the beginning, one a line."""
    topic = cluster.named(FUNDING)
    with reader(cluster) as consumer:
        left = set(partitions(consumer, topic))
        consumer.assign([TopicPartition(topic, each, OFFSET_BEGINNING) for each in left])
        while not stop.is_set() and not (once and not left):
            message = consumer.poll(0.5)
            if message is None:
                continue
            if (error := message.error()) is None:
                landed = read_message(message)
                if landed.sequence > after:
                    sys.stdout.buffer.write(landed.value + b"\n")
                    sys.stdout.buffer.flush()
            elif error.retriable() or (partition := message.partition()) is None:
                continue
            else:
                left.discard(partition)


@contextlib.contextmanager
def _until_interrupted() -> Iterator[threading.Event]:
    stop = threading.Event()
    before: dict[signal.Signals, Any] = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, lambda *_: stop.set())
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _complaining() -> Iterator[None]:
    """Say in one sentence what is wrong, and leave with the status that says who can mend it."""
    try:
        yield
    except kafka_client.NoBroker as error:
        _complaints.print(str(error))
        raise typer.Exit(USED_WRONGLY) from None
    except KafkaException as error:
        _complaints.print(f"Kafka: {error.args[0].str()}")
        raise typer.Exit(FOUND_WRONG) from None
    except (StreamFault, psycopg.Error, OSError, ValueError) as error:
        _complaints.print(f"{type(error).__name__}: {error}".strip())
        raise typer.Exit(FOUND_WRONG) from None
