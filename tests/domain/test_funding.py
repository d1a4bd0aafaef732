"""How an action is paid for, and what is committed, spent and released (§2, §4.3)."""

from decimal import Decimal

from domain.chapters.follow_up import ActionAbandoned
from domain.chapters.funding import (
    ActionNotApproved,
    BeyondAvailable,
    BeyondCommitted,
    BeyondUnspent,
    CommitmentsOpen,
    CreditPending,
    ExpenditureRecorded,
    FundingRouteChosen,
    FundingRouteReplaced,
    FundsCommitted,
    FundsReleased,
    NoRouteChosen,
    RouteAlreadyChosen,
    RouteFieldMissing,
    RouteFieldOutOfPlace,
)
from domain.chapters.initiation import ContractInterrupted
from domain.kernel.act import Body
from domain.rules.chronology import BeforeItsCause
from domain.rules.following import ActionHasEnded
from domain.rules.money import AmountNotPositive
from domain.rules.references import UnknownService
from tests.domain.given import Laws, day, each_of, given, take
from tests.domain.stages import (
    APPROVED,
    BY_BUDGET,
    BY_CREDIT,
    COUNCIL,
    ENDORSED,
    FUNDED,
    REQUESTED,
    ROUTED,
    SPENT,
    STARTED,
    VOTED,
)

ON_A1 = {"action": "a1", "reference": "C-1"}
ON_A2 = {"action": "a2", "reference": "C-2"}
BY_YOUTH = {**BY_BUDGET.fields, "service": "youth", "reason": "Autre service."}

ABANDONED = (
    *ROUTED,
    take(ActionAbandoned, "2015-09-01", by=COUNCIL, action="a1", reason="Terrain indisponible."),
)
INTERRUPTED = (
    *SPENT,
    take(
        ContractInterrupted,
        "2016-05-01",
        reason="Démission en bloc.",
        continuations=[
            {"action": name, "service": "roads", "what_goes_on": "Le chantier."}
            for name in ("a1", "a2")
        ],
    ),
)


def balance(contract, action):
    route = contract.route(action)
    return tuple(
        str(amount)
        for amount in (
            route.granted,
            route.available,
            route.committed,
            route.spent,
            route.released,
        )
    )


