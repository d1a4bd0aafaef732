"""A fold that remembers, for every place of a document, the decision that last wrote there.

Handlers are the same as ever. The document they are given is made of subclasses that note each
write, and whatever is put into it becomes one of them; it is written as JSON like any other.

A dataclass of which every field is given when it is made, and none is a container, is a value:
finished when it is made, and replaced rather than changed. It is left as it is.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import MISSING, fields, is_dataclass
from datetime import date
from decimal import Decimal
from functools import cache, cached_property
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, Final, cast, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from projections.facts import Book

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from domain.decision import Recorded
    from projections.view import View

_tracing: ContextVar[Trace] = ContextVar("tracing")


class Trace:
    """Who wrote what, while one document is folded."""

    def __init__(self) -> None:
        self.by: Recorded[Any] | None = None
        self.wrote: dict[tuple[int, str], Recorded[Any] | None] = {}
        """By container and the name of an attribute or key; what is gone has a writer too."""
        self.opened: dict[int, dict[Any, None]] = {}
        """Of each dictionary there was at first, the keys that somebody has looked at since:
        nothing else in it has changed."""
        self.kept: list[Any] = []
        """Everything that was noted: while it lives, its id is nobody else's."""

    def fold(self, view: View[Any], doc: Any, history: Iterable[Recorded[Any]]) -> None:
        """Go on folding a document, and note who writes what in it."""
        token = _tracing.set(self)
        try:
            _adopt(doc)
            for recorded in history:
                self.by = recorded
                view.apply(doc, recorded)
        finally:
            _tracing.reset(token)

    def children(self, node: Any) -> Iterator[tuple[str, Any, Recorded[Any] | None]]:
        """What may have changed in a container: name as in JSON, value, writer."""
        if isinstance(node, _Traced):
            wrote, place = self.wrote, id(node)
            for name in node._names:  # noqa: SLF001 - our own
                yield name, getattr(node, name), wrote.get((place, name))
        elif isinstance(node, _Keys):
            wrote, place = self.wrote, id(node)
            keys = cast("dict[Any, Any]", node)
            for key in self.opened.get(place, keys):
                if key in keys:
                    name = str(key)
                    yield name, dict.__getitem__(keys, key), wrote.get((place, name))
        elif isinstance(node, _Items):
            items = cast("list[Any]", node)
            for index, (value, by) in enumerate(zip(items, node.writers, strict=True)):
                yield str(index), value, by

    def is_of(self, node: Any, by: Recorded[Any]) -> bool:
        """Whether nobody wrote in a value after that decision put it in its place.

        May be False where several wrote in it before.
        """
        if not isinstance(node, _CONTAINERS):
            return True
        within: Iterable[Any]
        if isinstance(node, _Items):
            if any(writer and writer.position > by.position for writer in node.writers):
                return False
            within = cast("list[Any]", node)
        else:
            writer = self.writers.get(id(node), by)
            if writer is not by and (writer is None or writer.position > by.position):
                return False
            if isinstance(node, _Keys):
                within = dict.values(cast("dict[Any, Any]", node))
            else:
                within = [getattr(node, name) for name in node._within]  # noqa: SLF001 - our own
        for value in within:  # noqa: SIM110 - twice as fast as all()
            if value and not self.is_of(value, by):
                return False
        return True

    @cached_property
    def writers(self) -> dict[int, Recorded[Any] | None]:
        """By container, who wrote in it, once it is folded; None if several did."""
        writers: dict[int, Recorded[Any] | None] = {}
        for (place, _), by in self.wrote.items():
            if writers.setdefault(place, by) is not by:
                writers[place] = None
        return writers

    def is_leaf(self, node: Any) -> bool:
        """Whether there is nothing to look for in a value."""
        if isinstance(node, _Keys | _Items):
            return not cast("list[Any] | dict[Any, Any]", node)
        return not isinstance(node, _Traced)

    def took_away(self, node: Any, name: str) -> Recorded[Any] | None:
        """Who took the item of that name out of a container."""
        if isinstance(node, _Items):
            return node.shortened_by
        return self.wrote.get((id(node), name))


# --- Documents that note what is written --------------------------------------------------------


