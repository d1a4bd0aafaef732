"""Money across contracts: the balances, and the entries behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from api.asking import Parameter, key
from api.endpoint import Answer, Endpoint, operation
from api.tables import PAGING, listed
from domain.values import KEY_PATTERN, Bilingual
from projections import ledger

if TYPE_CHECKING:
    from django.http import HttpResponse
    from rest_framework.request import Request

CONTRACT: Final = Parameter(
    "contract",
    key,
    {"type": "string", "pattern": KEY_PATTERN},
    Bilingual("Seulement ce contrat.", "Only this contract."),
)


class Ledger(Endpoint):
    """The accounts of every action's route; they always add up to nothing."""

    @operation(
        Bilingual("Soldes par contrat, action et financement", "Balances by action and route"),
        Answer("BalancePage"),
        parameters=(CONTRACT, *PAGING),
    )
    def get(self, request: Request) -> HttpResponse:
        return listed(
            self, request, ledger.ledger, ledger.balances, contract=self.asked["contract"]
        )


class Entries(Endpoint):
    """Every movement of money, in the order it was recorded."""

    @operation(
        Bilingual("Écritures", "Entries of the ledger"),
        Answer("EntryPage"),
        parameters=(CONTRACT, *PAGING),
    )
    def get(self, request: Request) -> HttpResponse:
        return listed(self, request, ledger.ledger, ledger.entries, contract=self.asked["contract"])
