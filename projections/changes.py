"""What changed in a view between two states of it, and the decision that made each change.

The difference is the net one: what was written and taken back in between is not in it. Each
change belongs to the decision that last wrote at its place, so one that began a thing comes
first, with what it wrote itself, and what later decisions wrote in it follows. Why so:
docs/adr/0009-changes-between-two-states.md.
"""

from __future__ import annotations

from dataclasses import dataclass, is_dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import orjson

from projections.halving import attribute
from projections.kinds import is_value
from projections.noting import ABSENT
from projections.projection import corrects
from projections.tracing import Trace
from projections.view import written

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence

    from domain.decision import Recorded
    from projections.intervals import Interval
    from projections.view import View

Path = tuple[str, ...]


@dataclass(slots=True, eq=False)
class Change:
    """One place of a document, before and after; `by` is None where only time has passed.

    The values are parts of the document, which `projections.view.written` writes as JSON.
    """

    path: Path
    before: Any
    after: Any
    by: Recorded[Any] | None
    within: Change | None = None
    """The change that began the thing this one is in."""

    @property
    def pointer(self) -> str:
        """The place, as a JSON pointer (RFC 6901) into the document."""
        steps = (step.replace("~", "~0").replace("/", "~1") for step in self.path)
        return "".join(f"/{step}" for step in steps)


def changes(
    view: View[Any], interval: Interval, *, since: dt.date | None, until: dt.date
) -> list[Change]:
    """What changed in the view's answer; in history order, what time alone changed first.

    Args:
        view: which.
        interval: between which states.
        since: the day on which the first state is read; None if there is no such day.
        until: the day on which the second state is read.
    """
    steps = interval.steps
    earlier, later = interval.until(0), interval.until(len(steps))
    shared = earlier == later[: len(earlier)]
    before = view.begin()
    view.take(before, earlier)
    read = _Reading(view, before, since, until) if view.depends_on_the_day else None
    trace, after = Trace(), before if shared else view.begin()
    trace.fold(view, after, later[len(earlier) :] if shared else later)
    found = Comparison(trace).of(before, after)
    if interval.corrections or not shared:
        _settle(found, view, interval)
    found = _in_order(found)
    if read is None:
        return found
    with trace.noting():
        return read.changes(found, after)


def _settle(found: list[Change], view: View[Any], interval: Interval) -> None:
    """Find who made the changes that nobody within the interval has written."""
    steps = interval.steps
    direct = {step.position: step for step in steps}
    for corrected in interval.corrections:
        direct.pop(corrected, None)
    unclear = []
    for change in found:
        if change.by is None or change.by.position not in direct:
            change.after = plain(change.after)
            unclear.append(change)
        else:
            change.by = direct[change.by.position]
    corners = [
        place
        for index, step in enumerate(steps)
        if interval.corrections and corrects(type(step.decision))
        for place in (index, index + 1)
    ]

    def state(count: int) -> Any:
        doc = view.begin()
        view.take(doc, interval.until(count))
        return plain(doc)

    attribute(unclear, steps, state, corners)


def _in_order(found: list[Change]) -> list[Change]:
    """In history order. What is in a thing is not older than the thing."""
    for change in found:
        around = change.within
        if around and around.by and (change.by is None or around.by.position > change.by.position):
            change.by = around.by
    return sorted(found, key=_place)


def _place(change: Change) -> int:
    return change.by.position if change.by else 0


def _later(one: Recorded[Any] | None, other: Recorded[Any] | None) -> Recorded[Any] | None:
    if one is None or other is None:
        return one or other
    return other if other.position >= one.position else one


# --- Two documents ------------------------------------------------------------------------------


