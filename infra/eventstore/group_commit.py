"""Many threads, one call: while one thread's call is under way, the next ones are put together.

Whoever finds nobody at work leads: it runs what is waiting, its own request among it, and hands
the lead to the first of those that came meanwhile. A single thread waits for nobody; sixteen
share one transaction, one flush to disk and one turn at the lock that all writers wait for.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Request = TypeVar("Request")
Answer = TypeVar("Answer")


class Abandoned(Exception):
    """The thread that led the call was interrupted: what came of it is not known."""


class _Waiting(Generic[Request, Answer]):
    """One thread's request. `woken` is held until it has an answer, or is to lead."""

    __slots__ = ("answer", "request", "woken")

    def __init__(self, request: Request) -> None:
        self.request = request
        self.answer: Answer | BaseException | None = None
        self.woken = threading.Lock()
        self.woken.acquire()


class Combiner(Generic[Request, Answer]):
    """Calls `run` with requests of several threads at once, and gives each thread its answer.

    Args:
        run: takes requests in the order they came and returns as many answers; an answer that is
            an exception is raised in the thread that asked. What `run` itself raises is raised
            in all of them.
        most: requests in one call at most.
    """

    def __init__(
        self, run: Callable[[Sequence[Request]], Sequence[Answer | BaseException]], most: int
    ) -> None:
        self._run = run
        self._most = most
        self._lock = threading.Lock()
        self._queue: deque[_Waiting[Request, Answer]] = deque()
        self._led = False

    def __call__(self, request: Request) -> Answer:
        """The answer to one request, in the thread that asks."""
        mine: _Waiting[Request, Answer] = _Waiting(request)
        with self._lock:
            self._queue.append(mine)
            leading, self._led = not self._led, True
        if not leading:
            mine.woken.acquire()
        if mine.answer is None:
            self._lead()
        if isinstance(mine.answer, BaseException):
            raise mine.answer
        assert mine.answer is not None  # noqa: S101 - whoever leads answers itself first
        return mine.answer

    def _lead(self) -> None:
        with self._lock:
            batch = [self._queue.popleft() for _ in range(min(self._most, len(self._queue)))]
        answers: Sequence[Answer | BaseException]
        try:
            answers = self._run([each.request for each in batch])
        except Exception as error:  # noqa: BLE001 - it is raised where it was asked for
            answers = [error] * len(batch)
        except BaseException as error:  # noqa: BLE001 - an interrupt is for the leader alone
            answers = [error, *(Abandoned() for _ in batch[1:])]
        for each, answer in zip(batch, answers, strict=True):
            each.answer = answer
        # The next batch starts before this one's threads go on.
        with self._lock:
            if self._queue:
                self._queue[0].woken.release()
            else:
                self._led = False
        for each in batch[1:]:
            each.woken.release()
