"""Closure, and what goes on without the contract (§4.5)."""

from decimal import Decimal

from domain.chapters.closure import (
    ActionNotSettled,
    ClosedBeforeItsTime,
    ClosureAlreadyOpen,
    ClosureNotOpen,
    ClosureOpened,
    ContractClosed,
    CreditLeftOpen,
    FinalReportAdopted,
)
from domain.chapters.commission import DelegatesResigned
from domain.chapters.credit import CreditRequested
from domain.chapters.follow_up import ActionAbandoned
from domain.chapters.funding import FundingRouteChosen
from domain.kernel.life_cycle import Standing
from domain.rules.gathering import PlenaryOverdue
from tests.domain.given import Laws, day, each_of, given, person, take, told
from tests.domain.stages import (
    CLOSED,
    CLOSES,
    CLOSING,
    COMPLETED,
    COUNCIL,
    HANDED_OVER,
    action,
)

BEFORE_CLOSING = CLOSING[:-1]
GIVES_BACK = tuple(taken for taken in HANDED_OVER if taken.fields.get("reference") == "L-1")
UNSPENT = tuple(taken for taken in HANDED_OVER if taken not in GIVES_BACK)
PAID_BY_CREDIT = tuple(
    take(
        FundingRouteChosen,
        taken.decided_on,
        action="a5",
        route="municipal_credit",
        amount="500",
    )
    if taken.fields.get("route") == "none_needed"
    else taken
    for taken in CLOSING
    if not (taken.kind.__name__ == "ActionStarted" and taken.fields["action"] == "a5")
)

LAWS: Laws = {
    "the council opens the closure": given(BEFORE_CLOSING)
    .when(ClosureOpened, on="2018-06-16", text="Quatre ans ont passé.")
    .recorded(lambda c: c.closure_opened_on == day("2018-06-16")),
    "closure is opened once": given(CLOSING).when(ClosureOpened).refused(ClosureAlreadyOpen),
    "a contract lasts four years": given(BEFORE_CLOSING)
    .when(ClosureOpened, on="2018-06-15")
    .refused(ClosedBeforeItsTime, due=day("2018-06-16")),
    "closing early needs a justification": given(BEFORE_CLOSING)
    .when(ClosureOpened, on="2018-05-01", departing=[ClosedBeforeItsTime])
    .recorded(),
    "a plenary takes place every year up to the closure": given(COMPLETED)
    .when(ClosureOpened, on="2018-06-20")
    .refused(PlenaryOverdue, last=day("2017-04-25")),
    "closing without the year's plenary needs a justification": given(COMPLETED)
    .when(ClosureOpened, on="2018-06-20", departing=[PlenaryOverdue])
    .recorded(),
    "the commission adopts its account": given(HANDED_OVER)
    .when(FinalReportAdopted, text="Ce qui a été fait.")
    .recorded(),
    "the account follows the opening of the closure": given(BEFORE_CLOSING)
    .when(FinalReportAdopted, text="Ce qui a été fait.")
    .refused(ClosureNotOpen),
    "the council closes the contract": given(HANDED_OVER)
    .when(ContractClosed, text="Merci à toutes et à tous.")
    .recorded(lambda c: c.standing is Standing.CLOSED),
    "the end is prepared before it is decided": given(BEFORE_CLOSING)
    .when(ContractClosed)
    .refused_among_others(ClosureNotOpen),
    "every action has ended or found a relay": given(CLOSING)
    .when(CLOSES)
    .refused(ActionNotSettled, action="a5"),
    "a proposal that nobody chose is not settled": given(
        HANDED_OVER, action("a9", "2018-07-02", "n1")
    )
    .when(CLOSES)
    .refused(ActionNotSettled, action="a9"),
    "a contract without quorum still closes": given(
        HANDED_OVER,
        take(
            DelegatesResigned,
            "2018-08-01",
            persons=[person("anna"), person("bruno")],
            reason="Quatre ans, c'est long.",
        ),
    )
    .when(CLOSES)
    .recorded(),
    "what is left of a credit is given back": given(UNSPENT)
    .when(CLOSES)
    .refused(CreditLeftOpen, action="a2", unspent=Decimal(60000)),
    "no credit awaits an answer": given(
        PAID_BY_CREDIT,
        take(
            CreditRequested,
            "2018-06-21",
            action="a5",
            proposal="PR-1300",
            gross="500",
            net="500",
        ),
    )
    .when(CLOSES)
    .refused(CreditLeftOpen, ActionNotSettled, action="a5"),
    "abandoning an action withdraws its request": given(
        PAID_BY_CREDIT,
        take(
            CreditRequested,
            "2018-06-21",
            action="a5",
            proposal="PR-1300",
            gross="500",
            net="500",
        ),
        take(ActionAbandoned, "2018-06-25", by=COUNCIL, action="a5", reason="Sans objet."),
    )
    .when(CLOSES)
    .recorded(),
}


@each_of(LAWS)
def test_closure(law):
    law.holds()


def test_a_closed_contract_stays_as_it_is():
    contract = told(CLOSED)
    assert contract.standing is Standing.CLOSED
    assert all(known.settled for known in contract.actions.values())
