"""Two states of a contract, and the decisions that lead from the one to the other."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from domain.history import Places, Placing, effective
from projections.projection import corrects, standing

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from domain.decision import Recorded

    History = Sequence[Recorded[Any]]


_recorded_at = attrgetter("recorded_at")
"""When it was recorded: never earlier than the decision before."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Two states of a contract, and the decisions that lead from one to the other.

    base: what counts at first, by position. steps: in history order. places: at which positions
    each step has which decision count from then on, or none; None if each only adds itself at the
    end.
    """

    base: History
    steps: History
    places: Sequence[Places] | None = None

    @property
    def interval(self) -> Interval:
        """Itself; of a stretch it is made."""
        return self

    @property
    def touched(self) -> int | None:
        """The first position at which a step changes what counts by then; None if none does."""
        touched, last = None, self.base[-1].position if self.base else 0
        for places in self.places or ():
            for position, _ in places:
                if position <= last:
                    touched = position if touched is None else min(touched, position)
                last = max(position, last)
        return touched


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of one history: what comes after so many of its decisions, up to so many.

    corrections: how many have what they correct in its place already, throughout the history;
    None where each is a step, and what it corrects is as it was until then.
    """

    history: History
    first: int
    last: int
    corrections: int | None = None

    @property
    def interval(self) -> Interval:
        """The same as two states."""
        base, steps = self.history[: self.first], self.history[self.first : self.last]
        if self.corrections is not None:
            return Interval(base, steps)
        return Interval(standing(base), steps, self._placed())

    def as_decided_by(self, day: dt.date) -> Interval:
        """The same, but for what had not been decided by the end of that day."""
        base, steps = self.history[: self.first], self.history[self.first : self.last]
        placed = self._placed() or [[(step.position, step)] for step in steps]
        return Interval(
            list(effective(base, valid_at=day)),
            steps,
            [[(at, _if_decided(counts, day)) for at, counts in places] for places in placed],
        )

    def _placed(self) -> list[Places] | None:
        placing = Placing()
        placing.follow(self.history[: self.first])
        return placing.follow(self.history[self.first : self.last])


def _if_decided(counts: Recorded[Any] | None, day: dt.date) -> Recorded[Any] | None:
    return counts if counts and counts.act.decided_on <= day else None


def learned(history: History, since: dt.datetime | None, until: dt.datetime) -> Stretch:
    """What was recorded after one instant, or since the beginning (None), and up to another."""
    return Stretch(history, _counted(history, since), _counted(history, until))


def _counted(history: History, instant: dt.datetime | None) -> int:
    return 0 if instant is None else bisect_right(history, instant, key=_recorded_at)


def decided(history: History, since: dt.date | None, until: dt.date) -> Interval | Stretch:
    """What had been decided after one day and by the end of another, as far as `history` knows.

    That is a stretch unless something was recorded after what was decided later.
    """
    corrections = sum(map(corrects, (type(each.decision) for each in history)))
    counts = list(effective(history)) if corrections else history
    days = [each.act.decided_on for each in counts]
    first = 0 if since is None else sum(day <= since for day in days)
    last = sum(day <= until for day in days)
    late = any(day > until for day in days[:last])
    if not late and (since is None or all(day <= since for day in days[:first])):
        return Stretch(counts, first, last, corrections)
    base: list[Recorded[Any]] = []
    steps: list[Recorded[Any]] = []
    for each, day in zip(counts, days, strict=True):
        if day <= until:
            (steps if since is None or day > since else base).append(each)
    return Interval(base, steps, [[(step.position, step)] for step in steps])
