"""What changed in the whole of a history, in each view: in memory, as the API works it out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

from infra.eventstore.repository import history_of
from projections.catalogue import VIEWS
from projections.changes.changes import changes
from projections.changes.intervals import learned
from tests.bench.growth import LONG, grown
from tests.bench.life import lived
from tests.bench.measure import Figure, seconds

if TYPE_CHECKING:
    from tests.bench.place import Place

USUAL = 200
TODAY = dt.date(2026, 11, 22)
MARKS = {USUAL: 30.0, LONG: 1500.0}
"""Milliseconds, by the number of decisions."""


def in_any_view(place: Place) -> Iterator[Figure]:
    """Of one contract with few types of decisions, and one with thirty and corrections."""
    yield from _in_any_view(grown("changes-few", LONG), "of five types")
    yield from _in_any_view(lived("changes-many", LONG), "of thirty types")


def _in_any_view(contract: str, kind: str) -> Iterator[Figure]:
    history = history_of(contract)
    for count, mark in MARKS.items():
        part = history[:count]
        interval = learned(part, None, part[-1].recorded_at)
        for view in VIEWS.values():
            yield Figure(
                f"changes of {view.name}, {count:,} decisions {kind}",
                1e3
                * seconds(
                    lambda v=view, i=interval: changes(v, i, since=TODAY, until=TODAY), times=3
                ),
                "ms",
                mark,
            )
