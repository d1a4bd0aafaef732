"""What changed in an answer that depends on the day it is asked on.

Such an answer is worked out, so nobody writes in it. A place that changed belongs to the decision
before which the answer of that day was another there, and with which it is as it is in the end.
To find it, only the part of the answer that the place is in is worked out; and only for states
between which something was written that this part reads (`past.py`).
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import is_dataclass
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from projections.change import Change, Path, in_order, value_at
from projections.halving import Look, halve
from projections.noting import ABSENT, contents

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator

    from projections.course import Course
    from projections.past import Past
    from projections.view import View

_PATIENCE: Final = 4

_Known = tuple[Any, int, int]
"""A part of an answer, and from which count of steps to which it is the same."""


def changes_of_answer(
    course: Course[Any], first: int, last: int, since: dt.date | None, until: dt.date
) -> list[Change]:
    """What changed between two states, each read on its day; what time alone changed first.

    Args: as of `projections.changes.between`.
    """
    view, past = course.view, course.past
    begun, passed = view.read(past.at(first).doc, until), list[Change]()
    if since is not None and since != until:
        passed = differences(view.read(past.at(first).doc, since), begun)
    made = differences(begun, view.read(past.at(last).doc, until))
    parts, found = _Parts(view, past, until), set[int]()
    for part, changed in groupby(sorted(made, key=_part), _part):
        # What sums up the answer comes last: whoever changed a part may have changed the sum.
        hints = sorted(found | {count - 1 for count in found}) if len(part) == 1 else ()
        look = partial(parts.look, part)
        for change, count in halve(changed, first, last, look, hints=hints, patience=_PATIENCE):
            change.by = course.steps[count - 1]
            found.add(count)
    return in_order(passed + made)


# --- Who it was ---------------------------------------------------------------------------------


class _Parts:
    """The parts of an answer, each as it was once so many steps were in."""

    def __init__(self, view: View[Any], past: Past[Any], day: dt.date) -> None:
        self.view, self.past, self.day = view, past, day
        self.known: dict[Path, list[_Known]] = defaultdict(list)
        self.places: dict[str, list[tuple[Path, list[_Known]]]] = defaultdict(list)

    def at(self, part: Path, count: int) -> _Known:
        """A part, and from which count of steps to which it is the same."""
        return _among(self.known[part], count) or self._find(part, count)

    def _find(self, part: Path, count: int) -> _Known:
        sum_up = self.view.sums.get(part[0])
        found = self._read(part, count) if sum_up is None else self._sum(*sum_up, count)
        self.known[part].append(found)
        return found

    def _read(self, part: Path, count: int) -> _Known:
        then = self.past.at(count)
        value = self.view.part(then.doc, self.day, part)
        return value, then.since, then.until

    def _sum(self, of: str, add: Callable[[list[Any]], Any], count: int) -> _Known:
        items = []
        for part, known in self._places(of):
            items.append(_among(known, count) or self._find(part, count))
            if items[-1][0] is None:  # there are no more
                break
        since, until = max(item[1] for item in items), min(item[2] for item in items)
        return add([item[0] for item in items[:-1]]), since, until

    def _places(self, of: str) -> Iterator[tuple[Path, list[_Known]]]:
        """The places of a list, one after the other without end, and what is known of each."""
        places = self.places[of]
        yield from places
        for place in itertools.count(len(places)):
            part = of, str(place)
            places.append((part, self.known[part]))
            yield places[-1]

    def look(self, part: Path, count: int) -> Look[Change]:
        """What is as it is in the end in that part."""
        value, since, until = self.at(part, count)
        place = slice(len(part), None)
        if value is None and len(part) > 1:
            value = ABSENT  # the list has no such item

        def is_so(change: Change) -> bool:
            return bool(value_at(value, change.path[place]) == change.after)

        return is_so, since, until


def _among(known: list[_Known], count: int) -> _Known | None:
    """What is known of a part once so many steps were in."""
    for each in known:
        if each[1] <= count <= each[2]:
            return each
    return None


def _part(change: Change) -> Path:
    """What of the answer is worked out together: an item of a list, or what sums up such items."""
    return change.path[:2] if len(change.path) > 1 and change.path[1].isdigit() else change.path[:1]


# --- Two answers --------------------------------------------------------------------------------


def differences(before: Any, after: Any, path: Path = ()) -> list[Change]:
    """What differs between two answers, or two values at one place in them, by whoever it was."""
    if before == after:
        return []
    if type(before) is not type(after) or _is_one(before) or _is_one(after):
        return [Change(path, before, after, None)]
    old, new = dict(contents(before)), dict(contents(after))
    found: list[Change] = []
    for name in {**old, **new}:
        was, now = old.get(name, ABSENT), new.get(name, ABSENT)
        found += differences(was, now, (*path, str(name)))
    return found


def _is_one(value: Any) -> bool:
    """What is one value: all but dataclasses, dictionaries and lists of either."""
    if isinstance(value, list):
        return bool(value) and type(value[0]) in {int, str}
    return not isinstance(value, dict) and not is_dataclass(value)
