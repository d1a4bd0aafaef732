"""How what was asked for is answered: JSON with its version, its permissions and its caching."""

from __future__ import annotations

import hashlib
from datetime import UTC
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import orjson
from django.conf import settings
from django.http import HttpResponse, HttpResponseNotModified
from django.utils.http import parse_etags

from domain.kernel.decision import Decision
from domain.kernel.payload import content_of
from infra.vault import may_read_restricted, render_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from django.http import HttpRequest

    from api.http.endpoint import Endpoint
    from domain.kernel.decision import Recorded
    from infra.eventstore.store import DecisionNotification
    from infra.recording.recording import Outcome

CREATED: Final = HTTPStatus.CREATED

JSON: Final = "application/json"

NO_CACHE: Final = "no-cache"
"""Kept if you like, but ask each time whether it still holds."""

FOR_EVER: Final = "public, max-age=31536000, immutable"
"""The same bytes for everybody and always."""

VARIES: Final = "Authorization, Accept-Language"


def answered(
    value: Any, status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """A JSON value; bytes are JSON already."""
    return HttpResponse(_written(value), content_type=JSON, status=status, headers=headers)


def _written(value: Any) -> bytes:
    return value if isinstance(value, bytes) else orjson.dumps(value)


def etag_of(version: int, *also: str) -> str:
    """The ETag of a contract: its version, and what else an answer depends on."""
    return f'"{";".join((str(version), *also))}"'


def own_caching(endpoint: Endpoint, version: int, *also: str) -> dict[str, str]:
    """How long an answer of a contract holds for this reader, by headers.

    Its ETag is shared by the readers who are shown the same: those who may read restricted
    texts, or the others, in one language.
    """
    shown = "restricted" if may_read_restricted(endpoint.reader) else "public"
    return {
        "ETag": etag_of(version, *also, shown, endpoint.language),
        "Cache-Control": NO_CACHE if endpoint.account is None else f"private, {NO_CACHE}",
        "Vary": VARIES,
    }


def page_after(request: HttpRequest, cursor: object) -> str | None:
    """The address of the page after this cursor; None if that was the last page."""
    if cursor is None:
        return None
    query = request.GET.copy()
    query["after"] = str(cursor)
    return address(f"{request.path}?{query.urlencode()}")


def address(path: str) -> str:
    """The address of a path of this service: below `PUBLIC_URL`, or as it is.

    Never by what a request says of itself: a client that follows an address sends its token there.
    """
    return f"{settings.PUBLIC_URL}{path}"


def versioned(
    endpoint: Endpoint, request: HttpRequest, version: int, value: Any, *also: str
) -> HttpResponse:
    """What is told of a contract at a version; 304 if the reader has it already.

    `value` may be a function, so that nothing is made for nobody. Free texts are joined as this
    reader may read them now. `also` is what else it depends on.
    """
    said = own_caching(endpoint, version, *also)
    if is_current(request, said["ETag"]):
        return not_modified(said)
    if request.method == "HEAD":
        return without_content(said, JSON)
    written = _written(value() if callable(value) else value)
    joined = render_json(written, reader=endpoint.reader, language=endpoint.language)
    return answered(joined, headers=said)


def not_modified(headers: Mapping[str, str]) -> HttpResponse:
    """The reader has it already."""
    return HttpResponseNotModified(headers=headers)


def without_content(headers: Mapping[str, str], content_type: str | None = None) -> HttpResponse:
    """The answer to HEAD where the content would have to be made for nothing but its length.

    `Content-Length` may be left out then (RFC 9110, section 9.3.2).
    """
    return HttpResponse(content_type=content_type, headers=headers)


def is_current(request: HttpRequest, etag: str) -> bool:
    """Whether the reader has this version: `If-None-Match` compares weakly (RFC 9110, 13.1.2)."""
    given = parse_etags(request.META.get("HTTP_IF_NONE_MATCH", ""))
    return given == ["*"] or etag in {each.removeprefix("W/") for each in given}


class Described:
    """An answer that follows from the decision types alone: made once for those registered.

    Args:
        make: makes it.
        content_type: its media type.
        caching: its `Cache-Control`.
    """

    def __init__(
        self, make: Callable[[], bytes], content_type: str, caching: str = NO_CACHE
    ) -> None:
        self._make = make
        self._content_type = content_type
        self._caching = caching
        self._made: tuple[tuple[type[Decision], ...], bytes, str] | None = None

    def answer(self, request: HttpRequest) -> HttpResponse:
        """It, or that the reader has it already."""
        body, etag = self._current()
        headers = {"ETag": etag, "Cache-Control": self._caching}
        if is_current(request, etag):
            return not_modified(headers)
        return HttpResponse(body, content_type=self._content_type, headers=headers)

    def _current(self) -> tuple[bytes, str]:
        kinds = tuple(Decision.registry.values())
        if self._made is None or self._made[0] != kinds:
            body = self._make()
            self._made = (kinds, body, f'"{hashlib.sha256(body).hexdigest()[:20]}"')
        return self._made[1:]


# --- Decisions ----------------------------------------------------------------------------------


def recorded_json(recorded: Recorded[Any]) -> dict[str, Any]:
    """A recorded decision; free texts are still references."""
    content = content_of(recorded.decision, recorded.act)
    return {
        "position": recorded.position,
        "contract": recorded.contract,
        "version": recorded.version,
        "type": recorded.decision.slug,
        "body": recorded.act.body.value,
        "basis": recorded.decision.basis,
        "decided_on": recorded.act.decided_on.isoformat(),
        "recorded_at": instant(recorded.recorded_at),
        "recorded_by": recorded.recorded_by,
        "data": content["data"],
        "evidence": content.get("evidence", []),
        "departures": content.get("departures", {}),
    }


def event_json(event: DecisionNotification) -> bytes:
    """An event as it is stored: its circumstances, then its payload in the very bytes.

    It has no line break: JSON needs none, and canonical JSON has none.
    """
    circumstances = orjson.dumps(
        {
            "position": event.id,
            "contract": event.originator_id,
            "version": event.originator_version,
            "type": event.topic,
            "schema": event.schema,
            "body": event.body,
            "decided_on": event.decided_on,
            "recorded_at": instant(event.recorded_at),
            "recorded_by": event.recorded_by,
        }
    )
    return circumstances[:-1] + b"," + event.state[1:]


def instant(moment: datetime) -> str:
    """UTC with microseconds and Z, always as long."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def created(endpoint: Endpoint, outcome: Outcome, location: str) -> HttpResponse:
    """A decision was recorded, now or by the first of several equal requests."""
    recorded = outcome.recorded
    return answered(
        render_json(
            orjson.dumps(recorded_json(recorded)),
            reader=endpoint.reader,
            language=endpoint.language,
            just_kept=outcome.texts,
        ),
        CREATED,
        {
            "ETag": etag_of(recorded.version),
            "Location": location,
            "Cache-Control": "no-store",
        },
    )
