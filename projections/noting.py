# ruff: noqa: D102 - methods do what those of dict, list and Tally do
"""Documents that note what is written in them, while they are traced.

To be noted costs far more than to be written, so as little as possible is. What a decision puts
into a dictionary or a list becomes one of these only when a later decision looks at it; so does
what was there before.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import is_dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from projections.facts import Book
from projections.kinds import is_value, within

if TYPE_CHECKING:
    from collections.abc import Callable

    from projections.tracing import Trace, Writer

TRACE: Final[ContextVar[Trace]] = ContextVar("trace")


class Absent:
    """In the place of a value: there is nothing here."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()

_SET: Final = object.__setattr__
_WORDS: Final = frozenset({bool, date, Decimal, int, str, tuple})
"""What is compared when it is written: the same again is no change."""


class Traced:
    """A dataclass of a document."""

    __slots__ = ()
    _within: tuple[str, ...]

    def __setattr__(self, name: str, value: Any) -> None:
        old = getattr(self, name)
        if old is value:
            return
        kind = type(value)
        if (how := HOW[kind]) is not None:
            value = how(value)
        elif kind in _WORDS and old == value:
            return
        _SET(self, name, value)
        trace = TRACE.get()
        place = (id(self), name)
        if place not in trace.was:
            trace.was[place] = old
        trace.wrote[place] = trace.by


class Keys(dict[Any, Any]):
    """A dictionary of a document.

    was, wrote: by key, what was there at first, and who wrote there last. opened: the keys whose
    values somebody has looked at. begin: what is not there is begun so, if at all.
    """

    __slots__ = ("begin", "opened", "trace", "was", "wrote")
    begin: Callable[[], Any] | None
    opened: list[Any]
    trace: Trace
    was: dict[Any, Any]
    wrote: dict[Any, Writer]

    def __setitem__(self, key: Any, value: Any) -> None:
        old = dict.get(self, key, ABSENT)
        if old is value or (HOW[type(value)] is None and old == value):
            return
        dict.__setitem__(self, key, value)
        if key not in self.was:
            self.was[key] = old
        self.wrote[key] = self.trace.by

    def add(self, key: Any, number: int = 1) -> None:
        old = dict.get(self, key, ABSENT)
        dict.__setitem__(self, key, number if old is ABSENT else old + number)
        if key not in self.was:
            self.was[key] = old
        self.wrote[key] = self.trace.by

    def __getitem__(self, key: Any) -> Any:
        value = dict.__getitem__(self, key)
        how = HOW[type(value)]
        if how is None or (key in self.wrote and self.wrote[key] is self.trace.by):
            return value
        adopted = how(value)
        if adopted is not value:
            dict.__setitem__(self, key, adopted)
        self.opened.append(key)
        return adopted

    def __missing__(self, key: Any) -> Any:
        if self.begin is None:
            raise KeyError(key)
        begun = self.begin()
        dict.__setitem__(self, key, begun)
        self.was.setdefault(key, ABSENT)
        self.wrote[key] = self.trace.by
        return begun

    def get(self, key: Any, default: Any = None) -> Any:
        value = dict.get(self, key, ABSENT)
        if value is ABSENT:
            return default
        return value if HOW[type(value)] is None else self[key]

    def values(self) -> Any:
        return [self[key] for key in self]

    def items(self) -> Any:
        return [(key, self[key]) for key in self]

    def __delitem__(self, key: Any) -> None:
        self.was.setdefault(key, dict.__getitem__(self, key))
        dict.__delitem__(self, key)
        self.wrote[key] = self.trace.by

    def pop(self, key: Any, *default: Any) -> Any:
        if key not in self:
            return dict.pop(self, key, *default)
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> Any:
        key = next(reversed(self))
        return key, self.pop(key)

    def clear(self) -> None:
        for key in list(self):
            del self[key]

    def setdefault(self, key: Any, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *others: Any, **more: Any) -> None:
        for key, value in dict(*others, **more).items():
            self[key] = value

    def __ior__(self, other: Any) -> Any:  # type: ignore[misc]  # | makes a plain one
        self.update(other)
        return self


