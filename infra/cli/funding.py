"""`quartier funding …`: follow the funding events, and prove that none is missing."""

from __future__ import annotations

import contextlib
import datetime as dt
import signal
import sys
import threading
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import psycopg
import typer
from confluent_kafka import OFFSET_BEGINNING, TopicPartition
from psycopg import conninfo

from infra.broker import kafka_client
from infra.cli import brokers
from infra.cli.terminal import (
    FOUND_WRONG,
    USED_WRONGLY,
    AsJson,
    answer,
    fail,
    note,
    plain,
    progress,
    read_day,
    say,
)
from infra.conf.logging import configure, log_format
from infra.finance.digest import landed_day, landed_sources, recorded_day
from infra.finance.follow import Follower, NoTopic, next_batch, partitions, reader
from infra.finance.landing import StreamFault
from infra.finance.reconcile import ask, compare
from infra.finance.tables import SCHEMA
from infra.operations import session
from infra.recording.submission import today_in_geneva
from infra.relay.topics import FUNDING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.broker.kafka_client import Cluster

funding_app = typer.Typer(
    name="funding", help="For finance systems: each funding event, once.", no_args_is_help=True
)

DSN: str = "QUARTIER_FINANCE_DSN"

Into = Annotated[
    str | None,
    typer.Option(
        "--into",
        envvar=DSN,
        metavar="DSN",
        help="The finance database (PostgreSQL).",
        show_default=False,
    ),
]


@funding_app.command()
def follow(
    into: Into = None,
    once: Annotated[bool, typer.Option("--once", help="Stop at the end of the topic.")] = False,
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
    """Land the funding events in a finance database, each once; without one, print them.

    Goes on where it was, which the database says. Printed are the payloads, one a line, from the
    beginning. `KAFKA_BOOTSTRAP_SERVERS` names the brokers; docs/finance.md says the rest.

    For example:

        QUARTIER_FINANCE_DSN=postgresql://follower@db/finance quartier funding follow

        quartier funding follow --into "service=finance" --once

        quartier funding follow --into "service=finance" --after 0

        quartier funding follow --once | jq .lines
    """
    configure(log_format())
    if into is not None:
        _look_at(into)
    with _until_interrupted() as stop:
        cluster = brokers.named()
        with _complaining(), brokers.answering(cluster):
            kafka_client.let_in(cluster)
            if into is None:
                _print(cluster, stop, once=once, after=after or 0)
                return
            with progress("Funding events", None) as landed:
                follower = Follower(cluster, lambda: psycopg.connect(into), told=landed)
                follower.run(stop, once=once, after=after)
        note(f"{follower.landed} funding events landed.")


@funding_app.command()
def reconcile(
    date: Annotated[str, typer.Argument(metavar="DATE", help="Such as 2026-11-22.")],
    into: Into = None,
    against: Annotated[
        str | None,
        typer.Option(metavar="URL", help="A Quartier elsewhere; left out, DATABASE_URL is asked."),
    ] = None,
    token: Annotated[
        str | None, typer.Option(envvar="QUARTIER_TOKEN", show_default=False, help="For its API.")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(metavar="URI", help="Of which ce_source, where events of several landed."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare a day of the finance database with what was recorded; name the first difference.

    Exit status 0: the same on both sides; 1: not the same. The day is one in Geneva, and should
    be over: today's events may be under way.

    For example:

        quartier funding reconcile 2026-11-21 --into "service=finance"

        quartier funding reconcile 2026-11-21 --against https://quartier.example --json
    """
    if (day := read_day(date, "DATE")) is None or into is None:
        fail(f"Name the finance database: --into DSN, or {DSN}.", USED_WRONGLY)
    if against is None and day > (today := today_in_geneva(dt.datetime.now(dt.UTC))):
        fail(f"{day} lies in the future: it is {today}.", USED_WRONGLY)
    _look_at(into)
    if against is None:
        with session.opened():
            recorded = recorded_day(day)
    else:
        with _complaining():
            recorded = ask(against, day, token=token)
    with _complaining(), psycopg.connect(into) as connection:
        found = compare(recorded, landed_day(connection, day, _one(connection, source)))
    if as_json:
        answer(found.as_json())
    elif found.agrees:
        say(f"{day}: {recorded.events} funding events on both sides, {recorded.digest}.")
    else:
        say(
            f"{day}: {recorded.events} funding events recorded, {found.landed.events} landed. "
            f"The first difference: {plain(found.difference)}."
        )
    if not found.agrees:
        raise typer.Exit(FOUND_WRONG)


@funding_app.command()
def tables() -> None:
    """Print the SQL of the tables, for whoever makes them where the follower may not.

    For example:

        quartier funding tables | psql service=finance
    """
    sys.stdout.write(SCHEMA.lstrip())


def _one(connection: psycopg.Connection[Any], source: str | None) -> str | None:
    """The `ce_source` whose events are meant."""
    landed = landed_sources(connection)
    if source is None and len(landed) > 1:
        fail(f"Name whose events are meant with --source: {', '.join(landed)}.", USED_WRONGLY)
    if source is not None and landed and source not in landed:
        fail(f"Nothing was landed of {source}, only of {', '.join(landed)}.", USED_WRONGLY)
    return source


def _print(cluster: Cluster, stop: threading.Event, *, once: bool, after: int) -> None:
    """Print the payloads of all events from the beginning, one a line."""
    topic = cluster.named(FUNDING)
    with reader(cluster) as consumer:
        left = set(partitions(consumer, topic))
        consumer.assign([TopicPartition(topic, each, OFFSET_BEGINNING) for each in left])
        while not stop.is_set() and not (once and not left):
            batch, _, ended = next_batch(consumer)
            left -= ended
            for landed in batch:
                if landed.sequence > after:
                    sys.stdout.buffer.write(landed.value + b"\n")
            sys.stdout.buffer.flush()


# --- What is given, and what is wrong with it -----------------------------------------------------


def _look_at(into: str) -> None:
    """Refuse what is no address of a database without repeating it: it may hold a password.

    libpq's own messages quote the parts of an address that it has taken apart wrongly.
    """
    try:
        parts = conninfo.conninfo_to_dict(into)
    except psycopg.ProgrammingError:
        parts = {"host": "@"}
    named = f"{parts.get('host') or ''}{parts.get('dbname') or ''}{parts.get('port') or ''}"
    if "@" in named or not str(parts.get("port") or "0").replace(",", "").isdigit():
        fail(
            "That is no address of a PostgreSQL database. It is like "
            "postgresql://user:password@host:5432/finance, where what is not a letter or a digit "
            "in the password is percent-encoded; better, leave the password to ~/.pgpass.",
            USED_WRONGLY,
        )


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
    """Say in a sentence what is wrong with the stream, or with the finance database."""
    try:
        yield
    except BrokenPipeError:
        raise  # whoever read what is printed has seen enough
    except psycopg.errors.UndefinedTable:
        fail("Nothing was ever landed in the finance database: quartier funding follow begins it.")
    except psycopg.Error as error:
        _refused_by_database(error)
    except (NoTopic, StreamFault, OSError, ValueError) as error:
        fail(plain(error))


def _refused_by_database(error: psycopg.Error) -> NoReturn:
    said = " ".join(line.strip() for line in str(error).splitlines())
    fail(plain(f"The database: {said or type(error).__name__}"))
