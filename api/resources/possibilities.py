"""What can be decided now on a contract, and what stands in the way of the rest."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from api.http.endpoint import Answer, Endpoint, django_request, operation
from api.http.problems import NOT_FOUND
from api.http.query import Parameter, day
from api.http.responses import versioned
from api.resources.forms import said
from domain.catalogue import catalogue
from domain.kernel.act import Act, Body
from domain.kernel.decision import obstacles
from domain.kernel.values import AccountId, Bilingual
from infra.conf.reference import reference
from infra.eventstore.repository import UnknownContract, contracts
from infra.recording.submission import today_in_geneva

if TYPE_CHECKING:
    from django.http import HttpResponse
    from rest_framework.request import Request

    from domain.kernel.contract import Contract
    from domain.kernel.decision import Decision
    from domain.kernel.rule import Finding
    from domain.kernel.values import ContractId

DECIDED_ON: Final = Parameter(
    "decided_on",
    day,
    {"type": "string", "format": "date"},
    Bilingual(
        "Le jour de la décision ; aujourd'hui s'il n'est pas donné.",
        "The day of the decision; today if it is not given.",
    ),
    examples=("2014-04-16",),
)


class Possibilities(Endpoint):
    """Every decision type, judged by the contract alone."""

    @operation(
        Bilingual("Ce qui peut être décidé", "What can be decided"),
        Answer("PossibilityPage", headers=("ETag",)),
        parameters=(DECIDED_ON,),
        problems=(NOT_FOUND,),
    )
    def get(self, request: Request, contract: ContractId) -> HttpResponse:
        today = today_in_geneva(dt.datetime.now(dt.UTC))
        on = self.asked["decided_on"] or today
        with contracts.hold(contract) as held:
            held.catch_up()
            if not held.version:
                raise UnknownContract(contract)
            version = held.version
            every = [
                self._possibility(kind, held.contract, on, today) for kind in catalogue().values()
            ]
        told = {"next": None, "results": every}
        return versioned(self, django_request(request), version, told, today.isoformat())

    def _possibility(
        self, kind: type[Decision], contract: Contract, on: dt.date, today: dt.date
    ) -> dict[str, Any]:
        """One type; `findings` are those of the competent body with the fewest in its way."""
        by_body = {
            body: _in_the_way(kind, contract, body, on, today)
            for body in sorted(kind.taken_by, key=str)
        }
        easiest = min(by_body.values(), key=lambda found: (len(_binding(found)), len(found)))
        return {
            "type": kind.slug,
            "name": said(kind.label()),
            "basis": kind.basis,
            **self._judged(easiest),
            "bodies": [
                {"body": str(body), **self._judged(found)} for body, found in by_body.items()
            ],
        }

    def _judged(self, findings: tuple[Finding, ...]) -> dict[str, Any]:
        return {
            "permitted": not _binding(findings),
            "findings": [finding.as_json(self.language) for finding in findings],
        }


def _in_the_way(
    kind: type[Decision], contract: Contract, body: Body, on: dt.date, today: dt.date
) -> tuple[Finding, ...]:
    act = Act(body, on, AccountId(""), today=today, reference=reference())
    return tuple(obstacles(kind, contract, act))


def _binding(findings: tuple[Finding, ...]) -> list[Finding]:
    """Those that no justification sets aside."""
    return [finding for finding in findings if not finding.departable]
