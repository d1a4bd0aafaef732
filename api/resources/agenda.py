"""What is to come, and who has not answered, across contracts."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import TYPE_CHECKING, Final

from api.http.endpoint import Answer, Endpoint, operation
from api.http.freshness import HEADER
from api.http.query import Parameter, day, demand_order, one_of
from api.http.tables import PAGING, listed
from api.resources.funding import CONTRACT
from domain.kernel.values import Bilingual
from infra.recording.submission import today_in_geneva
from projections.tables import calendar, silences

if TYPE_CHECKING:
    from django.http import HttpResponse
    from rest_framework.request import Request

_DAY: Final = {"type": "string", "format": "date"}
_OCCASIONS: Final = {str(occasion): occasion for occasion in calendar.Occasion}

SINCE: Final = Parameter("from", day, _DAY, Bilingual("Dès ce jour.", "From this day on."))
UNTIL: Final = Parameter("to", day, _DAY, Bilingual("Jusqu'à ce jour.", "Up to this day."))
OCCASION: Final = Parameter(
    "occasion",
    one_of(*_OCCASIONS),
    {"enum": list(_OCCASIONS)},
    Bilingual("Seulement ce genre d'échéance.", "Only this kind of occasion."),
)
ALL: Final = Parameter(
    "state",
    one_of("running", "all"),
    {"enum": ["running", "all"], "default": "running"},
    Bilingual(
        "« running » : sans réponse ; « all » : aussi celles qui ont reçu réponse.",
        "`running`: unanswered; `all`: the answered ones too.",
    ),
    default="running",
)


class Calendar(Endpoint):
    """What takes place, and what is due, on which day."""

    @operation(
        Bilingual("Le calendrier", "The calendar"),
        Answer("DayPage", headers=(HEADER,)),
        parameters=(SINCE, UNTIL, CONTRACT, OCCASION, *PAGING),
    )
    def get(self, request: Request) -> HttpResponse:
        asked = self.asked
        demand_order(asked["from"], asked["to"])
        return listed(
            self,
            request,
            calendar.calendar,
            calendar.days,
            since=asked["from"] or dt.date.min,
            until=asked["to"] or dt.date.max,
            contract=asked["contract"],
            occasion=asked["occasion"] and _OCCASIONS[asked["occasion"]],
        )


class Silences(Endpoint):
    """Who was asked and has not answered, the longest silence first."""

    @operation(
        Bilingual("Les silences", "The silences"),
        Answer("SilencePage", headers=(HEADER,)),
        parameters=(CONTRACT, ALL, *PAGING),
    )
    def get(self, request: Request) -> HttpResponse:
        today = today_in_geneva(dt.datetime.now(dt.UTC))
        return listed(
            self,
            request,
            silences.silences,
            partial(silences.clocks, today),
            contract=self.asked["contract"],
            running=self.asked["state"] == "running",
        )
