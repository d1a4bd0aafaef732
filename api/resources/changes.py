"""What changed in a view of a contract between two dates, and the decision behind each change.

    GET /contracts/paquis/roadmap/changes?from=2015-01-01&to=2016-12-31&axis=valid

`axis=known`, the default, asks what we learned between the two; `axis=valid` what had been decided
between them, as far as we know now. A day stands for its end in Geneva, as in `valid_at`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import orjson

from api.http.endpoint import Answer, Endpoint, django_request, operation
from api.http.limits import ConcurrencyLimit
from api.http.problems import NOT_FOUND, not_found
from api.http.query import (
    KNOWN_AT,
    VALID_AT,
    Parameter,
    Unreadable,
    day,
    demand_order,
    one_of,
    refuse,
)
from api.http.query import instant as read_instant
from api.http.responses import instant, versioned
from domain.kernel.decision import decision_type
from domain.kernel.values import Bilingual
from infra.eventstore.repository import history_of
from infra.recording.submission import GENEVA, today_in_geneva
from projections.catalogue import VIEWS
from projections.changes.changes import ABSENT, changes
from projections.changes.intervals import decided, learned
from projections.engine.view import written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpResponse
    from rest_framework.request import Request

    from domain.kernel.decision import Recorded
    from domain.kernel.values import ContractId
    from projections.changes.changes import Change
    from projections.changes.intervals import Interval

Moment = dt.date | dt.datetime

LIMIT: Final = ConcurrencyLimit("changes", 4)
"""A long history costs up to a second of processor time."""

_MOMENT: Final = {
    "anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]
}


def _moment(text: str) -> Moment:
    """A day or an instant."""
    for read in (day, read_instant):
        try:
            return read(text)
        except Unreadable:
            continue
    raise Unreadable(
        "moment",
        'Must be a day such as "2016-12-31", or an RFC 3339 instant with its offset, such as'
        ' "2017-05-08T12:00:00Z".',
    )


FROM: Final = Parameter(
    "from",
    _moment,
    _MOMENT,
    Bilingual(
        "Depuis cet instant ou la fin de ce jour ; sinon, depuis le début.",
        "Since that instant, or the end of that day; left out, since the beginning.",
    ),
    examples=("2016-12-31", "2017-05-08T12:00:00Z"),
)
TO: Final = Parameter(
    "to",
    _moment,
    _MOMENT,
    Bilingual(
        "Jusqu'à cet instant ou la fin de ce jour ; sinon, jusqu'à maintenant.",
        "Up to that instant, or the end of that day; left out, up to now.",
    ),
    examples=("2017-12-31",),
)
AXIS: Final = Parameter(
    "axis",
    one_of("known", "valid"),
    {"enum": ["known", "valid"], "default": "known"},
    Bilingual(
        "« known » : ce qui a été enregistré entre-temps ; « valid » : ce qui a été décidé.",
        "`known`: what was recorded in between; `valid`: what was decided.",
    ),
    default="known",
)


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when, on one of the two clocks; `since` is None for the beginning."""

    interval: Interval
    since: dt.date | None
    until: dt.date


class Changes(Endpoint):
    """What changed in a view between two dates, each change with the decision that made it.

    The changes are net: what was written and taken back in between does not appear. They are in
    history order, and in that order lead from the view at `from` to the view at `to`: each sets
    `after` at its pointer, or takes away what is there if it has no `after`; a list grows up to
    the place named, or ends before it. `decision` is null where only time has passed: what was
    awaited is missed. What a correction changed is the correction's.
    """

    @operation(
        Bilingual("Ce qui a changé entre deux dates", "What changed between two dates"),
        Answer("Changes", headers=("ETag",)),
        parameters=(FROM, TO, AXIS, KNOWN_AT, VALID_AT),
        problems=(NOT_FOUND,),
    )
    def get(self, request: Request, contract: ContractId, view: str) -> HttpResponse:
        """The changes of one view."""
        if view not in VIEWS:
            known = ", ".join(VIEWS)
            raise not_found(
                Bilingual(
                    f"Il n'y a pas de vue « {view} » ; il y a : {known}.",
                    f"There is no view “{view}”; there are: {known}.",
                )
            )
        now = dt.datetime.now(dt.UTC)
        history = history_of(contract)
        asked = self.asked
        span = (_recorded if asked["axis"] == "known" else _decided)(asked, history, now)

        def found() -> bytes:
            until = asked["to"] or today_in_geneva(now)
            told = {
                "contract": contract,
                "version": len(history),
                "view": view,
                "axis": asked["axis"],
                "from": _said(asked["from"]),
                "to": _said(until),
            }
            with LIMIT.slot():
                changed = changes(VIEWS[view], span.interval, since=span.since, until=span.until)
            return written({**told, "changes": _listed(changed)})

        today = today_in_geneva(now).isoformat()
        return versioned(self, django_request(request), len(history), found, today)


