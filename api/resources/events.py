"""The feed: every decision as it is stored, in the one order they were recorded in.

What is served here never changes, so it holds no free text, only the references to them
(`{"text": …, "digest": …}`): a text can be erased, and not everybody may read it. Texts are
joined in a contract's history.

It can be read by pages, as lines up to the end of the log, or as a stream that goes on with what
is recorded (`api/resources/stream.py`).
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import orjson
from django.http import HttpResponse, StreamingHttpResponse

from api.http import problems
from api.http.endpoint import Answer, Endpoint, django_request, operation
from api.http.limits import ConcurrencyLimit
from api.http.query import AFTER_POSITION, LIMIT, Parameter, Unreadable, refuse
from api.http.responses import (
    FOR_EVER,
    JSON,
    NO_CACHE,
    event_json,
    is_current,
    not_modified,
    page_after,
    without_content,
)
from api.resources import stream
from domain.catalogue import catalogue
from domain.kernel.decision import UnknownDecisionType, decision_type
from domain.kernel.history import Correction
from domain.kernel.values import Bilingual
from infra.eventstore.store import EventRecorder, log_size
from infra.relay.accounts import MONEY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase
    from rest_framework.request import Request

    from infra.eventstore.store import DecisionNotification

NDJSON: Final = "application/x-ndjson"
LINES: Final = ConcurrencyLimit("lines", 4)
CACHING: Final = {"Cache-Control": NO_CACHE, "Vary": "Accept"}
BATCH: Final = 500
"""Events read at a time while streaming: what is in memory at once."""


def _slug(text: str) -> str:
    try:
        return decision_type(text).slug
    except UnknownDecisionType:
        raise Unreadable("decision_type", "Must be the name of a decision type.") from None


_CORRECTIONS: Final = sorted(
    kind.slug for kind in catalogue().values() if issubclass(kind, Correction)
)
TYPE: Final = Parameter(
    "type",
    _slug,
    {"type": "array", "items": {"type": "string"}},
    Bilingual(
        "Seulement ce type de décision ; peut être répété.",
        "Only this type of decision; may be repeated.",
    ),
    default=(),
    several=True,
    examples=([*sorted(kind.slug for kind in MONEY), *_CORRECTIONS],),
)


class Feed(Endpoint):
    """Every decision, by position: a page, lines, or a stream that goes on.

    `Accept: application/x-ndjson` gives one event a line, up to the end of the log.

    `Accept: text/event-stream` gives Server-Sent Events and goes on with what is recorded: every
    event wanted once, in order, its position as `id` and the event as `data`; `event` is not
    used, its `type` is in the data. An `id` without data tells how far the log was read. A stream
    ends after some minutes, or with the server: come again with `Last-Event-ID`, as `EventSource`
    does by itself, and nothing is missed or doubled. The ids are positions of this log: one
    beyond its end is refused (400). Where too many follow already, the answer is 503 with
    `Retry-After`; `EventSource` gives up then, and has to be made anew.

    The first example of `type` is everything about money.
    """

    @operation(
        Bilingual("Le fil des décisions", "The feed of decisions"),
        Answer("EventPage", headers=("Cache-Control", "ETag")),
        Answer("Event", media_type=NDJSON),
        Answer({"type": "string"}, media_type=stream.EVENT_STREAM),
        parameters=(AFTER_POSITION, LIMIT, TYPE),
        headers=(stream.LAST_EVENT_ID,),
    )
    def get(self, request: Request) -> HttpResponseBase:
        http, asked = django_request(request), self.asked
        if request.accepted_media_type == stream.EVENT_STREAM:
            if "limit" in http.GET:
                raise refuse("limit", Unreadable("with_stream", "A stream has no limit."))
            return stream.stream(
                http, asked["after"], asked["type"], known=self.account is not None
            )
        if request.accepted_media_type == NDJSON:
            limit = asked["limit"] if "limit" in http.GET else None
            if http.method == "HEAD":
                return without_content(CACHING, NDJSON)
            return _stream(asked["after"], limit, asked["type"])
        return _page(http, asked["after"], asked["limit"], asked["type"])


class Event(Endpoint):
    """One decision, by its position."""

    @operation(
        Bilingual("Une décision, telle qu'elle est conservée", "One decision, as it is stored"),
        Answer("Event", headers=("Cache-Control",)),
    )
    def get(self, request: Request, position: int) -> HttpResponse:
        found = _select(position - 1, 1, ())
        if not found or found[0].id != position:
            raise problems.not_found(
                Bilingual(
                    f"Aucune décision n'est à la position {position}.",
                    f"No decision is at position {position}.",
                )
            )
        return HttpResponse(
            event_json(found[0]), content_type=JSON, headers={"Cache-Control": FOR_EVER}
        )


def _select(after: int, limit: int, types: Sequence[str]) -> Sequence[DecisionNotification]:
    found: Any = EventRecorder().select_notifications(
        after, limit, topics=types, inclusive_of_start=False
    )
    return found


def _page(request: HttpRequest, after: int, limit: int, types: Sequence[str]) -> HttpResponse:
    """A full page stays as it is for ever: nothing is ever recorded in the middle of the order."""
    events = _select(after, limit, types)
    full = len(events) == limit
    headers = {"Cache-Control": FOR_EVER if full else NO_CACHE, "Vary": "Accept"}
    if not full:
        headers["ETag"] = f'"{after}-{events[-1].id if events else after}"'
        if is_current(request, headers["ETag"]):
            return not_modified(headers)
    following = orjson.dumps(page_after(request, events[-1].id if full else None))
    body = b'{"next":%b,"results":[%b]}' % (following, b",".join(map(event_json, events)))
    return HttpResponse(body, content_type=JSON, headers=headers)


@LINES.until_sent
def _stream(after: int, limit: int | None, types: Sequence[str]) -> StreamingHttpResponse:
    """One event a line, up to the end of the log as it is now."""
    end = log_size()

    def lines() -> Iterator[bytes]:
        position, left = after, limit if limit is not None else end
        while left > 0 and (events := _select(position, min(BATCH, left), types)):
            here = [event for event in events if event.id <= end]
            yield b"".join(chain.from_iterable((event_json(event), b"\n") for event in here))
            if len(here) < len(events):
                return
            position, left = events[-1].id, left - len(events)

    return StreamingHttpResponse(lines(), content_type=NDJSON, headers=CACHING)