class _Traced:
    """A dataclass of a document."""

    __slots__ = ()
    _names: tuple[str, ...]
    _within: tuple[str, ...]

    def __setattr__(self, name: str, value: Any) -> None:
        kind = type(value)
        if kind in _WORDS:
            if getattr(self, name) == value:
                return
        elif getattr(self, name) is value:
            return
        elif (how := _HOW.get(kind, _adopt)) is not None:
            value = how(value)
        trace = _tracing.get()
        _SET(self, name, value)
        trace.wrote[id(self), name] = trace.by


class _Keys:
    """A dictionary of a document. What is in it from the start becomes one when it is looked at."""

    __slots__ = ()

    def __setitem__(self: Any, key: Any, value: Any) -> None:
        old = dict.get(self, key, _NOTHING)
        if old is value:
            return
        if (how := _HOW.get(type(value), _adopt)) is not None:
            value = how(value)
        elif type(value) in _WORDS and old == value:
            return
        trace, place = _tracing.get(), id(self)
        dict.__setitem__(self, key, value)
        if (opened := trace.opened.get(place)) is not None:
            opened[key] = None
        trace.wrote[place, key if type(key) is str else str(key)] = trace.by

    def __getitem__(self: Any, key: Any) -> Any:
        value = dict.__getitem__(self, key)
        if (how := _HOW.get(type(value), _adopt)) is not None:
            adopted = how(value)
            if adopted is not value:
                dict.__setitem__(self, key, adopted)
                value = adopted
            if (opened := _tracing.get().opened.get(id(self))) is not None:
                opened[key] = None
        return value

    def get(self: Any, key: Any, default: Any = None) -> Any:
        return self[key] if key in self else default  # noqa: SIM401 - this is `get`

    def values(self: Any) -> Any:
        return [self[key] for key in self]

    def items(self: Any) -> Any:
        return [(key, self[key]) for key in self]

    def __missing__(self: Any, key: Any) -> Any:
        begin = getattr(self, "_begin", None)
        if begin is None:
            raise KeyError(key)
        self[key] = begin()
        return dict.__getitem__(self, key)

    def __delitem__(self: Any, key: Any) -> None:
        trace = _tracing.get()
        dict.__delitem__(self, key)
        trace.wrote[id(self), str(key)] = trace.by

    def pop(self: Any, key: Any, *default: Any) -> Any:
        if key not in self:
            return dict.pop(self, key, *default)
        value = dict.__getitem__(self, key)
        del self[key]
        return value

    def popitem(self: Any) -> Any:
        key = next(reversed(self))
        return key, self.pop(key)

    def clear(self: Any) -> None:
        for key in list(self):
            del self[key]

    def setdefault(self: Any, key: Any, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return dict.__getitem__(self, key)

    def update(self: Any, *others: Any, **more: Any) -> None:
        for key, value in dict(*others, **more).items():
            self[key] = value

    def __ior__(self: Any, other: Any) -> Any:
        self.update(other)
        return self


class _Items:
    """A list of a document: the writer of each item, and who last took one away."""

    __slots__ = ()
    writers: list[Recorded[Any] | None]
    shortened_by: Recorded[Any] | None

    def append(self: Any, value: Any) -> None:
        if (how := _HOW.get(type(value), _adopt)) is not None:
            value = how(value)
        list.append(self, value)
        self.writers.append(_tracing.get().by)

    def extend(self: Any, values: Any) -> None:
        for value in list(values):
            self.append(value)

    def __iadd__(self: Any, values: Any) -> Any:
        self.extend(values)
        return self

    def insert(self: Any, index: Any, value: Any) -> None:
        first = range(len(self) + 1)[slice(index, None)].start
        list.insert(self, index, _adopt(value))
        self._rewritten(first)

    def __setitem__(self: Any, index: Any, value: Any) -> None:
        if isinstance(index, slice):
            list.__setitem__(self, index, [_adopt(each) for each in value])
            self._rewritten(0)
            return
        list.__setitem__(self, index, _adopt(value))
        self.writers[index] = _tracing.get().by

    def __delitem__(self: Any, index: Any) -> None:
        first = 0 if isinstance(index, slice) else range(len(self))[index]
        list.__delitem__(self, index)
        self._rewritten(first)

    def pop(self: Any, index: Any = -1) -> Any:
        value = self[index]
        del self[index]
        return value

    def remove(self: Any, value: Any) -> None:
        del self[self.index(value)]

    def clear(self: Any) -> None:
        del self[:]

    def sort(self: Any, **how: Any) -> None:
        list.sort(self, **how)
        self._rewritten(0)

    def reverse(self: Any) -> None:
        list.reverse(self)
        self._rewritten(0)

    def _rewritten(self: Any, first: int) -> None:
        """From that index on, every item is another one."""
        by = _tracing.get().by
        self.writers[first:] = [by] * (len(self) - first)
        self.shortened_by = by


class _Dict(_Keys, dict[Any, Any]):
    __slots__ = ()


class _List(_Items, list[Any]):
    __slots__ = ("shortened_by", "writers")


# --- Becoming one -------------------------------------------------------------------------------


def _adopt(value: Any) -> Any:
    """The value as one that notes what is written in it; itself if nothing can be."""
    kind = type(value)
    if kind not in _HOW:
        _HOW[kind] = _how(kind)
    how = _HOW[kind]
    return value if how is None else how(value)


def _how(kind: type) -> Callable[[Any], Any] | None:
    """How values of that type are made to note what is written in them; None: nothing can be."""
    if issubclass(kind, _Traced | _Keys | _Items):
        return None
    if issubclass(kind, list):
        return _adopt_list
    if issubclass(kind, Book):
        return _book_adopter(kind)
    if issubclass(kind, dict):
        return _adopt_dict
    if is_dataclass(kind):
        return _dataclass_adopter(kind)
    return None


def _adopt_list(value: list[Any]) -> Any:
    adopted = _List(map(_adopt, value)) if value else _List()
    adopted.writers = [None] * len(adopted)
    adopted.shortened_by = None
    return adopted


def _adopt_dict(value: dict[Any, Any]) -> Any:
    trace, adopted = _tracing.get(), _Dict(value)
    trace.kept.append(adopted)
    if trace.by is None:
        trace.opened[id(adopted)] = {}
    return adopted


def _book_adopter(kind: type) -> Callable[[Any], Any]:
    traced = type(f"Traced{kind.__name__}", (_Keys, kind), {"__slots__": ()})

    def adopt(value: Any) -> Any:
        trace = _tracing.get()
        trace.kept.append(value)
        if trace.by is None:
            trace.opened[id(value)] = {}
        value.__class__ = traced
        return value

    return adopt


def _dataclass_adopter(kind: Any) -> Callable[[Any], Any] | None:
    names = tuple(field.name for field in fields(kind))
    hints = get_type_hints(kind, include_extras=True)
    within = tuple(name for name in names if _may_hold(hints[name]))
    if not within and all(
        field.default is MISSING and field.default_factory is MISSING for field in fields(kind)
    ):
        return None
    members = {"__slots__": (), "_names": names, "_within": within}
    traced = type(f"Traced{kind.__name__}", (_Traced, kind), members)

    def adopt(value: Any) -> Any:
        _tracing.get().kept.append(value)
        for name in within:
            held = getattr(value, name)
            if held is not None:
                adopted = _adopt(held)
                if adopted is not held:
                    _SET(value, name, adopted)
        value.__class__ = traced
        return value

    return adopt


@cache
def _may_hold(hint: Any) -> bool:
    """Whether values of that type may be containers that can change."""
    origin = get_origin(hint)
    if origin is Annotated:
        return _may_hold(get_args(hint)[0])
    if origin is tuple:
        return False
    if origin is not None and not (isinstance(origin, type) and issubclass(origin, dict | list)):
        return any(map(_may_hold, get_args(hint)))
    leaf = hint is NoneType or (isinstance(hint, type) and issubclass(hint, BaseModel))
    return not leaf and (
        origin is not None
        or hint is Any
        or is_dataclass(hint)
        or (isinstance(hint, type) and issubclass(hint, dict | list))
    )


_CONTAINERS: Final = (_Traced, _Keys, _Items)
_WORDS: Final = frozenset({bool, date, Decimal, int, str, tuple})
"""What is compared when it is written: the same again is no change."""
_NOTHING: Final = object()
_HOW: dict[type, Callable[[Any], Any] | None] = {}
_SET: Final = object.__setattr__
