"""Rebuilding every read model, beside only reading and decoding the same events.

python -m tests.bench.rebuild rebuild|read      one measurement, in a process of its own
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import orjson

from tests.bench.measure import Figure, Ratio, interleaved

if TYPE_CHECKING:
    from tests.bench.place import Place

EVENTS = 200_000
MEGABYTES = 300
BATCH = 1_000

Life = list[dict[str, Any]]
"""The events of one contract, in the shape that `append` takes; another has its versions, too."""


def fill(place: Place, events: int) -> None:
    """Copies of the examples, each a contract of its own, until there are so many events."""
    append_all(copied(examples(), events))


def examples() -> dict[str, Life]:
    """Import the examples: the events of each, by contract."""
    from django.db import connection  # noqa: PLC0415 - settings come first

    from infra.accounts import Role, create_account  # noqa: PLC0415
    from infra.exchange.importing import import_file  # noqa: PLC0415
    from infra.operations.up import EXAMPLES  # noqa: PLC0415

    for role in Role:
        create_account(role.value, role)
    for file in EXAMPLES:
        with file.open("rb") as stream:
            report = import_file(stream, now=dt.datetime.now(dt.UTC))
        if report.faulty:
            raise RuntimeError(report.faults[0])
    with connection.cursor() as cursor:
        # A correction names a position; its copies would name another contract's decision.
        cursor.execute(
            "SELECT contract, type, schema, body, decided_on, recorded_by, payload::text FROM event"
            " WHERE type NOT IN ('decision-rectified', 'decision-annulled')"
            " ORDER BY contract, version"
        )
        columns = [column.name for column in cursor.description]
        lives: dict[str, Life] = {}
        for row in cursor.fetchall():
            event = dict(zip(columns, row, strict=True))
            event["payload"] = orjson.Fragment(event["payload"])
            lives.setdefault(event["contract"], []).append(event)
    return lives


def copied(lives: dict[str, Life], events: int) -> Iterator[dict[str, Any]]:
    """At least so many events of further contracts, one contract after the other."""
    copies = -(-events // sum(map(len, lives.values())))
    for copy in range(1, copies + 1):
        for name, life in lives.items():
            for version, event in enumerate(life, start=1):
                yield {**event, "contract": f"{name}-{copy}", "version": version}


def append_all(events: Iterable[dict[str, Any]]) -> None:
    from infra.eventstore.append import Write, append  # noqa: PLC0415 - settings come first

    waiting = iter(events)
    while batch := list(itertools.islice(waiting, BATCH)):
        append(Write(batch))


def beside_reading(place: Place) -> Iterator[Ratio | Figure]:
    """All views and tables from 200,000 events, in a process that does nothing else."""
    fill(place, EVENTS)
    peaks: list[float] = []

    def measured(what: str) -> float:
        command = [sys.executable, "-m", "tests.bench.rebuild", what]
        said = subprocess.run(command, check=True, capture_output=True, env=os.environ.copy())
        figures = json.loads(said.stdout.splitlines()[-1])
        if what == "rebuild":
            peaks.append(figures["megabytes"])
        return float(figures["events"] / figures["seconds"])

    yield Ratio(
        f"rebuild of every read model from {EVENTS:,} events, beside reading them",
        *interleaved(lambda: measured("rebuild"), lambda: measured("read")),
        unit="events/s",
        mark=0.3,
    )
    yield Figure("memory of that rebuild, at most", max(peaks), "MB", MEGABYTES)


def measure(what: str) -> None:
    """Do it once in this process, and say what it took."""
    import django  # noqa: PLC0415

    django.setup()
    from infra.eventstore.source import StoredEvents  # noqa: PLC0415
    from projections.catalogue import PROJECTIONS  # noqa: PLC0415
    from projections.engine.rebuild import rebuild  # noqa: PLC0415

    began = time.perf_counter()
    source = StoredEvents()
    if what == "rebuild":
        events = rebuild(source, PROJECTIONS.values()).events
    else:
        events = sum(1 for _ in source.by_contract(source.end()))
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"events": events, "seconds": seconds, "megabytes": peak}))


if __name__ == "__main__":
    measure(sys.argv[1])
