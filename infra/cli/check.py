"""Whether everything is as it must be."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import typer

from infra.audit import checking, guards, integrity
from infra.audit.integrity import Finding
from infra.broker import kafka_client
from infra.cli import terminal
from infra.cli.terminal import AsJson, fail, plain, say
from infra.conf.reference import reference
from infra.database.connection import cursor, dedicated
from infra.database.migrated import migrations_due, newer_migrations
from infra.eventstore.store import log_size
from infra.finance import days
from infra.log.integrity import log_findings
from infra.log.keys import KeyFileError, key_file, read_keys
from infra.log.sealing import oldest_unsealed, unsealed
from infra.operations import session
from infra.processes.memory import look_seldom_for_cycles
from infra.relay import checking as relay_checking
from infra.relay.relay import source_name
from infra.relay.source import LogSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.broker.kafka_client import Cluster

CHECKS = {
    "configuration": "settings and reference data",
    "migrations": "the tables are those that this program needs",
    "role": "the application does not work as the owner of the events",
    "trigger": "events and log are guarded against change: triggers, functions, keys",
    "grants": "the application may add events and change none",
    "order": "positions and versions have no gaps, instants neither go back nor lie in the future",
    "requests": "each idempotency key names what its account recorded",
    "log": "decisions, tiles and checkpoints are those that were sealed and signed",
    "events": "every event can be read",
    "texts": "the texts are those that the events had, for whom they were meant",
    "read-models": "views and tables are the fold of the events",
    "funding-days": "kept days of funding events are what the log says",
    "relay": "what is published to Kafka fits the log",
}

UNSEALED = timedelta(minutes=1)
"""Events that are not sealed after that long are said."""

SHOWN = 50
"""Sentences shown of one check; `--json` has all of them."""


def check_command(as_json: AsJson = False) -> None:
    """Check configuration and integrity: what guards the events, the events, all made of them.

    Every event is read and every read model folded again, so it takes its time on a large store;
    recording does not wait for it. An event that cannot be read is named, and the rest is checked.

    Exit status 1 if anything is wrong. Warnings do not count: they say what weakens a guard, and
    what could not be checked.

    For example:

        quartier check

        quartier check --json
    """
    look_seldom_for_cycles()
    cluster = _cluster()
    with session.opened():
        reference()
        if due := migrations_due():
            fail(f"{due} migrations are not applied. Run: quartier migrate")
        end = log_size()
        with terminal.progress("Events looked at", 3 * end) as done:
            found = list(_findings(end, cluster, done))
    if as_json:
        terminal.answer(_report(end, found))
    else:
        _say(end, found)
    if any(not finding.warning for finding in found):
        raise typer.Exit(terminal.FOUND_WRONG)


def _cluster() -> Cluster | None:
    """The brokers that are named; None where nothing is published."""
    try:
        return kafka_client.cluster()
    except kafka_client.NoBroker:
        return None


def _findings(end: int, cluster: Cluster | None, done: terminal.Done) -> Iterator[Finding]:
    yield from _finished("migrations", _migrations())
    yield from _finished("role", guards.role())
    yield from _finished("trigger", guards.triggers())
    yield from _finished("trigger", guards.functions())
    yield from _finished("trigger", guards.keys())
    yield from _finished("grants", guards.grants())
    yield from _finished("order", integrity.order(done))
    yield from _finished("requests", integrity.requests())
    yield from _finished("log", _log(lambda read: done(end + read)))
    yield from _finished("events", checking.findings(lambda read: done(2 * end + read)))
    yield from _finished("funding-days", _funding_days())
    yield from _finished("relay", _relay(cluster))


def _finished(check: str, found: Iterator[Finding]) -> Iterator[Finding]:
    """What a check finds, even if something keeps it from its end: the others go on."""
    try:
        yield from found
    except Exception as error:
        if os.environ.get("QUARTIER_TRACEBACK"):
            raise
        first_line = str(error).partition("\n")[0]
        what = f"This check could not be finished: {type(error).__name__}: {first_line}"
        yield Finding(check, f"{what} (QUARTIER_TRACEBACK=1 shows where)")


def _migrations() -> Iterator[Finding]:
    if newer := newer_migrations():
        yield Finding(
            "migrations", f"Applied, and not of this version of the program: {', '.join(newer)}."
        )


def _log(done: terminal.Done) -> Iterator[Finding]:
    for found in log_findings(cursor(), progress=done):
        yield Finding("log", str(found))
    try:
        read_keys(key_file())
    except KeyFileError as error:
        yield Finding("log", f"Signatures are not checked: {error}", warning=True)
    since = oldest_unsealed(cursor())
    if since is not None and datetime.now(UTC) - since > UNSEALED:
        what = f"{unsealed(cursor())} events are not sealed, since {since:%Y-%m-%d %H:%M:%S} UTC."
        yield Finding("log", what, warning=True)


def _funding_days() -> Iterator[Finding]:
    for date in days.altered():
        yield Finding(
            "funding-days",
            f"The kept day {date} is not what the log says. Delete its row in funding_day.",
        )


def _relay(cluster: Cluster | None) -> Iterator[Finding]:
    if cluster is None:
        what = "Not checked: no broker named (KAFKA_BOOTSTRAP_SERVERS)."
        yield Finding("relay", what, warning=True)
        return
    source = LogSource(dedicated)
    try:
        for found in relay_checking.findings(cluster, source, source_name()):
            yield Finding("relay", found)
    finally:
        source.close()


def _report(end: int, found: list[Finding]) -> dict[str, Any]:
    checks = dict.fromkeys([*CHECKS, *(finding.check for finding in found)])

    def of(check: str, *, warning: bool) -> list[str]:
        return [f.message for f in found if f.check == check and f.warning is warning]

    return {
        "events": end,
        "checks": {check: of(check, warning=False) for check in checks},
        "warnings": {check: warnings for check in checks if (warnings := of(check, warning=True))},
    }


def _say(end: int, found: list[Finding]) -> None:
    for check, what in CHECKS.items():
        of_it = [finding for finding in found if finding.check == check]
        say(f"{_verdict(of_it)} {check:<14} {what}")
        for finding in of_it[:SHOWN]:
            say(f"      {plain(finding.message)}")
        if len(of_it) > SHOWN:
            say(f"      and {len(of_it) - SHOWN} more: quartier check --json")
    warnings = sum(finding.warning for finding in found)
    say(f"{end} events, {len(found) - warnings} faults, {warnings} warnings.")


def _verdict(found: list[Finding]) -> str:
    if any(not finding.warning for finding in found):
        return "[red]wrong[/]"
    return "[yellow]warn[/] " if found else "[green]ok[/]   "
