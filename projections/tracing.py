"""A fold that remembers which decision wrote what in a document, and what was there before.

Handlers are the same as ever; the document they are given notes what is written (`noting.py`).
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from projections.kinds import names_of
from projections.noting import ABSENT, TRACE, Items, Keys, Traced, adopt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from domain.decision import Recorded
    from projections.view import View

    Writer = Recorded[Any] | None
    Place = tuple[str, Any, Any, Writer]
    """The name of a place in a container, what was there, what is there, and who wrote it."""


class Trace:
    """What was written while a document was folded, and by which decision.

    was, wrote: by dataclass and the name of an attribute, what was there at first, and who wrote
        there last.
    """

    def __init__(self) -> None:
        self.by: Writer = None
        self.was: dict[tuple[int, str], Any] = {}
        self.wrote: dict[tuple[int, str], Writer] = {}
        self.kept: list[Any] = []
        """Everything that was noted: while it lives, its id is nobody else's."""

    def fold(self, view: View[Any], doc: Any, history: Sequence[Recorded[Any]]) -> None:
        """Go on folding a document, and note who writes what in it."""
        with self.noting():
            adopt(doc)
            each = view.each_of(history)
            for recorded in history:
                self.by = recorded
                decision = recorded.decision
                for handler in each[type(decision)]:
                    handler(doc, decision, recorded)
            for self.by, handle, count in view.lasts(history):
                handle(doc, self.by, count)

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Whoever looks at the document does so in here, even after the fold."""
        token = TRACE.set(self)
        try:
            yield
        finally:
            TRACE.reset(token)

    # --- What came of it ---

    def notes(self, node: Any) -> bool:
        """Whether it would have been noted what was written in a value."""
        return isinstance(node, _NOTING)

    @cached_property
    def written(self) -> dict[int, list[str]]:
        """The names written in each container, once it is folded."""
        written = defaultdict(list)
        for place, name in self.wrote:
            written[place].append(name)
        return dict(written)

    def is_untouched(self, node: Any) -> bool:
        """Whether nobody wrote in a value since it could be noted."""
        if isinstance(node, Items):
            if node.old is not None or node.writers:
                return False
            inside: Iterable[Any] = list.__iter__(node) if node.looked_at else ()
        elif not self.notes(node):
            return True
        elif isinstance(node, Keys):
            if node.wrote:
                return False
            inside = (dict.__getitem__(node, key) for key in node.opened)
        elif id(node) in self.written:
            return False
        else:
            inside = (getattr(node, name) for name in node._within)  # noqa: SLF001 - our own
        return all(map(self.is_untouched, inside))

    def rewritten(self, node: Any) -> Iterator[Place]:
        """Where a container may differ from what it was; the same thing may differ within."""
        if isinstance(node, Items):
            yield from self._rewritten_items(node)
            return
        if isinstance(node, Keys):
            for key, by in node.wrote.items():
                yield _name(key), node.was[key], dict.get(node, key, ABSENT), by
            for key in node.opened:
                if key not in node.wrote:
                    now = dict.__getitem__(node, key)
                    yield _name(key), now, now, None
            return
        place = id(node)
        for name in self.written.get(place, ()):
            yield name, self.was[place, name], getattr(node, name), self.wrote[place, name]
        for name in node._within:  # noqa: SLF001 - our own
            if (place, name) not in self.wrote:
                now = getattr(node, name)
                yield name, now, now, None

    def _rewritten_items(self, node: Any) -> Iterator[Place]:
        if node.old is None and node.looked_at:
            for index in range(node.kept):
                now = list.__getitem__(node, index)
                yield str(index), now, now, None
        was = node.old or []
        for index in range(node.kept, len(node)):
            by = node.writers[index - node.kept]
            before = was[index] if index < len(was) else ABSENT
            yield str(index), before, list.__getitem__(node, index), by
        for index in range(len(node), len(was)):
            yield str(index), was[index], ABSENT, node.shortened_by

    def between(self, old: Any, new: Any) -> Iterator[Place]:
        """Where two containers of one shape may differ, of which the second was traced."""
        if old is new:
            yield from self.rewritten(new)
            return
        was = dict(self._first(old))
        for name, now, by in self.children(new):
            yield name, was.pop(name, ABSENT), now, by
        takers = {_name(key): by for key, by in new.wrote.items()} if isinstance(new, Keys) else {}
        for name, gone in was.items():
            by = new.shortened_by if isinstance(new, Items) else takers.get(name)
            yield name, gone, ABSENT, by

    def children(self, node: Any) -> Iterator[tuple[str, Any, Writer]]:
        """What is in a container: name, value, writer."""
        place, wrote = id(node), self.wrote
        if isinstance(node, Items):
            for index, value in enumerate(list.__iter__(node)):
                later = index - node.kept
                yield str(index), value, node.writers[later] if later >= 0 else None
        elif isinstance(node, list):
            for index, value in enumerate(node):
                yield str(index), value, None
        elif isinstance(node, dict):
            writers = node.wrote if isinstance(node, Keys) else {}
            for key, value in dict.items(node):
                yield _name(key), value, writers.get(key)
        else:
            kind: Any = type(node)
            for name in names_of(kind):
                yield name, getattr(node, name), wrote.get((place, name))

    def _first(self, node: Any) -> Iterator[tuple[str, Any]]:
        """What was in a container at first."""
        place = id(node)
        if isinstance(node, Items):
            was = list.__getitem__(node, slice(node.kept)) if node.old is None else node.old
            yield from ((str(index), value) for index, value in enumerate(was))
        elif isinstance(node, list):
            yield from ((str(index), value) for index, value in enumerate(node))
        else:
            content = {name: now for name, now, _ in self.children(node)}
            if isinstance(node, Keys):
                content.update((_name(key), was) for key, was in node.was.items())
            else:
                content.update(
                    (name, self.was[place, name]) for name in self.written.get(place, ())
                )
            yield from ((name, was) for name, was in content.items() if was is not ABSENT)

    def first(self, value: Any) -> Any:
        """A value as it was at first."""
        if not self.notes(value):
            return value
        content = {name: self.first(was) for name, was in self._first(value)}
        return list(content.values()) if isinstance(value, list) else content


_NOTING: Final = (Traced, Keys, Items)


def _name(key: Any) -> str:
    """A key as it is in JSON."""
    return key if isinstance(key, str) else str(key)
