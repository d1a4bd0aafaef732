"""A document that can be read as it was after any of the decisions that were folded into it.

Of each attribute of the document every value is kept, and of what is within it every write
(`keeping.py`). So an attribute is wound back alone, and only when somebody reads it; and whoever
reads also learns for how long what was read was so.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast

from projections.keeping import MAKE, Writes, keep, like, made
from projections.kinds import names_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.decision import Recorded
    from projections.view import View

Doc = TypeVar("Doc")

_SET: Final = object.__setattr__


class Past(Generic[Doc]):
    """A document, and what it was after each decision since it was handed over.

    count: so many decisions are in. doc: the document, until an earlier state is read.
    """

    def __init__(self, doc: Doc) -> None:
        kind: Any = type(doc)
        self.count = 0
        self.kept = {name: _Attribute(self) for name in names_of(kind)}
        self.doc: Doc = made(_folded(kind), "_past", self)
        for name, attribute in self.kept.items():
            value = keep(getattr(doc, name), attribute.within)
            _SET(self.doc, name, value)
            attribute.values.append(value)

    def fold(self, view: View[Doc], history: Sequence[Recorded[Any]]) -> None:
        """Go on folding the document."""
        doc, handlers = self.doc, view.handlers
        for recorded in history:
            self.count += 1
            decision = recorded.decision
            for handler in handlers[type(decision)]:
                handler(doc, decision, recorded)

    def at(self, count: int) -> Then[Doc]:
        """The document once so many decisions were in."""
        return Then(self, count)


class _Attribute:
    """What an attribute of the document was, at first and since when; and what is within it."""

    __slots__ = ("since", "values", "within")

    def __init__(self, past: Past[Any]) -> None:
        self.since: list[int] = []
        self.values: list[Any] = []
        self.within = Writes(past)


class Then(Generic[Doc]):
    """The document once so many decisions were in; only one such state at a time can be read.

    From `since` to `until`, while so many were in, all that was read of it so far was the same.
    """

    __slots__ = ("count", "doc", "past", "since", "until")

    def __init__(self, past: Past[Doc], count: int) -> None:
        self.past, self.count = past, count
        self.since, self.until = 0, past.count
        self.doc: Doc = made(_read(cast("Any", type(past.doc))), "_then", self)

    def fetch(self, name: str) -> Any:
        """An attribute of the document."""
        attribute = self.past.kept[name]
        written = 0
        if attribute.since:
            written = bisect_right(attribute.since, self.count)
            self._narrow(attribute.since, written)
        if attribute.within.since:
            self._narrow(attribute.within.since, attribute.within.wind(self.count))
        return attribute.values[written]

    def _narrow(self, since: list[int], written: int) -> None:
        """So many of the writes are in: the last of them began the span, and the next ends it."""
        if written:
            self.since = max(self.since, since[written - 1])
        if written < len(since):
            self.until = min(self.until, since[written] - 1)


@cache
def _folded(kind: Any) -> Any:
    """That dataclass, keeping what its attributes were."""

    def write(self: Any, name: str, value: Any) -> None:
        past = self._past
        attribute = past.kept[name]
        if attribute.values[-1] is not value:
            if (make := MAKE[type(value)]) is not None:
                value = make(value, attribute.within)
            _SET(self, name, value)
            attribute.values.append(value)
            attribute.since.append(past.count)

    return like(kind, "_past", __setattr__=write)


@cache
def _read(kind: Any) -> Any:
    """That dataclass, whose attributes are fetched from the past when they are first read."""

    def fetch(self: Any, name: str) -> Any:
        value = self._then.fetch(name)
        _SET(self, name, value)
        return value

    return like(kind, "_then", __getattr__=fetch)
