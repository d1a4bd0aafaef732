"""`quartier topics`: what Kafka holds, message by message, beside the log."""

from __future__ import annotations

from typing import Annotated

import typer

from infra.broker import kafka_client
from infra.cli import brokers
from infra.cli.terminal import (
    FOUND_WRONG,
    USED_WRONGLY,
    AsJson,
    answer,
    fail,
    plain,
    progress,
    say,
)
from infra.database.connection import dedicated
from infra.operations import session
from infra.relay.comparing import Found, compare
from infra.relay.positions import PositionsHeldBack
from infra.relay.recovery import NotRecoverable, RelayRuns, accept, recover
from infra.relay.relay import source_name
from infra.relay.source import LogSource
from infra.relay.topics import TopicsUnfit


def topics_command(
    mend: Annotated[
        bool,
        typer.Option("--recover", help="Publish what is missing, and set the relay's position."),
    ] = False,
    accept_divergence: Annotated[
        bool,
        typer.Option(
            "--accept-divergence",
            help="Have the relay go on although the log is another than the one published.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compare every message in Kafka with the log; with `--recover`, put back what is missing.

    Exit status 1 if a message is missing, doubled, out of order or has another content than in
    the log, if the position is not that of what is there, or if the relay refuses to go on.
    `--recover` wants every relay stopped, writes in one transaction, and refuses where an event
    would be doubled or come out of order. `--accept-divergence` lifts the refusal of a relay that
    found another log, and names what it then leaves different: finance has to know of it.
    docs/finance.md says when to use them.

    For example:

        quartier topics

        quartier topics --recover

        quartier topics --accept-divergence
    """
    if mend and accept_divergence:
        fail("Either --recover or --accept-divergence.", USED_WRONGLY)
    do = recover if mend else accept if accept_divergence else compare
    cluster = brokers.named()
    with session.opened():
        source = LogSource(dedicated)
        try:
            with brokers.answering(cluster), progress("Events", source.size()) as done:
                kafka_client.let_in(cluster)
                found = do(cluster, source, source_name(), done)
        except PositionsHeldBack as error:
            fail(plain(f"{error} Try again."))
        except (NotRecoverable, RelayRuns, TopicsUnfit) as error:
            fail(plain(error))
        finally:
            source.close()
    if accept_divergence:
        _say_accepted(found, as_json=as_json)
        return
    _say(found, mended=mend, as_json=as_json)
    if not (mend or found.complete):
        raise typer.Exit(FOUND_WRONG)


def _say_accepted(found: Found, *, as_json: bool) -> None:
    """Name all of it: this is the last time that it is said."""
    if as_json:
        answer(
            {
                "position": found.place.position,
                "accepted": list(found.differing),
                "missing": dict(found.missing),
            }
        )
        return
    for sentence in found.differing:
        say(plain(sentence))
    differences = f"{len(found.differing)} differences are left as they are"
    say(f"{differences if found.differing else 'Nothing differs'}; the relay goes on.")


def _say(found: Found, *, mended: bool, as_json: bool) -> None:
    if as_json:
        answer(
            {
                "complete": mended or found.complete,
                "recovered": mended and not found.complete,
                "position": found.place.position,
                "held": dict(found.held),
                "missing": dict(found.missing),
                "found": list(found.sentences()),
            }
        )
        return
    for sentence in found.sentences():
        say(plain(sentence))
    if found.complete or mended:
        put_back = f"{sum(found.missing.values())} messages put back, the position set"
        done = "Nothing was missing" if found.complete else put_back
        counts = ", ".join(f"{name}: {number}" for name, number in found.place.published.items())
        say(f"{done}; up to position {found.place.position}. {counts}")
