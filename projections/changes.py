"""What changed in a view between two states of it, and the decision that made each change.

The difference is the net one: what was written and taken back in between is not in it. Each
change belongs to the decision that last changed its place, so one that began a thing comes first,
with what it wrote itself, and what later decisions wrote in it follows. Why so:
docs/adr/0009-changes-between-two-states.md.
"""

from __future__ import annotations

from contextlib import contextmanager
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from projections.answers import changes_of_answer
from projections.change import Change
from projections.course import course_of
from projections.noting import ABSENT, DICTS_AND_LISTS, Node, at, changing, contents, is_node, same

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from projections.change import Path
    from projections.course import Course
    from projections.intervals import Interval, Stretch
    from projections.journal import Journal
    from projections.view import View


def changes(
    view: View[Any], states: Interval | Stretch, *, since: dt.date | None, until: dt.date
) -> list[Change]:
    """What changed in the view's answer; in history order, what time alone changed first.

    Args:
        view: which.
        states: between which.
        since: the day on which the first state is read; None if there is no such day.
        until: the day on which the second state is read.
    """
    course = course_of(view, states.interval)
    with between(course, 0, len(course.steps), since=since, until=until) as found:
        return found


@contextmanager
def between(
    course: Course[Any], first: int, last: int, *, since: dt.date | None, until: dt.date
) -> Iterator[list[Change]]:
    """What changed in a course between two counts of its steps, as `changes` tells it.

    The values are parts of the document: read them while this lasts.
    """
    with course.past.reading():
        if course.view.depends_on_the_day:
            yield changes_of_answer(course, first, last, since, until)
            return
        course.past.wind(course.journal.length(last))
        found = Difference(course.journal, first, last).of(course.doc)
        yield [
            Change(path, before, after, course.steps[step]) for step, path, before, after in found
        ]


Found = tuple[int, "Path", Any, Any]
"""Which step changed a place last, the place, what was there at first, and what is there now."""


class Difference:
    """What a document has come to be through some steps of its journal, place by place.

    Args:
        journal: of the document.
        first, end: the numbers of the first step and of the one after the last, at which the
            document is now.
    """

    def __init__(self, journal: Journal, first: int, end: int) -> None:
        self.journal, self.first, self.end = journal, first, end
        self.nodes: dict[int, Node] = {}
        self.places: dict[int, dict[Any, list[Any]]] = {}
        """By the id of a container and a name in it, what changed there: what was there at first,
        the last step that left something else than it found, and what is there now."""
        self.lives: dict[int, tuple[Path | None, int]] = {}
        self._take_in()
        self.touched = self._with_what_is_around()

    def _take_in(self) -> None:
        """Read the journal.

        Where a place is written again, two things more are kept of it until the end: what the last
        step found there, and the last step before which changed it.
        """
        nodes, places, again = self.nodes, self.places, list[list[Any]]()
        for step, (node, name, before, after) in self.journal.by_step(self.first, self.end):
            here = places.get(id(node))
            if here is None:
                nodes[id(node)] = node
                places[id(node)] = {name: [before, step, after]}
                continue
            place = here.get(name)
            if place is None:
                here[name] = [before, step, after]
                continue
            if len(place) == _ONCE:
                place += place[0], -1
                again.append(place)
            if place[1] != step:
                if not same(place[3], before):
                    place[4] = place[1]
                place[1], place[3] = step, before
            place[2] = after
        for place in again:
            if same(place[3], place[2]):
                place[1] = place[4]
            del place[_ONCE:]

    def _with_what_is_around(self) -> set[int]:
        """The containers in which something changed, and every one that one of them began in."""
        found, within = set(self.nodes), self.journal.places
        for node in self.nodes:
            place = within.get(node)
            while place is not None and (around := id(place[0])) not in found:
                found.add(around)
                place = within.get(around)
        return found

    def of(self, doc: Any) -> list[Found]:
        """What differs in the document: step by step, and what is of one step by its place."""
        self.lives[id(doc)] = (), -1
        found: list[Found] = []
        touched = self.touched
        for node in self.nodes.values():
            path, begun = self._life(node)
            if path is None:
                continue
            for name, (first, step, now) in self.places[id(node)].items():
                if step <= begun or first is now or (now is ABSENT and begun >= 0):
                    continue
                if type(first) is type(now) and same(first, now):
                    continue
                before = self.at_first(first) if begun < 0 else ABSENT
                after = self._with(now, step) if id(now) in touched else now
                found.append((step, (*path, _name(name)), before, after))
        found.sort(key=itemgetter(0, 1))
        return found

    def _life(self, node: Node) -> tuple[Path | None, int]:
        """Where a container is, None if nowhere; and the step that it came with, -1 if none."""
        life = self.lives.get(id(node))
        if life is None:
            within, name = self.journal.places[id(node)]
            path, begun = self._life(within)
            if path is not None and at(within, name) is node:
                place = self._changed(within).get(name)
                if place is not None and place[0] is not node:
                    begun = max(begun, place[1])
                path = (*path, _name(name))
            else:
                path = None
            self.lives[id(node)] = life = path, begun
        return life

    def _changed(self, node: Any) -> dict[Any, list[Any]]:
        return self.places.get(id(node), _NOTHING)

    def _with(self, value: Any, step: int) -> Any:
        """What a container came with in that step; what it was given later is left out."""
        if id(value) not in self.touched or not is_node(value):
            return value
        came, touched = dict(contents(value)), self.touched
        names = tuple(came) if isinstance(value, DICTS_AND_LISTS) else changing(value)
        for name in names:
            if id(came[name]) in touched:
                came[name] = self._with(came[name], step)
        for name, (first, later, now) in self._changed(value).items():
            if later <= step or name not in came:
                continue
            if type(first) is type(now) and same(first, now):
                continue
            if first is not ABSENT and isinstance(value, list):
                came[name] = self.at_first(first)  # what follows keeps its place
            else:
                del came[name]
        return list(came.values()) if isinstance(value, list) else came

    def at_first(self, value: Any) -> Any:
        """A value as it was at first."""
        if id(value) not in self.touched or not is_node(value):
            return value
        was = dict(contents(value))
        was.update((name, place[0]) for name, place in self._changed(value).items())
        content = {n: self.at_first(each) for n, each in was.items() if each is not ABSENT}
        return [content[n] for n in sorted(content)] if isinstance(value, list) else content


_NOTHING: Final[dict[Any, list[Any]]] = {}

_ONCE: Final = 3
"""What is known of a place that was written once."""


def _name(name: Any) -> str:
    """A name in a container as it is in JSON."""
    return name if type(name) is str else str(name)