class Items(list[Any]):
    """A list of a document.

    old: what was in it at first; None while the first `kept` items are as they were. writers:
    of the items from there on. looked_at: so many items can note what is written in them.
    """

    __slots__ = ("kept", "looked_at", "old", "shortened_by", "writers")
    old: list[Any] | None
    kept: int
    writers: list[Writer]
    shortened_by: Writer
    looked_at: int

    def append(self, value: Any) -> None:
        list.append(self, value)
        self.writers.append(TRACE.get().by)

    def extend(self, values: Any) -> None:
        for value in list(values):
            self.append(value)

    def __iadd__(self, values: Any) -> Any:  # type: ignore[misc]  # + makes a plain one
        self.extend(values)
        return self

    def _look(self) -> None:
        """Adopt what others than the present decision have put there."""
        by, seen = TRACE.get().by, len(self)
        for index in range(self.looked_at, len(self)):
            value = list.__getitem__(self, index)
            how = HOW[type(value)]
            if how is None:
                continue
            if index >= self.kept and self.writers[index - self.kept] is by:
                seen = min(seen, index)
            else:
                list.__setitem__(self, index, how(value))
        self.looked_at = seen

    def __getitem__(self, index: Any) -> Any:
        if self.looked_at < len(self):
            self._look()
        return list.__getitem__(self, index)

    def __iter__(self) -> Any:
        if self.looked_at < len(self):
            self._look()
        return list.__iter__(self)

    def __reversed__(self) -> Any:
        if self.looked_at < len(self):
            self._look()
        return list.__reversed__(self)

    def _rewrite(self) -> None:
        """Keep what was there: not only its end changes."""
        if self.old is None:
            self.old = list.__getitem__(self, slice(self.kept))
            self.writers[:0] = [None] * self.kept
            self.kept = 0
        self.looked_at = 0

    def insert(self, index: Any, value: Any) -> None:
        first = range(len(self) + 1)[slice(index, None)].start
        looked_at = self.looked_at
        self._rewrite()
        if HOW[type(value)] is None and first <= looked_at:
            self.looked_at = looked_at + 1
        list.insert(self, index, value)
        self._rewritten(first)

    def __setitem__(self, index: Any, value: Any) -> None:
        self._rewrite()
        list.__setitem__(self, index, value)
        if isinstance(index, slice):
            self._rewritten(0)
        else:
            self.writers[index] = TRACE.get().by

    def __delitem__(self, index: Any) -> None:
        first = 0 if isinstance(index, slice) else range(len(self))[index]
        self._rewrite()
        list.__delitem__(self, index)
        self._rewritten(first)

    def pop(self, index: Any = -1) -> Any:
        value = self[index]
        del self[index]
        return value

    def remove(self, value: Any) -> None:
        del self[self.index(value)]

    def clear(self) -> None:
        del self[:]

    def sort(self, **how: Any) -> None:
        self._rewrite()
        list.sort(self, **how)
        self._rewritten(0)

    def reverse(self) -> None:
        self._rewrite()
        list.reverse(self)
        self._rewritten(0)

    def _rewritten(self, first: int) -> None:
        """From that index on, every item is another one."""
        by = TRACE.get().by
        self.writers[first:] = [by] * (len(self) - first)
        self.shortened_by = by


# --- Becoming one -------------------------------------------------------------------------------


class _How(dict[type, "Callable[[Any], Any] | None"]):
    """How values of a type are made to note what is written in them; None: nothing can be."""

    def __missing__(self, kind: type) -> Callable[[Any], Any] | None:
        self[kind] = how = _how(kind)
        return how


HOW: Final = _How()


def _how(kind: type) -> Callable[[Any], Any] | None:
    if issubclass(kind, Traced | Keys | Items):
        return None
    if issubclass(kind, list):
        return _adopt_list
    if issubclass(kind, dict):
        return _adopt_dict
    if is_dataclass(kind) and not is_value(kind):
        return _dataclass_adopter(kind)
    return None


def adopt(value: Any) -> Any:
    """The value as one that notes what is written in it; itself if nothing can be."""
    how = HOW[type(value)]
    return value if how is None else how(value)


def _adopt_list(value: list[Any]) -> Any:
    adopted = Items(value)
    adopted.old, adopted.kept, adopted.looked_at = None, len(value), 0
    adopted.writers, adopted.shortened_by = [], None
    return adopted


def _adopt_dict(value: dict[Any, Any]) -> Any:
    adopted = Keys(value)
    adopted.begin = value.begin if isinstance(value, Book) else None
    adopted.trace = TRACE.get()
    adopted.was, adopted.wrote, adopted.opened = {}, {}, []
    return adopted


def _dataclass_adopter(kind: Any) -> Callable[[Any], Any]:
    inside = within(kind)
    members = {
        "__slots__": (),
        "__dataclass_fields__": kind.__dataclass_fields__,  # so that it is written as JSON
        "_within": inside,
    }
    traced = type(f"Traced{kind.__name__}", (Traced, kind), members)

    def adopt(value: Any) -> Any:
        trace = TRACE.get()
        trace.kept.append(value)
        for name in inside:
            held = getattr(value, name)
            how = HOW[type(held)]
            if how is not None:
                _SET(value, name, how(held))
        value.__class__ = traced
        return value

    return adopt
