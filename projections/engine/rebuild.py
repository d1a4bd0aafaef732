"""Making read models again from the events, beside those in use, then putting them in their place.

The new rows are of a generation that nobody reads yet. One contract at a time is in memory; COPY
writes while the next one is folded. Then the new generation follows the events like any other,
and one transaction, in which nothing else can move, makes it the one that counts.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import time
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from django.db import transaction

from projections.engine.batch import Folding, Poisoned, Work
from projections.engine.bulk_copy import Copier
from projections.engine.positions import ensure, take
from projections.engine.projection import standing
from projections.engine.sql import cursor
from projections.engine.table import Table
from projections.engine.view import View

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from domain.kernel.decision import Decision, Recorded
    from domain.kernel.values import ContractId
    from projections.engine.projection import Handler, Projection
    from projections.engine.source import Events

BATCH = 500
PAGES = 1_000
"""Pages of a table that are cleared of old rows in one transaction."""

LOCK = 7_201_404
"""The advisory lock of rebuilding: one at a time."""

SILENT_SECONDS = 60
"""After which the server ends the session, and with it the lock, of a process that is suspended."""


class RebuildRunning(RuntimeError):
    """Somebody else is rebuilding."""


@dataclass(slots=True)
class Rebuilt:
    """What a rebuild did. `poisoned`: why some read models were left as they were."""

    events: int = 0
    contracts: int = 0
    position: int = 0
    poisoned: list[Poisoned] = field(default_factory=list)


def rebuild(
    events: Events,
    projections: Iterable[Projection[Any]],
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Rebuilt:
    """Make these read models again; readers see the old ones until the new ones are complete.

    A read model that cannot take in an event is left as it was; the others are made.

    Args:
        events: the decisions.
        projections: which to make.
        progress: told, after each contract, how many events are folded and how many there are.

    Raises:
        RebuildRunning: another rebuild is under way.
    """
    chosen = list(projections)
    with _alone(), _without_collecting():
        ensure(chosen)
        _clear(chosen)
        making = _Making(chosen, _new_generation())
        making.fold_all(events, progress)
        making.follow(events)
        making.put_in_place(events)
        _clear(chosen)
        return making.rebuilt


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    if not _one("SELECT pg_try_advisory_lock(%s)", LOCK):
        raise RebuildRunning
    try:
        cursor().execute(f"SET idle_session_timeout = '{SILENT_SECONDS}s'")
        yield
    finally:
        _one("SELECT pg_advisory_unlock(%s)", LOCK)
        cursor().execute("RESET idle_session_timeout")


def _demand_alone() -> None:
    """Go on only in the session that has the lock: what lost it may have been cleared away.

    Raises:
        RebuildRunning: that session was lost, and another rebuild may have begun.
    """
    if not _one(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = %s"
        " AND pid = pg_backend_pid())",
        LOCK,
    ):
        raise RebuildRunning


@contextlib.contextmanager
def _without_collecting() -> Iterator[None]:
    """Leave cycles alone: what is folded has none, and looking for them takes its time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _one(query: str, *parameters: Any) -> Any:
    (value,) = cursor().execute(query, parameters).fetchone() or (None,)
    return value


def _new_generation() -> int:
    return int(_one("SELECT nextval('projection_generation')"))


def _clear(projections: Sequence[Projection[Any]]) -> None:
    """Delete the rows of generations that do not count: the old ones, or of a rebuild cut short."""
    _delete_by_pages(
        "view_document_rows",
        "(view, generation) NOT IN (SELECT name, generation FROM projection_position)",
    )
    for table in (each for each in projections if isinstance(each, Table)):
        for relation in table.relations:
            _delete_by_pages(
                relation.table,
                "generation <> (SELECT generation FROM projection_position WHERE name = %s)",
                table.name,
            )


def _delete_by_pages(table: str, condition: str, *parameters: Any) -> None:
    """Delete some pages at a time, so that no transaction lasts long: see docs/adr/0004."""
    pages = _one("SELECT pg_relation_size(%s) / current_setting('block_size')::int", table)
    for first in range(0, pages, PAGES):
        cursor().execute(
            f"DELETE FROM {table} WHERE ctid >= %s::tid AND ctid < %s::tid AND {condition}",  # noqa: S608
            [f"({first},0)", f"({first + PAGES},0)", *parameters],
        )


class _Failed(Exception):
    """A handler of the read model at this place raised."""

    def __init__(self, place: int, recorded: Recorded[Any]) -> None:
        super().__init__(place)
        self.place = place
        self.recorded = recorded


