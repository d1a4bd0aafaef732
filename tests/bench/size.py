"""What it costs to read, and to keep up, with many contracts beside a few.

python -m tests.bench.size 20000    fills the database that DATABASE_URL names with that many, if
                                    it is empty, and measures there: one JSON object a line
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import logging
import os
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.bench.measure import Growth, seconds

if TYPE_CHECKING:
    from tests.bench.place import Place

FEW = 1_000
WARM = 12
"""Runs before any is measured: by then PostgreSQL has chosen how it runs a prepared statement."""

TIMES = 25
LONG = 5_000
"""Decisions of the contract with the long history."""

TAIL = 200
"""Contracts whose decisions are taken in one batch after the other."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one thing costs at one size, and its mark: at most, or at least where it is a rate."""

    name: str
    value: float
    unit: str
    mark: float
    kind: str = "<="


def grown_with_contracts(place: Place) -> Iterator[Growth]:
    """Every line at 1,000 contracts and at as many as are asked for (`--contracts`)."""
    few, many = (_measured_apart(place, size) for size in (FEW, place.contracts))
    for name, cost in many.items():
        yield Growth(
            f"{name}: {place.contracts:,} contracts beside {FEW:,}",
            cost["value"],
            few[name]["value"],
            cost["unit"],
            cost["mark"],
            cost["kind"],
        )


def _measured_apart(place: Place, size: int) -> dict[str, dict[str, Any]]:
    """The costs at a size by name, in a process and a database of their own."""
    command = [sys.executable, "-m", "tests.bench.size", str(size)]
    url = place.database(f"size_{size}")
    said = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, env={**os.environ, "DATABASE_URL": url}
    )
    lines = map(json.loads, said.stdout.splitlines())
    return {line["name"]: line for line in lines}


# --- In that process ----------------------------------------------------------------------------


def costs(contracts: int) -> Iterator[Cost]:
    """Fill the log if it is empty, and measure everything."""
    from infra.database.connection import cursor  # noqa: PLC0415 - settings come first
    from infra.eventstore.store import log_size  # noqa: PLC0415
    from tests.bench.many import fill, projected  # noqa: PLC0415

    if not log_size():
        fill(contracts)
        projected()
    yield from _reading()
    yield from _behind()
    yield from _long_history()
    row = cursor().execute("SELECT contract FROM register WHERE decisions = 22").fetchone()
    yield from _evidence(*(row or ("none",)), 25)
    yield from _checking()
    yield from _catching_up()


class Asking:
    """Asks the service in this process, on one connection to the database."""

    def __init__(self, token: str | None = None) -> None:
        from django.test import Client  # noqa: PLC0415 - settings come first

        self.client = Client()
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def __call__(self, path: str) -> Any:
        answer = self.client.get(f"/api/v1{path}", headers=self.headers)
        body = b"".join(answer) if answer.streaming else answer.content
        if answer.status_code != 200:
            raise RuntimeError(f"{path}: {body[:500]!r}")
        return body

    def median(self, *paths: str, times: int = TIMES, warm: int = WARM) -> float:
        """Milliseconds for one of these in turn."""
        turn = itertools.cycle(paths)
        for _ in range(warm):
            self(next(turn))
        return 1e3 * seconds(lambda: self(next(turn)), times=times)


def _reading() -> Iterator[Cost]:
    """Lists and sums, as a stranger asks for them."""
    from infra.eventstore.store import log_size  # noqa: PLC0415 - settings come first

    get = Asking()
    deep, yesterday = log_size() * 3 // 4, dt.date.today() - dt.timedelta(1)  # noqa: DTZ011

    def later(path: str) -> str:
        """A page after the first five hundred rows, of as many rows as one has by itself."""
        following: str | None = json.loads(get(f"{path}&limit=500"))["next"]
        if following is None:
            return path
        return f"/{following.partition('/api/v1/')[2]}".replace("limit=500", "limit=100")

    for name, mark, *paths in (
        ("feed of a type that is not there", 4, f"/events?type=person-erased&after={deep}"),
        ("feed of a rare type, near the end", 4, f"/events?type=contract-closed&after={deep}"),
        (
            "feed of two rare types",
            4,
            f"/events?type=contract-closed&type=final-report-adopted&after={deep}",
        ),
        ("digest of a finished day", 10, f"/funding/digest?date={yesterday}"),
        ("sums by service and year", 5, "/funding/sums?by=service,year"),
        ("sums by contract, a page", 5, later("/funding/sums?by=contract")),
        ("ledger, a page", 5, later("/funding/ledger?year=2016")),
        ("ledger of an empty year", 4, "/funding/ledger?year=1950"),
        ("entries, a page", 5, later("/funding/entries?year=2016")),
        ("search of a common word", 30, "/contracts?q=contrat", "/contracts?q=quartier"),
        ("search of a common prefix", 30, "/contracts?q=con", "/contracts?q=am"),
        ("search of two words", 30, "/contracts?q=fontaine+paquis", "/contracts?q=bancs+cham"),
        ("contracts, a page", 4, "/contracts", "/contracts?limit=100"),
        ("contracts with a rare standing", 4, "/contracts?standing=closed"),
        ("contracts with no such standing", 4, "/contracts?standing=interrupted"),
        ("contracts in a phase", 4, "/contracts?phase=ended"),
        ("contracts at a point", 4, "/contracts?at=6.149,46.211", "/contracts?at=6.10,46.211"),
        ("contracts in a rare box", 4, "/contracts?bbox=6.10,46.17,6.1102,46.19"),
        ("calendar of an occasion", 4, "/calendar?occasion=handover"),
        ("calendar from a day", 4, "/calendar?from=2020-01-01"),
        ("calendar of an empty day", 4, "/calendar?from=2199-01-01&to=2199-01-01"),
        ("silences", 4, "/silences"),
        ("silences, all", 4, "/silences?state=all"),
    ):
        yield Cost(name, get.median(*paths), "ms", mark)


