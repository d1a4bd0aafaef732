"""A contract under another version of the framework: what would have been refused, or late?"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from api.http.endpoint import Answer, Endpoint, django_request, operation
from api.http.problems import NOT_FOUND, not_found
from api.http.query import KNOWN_AT, Parameter, Unreadable, one_of, refuse
from api.http.responses import versioned
from domain.kernel.framework import FRAMEWORKS
from domain.kernel.values import Bilingual
from infra.audit.counterfactual import counterfactual, framework_of
from infra.eventstore.repository import history_of
from infra.recording.submission import today_in_geneva

if TYPE_CHECKING:
    from django.http import HttpResponse
    from rest_framework.request import Request

    from domain.kernel.values import ContractId

FRAMEWORK: Final = Parameter(
    "framework",
    one_of(*FRAMEWORKS),
    {"enum": list(FRAMEWORKS)},
    Bilingual(
        "La version du Cadre sous laquelle juger ; requise.",
        "The version of the framework to judge under; required.",
    ),
    examples=("pilots-2009",),
)


class Counterfactual(Endpoint):
    """The same history, judged under another version of the framework.

    Each decision is judged on what really came before it. `refused`: binding rules that would
    have stood against it. `unjustified`: departable rules that it would have needed a
    justification for. `no_longer`: what was in its way and would not have been. `requirements`
    are those that conformity answers otherwise under that version, null where it does not ask.
    """

    @operation(
        Bilingual("Sous une autre version du Cadre", "Under another version of the framework"),
        Answer("Counterfactual", headers=("ETag",)),
        parameters=(FRAMEWORK, KNOWN_AT),
        problems=(NOT_FOUND,),
    )
    def get(self, request: Request, contract: ContractId) -> HttpResponse:
        """What differs."""
        if self.asked["framework"] is None:
            raise refuse("framework", Unreadable("missing", "This parameter is required."))
        known_at, now = self.asked["known_at"], dt.datetime.now(dt.UTC)
        history = [r for r in history_of(contract) if known_at is None or r.recorded_at <= known_at]
        if not history:
            raise not_found(
                Bilingual(
                    "Rien n'était encore enregistré de ce contrat à cet instant.",
                    "Nothing of this contract had been recorded by that instant.",
                )
            )
        today = today_in_geneva(min(known_at or now, now))

        def found() -> dict[str, Any]:
            framework = framework_of(self.asked["framework"])
            return counterfactual(history, framework, today=today, language=self.language)

        day = today.isoformat()
        return versioned(self, django_request(request), len(history), found, day)
