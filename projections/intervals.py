"""Two states of a contract, and the decisions that lead from the one to the other."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from domain.history import effective
from projections.projection import corrects

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Sequence

    from domain.decision import Recorded

    Histories = Sequence[Recorded[Any]]


@dataclass(frozen=True, slots=True)
class Interval:
    """Two states of a contract, and the decisions that lead from one to the other.

    steps: in history order. until: what counts once so many of them are in. corrections: by the
        position of what they correct, those among the steps.
    """

    steps: Sequence[Recorded[Any]]
    until: Callable[[int], Histories]
    corrections: dict[int, Recorded[Any]]

    def divided(self) -> tuple[int, Histories]:
        """How many of the steps change the past, and those which follow after that and count.

        Of these each adds to what counted before it, and does nothing else.
        """
        steps, counts = self.steps, self.until(len(self.steps))
        if not self.corrections and counts[len(counts) - len(steps) :] == steps:
            return 0, steps
        known = {recorded.position for recorded in counts}
        rest, place = len(steps), len(counts)
        while rest and not corrects(type(steps[rest - 1].decision)):
            if steps[rest - 1].position in known:
                if counts[place - 1] is not steps[rest - 1]:
                    break
                place -= 1
            rest -= 1
        return rest, counts[place:]

    def corners(self) -> list[int]:
        """How many steps are in just before the past is corrected, and once it is."""
        return [
            place
            for index, step in enumerate(self.steps)
            if self.corrections and corrects(type(step.decision))
            for place in (index, index + 1)
        ]


def learned(
    history: Histories,
    since: dt.datetime | None,
    until: dt.datetime,
    *,
    valid_at: dt.date | None = None,
) -> Interval:
    """What was recorded after one instant, or since the beginning (None), and up to another.

    A correction is one of the steps, and what it corrects is as it was until then.
    """
    known = history[: bisect_right(history, until, key=_recorded_at)]
    begin = 0 if since is None else bisect_right(known, since, key=_recorded_at)
    steps = known[begin:]
    if valid_at is None and not _corrected(known):
        return Interval(steps, lambda count: known[: begin + count], {})

    def up_to(count: int) -> Histories:
        return list(effective(known[: begin + count], valid_at=valid_at))

    return Interval(
        steps,
        up_to,
        {r.decision.position: r for r in steps if corrects(type(r.decision))},
    )


def _recorded_at(recorded: Recorded[Any]) -> dt.datetime:
    """Never earlier than that of the decision before."""
    return recorded.recorded_at


def _corrected(history: Histories) -> bool:
    return any(map(corrects, {type(recorded.decision) for recorded in history}))


def decided(history: Histories, since: dt.date | None, until: dt.date) -> Interval:
    """What had been decided after one day and by the end of another, as far as `history` knows."""
    counts = list(effective(history, valid_at=until))
    steps = [r for r in counts if since is None or r.act.decided_on > since]
    places = [r.position for r in steps]

    def up_to(count: int) -> Histories:
        left_out = set(places[count:])
        return [r for r in counts if r.position not in left_out]

    return Interval(steps, up_to, {})
