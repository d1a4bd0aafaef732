"""What changed in a view between two states of it, and the decision that made each change.

The difference is the net one: what was written and taken back in between is not in it. Each
change belongs to the decision that last wrote at its place, so one that began a thing comes
first, with what it wrote itself, and what later decisions wrote in it follows. Why so:
docs/adr/0009-changes-between-two-states.md.
"""

from __future__ import annotations

from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any

from projections.answers import changes_of_answer
from projections.change import Change, in_order, plain
from projections.halving import attribute
from projections.kinds import is_value
from projections.noting import ABSENT
from projections.tracing import Trace

if TYPE_CHECKING:
    import datetime as dt

    from domain.decision import Recorded
    from projections.change import Path
    from projections.intervals import Interval
    from projections.view import View


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
    if view.depends_on_the_day:
        return changes_of_answer(view, interval, since, until)
    steps = interval.steps
    earlier, later = interval.until(0), interval.until(len(steps))
    shared = earlier == later[: len(earlier)]
    before = view.begin()
    view.take(before, earlier)
    trace, after = Trace(), before if shared else view.begin()
    trace.fold(view, after, later[len(earlier) :] if shared else later)
    found = Comparison(trace).of(before, after)
    if interval.corrections or not shared:
        _settle(found, view, interval)
    return in_order(found)


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

    def state(count: int) -> Any:
        doc = view.begin()
        view.take(doc, interval.until(count))
        return plain(doc)

    attribute(unclear, steps, state, interval.corners())


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
