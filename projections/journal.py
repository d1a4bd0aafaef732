"""What is written in a document while it is folded, in order.

Handlers are the same as ever; the containers of the document they are given note each write
(`noting.py`): where, what was there before, and what is there now. So a write can be taken back,
and whoever reads the journal knows what came of a document between two states, and through whom.

A place has one container for as long as it can, so that what was written again as it was is no
change: where something of the same shape stood there before, or until its beginning was taken
back, that is kept, and given what the new one holds. What is written in a container that has
moved would be lost, so a handler that moves one is refused: it may put a new one there. No view
takes a container away and begins another in its place; where that is taken back and taken in
again, it is told as a change though it is as it was.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from contextlib import contextmanager
from itertools import chain, islice, repeat
from operator import sub
from typing import TYPE_CHECKING, Any

from projections.kinds import changing_within, within
from projections.noting import (
    ABSENT,
    DATACLASS,
    DICT_OR_LIST,
    DICTS_AND_LISTS,
    JOURNAL,
    KINDS,
    NODE,
    Moved,
    at,
    contents,
    is_node,
    noting_class,
    same,
    shape,
)
from projections.noting_containers import NodeDict, NodeList, noting, put

if TYPE_CHECKING:
    from collections.abc import Iterator

Write = tuple[Any, Any, Any, Any]
"""A container, a name in it, what was there, and what is there now."""


class Journal:
    """What was written in the containers of one document.

    log: every write. steps, starts: the steps that may have written something, by number, and
    where in the log each begins; what comes before belongs to none. places: by the id of a
    container that notes, the one it is in and its name there, as it was when it began to note.
    fresh: the ids of what the present decision has begun. begun: the entries of the log that are
    to be settled once it is taken in.
    """

    def __init__(self) -> None:
        self.log: list[Write] = []
        self.steps: list[int] = []
        self.starts: list[int] = []
        self.places: dict[int, tuple[Any, Any]] = {}
        self.fresh: set[int] = set()
        self.begun: list[int] = []
        self._taken_back: dict[tuple[int, Any], Any] = {}
        """By their places, the containers that are not there since their beginning was undone."""

    @contextmanager
    def open(self) -> Iterator[None]:
        """Containers write here while this lasts."""
        token = JOURNAL.set(self)
        try:
            yield
        finally:
            JOURNAL.reset(token)

    def keep(self, doc: Any) -> None:
        """Have a document note what is written in it from now on."""
        self._become(doc)

    def begin(self, step: int) -> None:
        """What is written from now on belongs to that step, which is no earlier than any before."""
        self.steps.append(step)
        self.starts.append(len(self.log))

    def length(self, count: int) -> int:
        """How long the log was before the step of that number."""
        place = bisect_left(self.steps, count)
        return self.starts[place] if place < len(self.starts) else len(self.log)

    def step_of(self, entry: int) -> int:
        """The step that has written an entry; -1 if none has."""
        place = bisect_right(self.starts, entry)
        return self.steps[place - 1] if place else -1

    def by_step(self, first: int, end: int) -> Iterator[tuple[int, Write]]:
        """What the steps of these numbers have written, each entry with its step."""
        low, high = bisect_left(self.steps, first), bisect_left(self.steps, end)
        if low < high:
            starts, last = self.starts[low:high], self.length(end)
            lengths = map(sub, chain(starts[1:], (last,)), starts)
            steps = chain.from_iterable(map(repeat, self.steps[low:high], lengths))
            yield from zip(steps, islice(self.log, starts[0], last), strict=True)

    def undo(self, first: int, end: int) -> None:
        """Take back these entries of the log, the last one first; that is noted as well."""
        for entry in range(end - 1, first - 1, -1):
            node, name, before, after = self.log[entry]
            if before is after:
                continue
            put(node, name, before)
            self.log.append((node, name, after, before))
            if KINDS[type(after)]:
                self._taken_back[id(node), name] = after

    # --- What containers tell ---

    def begins(self, node: Any, before: Any, value: Any) -> None:
        """The next entry of the log puts a container into another one."""
        kind, container = KINDS[type(value)], id(value)
        if kind == NODE or container in self.fresh:
            raise Moved(type(value).__name__)
        self.fresh.add(container)
        waits = type(node) is NodeDict or type(node) is NodeList
        if not waits or kind == DICT_OR_LIST or self._taken_back or KINDS[type(before)]:
            self.begun.append(len(self.log))

    def look(self, node: Any, name: Any, value: Any) -> None:
        """Somebody looks at a dataclass; it notes from now on, if he did not begin it himself."""
        if id(value) not in self.fresh:
            self._begin(node, name, value)

    def settle(self) -> None:
        """The present decision is taken in: others may look at what it has begun."""
        for entry in self.begun:
            node, name, before, after = self.log[entry]
            if at(node, name) is after:
                self.log[entry] = node, name, before, self._settle(node, name, before, after)
        self.begun.clear()
        self.fresh.clear()

    # --- What is begun ---

    def _settle(self, node: Any, name: Any, before: Any, value: Any) -> Any:
        """What shall be there in the place of what was begun."""
        known = before if KINDS[type(before)] else self._taken_back.pop((id(node), name), None)
        if known is not None and shape(known) is shape(value):
            put(node, name, known)
            if not same(known, value):
                if not is_node(known):
                    known = self._begin(node, name, known)
                self._give(known, value)
            return known
        if KINDS[type(value)] == DATACLASS and isinstance(node, (NodeDict, NodeList)):
            return value
        return self._begin(node, name, value)

    def _begin(self, node: Any, name: Any, value: Any) -> Any:
        """Have a container note what is written in it, in its place."""
        of_nodes = isinstance(node, DICTS_AND_LISTS) or name in changing_within(shape(node))
        kept = self._become(value, of_nodes=of_nodes)
        self.places[id(kept)] = node, name
        if kept is not value:
            put(node, name, kept)
        return kept

    def _become(self, value: Any, *, of_nodes: bool = True) -> Any:
        """The same value as one that notes: itself, but for dictionaries and lists."""
        if isinstance(value, DICTS_AND_LISTS):
            return noting(value, of_nodes=of_nodes)
        kind: Any = type(value)
        value.__class__ = noting_class(kind)
        changing, places = changing_within(kind), self.places
        for name in within(kind):
            held = getattr(value, name)
            if (what := KINDS[type(held)]) == DICT_OR_LIST:
                kept = noting(held, of_nodes=name in changing)
                put(value, name, kept)
                places[id(kept)] = value, name
            elif what == DATACLASS:
                self._become(held)
                places[id(held)] = value, name
        return value

    def _give(self, node: Any, like: Any) -> None:
        """Write in a container what one of the same shape holds, where that is something else."""
        held = dict(contents(like))
        for name, gone in reversed(list(contents(node))):
            if name not in held:
                self._replace(node, name, gone, ABSENT)
        for name, value in held.items():
            self._replace(node, name, at(node, name), value)

    def _replace(self, node: Any, name: Any, before: Any, after: Any) -> None:
        if same(before, after):
            return
        entry = len(self.log)
        self.log.append((node, name, before, after))
        put(node, name, after)
        if KINDS[type(after)] in {DATACLASS, DICT_OR_LIST}:
            self.log[entry] = node, name, before, self._settle(node, name, before, after)
