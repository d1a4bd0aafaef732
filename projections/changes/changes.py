"""What changed in a view between two states of a contract, and the decision behind each change.

The difference is net: what was written and undone in between does not appear. A place that differs
belongs to the last step after which it was not what it had been before (docs/adr/0009). To know
that, the decisions are applied one by one, and after each the parts of the document that were
reached are compared with what they were.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

import orjson

from projections.engine.view import written
from projections.facts.facts import Book, Watched

if TYPE_CHECKING:
    import datetime as dt

    from domain.kernel.decision import Recorded
    from projections.changes.intervals import History, Interval
    from projections.engine.view import View

Path = tuple[str, ...]

ABSENT: Final = object()
"""Nothing is there."""


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """One place of an answer, and what was and is there, as JSON values.

    `before` or `after` is `ABSENT` where there was or is nothing; `by` is None where only time
    has passed.
    """

    path: Path
    before: Any
    after: Any
    by: Recorded[Any] | None

    @property
    def pointer(self) -> str:
        """The place, as a JSON pointer (RFC 6901) into the answer."""
        return "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in self.path)


def changes(
    view: View[Any], interval: Interval, *, since: dt.date | None, until: dt.date
) -> list[Change]:
    """What changed in the view's answer: what time alone changed first, then in history order.

    Args:
        view: which.
        interval: between which states.
        since: the day on which the first state is read; None if there is no such day.
        until: the day on which the second state is read.
    """
    trace = _Trace(view, interval.base, until)
    first = trace.answer(until)
    found: list[Change] = []
    if since is not None and since != until:
        found += [Change(*change, None) for change in _net(trace.answer(since), first, {})]
    for number, step in enumerate(interval.steps):
        trace.take(number, step, interval.counted(number + 1))
    made = list(_net(first, trace.answer(until), trace.last))
    made.sort(key=lambda change: (trace.last[change[0]], change[0]))
    return found + [Change(*change, interval.steps[trace.last[change[0]]]) for change in made]


# --- Which step changed a place last ------------------------------------------------------------


class _Trace:
    """A document that takes decisions, and the number of the last step that changed each place.

    It is compared part by part: an entry of a dictionary in it, or any other attribute. An answer
    that is worked out for a day is compared as one part, once anything in the document changed.
    """

    def __init__(self, view: View[Any], base: History, day: dt.date) -> None:
        self.view, self.day = view, day
        self.last: dict[Path, int] = {}
        self._parts: dict[Path, tuple[bytes, Any]] = {}
        self._fold(base)
        self._compare(dict(self._reached()))
        self._compare(dict(self._worked_out()))

    def answer(self, day: dt.date) -> Any:
        """What the view answers on a day, as JSON."""
        return orjson.loads(self.view.answer(self._doc, day))

    def take(self, number: int, step: Recorded[Any], counted: History | None) -> None:
        """Take the next step; `counted` is what counts then, if not just this decision more."""
        if counted is None:
            if not self.view.handlers[type(step.decision)]:
                return
            self.view.apply(self._doc, step)
            parts = dict(self._reached())
        else:
            self._fold(counted)
            parts = {path: ABSENT for path in self._parts if path} | dict(self._reached())
        changed = self._compare(parts)
        if changed and self.view.depends_on_the_day:
            changed = self._compare(dict(self._worked_out()))
        for path, was, now in changed:
            self._mark(path, was, now, number)

    def _fold(self, counted: History) -> None:
        self._doc = self.view.begin()
        self._names = [field.name for field in fields(self._doc)]
        self._watched = {
            name: Watched(content)
            for name in self._names
            if type(content := getattr(self._doc, name)) in {dict, Book}
        }
        self.view.take(self._doc, counted)

    def _reached(self) -> Iterator[tuple[Path, Any]]:
        """The parts that may have changed since they were last compared."""
        for name in self._names:
            value = getattr(self._doc, name)
            if (watched := self._watched.get(name)) is None:
                yield (name,), value
                continue
            if value is not watched:
                # It is another dictionary since the last time.
                gone, value = set(watched), Watched(value)
                value.reached |= gone
                self._watched[name] = value
                setattr(self._doc, name, value)
            for key in value.reached:
                yield (name, _key(key)), dict.get(value, key, ABSENT)
            value.reached.clear()

    def _worked_out(self) -> Iterator[tuple[Path, Any]]:
        """The answer, where it is more than the document."""
        if self.view.depends_on_the_day:
            yield (), self.view.read(self._doc, self.day)
            for watched in self._watched.values():
                watched.reached.clear()  # reading changes nothing

    def _compare(self, parts: dict[Path, Any]) -> list[tuple[Path, Any, Any]]:
        """Which of these parts are not what they were, and what they were and are, as JSON."""
        changed = []
        for path, value in parts.items():
            raw, was = self._parts.get(path, (b"", ABSENT))
            written_now = b"" if value is ABSENT else written(value)
            if written_now != raw:
                now = _parsed(written_now, raw, was)
                self._parts[path] = written_now, now
                changed.append((path, was, now))
        return changed

    def _mark(self, path: Path, was: Any, now: Any, number: int) -> None:
        """Note the places at and below a path that are not what they were."""
        if (both := _both(was, now)) is None:
            for place in (*_below(was, path), *_below(now, path)):
                self.last[place] = number
            return
        for name, before, after in both:
            if before != after:
                self._mark((*path, name), before, after, number)


def _parsed(raw: bytes, before: bytes, was: Any) -> Any:
    """A part as JSON; of a list that has only grown, what was there need not be parsed again."""
    if not raw:
        return ABSENT
    if len(before) > len("[]") and before.endswith(b"]") and raw.startswith(before[:-1] + b","):
        return was + orjson.loads(b"[" + raw[len(before) :])
    return orjson.loads(raw)


def _key(key: Any) -> str:
    """A key of a dictionary as JSON has it."""
    return str(next(iter(orjson.loads(written({key: None})))))


# --- Two JSON values ----------------------------------------------------------------------------


def _net(
    before: Any, after: Any, last: dict[Path, int], path: Path = ()
) -> Iterator[tuple[Path, Any, Any]]:
    """The places that differ, and what was and is there.

    What a later step wrote in a thing that is new is told apart from it.
    """
    if (both := _both(before, after)) is not None:
        for name, was, now in both:
            if was != now:
                yield from _net(was, now, last, (*path, name))
        return
    later: list[tuple[Path, Any]] = []
    yield path, before, _begun(after, path, last, later)
    for place, value in later:
        yield from _net(ABSENT, value, last, place)


def _begun(value: Any, path: Path, last: dict[Path, int], later: list[tuple[Path, Any]]) -> Any:
    """A value less what came later than it did."""
    if not (isinstance(value, dict) or _is_listing(value)):
        return value
    begun = {}
    for name, item in _items(value):
        place = (*path, name)
        if last.get(place) == last.get(path):
            begun[name] = _begun(item, place, last, later)
        else:
            later.append((place, item))
    return begun if isinstance(value, dict) else list(begun.values())


def _both(before: Any, after: Any) -> list[tuple[str, Any, Any]] | None:
    """The items of two objects or lists of objects side by side; None if each is one value.

    An object that names a decision by its position is another once that is another decision.
    """
    if isinstance(before, dict) and isinstance(after, dict):
        if before.get("position") != after.get("position"):
            return None
        return [
            (name, before.get(name, ABSENT), after.get(name, ABSENT)) for name in before | after
        ]
    if not (_is_listing(before) and _is_listing(after)):
        return None
    same = len(before) if after[: len(before)] == before else 0
    return [
        (
            str(place),
            before[place] if place < len(before) else ABSENT,
            after[place] if place < len(after) else ABSENT,
        )
        for place in range(same, max(len(before), len(after)))
    ]


def _is_listing(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    elif _is_listing(value):
        yield from ((str(place), item) for place, item in enumerate(value))


def _below(value: Any, path: Path) -> Iterator[Path]:
    """A place, and every place below it."""
    yield path
    for name, item in _items(value):
        yield from _below(item, (*path, name))