LAWS: Laws = {
    **{
        f"{kind.__name__}: no money moves before it is granted": given(SPENT)
        .when(kind, on="2016-01-04", **ON_A2, amount="1")
        .refused(BeforeItsCause, since=day("2016-01-05"))
        for kind in (FundsCommitted, ExpenditureRecorded, FundsReleased)
    },
    "the council pays from a service's budget": given(APPROVED)
    .when(BY_BUDGET)
    .recorded(lambda c: c.route("a1").available == Decimal(40000)),
    "the council pays by a municipal credit, once it is enforceable": given(APPROVED)
    .when(BY_CREDIT)
    .recorded(lambda c: c.route("a2").granted == 0),
    "the council funds what it has approved": given(ENDORSED)
    .when(BY_BUDGET)
    .refused(ActionNotApproved, action="a1"),
    "the council does not fund what it refused": given(APPROVED)
    .when(FundingRouteChosen, action="a3", route="none_needed")
    .refused(ActionNotApproved),
    "the council funds after it has approved": given(APPROVED)
    .when(BY_BUDGET, on="2015-07-09")
    .refused(ActionNotApproved),
    "what is abandoned is not funded": given(
        APPROVED,
        take(ActionAbandoned, "2015-07-20", by=COUNCIL, action="a1", reason="Indisponible."),
    )
    .when(BY_BUDGET)
    .refused(ActionHasEnded),
    "a route is chosen once": given(ROUTED).when(BY_BUDGET).refused(RouteAlreadyChosen),
    "a service's budget is named by line and year": given(APPROVED)
    .when(BY_BUDGET, budget_line=None, year=None)
    .refused(RouteFieldMissing, field="year"),
    "a credit has no budget line": given(APPROVED)
    .when(BY_CREDIT, budget_line="314.100")
    .refused(RouteFieldOutOfPlace, field="budget_line"),
    "a route that needs no funding has no amount": given(APPROVED)
    .when(FundingRouteChosen, action="a1", route="none_needed", amount="1")
    .refused(RouteFieldOutOfPlace, field="amount"),
    "a route of nothing is none": given(APPROVED)
    .when(BY_BUDGET, amount="0")
    .refused(AmountNotPositive),
    "the service that pays is a known one": given(APPROVED)
    .when(BY_BUDGET, service="nobody")
    .refused(UnknownService),
    "the council pays another way": given(ROUTED)
    .when(FundingRouteReplaced, **BY_YOUTH)
    .recorded(
        lambda c: [str(each.released) for each in c.actions["a1"].routes] == ["40000.00", "0.00"]
    ),
    "what was spent stays in the ledger": given(SPENT)
    .when(FundsReleased, **ON_A1, amount="0.05")
    .recorded(lambda c: balance(c, "a1") == ("40000.00", "0.00", "0.00", "39999.95", "0.05")),
    "replacing is explained": given(ROUTED)
    .when(FundingRouteReplaced, **BY_BUDGET.fields)
    .malformed("reason"),
    "what the council refused has no other route either": given(APPROVED)
    .when(FundingRouteReplaced, action="a3", route="none_needed", reason="Gratuit.")
    .refused(ActionNotApproved, NoRouteChosen),
    "what is abandoned is not paid another way": given(ABANDONED)
    .when(FundingRouteReplaced, **BY_YOUTH)
    .refused(ActionHasEnded),
    "only a route that was chosen is replaced": given(APPROVED)
    .when(FundingRouteReplaced, **BY_YOUTH)
    .refused(NoRouteChosen),
    "commitments are settled before a route is replaced": given(
        ROUTED, take(FundsCommitted, "2015-08-02", **ON_A1, amount="100")
    )
    .when(FundingRouteReplaced, **BY_YOUTH)
    .refused(CommitmentsOpen, committed=Decimal(100)),
    "a requested credit is not replaced behind the municipal council's back": given(REQUESTED)
    .when(FundingRouteReplaced, action="a2", route="none_needed", reason="Mécénat.")
    .refused(CreditPending),
    "nor is a voted one that is not yet enforceable": given(VOTED)
    .when(FundingRouteReplaced, action="a2", route="none_needed", reason="Mécénat.")
    .refused(CreditPending),
    "a route is replaced by a complete one": given(ROUTED)
    .when(FundingRouteReplaced, action="a1", route="service_budget", reason="Autre.")
    .refused(RouteFieldMissing),
    "a route is replaced by one that says only what belongs to it": given(ROUTED)
    .when(FundingRouteReplaced, action="a1", route="none_needed", year=2015, reason="Autre.")
    .refused(RouteFieldOutOfPlace),
    "a route is not replaced by one of nothing": given(ROUTED)
    .when(FundingRouteReplaced, **BY_YOUTH | {"amount": "0.00"})
    .refused(AmountNotPositive),
    "another service that pays is a known one": given(ROUTED)
    .when(FundingRouteReplaced, **BY_YOUTH | {"service": "nobody"})
    .refused(UnknownService),
    "a service commits what is available": given(ROUTED)
    .when(FundsCommitted, **ON_A1, amount="40000")
    .recorded(lambda c: balance(c, "a1") == ("40000.00", "0.00", "40000.00", "0.00", "0.00")),
    "a commitment of nothing is none": given(ROUTED)
    .when(FundsCommitted, **ON_A1, amount="0")
    .refused(AmountNotPositive),
    "money moves on a route": given(APPROVED)
    .when(FundsCommitted, **ON_A1, amount="1")
    .refused(NoRouteChosen),
    "money moves after the route was chosen": given(ROUTED)
    .when(FundsCommitted, on="2015-07-31", **ON_A1, amount="1")
    .refused(NoRouteChosen),
    "no more is committed than is budgeted": given(ROUTED)
    .when(FundsCommitted, **ON_A1, amount="40000.01")
    .refused(BeyondAvailable, available=Decimal(40000)),
    "no credit is used before it is enforceable": given(VOTED)
    .when(FundsCommitted, **ON_A2, amount="0.01")
    .refused(BeyondAvailable, available=Decimal(0)),
    "an enforceable credit is used whole": given(FUNDED)
    .when(FundsCommitted, **ON_A2, amount="200000")
    .recorded(),
    "a service spends what it committed": given(SPENT)
    .when(ExpenditureRecorded, **ON_A2, amount="50000")
    .recorded(lambda c: balance(c, "a2") == ("200000.00", "50000.00", "0.00", "150000.00", "0.00")),
    "an expense of nothing is none": given(SPENT)
    .when(ExpenditureRecorded, **ON_A2, amount="0")
    .refused(AmountNotPositive),
    "nothing is spent without a route": given(APPROVED)
    .when(ExpenditureRecorded, **ON_A1, amount="1")
    .refused(NoRouteChosen),
    "no more is spent than was committed": given(SPENT)
    .when(ExpenditureRecorded, **ON_A2, amount="50000.01")
    .refused(BeyondCommitted, committed=Decimal(50000)),
    "a service gives back what is not needed, the uncommitted first": given(SPENT)
    .when(FundsReleased, **ON_A2, amount="70000")
    .recorded(
        lambda c: balance(c, "a2") == ("200000.00", "0.00", "30000.00", "100000.00", "70000.00")
    ),
    "a release of nothing is none": given(SPENT)
    .when(FundsReleased, **ON_A2, amount="0")
    .refused(AmountNotPositive),
    "nothing is released without a route": given(APPROVED)
    .when(FundsReleased, **ON_A1, amount="1")
    .refused(NoRouteChosen),
    "what was spent is not released": given(SPENT)
    .when(FundsReleased, **ON_A2, amount="100000.01")
    .refused(BeyondUnspent, unspent=Decimal(100000)),
    "only the service moves money": given(STARTED)
    .when(FundsCommitted, by=Body.COMMISSION, **ON_A1, amount="1")
    .not_competent(),
    "bills are paid after an interruption": given(INTERRUPTED)
    .when(ExpenditureRecorded, **ON_A2, amount="50000")
    .recorded(),
    "abandoning releases what was not spent": given(
        SPENT, take(ActionAbandoned, "2016-06-01", by=COUNCIL, action="a2", reason="Trop cher.")
    )
    .when(FundsReleased, **ON_A2, amount="0.01")
    .refused(BeyondUnspent, unspent=Decimal(0)),
}


@each_of(LAWS)
def test_funding(law):
    law.holds()
