"""Keeping read models up with the events, batch by batch.

Each read model has a position of its own, so that one that cannot go on does not hold up the
others. Those that are at the same position, normally all of them, share one reading of the batch
and one transaction. An event that a read model cannot take in stops it there: it is never skipped.
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from django.db import DatabaseError, OperationalError, transaction

from projections.engine.batch import Folding, Poisoned, Work
from projections.engine.positions import Position, ensure, move, positions, stop, take
from projections.engine.view import View

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from domain.kernel.decision import Recorded
    from projections.engine.projection import Projection
    from projections.engine.source import Events

BATCH = 500
"""Decisions taken in at once, at most."""

LOST = (
    OperationalError,
    psycopg.OperationalError,
    # A process that was suspended in the midst of a transaction is told so.
    psycopg.errors.IdleInTransactionSessionTimeout,
)
"""What befalls a connection, and is no fault of a read model."""

RETRY_AFTER = 60.0
"""Seconds after which a stopped read model is tried again."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """The alarm: a read model cannot take in the event at `position`, and stays before it.

    It names no contract's content: `error` is the exception, to be logged by its type.
    """

    name: str
    position: int
    error: BaseException


class Runner:
    """Moves read models on. Any number of runners may run, in any number of processes.

    Args:
        events: the decisions.
        projections: the read models to move.
        alarm: called once when a read model stops, and again if what stops it changes.
        batch: decisions taken in at once, at most.
    """

    def __init__(
        self,
        events: Events,
        projections: Iterable[Projection[Any]],
        alarm: Callable[[Stopped], None],
        *,
        batch: int = BATCH,
    ) -> None:
        self.events = events
        self.projections = {projection.name: projection for projection in projections}
        self.alarm = alarm
        self.batch = batch
        self._resting: dict[str, float] = {}
        self._known = False

    def step(self) -> int:
        """Take in one batch, in every read model that can; how many decisions, at most.

        Raises:
            OperationalError: the database is not there; nothing was half done.
        """
        if not self._known:
            ensure(self.projections.values())
            self._known = True
        moved = 0
        for names in self._groups():
            moved = max(moved, self._together(names))
        return moved

    def catch_up(self, until: int | None = None) -> bool:
        """Take in everything, up to a position if one is given; whether all have reached it."""
        until = self.events.end() if until is None else until
        while self.step():
            if self._reached(until):
                return True
        return self._reached(until)

    def _reached(self, until: int) -> bool:
        known = positions()
        return all(name in known and known[name].position >= until for name in self.projections)

    def _groups(self) -> list[list[str]]:
        """Names by position; not those that were found stopped a moment ago, nor outdated ones."""
        groups: dict[int, list[str]] = defaultdict(list)
        now = time.monotonic()
        for name, position in positions().items():
            projection = self.projections.get(name)
            if projection is None or projection.version != position.version:
                continue
            if self._resting.get(name, now) <= now:
                groups[position.position].append(name)
        return list(groups.values())

    # --- One batch ------------------------------------------------------------------------------

    def _together(self, names: Sequence[str]) -> int:
        """One batch for read models at one position; one by one if the database refuses it."""
        try:
            with transaction.atomic():
                return self._advance(names)
        except LOST:
            raise
        except (DatabaseError, psycopg.Error) as error:
            if len(names) > 1:
                return max(self._together([name]) for name in names)
            self._stop_at_first(names[0], error)
            return 0

    def _advance(self, names: Sequence[str]) -> int:
        taken = take(names)
        here = {position.position for position in taken.values()}
        if len(here) != 1:
            return 0  # somebody else moves them, or has just moved some of them
        (position,) = here
        batch, unreadable = self._read(position)
        if not batch:
            if unreadable is not None:
                for name in taken:
                    self._rest(name, position + 1, unreadable)
            return 0
        folding = Folding(
            self.events, batch, {name: each.generation for name, each in taken.items()}
        )
        chosen = [self.projections[name] for name in taken]
        folding.load([each for each in chosen if isinstance(each, View)])
        work, moves, poisons = Work(), list[tuple[Position, int]](), list[Poisoned]()
        for projection in chosen:
            reached = self._fold(folding, projection, work, poisons)
            if reached is not None:
                moves.append((taken[projection.name], reached))
                self._resting.pop(projection.name, None)
        work.write()
        if moves:
            move(moves)
        for poison in poisons:
            cause = poison.__cause__ or poison
            self._rest(poison.projection.name, poison.recorded.position, cause)
        return len(batch) if moves else 0

    def _read(self, position: int) -> tuple[list[Recorded[Any]], Exception | None]:
        """The next batch; or the decisions before one that cannot be read, and why."""
        read: list[Recorded[Any]] = []
        try:
            for recorded in self.events.after(position, self.batch):
                read.append(recorded)  # noqa: PERF402 - what was read before an error counts
        except (DatabaseError, psycopg.Error):
            raise
        except Exception as error:  # noqa: BLE001 - whatever makes an event unreadable
            return read, error
        return read, None

    @staticmethod
    def _fold(
        folding: Folding, projection: Projection[Any], work: Work, poisons: list[Poisoned]
    ) -> int | None:
        """The position reached: the end of the batch, or just before what poisons it."""
        batch = folding.batch
        poison: Poisoned | None = None
        while batch:
            try:
                folding.fold(projection, work, batch)
            except Poisoned as found:
                poison = found
                batch = [r for r in batch if r.position < found.recorded.position]
            else:
                break
        if poison is not None:
            poisons.append(poison)
        return batch[-1].position if batch else None

    # --- Stopping -------------------------------------------------------------------------------

    def _rest(self, name: str, position: int, error: BaseException) -> None:
        self._resting[name] = time.monotonic() + RETRY_AFTER
        if stop(name, position, error):
            transaction.on_commit(lambda: self.alarm(Stopped(name, position, error)))

    def _stop_at_first(self, name: str, error: Exception) -> None:
        """The database refuses what this read model writes: find the event, and stop before it."""
        low, high = 1, self.batch
        while low < high:  # the largest batch that is written, and the one event after it
            middle = (low + high) // 2
            if self._refuses(name, middle):
                high = middle
            else:
                low = middle + 1
        with transaction.atomic():
            (position,) = take([name], wait=True).values()
        if low > 1:
            once = Runner(self.events, [self.projections[name]], self.alarm, batch=low - 1)
            with transaction.atomic():
                once._advance([name])
        with transaction.atomic():
            self._rest(name, position.position + low, error)

    def _refuses(self, name: str, count: int) -> bool:
        trial = Runner(self.events, [self.projections[name]], self.alarm, batch=count)
        try:
            with transaction.atomic():
                trial._advance([name])
                transaction.set_rollback(True)
        except LOST:
            raise
        except (DatabaseError, psycopg.Error):
            return True
        return False
