"""A document that can be read as it was after any of the steps that have led to it.

Its journal (`journal.py`) is wound back or on, one attribute of the document at a time, and only
when somebody reads it; so whoever reads also learns for how long what was read was so.
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from projections.noting import shape
from projections.noting_containers import put

if TYPE_CHECKING:
    from collections.abc import Iterator

    from projections.journal import Journal

Doc = TypeVar("Doc")

_SET: Final = object.__setattr__

EVER: Final = sys.maxsize
"""Up to this count of steps: nothing has been written since."""


class Past(Generic[Doc]):
    """What a document was after each step of its journal. Whoever winds it gives it back as it is.

    Nothing may be written in it meanwhile.
    """

    def __init__(self, doc: Doc, journal: Journal) -> None:
        self.doc, self.journal = doc, journal
        self._attributes: dict[str, _Attribute] = {}
        self._of_node: dict[int, _Attribute] = {}
        self._divided = 0
        """So many entries of the journal are divided among the attributes."""
        self._wound = False

    @contextmanager
    def reading(self) -> Iterator[None]:
        """The document may be wound while this lasts; then it is as it is."""
        try:
            yield
        finally:
            if self._wound:
                self.wind(len(self.journal.log))
                self._wound = False

    def wind(self, length: int) -> None:
        """Have the document be as it was when the journal was so long."""
        if length < len(self.journal.log) or self._wound:
            for attribute in self._among_attributes().values():
                attribute.wind(bisect_left(attribute.entries, length))

    def _among_attributes(self) -> dict[str, _Attribute]:
        """The journal, divided among the attributes of the document, to be wound."""
        log = self.journal.log
        for entry in range(self._divided, len(log)):
            attribute = self._attribute(log[entry][0], log[entry][1])
            attribute.entries.append(entry)
            attribute.made = len(attribute.entries)
        self._divided, self._wound = len(log), True
        return self._attributes

    def _attribute(self, node: Any, name: Any) -> _Attribute:
        """Of the document, where something is written."""
        if node is self.doc:
            known = self._attributes.get(name)
            if known is None:
                known = self._attributes[name] = _Attribute(self.doc, name, self.journal.log)
            return known
        known = self._of_node.get(id(node))
        if known is None:
            known = self._of_node[id(node)] = self._attribute(*self.journal.places[id(node)])
            known.alone = False
        return known

    def at(self, count: int) -> Then[Doc]:
        """The document once so many steps were taken."""
        return Then(self, count)

    def fetch(self, name: str, count: int) -> tuple[Any, int, int]:
        """An attribute then; and from which count of steps to which, or `EVER`, it is the same."""
        attribute = self._among_attributes().get(name)
        if attribute is None:
            return getattr(self.doc, name), 0, EVER
        entries = attribute.entries
        made = bisect_left(entries, self.journal.length(count))
        since = self.journal.step_of(entries[made - 1]) + 1 if made else 0
        until = self.journal.step_of(entries[made]) if made < len(entries) else EVER
        return attribute.at(made), since, until


class _Attribute:
    """What of a journal was written in an attribute of a document, and within it.

    entries: by their places in the journal. made: so many of them are in what is there now.
    alone: nothing was written within it, only in its own place.
    """

    __slots__ = ("alone", "doc", "entries", "log", "made", "name")

    def __init__(self, doc: Any, name: str, log: list[Any]) -> None:
        self.doc, self.name, self.log = doc, name, log
        self.entries: list[int] = []
        self.made = 0
        self.alone = True

    def at(self, made: int) -> Any:
        """What it was once so many entries were made."""
        if not self.alone:
            self.wind(made)
        elif made < len(self.entries):
            return self.log[self.entries[made]][2]
        elif self.entries:
            return self.log[self.entries[-1]][3]
        return getattr(self.doc, self.name)

    def wind(self, wanted: int) -> None:
        """Have so many entries be made."""
        for entry in reversed(self.entries[wanted : self.made]):
            node, name, before, _ = self.log[entry]
            put(node, name, before)
        for entry in self.entries[self.made : wanted]:
            node, name, _, after = self.log[entry]
            put(node, name, after)
        self.made = wanted


class Then(Generic[Doc]):
    """The document once so many steps were taken; only one such state at a time can be read.

    From `since` to `until`, while so many were, all that was read of it so far was the same.
    """

    __slots__ = ("count", "doc", "past", "since", "until")

    def __init__(self, past: Past[Doc], count: int) -> None:
        self.past, self.count = past, count
        self.since, self.until = 0, EVER
        kind: Any = _read(shape(past.doc))
        self.doc: Doc = kind.__new__(kind)
        _SET(self.doc, "_then", self)

    def fetch(self, name: str) -> Any:
        """An attribute of the document."""
        value, since, until = self.past.fetch(name, self.count)
        self.since, self.until = max(self.since, since), min(self.until, until)
        return value


@cache
def _read(kind: Any) -> Any:
    """That dataclass, whose attributes are fetched from the past when they are first read."""

    def fetch(self: Any, name: str) -> Any:
        value = self._then.fetch(name)
        _SET(self, name, value)
        return value

    members = {"__slots__": ("_then",), "__getattr__": fetch}
    return type(kind.__name__, (kind,), members)
