"""Whether everything is as it must be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from infra import checking, integrity, kafka_client
from infra.commands import session, terminal
from infra.commands.terminal import AsJson, fail, plain, say
from infra.database import cursor, dedicated
from infra.integrity import Finding
from infra.log.integrity import log_findings
from infra.reference import reference
from infra.relay import checking as relay_checking
from infra.relay.relay import source_name
from infra.relay.source import LogSource
from infra.store import log_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.kafka_client import Cluster

CHECKS = {
    "configuration": "settings and reference data",
    "migrations": "the tables are those that this program needs",
    "role": "the application does not work as the owner of the events",
    "trigger": "events are guarded against change",
    "grants": "the application may add events and change none",
    "order": "positions and versions have no gaps, instants do not go back",
    "events": "every event can be read",
    "texts": "the texts are those that the events had",
    "log": "decisions, tiles and checkpoints are those that were sealed and signed",
    "read-models": "views and tables are the fold of the events",
    "relay": "what is published to Kafka fits the log",
}


def check_command(as_json: AsJson = False) -> None:
    """Check configuration and integrity: what guards the events, the events, all made of them.

    Every event is read and every read model folded again, so it takes its time on a large store.
    Exit status 1 if anything is wrong.

    For example:

        quartier check

        quartier check --json
    """
    cluster = _cluster()
    with session.opened():
        reference()
        if due := _migrations_due():
            fail(f"{due} migrations are not applied. Run: quartier migrate")
        end = log_size()
        with terminal.progress("Events read and folded", 2 * end) as done:
            found = list(_findings(end, cluster, done))
    if as_json:
        terminal.answer(_report(end, found))
    else:
        _say(end, found)
    if found:
        raise typer.Exit(terminal.FOUND_WRONG)


def _cluster() -> Cluster | None:
    """The brokers that are named; None where nothing is published."""
    try:
        return kafka_client.cluster()
    except kafka_client.NoBroker:
        return None


def _findings(end: int, cluster: Cluster | None, done: terminal.Done) -> Iterator[Finding]:
    yield from integrity.findings(done)
    for found in log_findings(cursor()):
        yield Finding("log", str(found))
    yield from checking.differences(lambda folded: done(end + folded))
    if cluster is not None:
        yield from _relay(cluster)


def _relay(cluster: Cluster) -> Iterator[Finding]:
    source = LogSource(dedicated)
    try:
        for found in relay_checking.findings(cluster, source, source_name()):
            yield Finding("relay", found)
    finally:
        source.close()


def _migrations_due() -> int:
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _report(end: int, found: list[Finding]) -> dict[str, Any]:
    return {
        "events": end,
        "checks": {
            check: [finding.message for finding in found if finding.check == check]
            for check in dict.fromkeys([*CHECKS, *(finding.check for finding in found)])
        },
    }


def _say(end: int, found: list[Finding]) -> None:
    for check, what in CHECKS.items():
        wrong = [finding.message for finding in found if finding.check == check]
        say(f"{'[red]wrong[/]' if wrong else '[green]ok[/]   '} {check:<14} {what}")
        for message in wrong:
            say(f"      {plain(message)}")
    say(f"{end} events, {len(found)} faults.")
