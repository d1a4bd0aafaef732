"""`quartier topics`: what Kafka holds, message by message, beside the log."""

from __future__ import annotations

from typing import Annotated

import typer

from infra import kafka_client
from infra.commands import brokers, session
from infra.commands.terminal import (
    FOUND_WRONG,
    AsJson,
    answer,
    fail,
    plain,
    progress,
    say,
)
from infra.database import dedicated
from infra.relay.positions import PositionsHeldBack
from infra.relay.recovery import Found, NotRecoverable, RelayRuns, compare, recover
from infra.relay.relay import source_name
from infra.relay.source import LogSource
from infra.relay.topics import TopicsUnfit


def topics_command(
    mend: Annotated[
        bool,
        typer.Option("--recover", help="Publish what is missing, and set the relay's position."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compare every message in Kafka with the log; with `--recover`, put back what is missing.

    Exit status 1 if a message is missing, doubled, out of order or of another log, or if the
    position is not that of what is there. `--recover` wants every relay stopped, writes in one
    transaction, and refuses where an event would be doubled or come out of order.
    docs/finance.md says when to use it.

    For example:

        quartier topics

        quartier topics --recover
    """
    cluster = brokers.named()
    with session.opened():
        source = LogSource(dedicated)
        try:
            with brokers.answering(cluster), progress("Events", source.size()) as done:
                kafka_client.let_in(cluster)
                found = (recover if mend else compare)(cluster, source, source_name(), done)
        except PositionsHeldBack as error:
            fail(plain(f"{error} Try again."))
        except (NotRecoverable, RelayRuns, TopicsUnfit) as error:
            fail(plain(error))
        finally:
            source.close()
    _say(found, mended=mend, as_json=as_json)
    if not (mend or found.complete):
        raise typer.Exit(FOUND_WRONG)


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
