"""Background work: loops that do what there is, wait for a hint, and look again anyway.

A loop that fails is started again after a pause that grows; the others go on meanwhile. Nothing
is lost by stopping at any moment: each loop keeps its place where its results are.
"""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from infra.database.connection import forget_connection
from infra.eventstore.subscription import POLL_SECONDS, Listener

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from infra.database.lease import Lease

log = structlog.get_logger(__name__)

FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 10.0
"""Seconds between attempts of a loop that fails, doubled each time in between."""

SETTLED_SECONDS: Final = 10.0
"""A loop that went on for that long begins with the first pause again: one that was interrupted is
to stand by soon, should another process fail."""

STOP_SECONDS: Final = 4.0
"""How long a loop may take to end the step it is at."""


@dataclass(frozen=True, slots=True)
class Work:
    """Something that goes on in the background.

    run: goes on until the event is set. It may raise.
    """

    name: str
    run: Callable[[threading.Event], None]


def in_steps(
    name: str,
    step: Callable[[], bool],
    *,
    lease: Lease | None = None,
    close: Callable[[], None] = lambda: None,
) -> Work:
    """Work that is done step by step, whenever something was recorded.

    Args:
        name: of the work.
        step: does a part of what there is; whether there may be more at once. It may raise.
        lease: what must be held for a step; None where several may do it at once, or where the
            step sees to it itself.
        close: called when the work stops, for whatever reason.
    """

    def run(stopping: threading.Event) -> None:
        try:
            with lease or contextlib.nullcontext(), Listener() as listener:
                while not stopping.is_set():
                    if (lease and not lease.take()) or not step():
                        listener.wait(POLL_SECONDS)
        finally:
            close()
            forget_connection()

    return Work(name, run)


class Worker:
    """Runs each work in a thread of its own until it is stopped."""

    def __init__(self, works: Sequence[Work]) -> None:
        self._stopping = threading.Event()
        self._loops = [
            # Daemons: a step that hangs does not keep the process from ending.
            threading.Thread(target=self._loop, args=(work,), name=work.name, daemon=True)
            for work in works
        ]

    def run(self) -> None:
        """Work until `stop`; then wait for the loops, but not for ever."""
        for loop in self._loops:
            loop.start()
        log.info("worker_started", works=[loop.name for loop in self._loops])
        self._stopping.wait()
        deadline = time.monotonic() + STOP_SECONDS
        for loop in self._loops:
            loop.join(max(0.0, deadline - time.monotonic()))
        left = [loop.name for loop in self._loops if loop.is_alive()]
        log.info("worker_stopped", left=left)

    def stop(self) -> None:
        """From any thread, or from a signal handler."""
        self._stopping.set()

    def _loop(self, work: Work) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                work.run(self._stopping)
            except Exception:
                if time.monotonic() - began > SETTLED_SECONDS:
                    pause = FIRST_PAUSE
                log.exception("work_failed", work=work.name, again_in=pause)
                self._stopping.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