class Comparison:
    """Two states of a document, place by place, of which the second was traced.

    They may be one and the same document: the trace knows what was there at first.
    """

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.found: list[Change] = []

    def of(self, before: Any, after: Any) -> list[Change]:
        """What differs, each thing before what is in it."""
        self._compare((), before, after, None)
        return self.found

    def _compare(self, path: Path, before: Any, after: Any, by: Recorded[Any] | None) -> None:
        """Two containers of one shape."""
        trace = self.trace
        for name, was, now, written_by in trace.between(before, after):
            writer = written_by if by is None else _later(by, written_by)
            if was is ABSENT and now is not ABSENT:
                self._begun((*path, name), ABSENT, now, writer, None)
            elif was is now:
                if trace.notes(now):
                    self._compare((*path, name), now, now, by)
            elif not trace.notes(was) and was == now:
                continue
            elif now and _are_alike(was, now):
                self._compare((*path, name), was, now, writer)
            elif now is ABSENT:
                self.found.append(Change((*path, name), trace.first(was), ABSENT, writer))
            elif (first := trace.first(was)) != now:
                self._begun((*path, name), first, now, writer, None)

    def _begun(
        self,
        path: Path,
        before: Any,
        after: Any,
        by: Recorded[Any] | None,
        within: Change | None,
    ) -> None:
        """A value that is new at its place, without what others wrote in it later."""
        change = Change(path, before, after, by, within)
        self.found.append(change)
        if self.trace.notes(after) and not self.trace.is_untouched(after):
            change.after = self._own(change, path, after)

    def _own(self, change: Change, path: Path, after: Any) -> Any:
        """What the decision behind a change wrote in a container; the rest becomes changes."""
        by = change.by
        own: dict[str, Any] = {}
        for name, value, written_by in self.trace.children(after):
            writer = by if written_by is None else _later(by, written_by)
            if writer is not by or (isinstance(after, list) and len(own) != int(name)):
                self._begun((*path, name), ABSENT, value, writer, change)
            elif self.trace.is_untouched(value):
                own[name] = value
            else:
                own[name] = self._own(change, (*path, name), value)
        return list(own.values()) if isinstance(after, list) else own


def _are_alike(one: Any, other: Any) -> bool:
    """Whether two values are containers of one shape."""
    if isinstance(one, list):
        return isinstance(other, list)
    return _has_names(one) and _has_names(other)


def _has_names(value: Any) -> bool:
    kind: Any = type(value)
    return issubclass(kind, dict) or (bool(is_dataclass(kind)) and not is_value(kind))


def plain(part: Any) -> Any:
    """A part of a document as a JSON value."""
    return ABSENT if part is ABSENT else orjson.loads(written(part))


# --- What depends on the day --------------------------------------------------------------------


class _Reading:
    """Two states of a document as they are read, each on its day."""

    def __init__(self, view: View[Any], before: Any, since: dt.date | None, until: dt.date) -> None:
        self.view, self.until = view, until
        self.before = plain(before)
        self.first = self._read(before)
        self.passed = []
        if since is not None and since != until:
            self.passed = differences(self._read(before, since), self.first)

    def _read(self, document: Any, day: dt.date | None = None) -> Any:
        return orjson.loads(self.view.answer(document, day or self.until))

    def changes(self, found: Sequence[Change], after: Any) -> list[Change]:
        """What changed in the answer, given what changed in the document."""
        made = differences(self.first, self._read(after))
        groups = [list(group) for _, group in groupby(found, _place)]
        steps = [group[0].by for group in groups if group[0].by is not None]

        def state(count: int) -> Any:
            document = applied(self.before, (each for group in groups[:count] for each in group))
            return self._read(self.view.load(orjson.dumps(document)))

        attribute(made, steps, state)
        return self.passed + _in_order(made)


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


# --- Following changes --------------------------------------------------------------------------


def applied(document: Any, found: Iterable[Change]) -> Any:
    """Another document: this one, a JSON value, after these changes, in their order.

    What a change is in is there or is begun; a list grows up to the place that is named, and
    ends before the place where nothing is left.
    """
    root = [orjson.loads(orjson.dumps(document))]
    for change in found:
        container: Any = root
        step: str = "0"
        for following in change.path:
            _grow(container, step)
            key: Any = int(step) if isinstance(container, list) else step
            if not isinstance(container[key], dict | list):
                container[key] = {}
            container, step = container[key], following
        after = change.after
        if after is ABSENT:
            if isinstance(container, list):
                del container[int(step) :]
            else:
                container.pop(step, None)
        else:
            _grow(container, step)
            container[int(step) if isinstance(container, list) else step] = plain(after)
    return root[0]


def _grow(container: Any, step: str) -> None:
    if isinstance(container, list):
        container.extend([None] * (int(step) + 1 - len(container)))
    else:
        container.setdefault(step, None)
