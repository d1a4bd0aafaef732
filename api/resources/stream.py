"""The feed as Server-Sent Events: every decision once, in order, as it is recorded.

    retry: 2000

    id: 311
    data: {"position":311,"contract":"paquis","version":42,"type":"funds-committed",…}

    id: 340

    :

An event has no name of its own (`event:`): browsers would hand it only to whoever listens for that
very name, and a decision type that is new would pass by in silence. Its `type` is in the data.

An `id` without data tells how far the log was read: where `type` leaves out long stretches, who
comes again need not read them again. Readers take note of it, and hand on nothing (HTML, 9.2.6).
"""

from __future__ import annotations

import contextlib
import random
import re
import time
from typing import TYPE_CHECKING, Any, Final

import structlog
from django.http import HttpResponse, StreamingHttpResponse
from prometheus_client import Counter

from api.http.limits import ConcurrencyLimit
from api.http.problems import Problem
from api.http.query import Unreadable, refuse
from api.http.responses import NO_CACHE, event_json
from domain.kernel.values import Bilingual
from infra.database.connection import forget_connection
from infra.eventstore.shared_subscription import LOST, TAIL, Tail
from infra.eventstore.store import EventRecorder, log_size
from infra.web.server import STREAMS

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from infra.eventstore.store import DecisionNotification

log = structlog.get_logger(__name__)

EVENT_STREAM: Final = "text/event-stream"
LAST_EVENT_ID: Final = "Last-Event-ID"

RESERVED_FOR_ACCOUNTS: Final = 4
"""Of a process's streams, those that only accounts are given: passers-by do not keep finance
systems out."""

HEARTBEAT_SECONDS: Final = 5.0
"""A reader that is gone is noticed at the next word to him; then his place is free again."""

LIFE_SECONDS: Final = 600.0
"""After about that long a stream ends, and its reader comes again: places go round, and the
servers behind one address share the readers anew."""

RETRY_MILLISECONDS: Final = 2_000

BATCH: Final = 1_000
WINDOW: Final = 20_000
"""Positions looked through at once for the types wanted, while catching up."""

ASKED: Final = Counter("quartier_event_streams_total", "Streams of events asked for.", ("outcome",))


STREAMS_HERE: Final = ConcurrencyLimit(
    "event-stream",
    STREAMS,
    reserved=RESERVED_FOR_ACCOUNTS,
    busy=Bilingual(
        "Toutes les places pour suivre le fil en continu sont prises. Revenez dans un moment,"
        " ou lisez le fil par pages.",
        "Every place to follow the feed as a stream is taken. Come again in a moment, or read"
        " the feed by pages.",
    ),
)


def stream(
    request: HttpRequest, after: int, types: Sequence[str], *, known: bool
) -> HttpResponseBase:
    """What follows `Last-Event-ID`, or else `after`, as Server-Sent Events.

    Raises:
        Problem: 400, that is no position, or none of this log yet; 503, too many follow.
    """
    name, after = _begin(request, after)
    end = log_size()
    forget_connection()  # a stream that waits holds none
    if after > end:
        # Waiting there would leave out whatever is recorded up to there: this is another log.
        raise refuse(
            name,
            Unreadable("beyond_the_end", f"Lies beyond the end of the log, {end}.", end=end),
        )
    headers = {"Cache-Control": NO_CACHE, "Vary": "Accept", "X-Accel-Buffering": "no"}
    if request.method == "HEAD":
        return HttpResponse(content_type=EVENT_STREAM, headers=headers)
    try:
        STREAMS_HERE.acquire(known=known)
    except Problem:
        ASKED.labels("refused").inc()
        raise
    ASKED.labels("opened").inc()
    try:
        following = Stream(TAIL, STREAMS_HERE, after, types, getattr(request, "id", ""))
    except BaseException:
        STREAMS_HERE.release()
        raise
    return StreamingHttpResponse(following, content_type=EVENT_STREAM, headers=headers)


