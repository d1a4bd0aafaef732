"""What changed in an answer that depends on the day it is asked on.

Such an answer is worked out, so nobody writes in it. A place that changed belongs to the decision
before which the answer of that day was another there, and with which it is as it is in the end.
To find it, only the part of the answer that the place is in is worked out; and only for states
between which something was written that this part reads (`past.py`).
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

import orjson

from projections.change import Change, Path, in_order, plain, value_at
from projections.halving import Look, halve
from projections.noting import ABSENT
from projections.past import Past

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator, Sequence

    from domain.decision import Recorded
    from projections.intervals import Interval
    from projections.view import View

_PATIENCE: Final = 4

_Known = tuple[Any, int, int]
"""A part of an answer, and from which count of steps to which it is the same."""


def changes_of_answer(
    view: View[Any], interval: Interval, since: dt.date | None, until: dt.date
) -> list[Change]:
    """What changed between two states, each read on its day; what time alone changed first.

    Args: as of `projections.changes.changes`.
    """
    entangled, rest = interval.divided()
    begun = _state(view, interval, 0)
    first = _answer(view, begun, until)
    passed = []
    if since is not None and since != until:
        passed = differences(_answer(view, begun, since), first)
    past = Past(_state(view, interval, entangled) if entangled else begun)
    past.fold(view, rest)
    made = differences(first, _answer(view, past.doc, until))
    late = made
    if entangled:
        there = _answer(view, past.at(0).doc, until)
        late = [each for each in made if value_at(there, each.path) != each.after]
        early = [each for each in made if value_at(there, each.path) == each.after]
        _find_by_folding(early, view, interval, entangled, until)
    _find_by_winding(late, view, past, rest, until)
    return passed + in_order(made)


def _state(view: View[Any], interval: Interval, count: int) -> Any:
    doc = view.begin()
    view.take(doc, interval.until(count))
    return doc


def _answer(view: View[Any], doc: Any, day: dt.date) -> Any:
    """The answer as a JSON value."""
    return orjson.loads(view.answer(doc, day))


# --- Who it was ---------------------------------------------------------------------------------


def _find_by_folding(
    early: Sequence[Change], view: View[Any], interval: Interval, most: int, day: dt.date
) -> None:
    """Find who made these changes, which are there once so many steps are in.

    Each of these steps may change what others before it and after it did.
    """

    def look(count: int) -> Look[Change]:
        answer = _answer(view, _state(view, interval, count), day)
        return lambda change: value_at(answer, change.path) == change.after, count, count

    corners = [place for place in interval.corners() if place < most]
    for change, count in halve(early, 0, most, look, hints=corners):
        change.by = interval.steps[count - 1]


def _find_by_winding(
    late: Sequence[Change],
    view: View[Any],
    past: Past[Any],
    steps: Sequence[Recorded[Any]],
    day: dt.date,
) -> None:
    """Find who made these changes, which are not there before the first of these steps.

    What sums up the answer comes last: whoever changed a part of it may have changed the sum.
    """
    parts, found = _Parts(view, past, day), set[int]()
    for part, changed in groupby(sorted(late, key=_part), _part):
        hints = sorted(found | {count - 1 for count in found}) if len(part) == 1 else ()
        look = partial(parts.look, part)
        for change, count in halve(changed, 0, past.count, look, hints=hints, patience=_PATIENCE):
            change.by = steps[count - 1]
            found.add(count)


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
        return self.view.part(then.doc, self.day, part), then.since, then.until

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

        def is_so(change: Change) -> bool:
            return bool(plain(value_at(value, change.path[place])) == change.after)

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
    """What differs between two JSON values, by whoever it was."""
    if before == after:
        return []
    same = type(before) is type(after) and type(after) in {dict, list}
    if not same or _is_one(before) or _is_one(after):
        return [Change(path, before, after, None)]
    old, new = _names(before), _names(after)
    found: list[Change] = []
    for name in {**old, **new}:
        found += differences(old.get(name, ABSENT), new.get(name, ABSENT), (*path, name))
    return found


def _names(container: Any) -> dict[str, Any]:
    """What is in a JSON container, by name."""
    if type(container) is dict:
        return container
    return {str(index): value for index, value in enumerate(container)}


def _is_one(value: Any) -> bool:
    """What is one value: a free text by reference, a list of positions or of names."""
    if isinstance(value, list):
        return bool(value) and type(value[0]) in {int, str}
    return isinstance(value, dict) and value.keys() == {"text", "digest"}
