# ruff: noqa: D102 - methods do what those of dict and list do
"""Dictionaries and lists of a document that note what is written in them.

To note costs more than to write, so as little as possible is noted: a dataclass in a dictionary
or in a list notes nothing until somebody looks at it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from projections.facts import Book
from projections.noting import (
    ABSENT,
    DATACLASS,
    DICTS_AND_LISTS,
    JOURNAL,
    KINDS,
    Moved,
    Node,
    contents,
)

_SET = object.__setattr__

# --- Dictionaries -------------------------------------------------------------------------------


class LeafDict(Node, dict[Any, Any]):
    """A dictionary of values that do not change."""

    __slots__ = ()

    def __setitem__(self, key: Any, value: Any) -> None:
        before = dict.get(self, key, ABSENT)
        if before is not value:
            JOURNAL.get().log.append((self, key, before, value))
            dict.__setitem__(self, key, value)

    def __delitem__(self, key: Any) -> None:
        before = dict.get(self, key, ABSENT)
        dict.__delitem__(self, key)
        JOURNAL.get().log.append((self, key, before, ABSENT))

    def add(self, key: Any, number: int = 1) -> None:
        before = dict.get(self, key, ABSENT)
        after = number if before is ABSENT else before + number
        JOURNAL.get().log.append((self, key, before, after))
        dict.__setitem__(self, key, after)

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


class NodeDict(LeafDict):
    """A dictionary of containers.

    begin: what is not there is begun so, if at all. plain: there may be dataclasses in it that do
    not note.
    """

    __slots__ = ("begin", "plain")
    begin: Callable[[], Any] | None
    plain: bool

    def __setitem__(self, key: Any, value: Any) -> None:
        before = dict.get(self, key, ABSENT)
        if before is not value:
            journal = JOURNAL.get()
            if KINDS[type(value)]:
                journal.begins(self, before, value)
                self.plain = True
            journal.log.append((self, key, before, value))
            dict.__setitem__(self, key, value)

    def __missing__(self, key: Any) -> Any:
        if self.begin is None:
            raise KeyError(key)
        begun, journal = self.begin(), JOURNAL.get()
        journal.begins(self, ABSENT, begun)
        journal.log.append((self, key, ABSENT, begun))
        dict.__setitem__(self, key, begun)
        self.plain = True
        return begun

    def __getitem__(self, key: Any) -> Any:
        value = dict.get(self, key, ABSENT)
        if value is ABSENT:
            return self.__missing__(key)
        if KINDS[type(value)] == DATACLASS and (journal := JOURNAL.get(None)) is not None:
            journal.look(self, key, value)
        return value

    def get(self, key: Any, default: Any = None) -> Any:
        if key not in self:  # nothing is begun by asking for it
            return default
        return self[key]

    def values(self) -> Any:
        _look_at(self)
        return dict.values(self)

    def items(self) -> Any:
        _look_at(self)
        return dict.items(self)


def _look_at(node: NodeDict | NodeList) -> None:
    """Somebody looks at all that is in a container."""
    if not node.plain or (journal := JOURNAL.get(None)) is None:
        return
    for name, value in contents(node):
        if KINDS[type(value)] == DATACLASS:
            journal.look(node, name, value)
    node.plain = bool(journal.fresh)


# --- Lists --------------------------------------------------------------------------------------


def _rewriting(change: Callable[..., Any]) -> Any:
    """A method of lists that changes more than their end."""

    def rewrite(self: LeafList, *arguments: Any, **options: Any) -> Any:
        before = list(list.__iter__(self))
        given = change(self, *arguments, **options)
        self.note(before)
        return given

    return rewrite


def _looking(read: Callable[..., Any]) -> Any:
    """A method of lists that hands out what is in them."""

    def look(self: NodeList, *arguments: Any) -> Any:
        _look_at(self)
        return read(self, *arguments)

    return look


class LeafList(Node, list[Any]):
    """A list of values that do not change."""

    __slots__ = ()

    def append(self, value: Any) -> None:
        JOURNAL.get().log.append((self, len(self), ABSENT, value))
        list.append(self, value)

    def extend(self, values: Any) -> None:
        for value in list(values):
            self.append(value)

    def __iadd__(self, values: Any) -> Any:  # type: ignore[misc]  # + makes a plain one
        self.extend(values)
        return self

    def note(self, before: list[Any]) -> None:
        """Note what differs from what was there before; what was there moves."""
        journal, now = JOURNAL.get(), list(list.__iter__(self))
        known = set(map(id, before))
        for index in range(len(before) - 1, len(now) - 1, -1):
            journal.log.append((self, index, before[index], ABSENT))
        for index, value in enumerate(now):
            was = before[index] if index < len(before) else ABSENT
            if was is not value:
                if KINDS[type(value)]:
                    if id(value) in known:
                        raise Moved(type(value).__name__)
                    journal.begins(self, was, value)
                journal.log.append((self, index, was, value))

    insert = _rewriting(list.insert)
    __setitem__ = _rewriting(list.__setitem__)
    __delitem__ = _rewriting(list.__delitem__)
    pop = _rewriting(list.pop)
    remove = _rewriting(list.remove)
    clear = _rewriting(list.clear)
    sort = _rewriting(list.sort)
    reverse = _rewriting(list.reverse)


class NodeList(LeafList):
    """A list of containers. `plain`: there may be dataclasses in it that do not note."""

    __slots__ = ("plain",)
    plain: bool

    def append(self, value: Any) -> None:
        journal = JOURNAL.get()
        if KINDS[type(value)]:
            journal.begins(self, ABSENT, value)
            self.plain = True
        journal.log.append((self, len(self), ABSENT, value))
        list.append(self, value)

    def note(self, before: list[Any]) -> None:
        super().note(before)
        self.plain = True

    __getitem__ = _looking(list.__getitem__)
    __iter__ = _looking(list.__iter__)
    __reversed__ = _looking(list.__reversed__)
    pop = _rewriting(_looking(list.pop))


def noting(value: dict[Any, Any] | list[Any], *, of_nodes: bool) -> LeafDict | LeafList:
    """A dictionary or a list with the same in it, that notes what is written in it."""
    node: Any
    if isinstance(value, list):
        if not of_nodes:
            return LeafList(value)
        node = NodeList(value)
    else:
        if not of_nodes:
            return LeafDict(value)
        node = NodeDict(value)
        node.begin = value.begin if isinstance(value, Book) else None
    node.plain = bool(value)
    return cast("LeafDict | LeafList", node)


def put(node: Any, name: Any, value: Any) -> None:
    """Have a value there, or nothing, and note nothing. A list grows and shrinks at its end."""
    if not isinstance(node, DICTS_AND_LISTS):
        _SET(node, name, value)
        return
    if KINDS[type(value)] == DATACLASS and isinstance(node, (NodeDict, NodeList)):
        node.plain = True
    if isinstance(node, list):
        if value is ABSENT:
            list.pop(node, name)
        elif name == len(node):
            list.append(node, value)
        else:
            list.__setitem__(node, name, value)
    elif value is ABSENT:
        dict.pop(node, name, None)
    else:
        dict.__setitem__(node, name, value)
