"""The containers of a document that note what is written in them: dataclasses, dicts and lists.

They write in the journal (`journal.py`) that is open; while none is, they are only to be read.
Dictionaries and lists are in `noting_containers.py`.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from projections.kinds import is_value, names_of, within

if TYPE_CHECKING:
    from collections.abc import Iterable

    from projections.journal import Journal

JOURNAL: Final[ContextVar[Journal]] = ContextVar("journal")

_SET: Final = object.__setattr__


class Absent:
    """In the place of a value: there is nothing here."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()

DICTS_AND_LISTS: Final = (dict, list)
"""Asked for often: a union would be made each time."""


class Moved(TypeError):
    """A handler has put a container elsewhere than where it was begun, or in two places."""


class Node:
    """A container that notes what is written in it."""

    __slots__ = ()


LEAF: Final = 0
NODE: Final = 1
DATACLASS: Final = 2
DICT_OR_LIST: Final = 3


class _Kinds(dict[type, int]):
    """Of values by their type: what changes in them, and whether that is noted.

    `LEAF`: nothing does. `NODE`: it is noted. `DATACLASS` and `DICT_OR_LIST`: it is not.
    """

    def __missing__(self, kind: type) -> int:
        if issubclass(kind, Node):
            found = NODE
        elif issubclass(kind, dict | list):
            found = DICT_OR_LIST
        else:
            found = DATACLASS if is_dataclass(kind) and not is_value(kind) else LEAF
        self[kind] = found
        return found


KINDS: Final = _Kinds()


# --- What is in a container ---------------------------------------------------------------------


def is_node(value: Any) -> TypeGuard[Node]:
    """Whether a value notes what is written in it."""
    return isinstance(value, Node)


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same, containers that note only if they are one."""
    return one is other or (type(one) is type(other) and not is_node(one) and bool(one == other))


def shape(value: Any) -> Any:
    """What sort of container a value is: a dictionary, a list, or which dataclass."""
    kind = type(value)
    if issubclass(kind, dict):
        return dict
    if issubclass(kind, list):
        return list
    return kind.__bases__[1] if issubclass(kind, Node) else kind


def contents(node: Any) -> Iterable[tuple[Any, Any]]:
    """What is in a container, each with its name; nobody is said to have looked."""
    if isinstance(node, list):
        return enumerate(list.__iter__(node))
    if isinstance(node, dict):
        return dict.items(node)
    kind: Any = type(node)
    return [(name, getattr(node, name)) for name in names_of(kind)]


def at(node: Any, name: Any) -> Any:
    """What is there in a container under a name; ABSENT if nothing is."""
    if isinstance(node, list):
        return list.__getitem__(node, name) if name < len(node) else ABSENT
    if isinstance(node, dict):
        return dict.get(node, name, ABSENT)
    return getattr(node, name)


# --- Dataclasses --------------------------------------------------------------------------------


@cache
def noting_class(kind: Any) -> Any:
    """That dataclass, noting what is written in it."""

    def write(self: Any, name: str, value: Any) -> None:
        before = getattr(self, name)
        if before is not value:
            journal = JOURNAL.get()
            if KINDS[type(value)]:
                journal.begins(self, before, value)
            journal.log.append((self, name, before, value))
            _SET(self, name, value)

    fields = kind.__dataclass_fields__  # so that it is written as JSON
    return type(
        kind.__name__,
        (Node, kind),
        {
            "__slots__": (),
            "__setattr__": write,
            "__dataclass_fields__": fields,
            "_changing": within(kind),
        },
    )


def changing(node: Any) -> tuple[str, ...]:
    """The fields of a dataclass that notes which may hold containers."""
    found: tuple[str, ...] = node._changing  # noqa: SLF001 - our own
    return found