class _Making:
    """New rows of some read models, in a generation of their own."""

    def __init__(self, projections: list[Projection[Any]], generation: int) -> None:
        self.projections = projections
        self.generation = generation
        self.rebuilt = Rebuilt()
        self._plan = _Plan(projections)

    def _give_up(self, poison: Poisoned) -> None:
        self.rebuilt.poisoned.append(poison)
        self.projections = [each for each in self.projections if each is not poison.projection]
        self._plan = _Plan(self.projections)

    # --- Everything, contract by contract -------------------------------------------------------

    def fold_all(self, events: Events, progress: Callable[[int, int], None]) -> None:
        until = self.rebuilt.position = events.end()
        said = time.monotonic()
        with contextlib.closing(events.by_contract(until)) as read, Copier() as copier:
            for contract, decisions in itertools.groupby(read, key=attrgetter("contract")):
                history = list(decisions)
                self._copy(copier, contract, history)
                self.rebuilt.contracts += 1
                self.rebuilt.events += len(history)
                progress(self.rebuilt.events, until)
                if time.monotonic() > said + SILENT_SECONDS / 4:
                    _demand_alone()
                    said = time.monotonic()

    def _copy(self, copier: Copier, contract: ContractId, history: list[Recorded[Any]]) -> None:
        states = self._folded(history)
        for projection, state in zip(self.projections, states, strict=True):
            if isinstance(projection, View):
                version = projection.changed_at(history)
                start = f"{projection.name}\t{self.generation}\t{contract}\t{version}\t"
                document = projection.dump(state).replace(b"\\", b"\\\\")
                copier.lines(_DOCUMENTS, start.encode() + document + b"\n")
            elif isinstance(projection, Table):
                start = f"{self.generation}\t{contract}\t"
                for relation in projection.relations:
                    line = relation.copied_line
                    if lines := [start + line(key, row) for key, row in state[relation].items()]:
                        copier.lines(relation.copied, "".join(lines).encode())

    def _folded(self, history: list[Recorded[Any]]) -> list[Any]:
        """The states after this history, in the order of the read models that are left."""
        while True:
            states = [projection.begin() for projection in self.projections]
            try:
                self._fold(states, standing(history))
            except _Failed as failed:
                poison = Poisoned(self.projections[failed.place], failed.recorded)
                poison.__cause__ = failed.__cause__
                self._give_up(poison)
            else:
                return states

    def _fold(self, states: list[Any], history: Iterable[Recorded[Any]]) -> None:
        plan, place = self._plan, 0
        recorded: Any = None
        try:
            for recorded in history:
                decision = recorded.decision
                for place, handler in plan[type(decision)]:
                    handler(states[place], decision, recorded)
        except Exception as error:
            raise _Failed(place, recorded) from error

    # --- What was recorded meanwhile ------------------------------------------------------------

    def follow(self, events: Events) -> None:
        """Take in full batches, while whoever moves the old rows goes on."""
        while len(batch := list(events.after(self.rebuilt.position, BATCH))) == BATCH:
            with transaction.atomic():
                self._take_in(events, batch)

    def put_in_place(self, events: Events) -> None:
        """Take in the rest and make this generation the one that counts, all at once."""
        with transaction.atomic():
            _demand_alone()
            taken = take([projection.name for projection in self.projections], wait=True)
            while batch := list(events.after(self.rebuilt.position, BATCH)):
                self._take_in(events, batch)
            for projection in self.projections:
                cursor().execute(
                    "UPDATE projection_position SET generation = %s, version = %s, position = %s,"
                    " moved_at = now(), stopped_at = NULL, error = NULL WHERE name = %s",
                    [
                        self.generation,
                        projection.version,
                        self.rebuilt.position,
                        taken[projection.name].name,
                    ],
                )

    def _take_in(self, events: Events, batch: Sequence[Recorded[Any]]) -> None:
        generations = {projection.name: self.generation for projection in self.projections}
        folding = Folding(events, batch, generations)
        folding.load([each for each in self.projections if isinstance(each, View)])
        work = Work()
        for projection in self.projections:
            try:
                folding.fold(projection, work, batch)
            except Poisoned as poison:
                self._give_up(poison)
        work.write()
        self.rebuilt.events += len(batch)
        self.rebuilt.position = batch[-1].position


_DOCUMENTS = "view_document_rows (view, generation, contract, version, document)"


class _Plan(dict["type[Decision]", "list[tuple[int, Handler[Any]]]"]):
    """The handlers of each decision type in several read models, by the place of each."""

    def __init__(self, projections: list[Projection[Any]]) -> None:
        super().__init__()
        self._projections = projections

    def __missing__(self, kind: type[Decision]) -> list[tuple[int, Handler[Any]]]:
        self[kind] = found = [
            (place, handler)
            for place, projection in enumerate(self._projections)
            for handler in projection.handlers[kind]
        ]
        return found
