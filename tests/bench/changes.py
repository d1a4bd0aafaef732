"""What changed between two instants of a long history, beside reading the view once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.test import Client

from infra.contracts import history_of
from tests.bench.growth import LONG, grown
from tests.bench.measure import Ratio, interleaved, seconds

if TYPE_CHECKING:
    from tests.bench.place import Place

VIEWS = ("overview", "diagnosis", "conformity", "genealogy", "timeline")
INTERVALS = ((0, 10), (3, 7), (9, 10), (0, 1))
"""From and to, in tenths of the history."""


def beside_one_fold(place: Place) -> Iterator[Ratio]:
    """The slowest of some intervals, beside one fold up to its end; over the whole API."""
    contract = grown("changes", LONG)
    history = history_of(contract)
    client = Client()

    def at(tenth: int) -> str:
        recorded: dt.datetime = history[max(LONG * tenth // 10 - 1, 0)].recorded_at
        return recorded.isoformat().replace("+00:00", "Z")

    def get(path: str) -> None:
        answer = client.get(f"/api/v1/contracts/{contract}{path}")
        if answer.status_code != 200:
            raise RuntimeError(answer.content[:500])

    for view in VIEWS:
        suffix = "" if view == "overview" else f"/{view}"

        def changed(view: str = view) -> float:
            return 1e3 * max(
                seconds(
                    lambda f=since, t=until: get(f"/{view}/changes?from={at(f)}&to={at(t)}"),
                    times=9,
                )
                for since, until in INTERVALS
            )

        def fold(suffix: str = suffix) -> float:
            return 1e3 * seconds(lambda: get(f"{suffix}?known_at={at(10)}"), times=9)

        yield Ratio(
            f"changes of {view} in {LONG:,} events, slowest of {len(INTERVALS)} intervals,"
            " beside one fold",
            *interleaved(changed, fold),
            unit="ms",
            mark=2,
            kind="<=",
        )
