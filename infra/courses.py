"""Courses of documents in memory: whoever asks again what changed need not wait for a fold.

A course (`projections.course`) is what a view's document was after each decision of a contract.
The first who asks for changes has it made; it goes on when more is recorded, and serves any two
instants. It is never the truth: if anything goes wrong while it is led on or read, or if it is not
that of the history at hand, it is made anew.
"""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from django.db import DEFAULT_DB_ALIAS, connections

from domain.history import Placing
from projections.changes import between, changes
from projections.course import Course
from projections.intervals import Stretch

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Sequence

    from domain.decision import Recorded
    from domain.values import ContractId
    from projections.change import Change
    from projections.intervals import Interval
    from projections.view import View

WRITES_KEPT: Final = 400_000
"""Entries in the journals of all courses at most, some 200 bytes each; the last used stays."""

_Key = tuple[str, str, str, int | None]


@dataclass(slots=True)
class _Held:
    """A course in the hands of one thread; None while it is to be made."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    course: Course[Any] | None = None
    placing: Placing = field(default_factory=Placing)
    size: int = 0

    def lead(self, view: View[Any], stretch: Stretch) -> Course[Any]:
        """The course, led as far as is asked; it may have gone on with what came after.

        Whoever has it puts it back.
        """
        course, self.course = self.course, None
        if course is None or not _is_of(course, stretch.history):
            course, self.placing = Course(view), Placing()
        steps = stretch.history[len(course.steps) : stretch.last]
        placed = self.placing.follow(steps) if stretch.corrections is None else None
        course.follow(steps, placed)
        self.size = len(course.journal.log) + len(course.steps)
        return course


def _is_of(course: Course[Any], history: Sequence[Recorded[Any]]) -> bool:
    """Whether a course and a history are the same as far as both go."""
    both = min(len(course.steps), len(history))
    return both > 0 and course.steps[both - 1] == history[both - 1]


class Courses:
    """The courses last used, by database, contract, view, and how many corrections are in place."""

    def __init__(self, writes_kept: int = WRITES_KEPT) -> None:
        self.writes_kept = writes_kept
        self._held: OrderedDict[_Key, _Held] = OrderedDict()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def hold(
        self, contract: ContractId, view: View[Any], stretch: Stretch
    ) -> Iterator[Course[Any]]:
        """The course of a view through a history of a contract, by one thread at a time.

        Args:
            contract: whose.
            view: of which each handler takes one decision: what is handled once for several was
                not so after each of them.
            stretch: of a history from its beginning, which is not empty.
        """
        database = str(connections[DEFAULT_DB_ALIAS].settings_dict["NAME"])
        key = database, contract, view.name, stretch.corrections
        with self._lock:
            held = self._held.setdefault(key, _Held())
            self._held.move_to_end(key)
        with held.lock:
            course = held.lead(view, stretch)
            yield course
            held.course = course  # not if anything failed: it may be wound half-way
        self._make_room()

    @contextlib.contextmanager
    def changes(
        self,
        contract: ContractId,
        view: View[Any],
        states: Interval | Stretch,
        *,
        since: dt.date | None,
        until: dt.date,
    ) -> Iterator[list[Change]]:
        """As of `projections.changes.changes`, from a course that is kept where one can be.

        The values are parts of a document: read them while this lasts.
        """
        if view.of_last or not isinstance(states, Stretch):
            yield changes(view, states, since=since, until=until)
            return
        with (
            self.hold(contract, view, states) as course,
            between(course, states.first, states.last, since=since, until=until) as found,
        ):
            yield found

    def forget(self) -> None:
        """Drop them all."""
        with self._lock:
            self._held.clear()

    def _make_room(self) -> None:
        """Forget what was not used for longest."""
        with self._lock:
            kept = sum(held.size for held in self._held.values())
            while kept > self.writes_kept and len(self._held) > 1:
                kept -= self._held.popitem(last=False)[1].size


courses: Final = Courses()
"""Those of this process."""