def _behind() -> Iterator[Cost]:
    """A list for an account that has recorded nothing, while the read models are far behind."""
    from infra.accounts import Role, create_account  # noqa: PLC0415 - settings come first
    from projections.engine.sql import cursor  # noqa: PLC0415

    get = Asking(create_account(f"bench-{os.getpid()}", Role.COORDINATOR))
    cursor().execute("BEGIN")  # rolled back: only this connection sees them so
    try:
        cursor().execute("UPDATE projection_position SET position = 1")
        taken = get.median("/contracts")
    finally:
        cursor().execute("ROLLBACK")
    yield Cost("a list by an account, read models behind", taken, "ms", 3)


def _long_history() -> Iterator[Cost]:
    from tests.bench.append import record_one  # noqa: PLC0415 - settings come first
    from tests.bench.growth import grown  # noqa: PLC0415
    from tests.bench.workload import activity  # noqa: PLC0415

    name = grown(f"long-{os.getpid()}", LONG)
    get = Asking()
    path = f"/contracts/{name}/history"
    pages = (f"{path}?limit=50", f"{path}?after=2500&limit=50")
    yield Cost(f"a page of a history of {LONG:,}", get.median(*pages), "ms", 6)
    record_one(name, activity)
    yield from _evidence(name, 500)


def _evidence(name: str, mark: float) -> Iterator[Cost]:
    from infra.eventstore.repository import version_of  # noqa: PLC0415
    from infra.log.sealing import seal_all  # noqa: PLC0415 - settings come first
    from tests.bench.log import keys  # noqa: PLC0415

    with keys() as file:
        seal_all(file)
        taken = Asking().median(f"/contracts/{name}/evidence.zip", times=5, warm=1)
    yield Cost(f"evidence.zip of {version_of(name):,}", taken, "ms", mark)


def _checking() -> Iterator[Cost]:
    """What a check takes for each event, and what the counter row costs an append beside it."""
    from infra.audit.checking import findings  # noqa: PLC0415 - settings come first
    from infra.audit.integrity import order  # noqa: PLC0415
    from infra.database.connection import as_owner, cursor  # noqa: PLC0415
    from infra.eventstore.store import log_size  # noqa: PLC0415
    from infra.log.integrity import log_findings  # noqa: PLC0415
    from tests.bench.log import append_one, keys  # noqa: PLC0415

    def check() -> None:
        for each in (*order(), *log_findings(cursor()), *findings()):
            if not each.warning:
                raise RuntimeError(str(each))

    def counted() -> float:
        cursor().execute("BEGIN")
        row = cursor().execute("EXPLAIN (ANALYZE, FORMAT JSON) UPDATE event_log SET size = size")
        (plan,) = row.fetchone() or ()
        cursor().execute("ROLLBACK")
        return float(plan[0]["Execution Time"])

    with keys():
        yield Cost("a check, for each event", 1e6 * seconds(check, times=1) / log_size(), "µs", 96)
    stop = threading.Event()

    def go_on() -> None:
        while not stop.is_set():
            for _ in findings():
                if stop.is_set():
                    break

    beside = threading.Thread(target=go_on)
    beside.start()
    for _ in range(4_000):
        append_one()
    with as_owner():
        taken = 1e3 * statistics.median(counted() for _ in range(25))
    stop.set()
    beside.join()
    yield Cost("the counter row after 4,000 appends beside a check", taken, "µs", 70)


def _catching_up() -> Iterator[Cost]:
    """Decisions a second into every read model, of contracts mixed, and of one after the other."""
    from infra.eventstore.source import StoredEvents  # noqa: PLC0415 - settings come first
    from projections.catalogue import PROJECTIONS  # noqa: PLC0415
    from projections.engine.runner import Runner  # noqa: PLC0415
    from tests.bench.many import fill  # noqa: PLC0415

    def rate(abreast: int, prefix: str) -> float:
        runner = Runner(StoredEvents(), PROJECTIONS.values(), lambda stopped: None)
        runner.catch_up()
        events = fill(TAIL, days=1, prefix=f"{prefix}-{os.getpid()}", abreast=abreast)
        return events / seconds(runner.catch_up)

    yield Cost("catching up, mixed", rate(60, "mixed"), "decisions/s", 2_500, ">=")
    yield Cost("catching up, one after the other", rate(1, "imported"), "decisions/s", 9_000, ">=")


if __name__ == "__main__":
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    logging.disable(logging.WARNING)  # a line for every request
    for line in costs(int(sys.argv[1])):
        sys.stdout.write(json.dumps({each: getattr(line, each) for each in line.__slots__}) + "\n")
        sys.stdout.flush()
