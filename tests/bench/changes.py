"""What changed between two instants of a long history, beside one fold of it by the same view."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from django.test import Client

from infra.contracts import history_of
from projections.catalogue import VIEWS
from projections.changes import changes
from projections.intervals import learned
from tests.bench.growth import LONG, grown
from tests.bench.measure import Ratio, interleaved, seconds

if TYPE_CHECKING:
    from domain.decision import Recorded
    from projections.view import View
    from tests.bench.place import Place

READ = ("overview", "diagnosis", "conformity", "genealogy", "timeline")
INTERVALS = ((0, 10), (3, 7), (9, 10), (0, 1))
"""From and to, in tenths of the history."""
TODAY = dt.date(2026, 11, 22)


def beside_one_fold(place: Place) -> Iterator[Ratio]:
    """The slowest of some intervals beside one fold of everything: the work, both in memory."""
    history = history_of(grown("changes", LONG))

    def find(view: View[Any], since: int, until: int) -> None:
        interval = learned(history, _instant(history, since), _instant(history, until))
        changes(view, interval, since=TODAY, until=TODAY)

    def found(view: View[Any]) -> float:
        return 1e3 * max(seconds(lambda i=i: find(view, *i), times=9) for i in INTERVALS)

    for each in VIEWS.values():
        yield Ratio(
            f"changes of {each.name} in {LONG:,} events, slowest of {len(INTERVALS)} intervals,"
            " beside one fold",
            *interleaved(
                partial(found, each), lambda v=each: 1e3 * seconds(lambda: v.fold(history), times=9)
            ),
            unit="ms",
            mark=2,
            kind="<=",
        )


def beside_one_read(place: Place) -> Iterator[Ratio]:
    """The same over the whole API, beside one read at the last of the instants."""
    contract = grown("changes-read", LONG)
    history = history_of(contract)
    client = Client()

    def at(tenth: int) -> str:
        return _instant(history, tenth).isoformat().replace("+00:00", "Z")

    def get(path: str) -> float:
        def once() -> None:
            answer = client.get(f"/api/v1/contracts/{contract}{path}")
            if answer.status_code != 200:
                raise RuntimeError(answer.content[:500])

        return 1e3 * seconds(once, times=9)

    def told(name: str) -> float:
        return max(get(f"/{name}/changes?from={at(f)}&to={at(t)}") for f, t in INTERVALS)

    for name in READ:
        path = "" if name == "overview" else f"/{name}"
        yield Ratio(
            f"changes of {name} over the API, beside one read at the last instant",
            *interleaved(partial(told, name), partial(get, f"{path}?known_at={at(10)}")),
            unit="ms",
            mark=2,
            kind="<=",
        )


def _instant(history: list[Recorded[Any]], tenth: int) -> dt.datetime:
    return history[max(LONG * tenth // 10 - 1, 0)].recorded_at
