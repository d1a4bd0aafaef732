"""Money across contracts: the balances, the entries behind them, and sums by what one likes.

    GET /funding/ledger?service=ecoles
    GET /funding/sums?by=service,year
    GET /funding/entries?contract=paquis&valid_at=2016-12-31

Each is a list in pages, and has beside it the same as one file: `/funding/sums.csv` for programs,
`/funding/sums.xlsx` for people (docs/adr/0010).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING, Any, Final

from django.db import connection

from api.http.endpoint import Answer, Endpoint, operation
from api.http.freshness import HEADER
from api.http.problems import NOT_FOUND
from api.http.query import KNOWN_AT, VALID_AT, Parameter, Unreadable, key, one_of, refuse, whole
from api.http.tables import PAGING, listed
from api.resources.views import day_of
from domain.catalogue import catalogue
from domain.kernel.values import KEY_PATTERN, Bilingual
from infra.eventstore.repository import history_of
from infra.eventstore.store import last_of_types
from infra.recording.submission import today_in_geneva
from projections.engine.positions import positions
from projections.engine.sql import select
from projections.engine.view import fold
from projections.tables import ledger_queries
from projections.tables.ledger import ledger
from projections.tables.ledger_queries import BalanceOf, EntryOf, Part
from projections.tables.ledger_sums import GROUPS, KINDS, SumOf, sums

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.http import HttpResponse
    from rest_framework.request import Request

    from domain.kernel.decision import Recorded
    from projections.engine.keyset import Page
    from projections.tables.ledger_queries import Query

# --- What can be asked --------------------------------------------------------------------------

_KEY: Final = {"type": "string", "pattern": KEY_PATTERN}


def _id(text: str) -> str:
    try:
        return key(text)
    except Unreadable:
        raise Unreadable("id", "Must be a short id such as `ecoles`.") from None


def _groups(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if set(names) <= set(GROUPS) and len(set(names)) == len(names):
        return names
    raise Unreadable(
        "groups", f"Must be some of these, each once: {','.join(GROUPS)}.", expected=GROUPS
    )


CONTRACT: Final = Parameter(
    "contract", key, _KEY, Bilingual("Seulement ce contrat.", "Only this contract.")
)
ACTION: Final = Parameter(
    "action", _id, _KEY, Bilingual("Seulement cette action.", "Only this action.")
)
SERVICE: Final = Parameter(
    "service", _id, _KEY, Bilingual("Seulement ce service.", "Only this service.")
)
KIND: Final = Parameter(
    "kind",
    lambda text: KINDS[one_of(*KINDS)(text)],
    {"enum": list(KINDS)},
    Bilingual("Seulement ce genre de financement.", "Only this kind of route."),
)
YEAR: Final = Parameter(
    "year",
    whole(1900, 2200),
    {"type": "integer", "minimum": 1900, "maximum": 2200},
    Bilingual(
        "Seulement ce qui a eu un mouvement durant cet exercice.",
        "Only where money moved in this accounting year.",
    ),
)
BY: Final = Parameter(
    "by",
    _groups,
    {"type": "string", "pattern": f"^({'|'.join(GROUPS)})(,({'|'.join(GROUPS)})){{0,4}}$"},
    Bilingual(
        "Une somme pour chaque combinaison de ceux-ci, dans cet ordre, séparés par des virgules :"
        f" {', '.join(GROUPS)}. Sans cela, une seule somme.",
        "One sum for each combination of these, in this order, separated by commas:"
        f" {', '.join(GROUPS)}. Without it, one sum.",
    ),
    default=(),
    examples=("service,year",),
)
AS_OF: Final = (KNOWN_AT, VALID_AT)
"""Of one contract: its ledger as of a date is folded anew from its decisions."""

PART: Final = (CONTRACT, ACTION, SERVICE, KIND, YEAR, *AS_OF)


@dataclass(frozen=True, slots=True)
class Question:
    """Something the ledger is asked.

    name: the last part of its address.
    page: the name of its answer's schema.
    find: the statement that answers it; given the part of the ledger it is about, what is asked
        besides, the day, and the cursor of the page.
    """

    name: str
    summary: Bilingual
    row: type
    page: str
    parameters: Sequence[Parameter]
    find: Callable[[Part, dict[str, Any], dt.date, str | None], Query[Any]]


def _sums(part: Part, asked: dict[str, Any], today: dt.date, cursor: str | None) -> Query[SumOf]:
    """Sums; refused where actions of several contracts that are called alike would be one."""
    by = asked["by"]
    if part.contract is None and "contract" not in by:
        message = "Actions are named within a contract: ask for one, or add `contract` to `by`."
        for name, asked_for in (("by", "action" in by), ("action", part.action is not None)):
            if asked_for:
                raise refuse(name, Unreadable("alike_actions", message))
    return sums(part, by, today=today, cursor=cursor)


LEDGER: Final = Question(
    "ledger",
    Bilingual("Soldes par contrat, action et financement", "Balances by action and route"),
    BalanceOf,
    "BalancePage",
    PART,
    lambda part, _asked, _today, cursor: ledger_queries.balances(part, cursor),
)
ENTRIES: Final = Question(
    "entries",
    Bilingual("Écritures", "Entries of the ledger"),
    EntryOf,
    "EntryPage",
    PART,
    lambda part, _asked, _today, cursor: ledger_queries.entries(part, cursor),
)
SUMS: Final = Question(
    "sums",
    Bilingual(
        "Sommes par contrat, service, exercice ou genre de financement",
        "Sums by contract, service, year or kind of route",
    ),
    SumOf,
    "SumPage",
    (BY, *PART),
    _sums,
)
QUESTIONS: Final = (LEDGER, ENTRIES, SUMS)


# --- How it is answered -------------------------------------------------------------------------


class Funding(Endpoint):
    """An address at which the ledger is asked something."""

    question: Question

    @cached_property
    def history(self) -> list[Recorded[Any]] | None:
        """The decisions of the contract whose past is asked for; None where the present is."""
        at = {each.name: self.asked[each.name] for each in AS_OF}
        if not any(at.values()):
            return None
        if self.asked["contract"] is None:
            message = "Can only be asked together with `contract`."
            name = next(name for name, value in at.items() if value)
            raise refuse(name, Unreadable("of_no_contract", message))
        return history_of(self.asked["contract"])

    @cached_property
    def day(self) -> dt.date:
        """The day as of which the ledger is asked."""
        if self.history is None:
            return today_in_geneva(dt.datetime.now(dt.UTC))
        return day_of(self.history, self.asked["known_at"], self.asked["valid_at"])

    def find(self, cursor: str | None = None) -> Query[Any]:
        """The statement that answers what is asked.

        Raises:
            BadCursor: the cursor is not one of this list.
            UnknownContract: the past of a contract is asked for that nobody knows.
            Problem: 400, an instant or a day is asked of no contract in particular; 404, the
                contract had not begun.
        """
        asked, day = self.asked, self.day
        named = {each.name: asked[each.name] for each in (CONTRACT, ACTION, SERVICE, KIND, YEAR)}
        rows = None
        if self.history is not None:
            at = {each.name: asked[each.name] for each in AS_OF}
            rows = fold(ledger, self.history, **at)
        return self.question.find(Part(**named, rows=rows), asked, day, cursor)

    def page(self, cursor: str | None, limit: int) -> Page[Any]:
        """A page of what is asked; sums are not added up again while nothing has moved."""
        query = self.find(cursor)
        if self.question is not SUMS or self.history is not None or limit > REMEMBERED_ROWS:
            return query.page(limit)
        return query.page(limit, partial(_remembered, _state_of_the_ledger()))


REMEMBERED_ROWS: Final = 100
"""Rows of an answer that is remembered, at most: of the default page."""

_MOVING: Final = [kind.slug for kind in catalogue().values() if ledger.is_changed_by(kind)]


def _state_of_the_ledger() -> tuple[str, int, int]:
    """Another one whenever the ledger may say something else: its rows, and its last decision."""
    database = str(connection.settings_dict["NAME"])
    at = positions().get(ledger.name)
    if at is None:  # nothing has followed the log yet
        return database, 0, 0
    return database, at.generation, last_of_types(_MOVING, 0, at.position)


@lru_cache(maxsize=32)
def _remembered(
    state: tuple[str, int, int],
    statement: str,
    parameters: tuple[Any, ...],
) -> list[tuple[Any, ...]]:
    return select(statement, parameters)


def _pages(question: Question, name: str, about: str) -> type[Funding]:
    """The address of a question's answer in pages of JSON."""

    @operation(
        question.summary,
        Answer(question.page, headers=(HEADER,)),
        parameters=(*question.parameters, *PAGING),
        problems=(NOT_FOUND,),
    )
    def get(self: Funding, request: Request) -> HttpResponse:
        return listed(self, request, ledger, self.page)

    return type(name, (Funding,), {"__doc__": about, "question": question, "get": get})


Ledger: Final = _pages(
    LEDGER, "Ledger", "The accounts of every action's route; they always add up to nothing."
)
Entries: Final = _pages(
    ENTRIES, "Entries", "Every movement of money, in the order it was recorded."
)
Sums: Final = _pages(
    SUMS,
    "Sums",
    "What moved and what is held, by contract, action, service, kind of route and accounting year.",
)
