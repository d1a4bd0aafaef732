"""Handing over to a relay what goes on in the long term (§4.4, §4.5)."""

from domain.chapters.handover import (
    HandoverAccepted,
    HandoverDeclined,
    HandoverPending,
    HandoverProposed,
    NoHandoverProposed,
    NoRelayNamed,
)
from domain.chapters.initiation import ContractInterrupted
from domain.kernel.act import Body
from domain.rules.chronology import BeforeItsCause
from domain.rules.following import NotForFollowUp
from domain.rules.references import UnknownService
from tests.domain.given import Laws, day, each_of, given, person, take
from tests.domain.stages import APPROVED, CLOSED, CLOSING, HANDED_OVER, HANDS_OVER

PROPOSED = (*CLOSING, HANDS_OVER)
A5 = {"by": Body.RELAY, "action": "a5"}
DECLINED = (*PROPOSED, take(HandoverDeclined, "2018-07-01", **A5, reason="Pas les moyens."))

LAWS: Laws = {
    "a relay is asked to take over": given(CLOSING)
    .when(HANDS_OVER)
    .recorded(lambda c: c.actions["a5"].handover.relay == person("association")),
    "a service is asked to take over": given(CLOSING)
    .when(
        HandoverProposed,
        by=Body.SERVICE,
        action="a5",
        service="youth",
        what_goes_on="L'animation.",
        starts_on="2018-10-01",
    )
    .recorded(),
    "nobody is asked to have taken over": given(CLOSING)
    .when(HANDS_OVER.on("2018-06-25"), starts_on="2018-06-24")
    .refused(BeforeItsCause, field="starts_on", since=day("2018-06-25")),
    "a relay may take over at once": given(CLOSING)
    .when(HANDS_OVER.on("2018-06-25"), starts_on="2018-06-25")
    .recorded(),
    "what is completed may go on with a relay": given(CLOSING)
    .when(HANDS_OVER, action="a1")
    .recorded(),
    "what was not approved is not handed over": given(APPROVED)
    .when(HANDS_OVER, action="a3")
    .refused(NotForFollowUp),
    "a service that takes over is a known one": given(CLOSING)
    .when(HANDS_OVER, relay=None, service="nobody")
    .refused(UnknownService),
    "somebody is named to take over": given(CLOSING)
    .when(HANDS_OVER, relay=None)
    .refused(NoRelayNamed),
    "one is named, not two": given(CLOSING).when(HANDS_OVER, service="youth").refused(NoRelayNamed),
    "one relay is asked at a time": given(PROPOSED)
    .when(HANDS_OVER, relay=person("school"))
    .refused(HandoverPending),
    "what a relay has taken over is not offered to another": given(HANDED_OVER)
    .when(HANDS_OVER, relay=person("school"), on="2018-07-10")
    .refused(HandoverPending),
    "after a refusal another relay is asked": given(DECLINED)
    .when(HANDS_OVER, relay=person("school"))
    .recorded(),
    "the relay takes over": given(PROPOSED)
    .when(HandoverAccepted, **A5, remarks="Avec plaisir.")
    .recorded(lambda c: c.actions["a5"].settled),
    "a relay accepts what was proposed to it": given(CLOSING)
    .when(HandoverAccepted, **A5)
    .refused(NoHandoverProposed),
    "a relay accepts after it was asked": given(PROPOSED)
    .when(HandoverAccepted, **A5, on="2018-06-24")
    .refused(NoHandoverProposed),
    "a relay answers once": given(DECLINED)
    .when(HandoverAccepted, **A5)
    .refused(NoHandoverProposed),
    "the relay answers after an interruption, too": given(
        PROPOSED,
        take(
            ContractInterrupted,
            "2018-06-30",
            reason="Budget refusé.",
            continuations=[
                {"action": "a5", "relay": person("association"), "what_goes_on": "Tout."}
            ],
        ),
    )
    .when(HandoverAccepted, **A5)
    .recorded(),
    "the relay does not take over": given(PROPOSED)
    .when(HandoverDeclined, **A5, reason="Pas les moyens.")
    .recorded(lambda c: not c.actions["a5"].settled),
    "declining is explained": given(PROPOSED).when(HandoverDeclined, **A5).malformed("reason"),
    "a relay declines what was proposed to it": given(CLOSING)
    .when(HandoverDeclined, **A5, reason="Pas les moyens.")
    .refused(NoHandoverProposed),
}


@each_of(LAWS)
def test_handover(law):
    law.holds()


def test_a_regular_contract_runs_from_initiation_to_closure():
    """Two roadmaps, a credit with its referendum delay, a handover: nothing is departed from."""
    assert len(CLOSED) > 90
    assert not any(taken.departing for taken in CLOSED)
    assert given(CLOSED).story[-1].decided_on == day("2018-10-01")
