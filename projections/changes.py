"""What changed in a view between two states of it, and the decision that made each change.

The difference is the net one: what was written and taken back in between is not in it. Each
change belongs to the decision that last wrote at its place, so one that began a thing comes
first, with what it wrote itself, and what later decisions wrote in it follows. Why so:
docs/adr/0009-changes-between-two-states.md.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

import orjson

from domain.history import effective
from projections.projection import corrects, standing
from projections.tracing import Trace

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Sequence

    from domain.decision import Recorded
    from projections.view import View

    Histories = Sequence[Recorded[Any]]


class Absent:
    """In the place of a value: there is nothing here."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()

Path = tuple[str, ...]


@dataclass(slots=True, eq=False)
class Change:
    """One place of a document, before and after; `by` is None where only time has passed."""

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


# --- Between two dates --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Interval:
    """Two states of a contract, and the decisions that lead from one to the other.

    steps: in history order. until: what counts once so many of them are in. prefix: the first
        state's decisions come first in the second's, unchanged. corrections: by the position of
        what they correct, those among the steps.
    """

    steps: Sequence[Recorded[Any]]
    until: Callable[[int], Histories]
    corrections: dict[int, Recorded[Any]]


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

    def up_to(count: int) -> Histories:
        if valid_at is None:
            return list(standing(known[: begin + count]))
        return list(effective(known[: begin + count], valid_at=valid_at))

    return Interval(
        steps,
        up_to,
        {r.decision.position: r for r in steps if corrects(type(r.decision))},
    )


def _recorded_at(recorded: Recorded[Any]) -> dt.datetime:
    """Never earlier than that of the decision before."""
    return recorded.recorded_at


def decided(history: Histories, since: dt.date | None, until: dt.date) -> Interval:
    """What had been decided after one day and by the end of another, as far as `history` knows."""
    counts = list(effective(history, valid_at=until))
    steps = [r for r in counts if since is None or r.act.decided_on > since]
    places = [r.position for r in steps]

    def up_to(count: int) -> Histories:
        left_out = set(places[count:])
        return [r for r in counts if r.position not in left_out]

    return Interval(steps, up_to, {})


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
    before, after, found = _written(view, interval)
    if not view.depends_on_the_day:
        return found

    def answer(document: Any, day: dt.date) -> Any:
        doc = view.load(orjson.dumps(document))
        return orjson.loads(view.answer(doc, day))

    groups = [list(group) for _, group in groupby(found, _place)]
    steps = [group[0].by for group in groups if group[0].by is not None]

    def state(count: int) -> Any:
        document = applied(before, (each for group in groups[:count] for each in group))
        return answer(document, until)

    first = answer(before, until)
    passed = _differences(answer(before, since), first) if since else []
    made = _differences(first, answer(after, until))
    _attribute(made, steps, state, ())
    return passed + _in_order(made)


def document_of(view: View[Any], history: Histories) -> Any:
    """The stored document as a JSON value."""
    doc = view.begin()
    for recorded in history:
        view.apply(doc, recorded)
    return orjson.loads(view.dump(doc))


# --- Documents and who wrote them ---------------------------------------------------------------


def _written(view: View[Any], interval: Interval) -> tuple[Any, Any, list[Change]]:
    """Both stored documents, and the changes between them."""
    steps = interval.steps
    earlier, later = interval.until(0), interval.until(len(steps))
    direct = {step.position: step for step in steps}
    for corrected in interval.corrections:
        direct.pop(corrected, None)
    shared = 0
    if not interval.corrections and _begins_with(later, earlier):
        shared = len(earlier)
    doc, trace = view.begin(), Trace()
    if shared:
        for recorded in earlier:
            view.apply(doc, recorded)
        before = orjson.loads(view.dump(doc))
    else:
        before = document_of(view, earlier)
    trace.fold(view, doc, later[shared:])
    after = orjson.loads(view.dump(doc))
    found = _Comparison(trace).of(before, after, doc)
    unclear = [each for each in found if each.by is None or each.by.position not in direct]
    for change in found:
        if change.by is not None:
            change.by = direct.get(change.by.position, change.by)
    if unclear:
        corners = [
            place
            for index, step in enumerate(steps)
            if interval.corrections and corrects(type(step.decision))
            for place in (index, index + 1)
        ]
        _attribute(unclear, steps, lambda n: document_of(view, interval.until(n)), corners)
    return before, after, _in_order(found)


def _begins_with(later: Histories, earlier: Histories) -> bool:
    return len(earlier) <= len(later) and all(
        one.position == other.position for one, other in zip(earlier, later, strict=False)
    )


def _in_order(found: list[Change]) -> list[Change]:
    """In history order. What is in a thing is not older than the thing."""
    for change in found:
        around = change.within
        if around and around.by and (change.by is None or around.by.position > change.by.position):
            change.by = around.by
    return sorted(found, key=_place)


def _place(change: Change) -> int:
    return change.by.position if change.by else 0


