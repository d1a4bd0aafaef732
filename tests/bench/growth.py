"""What a long history costs: recording one more decision, and reading an earlier day."""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.test import Client

from infra.eventstore.repository import history_of
from tests.bench.append import begin, record_one
from tests.bench.measure import Ratio, interleaved, seconds
from tests.bench.workload import activity, decisions

if TYPE_CHECKING:
    from tests.bench.place import Place

SHORT, LONG = 50, 5_000
VIEWS = ("overview", "diagnosis", "conformity")


def grown(name: str, size: int) -> str:
    begin(name)
    kinds = decisions()
    for _ in range(size - 3):
        record_one(name, next(kinds))
    return name


def one_more(place: Place) -> Iterator[Ratio]:
    """One more decision on a contract of 5,000, beside one of 50; both in memory.

    One here, one there: what is measured is mostly a disk, whose moods last for many decisions.
    """
    short, long = grown("growth-short", SHORT), grown("growth-long", LONG)
    taken: dict[str, list[float]] = {long: [], short: []}
    for _ in range(900):
        for contract, each in taken.items():
            each.append(seconds(lambda c=contract: record_one(c, activity)))
    yield Ratio(
        f"one more decision on {LONG:,} events, beside {SHORT}",
        *(1e6 * statistics.median(each) for each in taken.values()),
        unit="µs",
        mark=1.5,
        kind="<=",
    )


def another_day(place: Place) -> Iterator[Ratio]:
    """An earlier instant of a contract of 5,000 events, beside today; over the whole API."""
    contract = grown("growth-days", LONG)
    history = history_of(contract)
    instants = [history[len(history) * n // 10].recorded_at for n in range(1, 10)]
    client = Client()

    def get(path: str) -> None:
        answer = client.get(path)
        if answer.status_code != 200:
            raise RuntimeError(answer.content[:500])

    def at(path: str, instant: dt.datetime) -> None:
        get(f"{path}?known_at={instant.isoformat().replace('+00:00', 'Z')}")

    for view in VIEWS:
        suffix = "" if view == "overview" else f"/{view}"
        path = f"/api/v1/contracts/{contract}{suffix}"

        def earlier(path: str = path) -> float:
            return 1e3 * max(seconds(lambda i=i: at(path, i), times=5) for i in instants)

        def today(path: str = path) -> float:
            return 1e3 * seconds(lambda: get(path), times=15)

        yield Ratio(
            f"{view} of {LONG:,} events at the slowest of 9 instants, beside today",
            *interleaved(earlier, today),
            unit="ms",
            mark=10,
            kind="<=",
        )
