"""Following the log: every event in order, those to come as they are recorded.

A notification is only a hint that there is something to read. It may be lost with its connection
at any time, so there is always a poll behind it, and the connection is made anew.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Self

import django.db
import psycopg
import structlog
from eventsourcing.persistence import ApplicationRecorder, Notification, Subscription

from infra.database.connection import dedicated, forget_connection

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Connection = psycopg.Connection[tuple[Any, ...]]

log = structlog.get_logger(__name__)

CHANNEL: Final = "quartier_events"
"""What the SQL function `append` notifies; the payload is the position of its last event."""

POLL_SECONDS: Final = 0.5
"""How long an event may stay unseen when its notification was lost."""

BATCH: Final = 500
"""Events read at once."""

_LOST = (psycopg.OperationalError, django.db.OperationalError)


class Listener:
    """Waits until something was perhaps recorded. For one thread; close it, or use `with`."""

    def __init__(self, connect: Callable[[], Connection] = dedicated) -> None:
        self._connect = connect
        self._connection: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def wait(self, seconds: float) -> bool:
        """Wait at most that long; whether there may be something new.

        It is true as well when the connection was lost or made: something may have been missed.
        """
        if self._connection is None:
            return self._listen(seconds)
        try:
            return any(True for _ in self._connection.notifies(timeout=seconds, stop_after=1))
        except _LOST as error:
            log.warning("listen_connection_lost", error=type(error).__name__)
            self.close()
            return True

    def close(self) -> None:
        """Give the connection back; the next `wait` makes another."""
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                self._connection.close()
            self._connection = None

    def _listen(self, seconds: float) -> bool:
        try:
            self._connection = self._connect()
            self._connection.execute(f"LISTEN {CHANNEL}")
        except _LOST as error:
            log.warning("listen_connection_refused", error=type(error).__name__)
            self.close()
            time.sleep(seconds)
        return True


class EventSubscription(Subscription[ApplicationRecorder]):
    """The library's subscription, which survives what befalls its connections.

    `topics` are slugs; the position goes on past what they leave out.
    """

    def __init__(
        self, recorder: ApplicationRecorder, gt: int | None = None, topics: Sequence[str] = ()
    ) -> None:
        super().__init__(recorder=recorder, gt=gt, topics=topics)
        self._wanted = frozenset(topics)
        self._read: deque[Notification] = deque()
        self._listener = Listener()
        self._stopping = threading.Event()

    @property
    def position(self) -> int:
        """The position of the last event seen, whether or not it was wanted."""
        return self._last_notification_id or 0

    def __exit__(self, *args: object, **kwargs: Any) -> None:
        super().__exit__(*args, **kwargs)
        self._listener.close()

    def stop(self) -> None:
        """End the iteration, from any thread, within the time of one poll."""
        super().stop()
        self._stopping.set()

    def __next__(self) -> Notification:
        while not self._stopping.is_set():
            if self._read:
                return self._read.popleft()
            if not self._pull():
                self._listener.wait(POLL_SECONDS)
        raise StopIteration

    def _pull(self) -> bool:
        """Read on; whether there was anything."""
        try:
            # Not narrowed in SQL: the position must advance past what is not wanted.
            found = self._recorder.select_notifications(
                self.position, BATCH, inclusive_of_start=False
            )
        except _LOST as error:
            log.warning("log_unreadable", error=type(error).__name__)
            forget_connection()
            self._stopping.wait(POLL_SECONDS)
            return False
        if found:
            self._last_notification_id = found[-1].id
            self._read.extend(
                event for event in found if not self._wanted or event.topic in self._wanted
            )
        return bool(found)
