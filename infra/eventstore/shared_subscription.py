"""The end of the log, watched once in a process for all who follow it there.

However many follow, one thread listens and reads, and what is new is in memory once. Whoever is
further behind than that reads the log himself.

    with TAIL.followed():
        seen = TAIL.wait(after=position, seconds=5)
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import django.db
import psycopg
import structlog

from infra.database.connection import forget_connection
from infra.eventstore.store import EventRecorder, log_size
from infra.eventstore.subscription import BATCH, POLL_SECONDS, Listener

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from infra.eventstore.store import DecisionNotification

log = structlog.get_logger(__name__)

KEPT: Final = 1_000
"""Events in memory at most: the last ones."""

LOST: Final = (psycopg.Error, django.db.Error)
"""What befalls a connection."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What follows a position.

    end: the position of the last event.
    events: all up to there, in order; None if there are more of them than are in memory.
    """

    end: int
    events: Sequence[DecisionNotification] | None


class Tail:
    """The last events of the log, and whoever waits for the next. For any number of threads.

    Its thread, and with it two connections, are there only while somebody follows.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._followers = 0
        self._thread: threading.Thread | None = None
        self._events: deque[DecisionNotification] = deque(maxlen=KEPT)
        self._end: int | None = None
        self._stopped = False

    @property
    def stopped(self) -> bool:
        """Whether this process is about to end, and everybody has to leave off."""
        return self._stopped

    def stop(self) -> None:
        """Wake everybody who waits: this process is about to end."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def enter(self) -> None:
        """Begin to follow; to be left by `leave`."""
        with self._changed:
            if self._thread is None:
                self._events.clear()
                self._end = None
                thread = threading.Thread(target=self._run, name="tail", daemon=True)
                thread.start()  # it waits for this lock before it looks who follows
                self._thread = thread
            self._followers += 1

    def leave(self) -> None:
        """Follow no more."""
        with self._changed:
            self._followers -= 1

    @contextlib.contextmanager
    def followed(self) -> Iterator[None]:
        """Follow for the time of a block."""
        self.enter()
        try:
            yield
        finally:
            self.leave()

    def wait(self, after: int, seconds: float) -> Seen | None:
        """Wait at most that long for what follows a position; None if nothing came."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._is_beyond(after), seconds)
            if self._stopped or self._end is None or self._end <= after:
                return None
            missed = self._end - after
            if missed > len(self._events):
                return Seen(self._end, None)
            # Positions have no gaps, and are seen in their order.
            return Seen(self._end, list(self._events)[-missed:])

    def _is_beyond(self, position: int) -> bool:
        return self._end is not None and self._end > position

    # --- Its thread -----------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            with Listener() as listener:
                while self._is_followed():
                    try:
                        if not self._read():
                            listener.wait(POLL_SECONDS)
                    except Exception:
                        # Those who follow would wait for ever without this thread.
                        log.exception("tail_failed")
                        time.sleep(POLL_SECONDS)
        finally:
            forget_connection()

    def _is_followed(self) -> bool:
        with self._changed:
            if self._followers and not self._stopped:
                return True
            self._thread = None
            return False

    def _read(self) -> bool:
        """Take in what is new; whether there was anything."""
        try:
            if self._end is None:
                found, end = [], log_size()
            else:
                found = self._after(self._end)
                end = found[-1].id if found else self._end
        except LOST as error:
            log.warning("log_unreadable", error=type(error).__name__)
            forget_connection()
            return False
        if end == self._end:
            return False
        with self._changed:
            self._events.extend(found)
            self._end = end
            self._changed.notify_all()
        return True

    def _after(self, position: int) -> list[DecisionNotification]:
        found: Any = EventRecorder().select_notifications(position, BATCH, inclusive_of_start=False)
        return list(found)


TAIL: Final = Tail()
"""This process's own."""
