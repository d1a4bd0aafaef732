"""A document that is led through the decisions of a contract, step by step, with a journal of it.

Each step adds a decision at the end of what counts, or changes what counted earlier: a correction
stands in the place of what it corrects, and a decision that was recorded late stands before those
it was recorded after. Then what came after that place is taken back, and taken in again. So the
journal says of every step what it changed in the document, and nothing else.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from projections.journal import Journal
from projections.past import Past

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.decision import Recorded
    from domain.history import Places
    from projections.intervals import Interval
    from projections.view import View

    History = Sequence[Recorded[Any]]

Doc = TypeVar("Doc")

LOT: Final = 64
"""Decisions that are taken back together: where one is corrected, so many more at most are."""

_position = attrgetter("position")
_last = attrgetter("last")


@dataclass(frozen=True, slots=True)
class _Lot:
    """Decisions that were taken in one after the other, and what of the journal they wrote."""

    decisions: History
    start: int
    end: int

    @property
    def last(self) -> int:
        """The position of the last of them."""
        return self.decisions[-1].position


class Course(Generic[Doc]):
    """A document after some steps of a contract, and what it was after each of them.

    doc: the document. journal: of what was written in it. steps: the decisions that have led to
    it, in history order. past: what it was.

    Args:
        view: whose document.
        base: what counts before the first step, by position.
        touched: the first position in it at which a step will change something; None if none will.
        lot: as `LOT`.
    """

    def __init__(
        self,
        view: View[Doc],
        base: History = (),
        *,
        touched: int | None = None,
        lot: int = LOT,
    ) -> None:
        self.view, self.lot = view, lot
        self.doc: Doc = view.begin()
        self.steps: list[Recorded[Any]] = []
        self.journal = Journal()
        self._lots: list[_Lot] = []
        """What counts since the journal was begun, by position."""
        settled = len(base) if touched is None else bisect_left(base, touched, key=_position)
        view.take(self.doc, base[:settled])
        self.journal.keep(self.doc)
        with self.journal.open():
            self._add(base[settled:])
        self.past = Past(self.doc, self.journal)

    def follow(self, steps: History, places: Sequence[Places] | None = None) -> None:
        """Take more steps.

        Args:
            steps: in history order.
            places: at which positions each step has which decision count from then on, or none;
                None if each only adds itself at the end.
        """
        begun = len(self.steps)
        self.steps += steps
        with self.journal.open():
            if places is None:
                self._add(steps, begun)
                return
            added: list[Recorded[Any]] = []
            for step, changed in enumerate(places, start=begun):
                if (next_ := self._next(changed, added)) is not None:
                    added.append(next_)
                    continue
                self._add(added, step - len(added))
                added = []
                self.journal.begin(step)
                for position, standing in changed:
                    self._place(position, standing)
            self._add(added, len(self.steps) - len(added))

    def _next(self, changed: Places, added: History) -> Recorded[Any] | None:
        """The decision that is all that a step adds, after all that are in or about to be."""
        position, standing = changed[0]
        if len(changed) > 1:
            return None
        last = added[-1].position if added else self._lots[-1].last if self._lots else 0
        return standing if position > last else None

    def _add(self, decisions: History, step: int | None = None) -> None:
        """Take in decisions after all that are in; each is a step if the first one is."""
        for done in range(0, len(decisions), self.lot):
            lot = decisions[done : done + self.lot]
            start = len(self.journal.log)
            self._take(lot, None if step is None else step + done)
            self._lots.append(_Lot(lot, start, len(self.journal.log)))

    def _take(self, lot: History, step: int | None) -> None:
        """What is handled once, for the last of several decisions, is handled with that one."""
        done = 0
        if self.view.of_last:
            lasts = sorted(self.view.lasts(lot), key=lambda last: last[0].position)
            for last, handle, count in lasts:
                end = bisect_left(lot, last.position, key=_position) + 1
                self._handle(lot[done:end], None if step is None else step + done)
                if step is not None:
                    self.journal.begin(step + end - 1)
                handle(self.doc, last, count)
                self.journal.settle()
                done = end
        self._handle(lot[done:], None if step is None else step + done)

    def _handle(self, lot: History, step: int | None) -> None:
        doc, journal, each = self.doc, self.journal, self.view.each_of(lot)
        log, fresh, begun = journal.log, journal.fresh, journal.begun
        steps, starts = journal.steps, journal.starts
        for place, recorded in enumerate(lot):
            decision = recorded.decision
            handlers = each[type(decision)]
            if not handlers:
                continue
            if step is not None:
                steps.append(step + place)
                starts.append(len(log))
            for handler in handlers:
                handler(doc, decision, recorded)
            if begun:
                journal.settle()
            elif fresh:
                fresh.clear()

    def _place(self, position: int, standing: Recorded[Any] | None) -> None:
        """Have this decision, or none, stand at a position, among those that are in."""
        place = bisect_left(self._lots, position, key=_last)
        touched = self._lots[place:]
        for lot in reversed(touched):
            self.journal.undo(lot.start, lot.end)
        del self._lots[place:]
        counts = [recorded for lot in touched for recorded in lot.decisions]
        before = bisect_left(counts, position, key=_position)
        after = bisect_left(counts, position + 1, lo=before, key=_position)
        self._add(counts[:before])
        if standing is not None:
            self._add([standing])
        self._add(counts[after:])


def course_of(view: View[Doc], interval: Interval) -> Course[Doc]:
    """The course of a view's document over an interval."""
    corrected = interval.places is not None
    course = Course(
        view,
        interval.base,
        touched=interval.touched,
        lot=LOT if corrected else max(1, len(interval.steps)),
    )
    course.follow(interval.steps, interval.places)
    return course