class _Comparison:
    """Two states of a document, place by place; the second one as it was traced, too."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.found: list[Change] = []

    def of(self, before: Any, after: Any, live: Any) -> list[Change]:
        """What differs, each thing before what is in it."""
        if before != after:
            self._compare((), before, after, live, None)
        return self.found

    def _compare(
        self, path: Path, before: Any, after: Any, live: Any, by: Recorded[Any] | None
    ) -> None:
        """Two containers of one kind, which differ."""
        names = _names(before)
        for name, value, written in self.trace.children(live):
            old = names.pop(name, ABSENT)
            new = after[name] if type(after) is dict else after[int(name)]
            if old == new:
                continue
            writer = _later(by, written)
            alike = type(old) is type(new) and type(new) in {dict, list}
            if alike and not self.trace.is_leaf(value):
                self._compare((*path, name), old, new, value, writer)
            else:
                self._begun((*path, name), old, new, value, writer, None)
        for name, old in names.items():
            if type(after) is dict and name in after:
                continue  # nobody has looked at it
            taker = _later(by, self.trace.took_away(live, name))
            self.found.append(Change((*path, name), old, ABSENT, taker))

    def _begun(
        self,
        path: Path,
        before: Any,
        after: Any,
        live: Any,
        by: Recorded[Any] | None,
        within: Change | None,
    ) -> Change:
        """A value that is new at its place, without what others wrote in it later."""
        change = Change(path, before, after, by, within)
        self.found.append(change)
        if type(after) in {dict, list} and not self.trace.is_leaf(live):
            change.after = self._own(change, path, after, live)
        return change

    def _own(self, change: Change, path: Path, after: Any, live: Any) -> Any:
        """What the decision behind a change wrote in a container; the rest becomes changes."""
        by = change.by
        if by is not None and self.trace.is_of(live, by):
            return after
        own: Any = {} if type(after) is dict else []
        for name, value, written in self.trace.children(live):
            writer = by if written is None else _later(by, written)
            new = after[name] if type(after) is dict else after[int(name)]
            if writer is not by or (type(own) is list and len(own) != int(name)):
                self._begun((*path, name), ABSENT, new, value, writer, change)
                continue
            if type(new) in {dict, list} and not self.trace.is_leaf(value):
                new = self._own(change, (*path, name), new, value)
            if type(own) is dict:
                own[name] = new
            else:
                own.append(new)
        return own


def _names(container: Any) -> dict[str, Any]:
    """What is in a JSON container, by name."""
    if type(container) is dict:
        return dict(container)
    return {str(index): value for index, value in enumerate(container)}


def _later(one: Recorded[Any] | None, other: Recorded[Any] | None) -> Recorded[Any] | None:
    if one is None or other is None:
        return one or other
    return other if other.position >= one.position else one


# --- Where nobody noted it ----------------------------------------------------------------------


def _differences(before: Any, after: Any, path: Path = ()) -> list[Change]:
    """What differs between two JSON values, by whoever it was."""
    if before == after:
        return []
    same = type(before) is type(after) and type(after) in {dict, list}
    if not same or _is_reference(before) or _is_reference(after):
        return [Change(path, before, after, None)]
    old, new = _names(before), _names(after)
    found: list[Change] = []
    for name in {**old, **new}:
        found += _differences(old.get(name, ABSENT), new.get(name, ABSENT), (*path, name))
    return found


def _is_reference(value: Any) -> bool:
    """A free text by reference, which is one value."""
    return isinstance(value, dict) and value.keys() == {"text", "digest"}


def _attribute(
    unclear: list[Change],
    steps: Sequence[Recorded[Any]],
    state: Callable[[int], Any],
    corners: Sequence[int],
) -> None:
    """Find the step that brought each change about, by halving what lies between.

    Before it the place is not as it is in the end; with it, it is. `state` is the document once
    so many steps are in. A writer among the steps that are left is believed; `corners` are where
    the past was changed, and are looked at first.
    """
    places = {step.position: index for index, step in enumerate(steps)}

    def search(some: list[Change], low: int, high: int) -> None:
        if not some or high <= low:
            return
        inner = [corner for corner in corners if low < corner < high]
        if not inner:
            rest = []
            for change in some:
                index = places.get(change.by.position, -1) if change.by else -1
                if low <= index < high:
                    change.by = steps[index]
                else:
                    rest.append(change)
            some = rest
        if high - low == 1:
            for change in some:
                change.by = steps[low]
            return
        if not some:
            return
        middle = inner[len(inner) // 2] if inner else (low + high) // 2
        document = state(middle)
        there = [change for change in some if _covers(_at(document, change.path), change.after)]
        known = set(map(id, there))
        search(there, low, middle)
        search([change for change in some if id(change) not in known], middle, high)

    search(unclear, 0, len(steps))


def _at(document: Any, path: Path) -> Any:
    """The value at a place; ABSENT if there is none."""
    for step in path:
        if isinstance(document, list):
            index = int(step)
            document = document[index] if index < len(document) else ABSENT
        elif isinstance(document, dict):
            document = document.get(step, ABSENT)
        else:
            return ABSENT
    return document


def _covers(value: Any, part: Any) -> bool:
    """Whether a value has everything that another one has."""
    if isinstance(part, dict) and isinstance(value, dict):
        return all(_covers(value.get(name, ABSENT), each) for name, each in part.items())
    if isinstance(part, list) and isinstance(value, list):
        return len(part) <= len(value) and all(map(_covers, value, part))
    return bool(value == part)


# --- Following changes --------------------------------------------------------------------------


def applied(document: Any, found: Iterable[Change]) -> Any:
    """Another document: this one after these changes, in their order.

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
            copy = orjson.loads(orjson.dumps(after))
            container[int(step) if isinstance(container, list) else step] = copy
    return root[0]


def _grow(container: Any, step: str) -> None:
    if isinstance(container, list):
        container.extend([None] * (int(step) + 1 - len(container)))
    else:
        container.setdefault(step, None)
