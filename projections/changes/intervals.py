"""Two states of a contract, and the decisions that lead from the one to the other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from domain.kernel.decision import Recorded
from domain.kernel.history import effective
from projections.engine.projection import corrects, standing

if TYPE_CHECKING:
    import datetime as dt

History = Sequence[Recorded[Any]]

_position = attrgetter("position")
_recorded_at = attrgetter("recorded_at")
"""When it was recorded: never earlier than the decision before."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Two states of a contract, and the decisions that lead from one to the other.

    base: what counts at first, by position. steps: in history order. counted: what counts after so
    many of them; None if the last of them only adds itself at the end.
    """

    base: History
    steps: History
    counted: Callable[[int], History | None]


def learned(
    history: History,
    since: dt.datetime | None,
    until: dt.datetime,
    valid_at: dt.date | None = None,
) -> Interval:
    """What was recorded after one instant, or since the beginning (None), and up to another.

    What had not been decided by the end of the day `valid_at`, if there is one, never counts.
    """
    first = 0 if since is None else bisect_right(history, since, key=_recorded_at)
    last = bisect_right(history, until, key=_recorded_at)
    steps = [
        step
        for step in history[first:last]
        if valid_at is None or step.act.decided_on <= valid_at or corrects(type(step.decision))
    ]

    def counted(count: int) -> History | None:
        if not corrects(type(steps[count - 1].decision)):
            return None
        known = bisect_right(history, steps[count - 1].position, key=_position)
        return list(effective(history[:known], valid_at=valid_at))

    return Interval(list(effective(history[:first], valid_at=valid_at)), steps, counted)


def decided(history: History, since: dt.date | None, until: dt.date) -> Interval:
    """What had been decided after one day and by the end of another, as far as `history` knows."""
    base: list[Recorded[Any]] = []
    steps: list[Recorded[Any]] = []
    for each in standing(history):
        if each.act.decided_on <= until:
            late = since is None or each.act.decided_on > since
            (steps if late else base).append(each)
    last = base[-1].position if base else 0

    def counted(count: int) -> History | None:
        # What was recorded earlier stands earlier, though it was decided later.
        if steps[count - 1].position > last:
            return None
        return sorted((*base, *steps[:count]), key=_position)

    return Interval(base, steps, counted)