def _begin(request: HttpRequest, after: int) -> tuple[str, int]:
    """Where to begin, and the name of what says so."""
    given = request.META.get("HTTP_LAST_EVENT_ID", "").strip()
    if not given:  # the way of readers to say that they have seen none
        return "after", after
    if not re.fullmatch(r"\d{1,18}", given, re.ASCII):
        raise refuse(
            LAST_EVENT_ID,
            Unreadable("event_id", "Must be the id of an event that this service gave."),
        )
    return LAST_EVENT_ID, int(given)


class Stream:
    """One reader's stream, an iterator of whole events. It holds its slot until it is closed."""

    def __init__(
        self, tail: Tail, limit: ConcurrencyLimit, after: int, types: Sequence[str], request_id: str
    ) -> None:
        self._limit: ConcurrencyLimit | None = None
        self._chunks = self._follow()
        self._tail = tail
        self._request_id = request_id
        self._types = frozenset(types)
        self._position = self._told = after
        self._began = time.monotonic()
        tail.enter()
        self._limit = limit

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._chunks)
        except StopIteration:
            self.close()
            raise

    def close(self) -> None:
        """Leave, and give the slot back; once."""
        with contextlib.suppress(ValueError):  # it is being read in another thread, and ends there
            self._chunks.close()
        if (limit := self._limit) is not None:
            self._limit = None
            self._tail.leave()
            limit.release()
            lasted = round(time.monotonic() - self._began, 1)
            log.info(
                "event_stream_ended",
                request_id=self._request_id,
                position=self._position,
                seconds=lasted,
            )

    def __del__(self) -> None:
        """Whatever became of the answer: a slot that is not given back is lost."""
        self.close()

    def _follow(self) -> Generator[bytes]:
        yield b"retry: %d\n\n" % RETRY_MILLISECONDS
        ends = self._began + LIFE_SECONDS * random.uniform(0.9, 1.1)  # noqa: S311 - no secret
        spoke = time.monotonic()
        while not self._tail.stopped and time.monotonic() < ends:
            try:
                chunk = self._next(spoke + HEARTBEAT_SECONDS - time.monotonic())
            except LOST as error:
                # Whoever comes again goes on where this ends.
                log.warning("log_unreadable", error=type(error).__name__)
                forget_connection()
                return
            if chunk is None and time.monotonic() >= spoke + HEARTBEAT_SECONDS:
                chunk = self._progress() or b":\n\n"
            if chunk is not None:
                yield chunk
                spoke = time.monotonic()
        if progress := self._progress():
            yield progress

    def _next(self, seconds: float) -> bytes | None:
        """The events wanted among the next ones; None if there are none in that time."""
        seen = self._tail.wait(self._position, max(seconds, 0))
        if seen is None:
            return None
        if seen.events is None:
            events, self._position = self._stored(seen.end)
        else:
            events, self._position = seen.events, seen.end
        wanted = [event for event in events if not self._types or event.topic in self._types]
        if not wanted:
            return None
        self._told = wanted[-1].id
        return b"".join(map(_told, wanted))

    def _stored(self, end: int) -> tuple[Sequence[DecisionNotification], int]:
        """What is wanted of the next stretch of the log, and where that ends."""
        until = min(end, self._position + WINDOW)
        found: Any = EventRecorder().select_notifications(
            self._position,
            BATCH,
            stop=until,
            topics=tuple(self._types),
            inclusive_of_start=False,
        )
        forget_connection()  # his reader may be slow, and the next thing to do is to wait
        return found, found[-1].id if len(found) == BATCH else until

    def _progress(self) -> bytes | None:
        """How far the log was read, if that is further than what was told."""
        if self._position == self._told:
            return None
        self._told = self._position
        return b"id: %d\n\n" % self._told


def _told(event: DecisionNotification) -> bytes:
    return b"id: %d\ndata: %b\n\n" % (event.id, event_json(event))
