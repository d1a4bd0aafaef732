# ruff: noqa: D102 - methods do what those of dict and list do
"""Containers within a document that keep every write in them, so that it can be taken back."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from projections.facts import Book
from projections.kinds import is_value, names_of
from projections.noting import ABSENT

if TYPE_CHECKING:
    from projections.past import Past

Put = Callable[[Any, Any, Any], None]
"""Given a container, a name in it and a value: how a write is made, or taken back."""

_SET: Final = object.__setattr__


class Writes:
    """What was written in some containers, in order, and how much of that is in them now.

    since: for each write, so many decisions were in with it.
    """

    __slots__ = ("made", "past", "since", "writes")

    def __init__(self, past: Past[Any]) -> None:
        self.past = past
        self.since: list[int] = []
        self.writes: list[tuple[Put, Any, Any, Any, Any]] = []
        self.made = 0

    def add(self, put: Put, node: Any, name: Any, was: Any, now: Any) -> None:
        """What has just been written: how, where, what was there before, and what is there now."""
        self.since.append(self.past.count)
        self.writes.append((put, node, name, was, now))
        self.made += 1

    def wind(self, count: int) -> int:
        """Take back or make again, up to what was there when so many decisions were in."""
        wanted = bisect_right(self.since, count)
        for put, node, name, was, _ in reversed(self.writes[wanted : self.made]):
            put(node, name, was)
        for put, node, name, _, now in self.writes[self.made : wanted]:
            put(node, name, now)
        self.made = wanted
        return wanted


def keep(value: Any, writes: Writes) -> Any:
    """The value as one that keeps what is written in it; itself if nothing can be."""
    make = MAKE[type(value)]
    return value if make is None else make(value, writes)


class _Make(dict[type, "Callable[[Any, Writes], Any] | None"]):
    """How values of a type are made to keep what is written in them; None: nothing can be."""

    def __missing__(self, kind: type) -> Callable[[Any, Writes], Any] | None:
        self[kind] = make = _how(kind)
        return make


MAKE: Final = _Make()


def _how(kind: type) -> Callable[[Any, Writes], Any] | None:
    if issubclass(kind, Kept | KeptDict | KeptList):
        return None
    if issubclass(kind, dict):
        return KeptDict
    if issubclass(kind, list):
        return KeptList
    if is_dataclass(kind) and not is_value(kind):
        return _keep_dataclass
    return None


# --- Dataclasses --------------------------------------------------------------------------------


class Kept:
    """A dataclass within a document."""

    __slots__ = ()


def _keep_dataclass(value: Any, writes: Writes) -> Any:
    kind: Any = type(value)
    kept = made(_kept(kind), "_writes", writes)
    for name in names_of(kind):
        _SET(kept, name, keep(getattr(value, name), writes))
    return kept


@cache
def _kept(kind: Any) -> Any:
    """That dataclass, keeping what is written in it."""

    def write(self: Any, name: str, value: Any) -> None:
        was = getattr(self, name)
        if was is not value:
            value = keep(value, self._writes)
            _SET(self, name, value)
            self._writes.add(_SET, self, name, was, value)

    return like(kind, "_writes", Kept, __setattr__=write)


def like(kind: Any, slot: str, *also: type, **members: Any) -> Any:
    """A dataclass with the fields of another, and one slot more."""
    fields = kind.__dataclass_fields__  # so that it is written as JSON
    return type(
        kind.__name__,
        (*also, kind),
        {"__slots__": (slot,), "__dataclass_fields__": fields, **members},
    )


def made(kind: Any, slot: str, value: Any) -> Any:
    """One of that dataclass, which has nothing but that."""
    empty = kind.__new__(kind)
    _SET(empty, slot, value)
    return empty


# --- Dictionaries and lists ---------------------------------------------------------------------


def _fill_dict(node: Any, _: None, content: dict[Any, Any]) -> None:
    dict.clear(node)
    dict.update(node, {key: keep(value, node.writes) for key, value in content.items()})


def _fill_list(node: Any, _: None, content: list[Any]) -> None:
    list.__setitem__(node, slice(None), [keep(value, node.writes) for value in content])


def _whole(method: str) -> Any:
    """A method after which everything may be otherwise."""

    def write(self: Any, *args: Any, **named: Any) -> Any:
        plain: Any = dict if isinstance(self, dict) else list
        fill: Any = _fill_dict if plain is dict else _fill_list
        was = plain(self)
        answer = getattr(plain, method)(self, *args, **named)
        fill(self, None, plain(self))
        self.writes.add(fill, self, None, was, plain(self))
        return answer

    return write


class KeptDict(dict[Any, Any]):
    """A dictionary of a document. `begin`: what is not there is begun so, if at all."""

    __slots__ = ("begin", "writes")

    def __init__(self, content: dict[Any, Any], writes: Writes) -> None:
        self.begin = content.begin if isinstance(content, Book) else None
        self.writes = writes
        _fill_dict(self, None, content)

    def __setitem__(self, key: Any, value: Any) -> None:
        was = dict.get(self, key, ABSENT)
        if was is not value:
            value = keep(value, self.writes)
            dict.__setitem__(self, key, value)
            self.writes.add(_put_key, self, key, was, value)

    def __missing__(self, key: Any) -> Any:
        if self.begin is None:
            raise KeyError(key)
        self[key] = self.begin()
        return self[key]

    def setdefault(self, key: Any, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    __delitem__, pop, popitem = map(_whole, ("__delitem__", "pop", "popitem"))
    clear, update, __ior__ = map(_whole, ("clear", "update", "__ior__"))


def _put_key(node: Any, key: Any, value: Any) -> None:
    if value is ABSENT:
        dict.__delitem__(node, key)
    else:
        dict.__setitem__(node, key, value)


class KeptList(list[Any]):
    """A list of a document."""

    __slots__ = ("writes",)

    def __init__(self, content: list[Any], writes: Writes) -> None:
        self.writes = writes
        _fill_list(self, None, content)

    def append(self, value: Any) -> None:
        value = keep(value, self.writes)
        list.append(self, value)
        self.writes.add(_put_last, self, None, ABSENT, value)

    insert, extend, __iadd__ = map(_whole, ("insert", "extend", "__iadd__"))
    pop, remove, clear = map(_whole, ("pop", "remove", "clear"))
    sort, reverse = map(_whole, ("sort", "reverse"))
    __setitem__, __delitem__ = map(_whole, ("__setitem__", "__delitem__"))


def _put_last(node: Any, _: None, value: Any) -> None:
    if value is ABSENT:
        list.pop(node)
    else:
        list.append(node, value)
