"""How what was asked for is answered: JSON with its version, its permissions and its caching."""

from __future__ import annotations

from datetime import UTC
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import orjson
from django.http import HttpResponse, HttpResponseNotModified

from domain.stored import content_of
from infra.vault import render_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from django.http import HttpRequest

    from api.endpoint import Endpoint
    from domain.decision import Recorded
    from infra.recording import Outcome
    from infra.store import DecisionNotification

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


def page_after(request: HttpRequest, cursor: object) -> str | None:
    """The address of the page after this cursor; None if that was the last page."""
    if cursor is None:
        return None
    query = request.GET.copy()
    query["after"] = str(cursor)
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


def versioned(
    endpoint: Endpoint, request: HttpRequest, etag: str, value: Any, **headers: str
) -> HttpResponse:
    """A value of which the reader may have the present version already: 304 then.

    `value` may be a function, so that nothing is made for nobody. Free texts are joined as this
    reader may read them now.
    """
    said = {"ETag": etag, "Cache-Control": NO_CACHE, "Vary": VARIES, **headers}
    if is_current(request, etag):
        return not_modified(said)
    written = _written(value() if callable(value) else value)
    joined = render_json(written, reader=endpoint.reader, language=endpoint.language)
    return answered(joined, headers=said)


def not_modified(headers: Mapping[str, str]) -> HttpResponse:
    """The reader has it already."""
    return HttpResponseNotModified(headers=headers)


def is_current(request: HttpRequest, etag: str) -> bool:
    """Whether the reader says that he has this version."""
    given = request.META.get("HTTP_IF_NONE_MATCH")
    if given is None:
        return False
    if given.strip() == "*":
        return True
    return etag in {each.strip().removeprefix("W/") for each in given.split(",")}


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
