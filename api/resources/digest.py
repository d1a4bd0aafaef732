"""A day of funding events in one digest: our side of a reconciliation.

`infra/finance/digest.py` says what the digest is over, line by line; anybody can compute his own
from what he has landed, and compare.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from typing import TYPE_CHECKING, Final

from api.http.endpoint import Answer, Endpoint, django_request, operation
from api.http.freshness import HEADER
from api.http.limits import ConcurrencyLimit
from api.http.query import Parameter, Unreadable, day, one_of, refuse
from api.http.responses import NO_CACHE, answered, is_current, not_modified
from domain.kernel.values import Bilingual
from infra.eventstore.store import log_size
from infra.finance import days
from infra.recording.submission import today_in_geneva

if TYPE_CHECKING:
    from django.http import HttpResponse
    from rest_framework.request import Request

DATE: Final = Parameter(
    "date",
    day,
    {"type": "string", "format": "date"},
    Bilingual(
        "Le jour d'enregistrement, à Genève (Europe/Zurich) ; requis, aujourd'hui au plus tard.",
        "The day of recording, in Geneva (Europe/Zurich); required, today at the latest.",
    ),
    examples=("2026-11-22",),
)
LINES: Final = Parameter(
    "lines",
    one_of("true", "false"),
    {"type": "boolean", "default": False},
    Bilingual(
        "« true » : aussi les lignes que l'empreinte couvre, pour trouver la différence.",
        "`true`: the lines that the digest is over as well, to find a difference by.",
    ),
    default="false",
)

FOLDING: Final = ConcurrencyLimit("digest", 2)
"""Days that are being worked out: of a large one that takes seconds."""


class FundingDigest(Endpoint):
    """How many funding events were recorded on a day, and the SHA-256 over their lines.

    One line for each account of each event, in the order of the events, each ended by a line
    feed, its fields separated by single spaces:

        <sequence> <id> <type> <decided_on> <account> <requested> <voted> <enforceable>
        <available> <committed> <spent> <released> <refused>

    `sequence` has 20 digits, `id` is `<contract>/<version>`, and the sums are the balances after
    the event with two decimals. An event about no account has one line, which ends after
    `decided_on`. `complete` is false as long as the day lasts: its digest will change with the
    next event. For everybody, as the ledger is: there is nothing in it that the ledger does not
    show.
    """

    @operation(
        Bilingual(
            "L'empreinte d'un jour d'événements financiers", "The digest of a day of funding events"
        ),
        Answer("FundingDay", headers=("Cache-Control", "ETag", HEADER)),
        parameters=(DATE, LINES),
    )
    def get(self, request: Request) -> HttpResponse:
        date, today = self.asked["date"], today_in_geneva(dt.datetime.now(dt.UTC))
        if date is None:
            raise refuse("date", Unreadable("missing", "This parameter is required."))
        if date > today:
            raise refuse(
                "date",
                Unreadable("future", f"Lies in the future: it is {today}.", now=today.isoformat()),
            )
        lines, complete, end = self.asked["lines"] == "true", date < today, log_size()
        asked = days.asked(date, lines=lines)
        etag = f'"{asked.tag}{"" if complete else "-so-far"}"'
        headers = {"ETag": etag, "Cache-Control": NO_CACHE, HEADER: str(end)}
        if is_current(django_request(request), etag):
            return not_modified(headers)
        with contextlib.nullcontext() if asked.kept else FOLDING.slot():
            told = asked.day().as_json(lines=lines)
        return answered({**told, "complete": complete}, headers=headers)
