"""One contract, as each view of `projections` shows it: today, or as of a date.

    GET /contracts/paquis/roadmap?valid_at=2016-12-31&known_at=2017-05-08T12:00:00Z

The same code answers all three: it folds the decisions that count.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import orjson

from api.http.endpoint import Answer, Endpoint, django_request, operation
from api.http.freshness import HEADER
from api.http.problems import NOT_FOUND, not_found
from api.http.query import KNOWN_AT, VALID_AT
from api.http.responses import versioned
from api.resources.histories import History
from domain.kernel.values import Bilingual
from infra.recording.submission import today_in_geneva
from projections.engine.storage import answer
from projections.engine.view import View, fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpResponse
    from rest_framework.request import Request

    from domain.kernel.decision import Recorded
    from domain.kernel.values import ContractId

NAMES = {
    "bodies": Bilingual("Les instances", "The bodies"),
    "conformity": Bilingual("La conformité au Cadre", "Conformity with the framework"),
    "diagnosis": Bilingual("Le diagnostic partagé", "The shared diagnosis"),
    "funding": Bilingual("Le financement", "The funding"),
    "genealogy": Bilingual("Du besoin à la réalisation", "From need to delivery"),
    "overview": Bilingual("Le contrat en bref", "The contract at a glance"),
    "plenaries": Bilingual("Les conférences de quartier", "The plenaries"),
    "roadmap": Bilingual("La feuille de route", "The roadmap"),
    "timeline": Bilingual("La chronologie", "The timeline"),
}


class ContractView(Endpoint):
    """One contract, as one view shows it."""

    view: View[Any]

    def show(self, request: Request, contract: ContractId) -> HttpResponse:
        """The view's answer; 404 before the contract began."""
        known_at, valid_at = self.asked["known_at"], self.asked["valid_at"]
        history = History(contract)
        day = day_of(history, known_at, valid_at)
        also = (day.isoformat(),) if self.view.depends_on_the_day else ()

        def document() -> bytes:
            if known_at is None and valid_at is None:
                found = answer(self.view, contract, history, day, last=history.last)
                return _of_contract(contract, found.version, found.json)
            doc = fold(self.view, history, known_at=known_at, valid_at=valid_at)
            return _of_contract(contract, len(history), self.view.answer(doc, day))

        told = versioned(self, django_request(request), len(history), document, *also)
        told[HEADER] = str(history.end)
        return told


def _of_contract(contract: ContractId, version: int, document: bytes) -> bytes:
    """A view's document, with the contract it is of and the version that contract is at."""
    return orjson.dumps({"contract": contract, "version": version})[:-1] + b"," + document[1:]


def day_of(
    history: Sequence[Recorded[Any]], known_at: dt.datetime | None, valid_at: dt.date | None
) -> dt.date:
    """The day on which a contract is looked at.

    Raises:
        Problem: 404, the contract had not begun.
    """
    today = today_in_geneva(dt.datetime.now(dt.UTC))
    if known_at is not None and history[0].recorded_at > known_at:
        raise not_found(
            Bilingual(
                "Rien n'était encore enregistré de ce contrat à cet instant.",
                "Nothing of this contract had been recorded by that instant.",
            )
        )
    if valid_at is not None and history[0].act.decided_on > valid_at:
        raise not_found(
            Bilingual(
                "Le contrat n'était pas encore initié à cette date.",
                "The contract had not been initiated by that day.",
            )
        )
    if valid_at is not None:
        return valid_at
    return today if known_at is None else min(today_in_geneva(known_at), today)


def endpoint_of(view: View[Any]) -> type[ContractView]:
    """The endpoint of a view."""
    name = view.name.title().replace("_", "")
    summary = NAMES.get(view.name, Bilingual(view.name, view.name))

    @operation(
        summary,
        Answer(f"{name}View", headers=("ETag", HEADER)),
        parameters=(KNOWN_AT, VALID_AT),
        problems=(NOT_FOUND,),
    )
    def get(self: ContractView, request: Request, contract: ContractId) -> HttpResponse:
        return self.show(request, contract)

    about = view.about.strip()
    return type(f"{name}View", (ContractView,), {"__doc__": about, "view": view, "get": get})
