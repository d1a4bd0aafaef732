"""What changed between two instants of a long history, beside one fold of it by the same view."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from django.test import Client

from infra.contracts import history_of
from infra.courses import courses
from projections.catalogue import VIEWS
from projections.intervals import learned
from tests.bench.growth import LONG, grown
from tests.bench.life import lived
from tests.bench.measure import Ratio, interleaved, seconds

if TYPE_CHECKING:
    from domain.decision import Recorded
    from projections.view import View
    from tests.bench.place import Place

Intervals = Sequence[tuple[int, int]]

INTERVALS = ((0, 10), (3, 7), (9, 10), (0, 1))
"""From and to, in tenths of the history."""
PARTS = ((0, 1), (3, 7), (9, 10))
TODAY = dt.date(2026, 11, 22)


def beside_one_fold(place: Place) -> Iterator[Ratio]:
    """The slowest of some intervals beside one fold of everything: the work, both in memory.

    Asked again, as whoever looks into a contract does; and asked for the first time, which makes
    the course that the others are answered from.
    """
    name = grown("changes", LONG)
    history = history_of(name)

    def again(view: View[Any], since: int, until: int) -> None:
        part = learned(history, _instant(history, since), _instant(history, until))
        with courses.changes(name, view, part, since=TODAY, until=TODAY):
            pass

    def first(view: View[Any], since: int, until: int) -> None:
        courses.forget()
        again(view, since, until)

    def slowest(ask: Any, view: View[Any]) -> float:
        return 1e3 * max(seconds(lambda i=i: ask(view, *i), times=9) for i in INTERVALS)

    for ask, how, mark in ((again, "", 2), (first, ", asked for the first time", 4)):
        for each in VIEWS.values():
            yield Ratio(
                f"changes of {each.name} in {LONG:,} events, slowest of {len(INTERVALS)}"
                f" intervals{how}, beside one fold",
                *interleaved(
                    partial(slowest, ask, each),
                    lambda v=each: 1e3 * seconds(lambda: v.fold(history), times=9),
                ),
                unit="ms",
                mark=mark,
                kind="<=",
            )


def beside_one_read(place: Place) -> Iterator[Ratio]:
    """The same over the whole API, beside one read at the last of the instants."""
    yield from _over_the_api(grown("changes-read", LONG), f"{LONG:,} events", INTERVALS, mark=2)


def beside_one_read_of_a_life(place: Place) -> Iterator[Ratio]:
    """The same of a contract of thirty types of decisions, corrections among them.

    The changes of all of it are four times as long as the document that they lead to.
    """
    contract = lived("changes-life", LONG)
    yield from _over_the_api(contract, "parts of a whole life", PARTS, mark=2)
    yield from _over_the_api(contract, "all of a whole life", ((0, 10),), mark=4)


def _over_the_api(contract: str, of: str, intervals: Intervals, *, mark: float) -> Iterator[Ratio]:
    history, client = history_of(contract), Client()

    def at(tenth: int) -> str:
        return _instant(history, tenth).isoformat().replace("+00:00", "Z")

    def get(path: str) -> float:
        def once() -> None:
            answer = client.get(f"/api/v1/contracts/{contract}{path}")
            if answer.status_code != 200:
                raise RuntimeError(answer.content[:500])

        return 1e3 * seconds(once, times=9)

    def told(name: str) -> float:
        return max(get(f"/{name}/changes?from={at(f)}&to={at(t)}") for f, t in intervals)

    for name in VIEWS:
        path = "" if name == "overview" else f"/{name}"
        yield Ratio(
            f"changes of {name} over the API, {of}, beside one read at the last instant",
            *interleaved(partial(told, name), partial(get, f"{path}?known_at={at(10)}")),
            unit="ms",
            mark=mark,
            kind="<=",
        )


def _instant(history: list[Recorded[Any]], tenth: int) -> dt.datetime:
    return history[max(LONG * tenth // 10 - 1, 0)].recorded_at
