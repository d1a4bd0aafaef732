"""Credits of the municipal council: requested, voted, refused (§2, §4.3)."""

from dataclasses import replace
from decimal import Decimal

from domain.chapters.credit import (
    CreditInCourse,
    CreditRefused,
    CreditRequested,
    Instrument,
    NoCreditRequested,
    NotADeliberation,
    NotByCredit,
)
from domain.chapters.follow_up import ActionAbandoned
from domain.chapters.initiation import ContractSuspended
from domain.rules.chronology import NotYetHappened
from domain.rules.following import ActionHasEnded
from domain.rules.money import AmountNotPositive, NetAboveGross, PublishedBeforeVoted
from tests.domain.given import Laws, day, each_of, given, take
from tests.domain.stages import COUNCIL, FUNDED, REQUESTED, ROUTED, VOTED, VOTES_CREDIT

ASKS = {"action": "a2", "proposal": "PR-1101", "gross": "5648000", "net": "4248000"}
REFUSES = {"action": "a2", "reference": "PV 12"}
REFUSED = (*REQUESTED, take(CreditRefused, "2015-11-10", **REFUSES))
A2_ABANDONED = take(ActionAbandoned, "2015-09-01", by=COUNCIL, action="a2", reason="Trop chère.")

LAWS: Laws = {
    "the council asks for a credit": given(ROUTED)
    .when(CreditRequested, **ASKS)
    .recorded(lambda c: c.route("a2").credit == "requested"),
    "a credit is asked for where that is the route": given(ROUTED)
    .when(CreditRequested, **ASKS | {"action": "a1"})
    .refused(NotByCredit, action="a1"),
    "a credit is asked for after the route was chosen": given(ROUTED)
    .when(CreditRequested, on="2015-07-31", **ASKS)
    .refused(NotByCredit),
    "a credit is asked for once": given(REQUESTED)
    .when(CreditRequested, **ASKS)
    .refused(CreditInCourse),
    "an enforceable credit is not asked for again": given(FUNDED)
    .when(CreditRequested, **ASKS)
    .refused(CreditInCourse),
    "after a refusal it may be asked for again": given(REFUSED)
    .when(CreditRequested, **ASKS)
    .recorded(),
    "no credit is asked for what is abandoned": given(ROUTED, A2_ABANDONED)
    .when(CreditRequested, **ASKS)
    .refused(ActionHasEnded),
    "a credit of nothing is none": given(ROUTED)
    .when(CreditRequested, **ASKS | {"gross": "0", "net": "0"})
    .refused(AmountNotPositive),
    "the net amount is at most the gross": given(ROUTED)
    .when(CreditRequested, **ASKS | {"net": "5648000.01"})
    .refused(NetAboveGross, gross=Decimal(5648000)),
    "the municipal council votes the credit": given(REQUESTED)
    .when(VOTES_CREDIT, published_on="2015-11-16")
    .recorded(lambda c: c.route("a2").voted == Decimal(200000)),
    "the municipal council may vote less": given(REQUESTED)
    .when(VOTES_CREDIT, gross="150000.50", net="150000.50")
    .recorded(lambda c: c.route("a2").voted == Decimal("150000.50")),
    "the municipal council votes while the contract is suspended": given(
        REQUESTED, take(ContractSuspended, "2015-10-01", reason="Élections.")
    )
    .when(VOTES_CREDIT)
    .recorded(),
    "the municipal council answers a request": given(ROUTED)
    .when(VOTES_CREDIT)
    .refused(NoCreditRequested),
    "the answer follows the request": given(REQUESTED)
    .when(VOTES_CREDIT, on="2015-08-19")
    .refused(NoCreditRequested),
    "a request for what is abandoned awaits no answer": given(REQUESTED, A2_ABANDONED)
    .when(VOTES_CREDIT)
    .refused(NoCreditRequested),
    "a motion cannot fund": given(REQUESTED)
    .when(VOTES_CREDIT, instrument="motion")
    .refused(NotADeliberation, instrument=Instrument.MOTION),
    "nor can a resolution": given(REQUESTED)
    .when(VOTES_CREDIT, instrument="resolution")
    .refused(NotADeliberation),
    "a vote for nothing is none": given(REQUESTED)
    .when(VOTES_CREDIT, gross="0", net="0")
    .refused(AmountNotPositive),
    "the voted net amount is at most the gross": given(REQUESTED)
    .when(VOTES_CREDIT, net="200000.01")
    .refused(NetAboveGross),
    "a deliberation is published after it is voted": given(REQUESTED)
    .when(VOTES_CREDIT, published_on="2015-11-09")
    .refused(PublishedBeforeVoted, decided_on=day("2015-11-10")),
    "a deliberation is not said to be published beforehand": given(REQUESTED)
    .when(replace(VOTES_CREDIT, today=day("2015-11-15")), published_on="2015-11-16")
    .refused(NotYetHappened, until=day("2015-11-15")),
    "it may be published by the time the vote is recorded": given(REQUESTED)
    .when(replace(VOTES_CREDIT, today=day("2015-11-16")), published_on="2015-11-16")
    .recorded(),
    "the municipal council refuses the credit": given(REQUESTED)
    .when(CreditRefused, **REFUSES, votes={"yes": 20, "no": 50}, reason="Trop cher.")
    .recorded(lambda c: c.route("a2").credit == "refused"),
    "what was voted is not refused": given(VOTED)
    .when(CreditRefused, **REFUSES)
    .refused(NoCreditRequested),
}


@each_of(LAWS)
def test_credit(law):
    law.holds()