# --- Which two states ---------------------------------------------------------------------------


def _recorded(asked: dict[str, Any], history: Sequence[Recorded[Any]], now: dt.datetime) -> Span:
    """What was recorded between two instants."""
    _demand_axis(asked, "known_at")
    first = history[0].recorded_at
    since, until = (_instant(asked, name, first, now) for name in ("from", "to"))
    until = until or now
    demand_order(since, until)
    if (valid_at := asked["valid_at"]) is not None:
        return Span(learned(history, since, until, valid_at), valid_at, valid_at)
    interval = learned(history, since, until)
    return Span(interval, since and today_in_geneva(since), today_in_geneva(until))


def _decided(asked: dict[str, Any], history: Sequence[Recorded[Any]], now: dt.datetime) -> Span:
    """What was decided between two days, as far as was known at an instant."""
    _demand_axis(asked, "valid_at")
    known = [r for r in history if asked["known_at"] is None or r.recorded_at <= asked["known_at"]]
    if not known:
        raise refuse("known_at", _before(history[0].recorded_at))
    first, today = known[0].act.decided_on, today_in_geneva(now)
    since, until = (_day(asked, name, first, today) for name in ("from", "to"))
    until = until or today
    demand_order(since, until)
    return Span(decided(known, since, until), since, until)


def _demand_axis(asked: dict[str, Any], other: str) -> None:
    if asked[other] is not None:
        raise refuse(
            other,
            Unreadable(
                "with_axis",
                f"Cannot be asked together with axis={asked['axis']}: from and to say that.",
                axis=asked["axis"],
            ),
        )


def _instant(
    asked: dict[str, Any], name: str, first: dt.datetime, now: dt.datetime
) -> dt.datetime | None:
    """The instant that a parameter names; of a day, its last, or now if it is today."""
    moment = asked[name]
    if moment is None:
        return None
    if not isinstance(moment, dt.datetime):
        if moment > today_in_geneva(now):
            raise refuse(name, _after(today_in_geneva(now)))
        following = dt.datetime.combine(moment + dt.timedelta(1), dt.time.min, GENEVA)
        moment = min(following.astimezone(dt.UTC) - dt.timedelta(microseconds=1), now)
    if moment > now:
        raise refuse(name, _after(now))
    if moment < first:
        raise refuse(name, _before(first))
    return moment


def _day(asked: dict[str, Any], name: str, first: dt.date, today: dt.date) -> dt.date | None:
    """The day that a parameter names; of an instant, the legal day."""
    moment = asked[name]
    if moment is None:
        return None
    if isinstance(moment, dt.datetime):
        moment = today_in_geneva(moment)
    if moment > today:
        raise refuse(name, _after(today))
    if moment < first:
        raise refuse(name, _before(first))
    return moment


def _after(now: Moment) -> Unreadable:
    return Unreadable("future", f"Lies in the future: it is {_said(now)}.", now=_said(now))


def _before(first: Moment) -> Unreadable:
    return Unreadable(
        "before_the_first",
        f"Lies before the contract's first decision: {_said(first)}. Leave `from` out to ask for"
        " everything since the beginning.",
        first=_said(first),
    )


# --- What is told -------------------------------------------------------------------------------


def _said(moment: Moment | None) -> str | None:
    if isinstance(moment, dt.datetime):
        return instant(moment)
    return None if moment is None else moment.isoformat()


@cache
def _names(slug: str) -> dict[str, str]:
    return decision_type(slug).label()._asdict()


def _decision(by: Recorded[Any]) -> orjson.Fragment:
    """Who made a change, written once: most decisions make several."""
    return orjson.Fragment(
        orjson.dumps(
            {
                "position": by.position,
                "type": by.decision.slug,
                "name": _names(by.decision.slug),
                "body": by.act.body.value,
                "decided_on": by.act.decided_on,
                "recorded_at": instant(by.recorded_at),
            }
        )
    )


def _listed(found: list[Change]) -> list[dict[str, Any]]:
    decisions: dict[int, orjson.Fragment] = {}
    listed = []
    for change in found:
        told: dict[str, Any] = {"pointer": change.pointer}
        if change.before is not ABSENT:
            told["before"] = change.before
        if change.after is not ABSENT:
            told["after"] = change.after
        by = change.by
        if by is not None and by.position not in decisions:
            decisions[by.position] = _decision(by)
        told["decision"] = decisions[by.position] if by else None
        listed.append(told)
    return listed
