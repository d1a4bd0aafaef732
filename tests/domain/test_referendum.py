"""When a voted credit can be used (Cst-GE 77). The referendum delay is dated reference data."""

import datetime as dt
from dataclasses import replace

from domain.chapters.referendum import (
    ContestedTooLate,
    CreditBecameEnforceable,
    CreditContested,
    CreditOverturned,
    CreditPublished,
    NoCreditVoted,
    NoReferendumDelayKnown,
    NotContested,
    NotOpenToReferendum,
    NotPublished,
    PublishedAlready,
    ReferendumDelayRunning,
    VotersHaveNotAccepted,
)
from domain.rules.chronology import BeforeItsCause, NotYetHappened
from domain.rules.money import PublishedBeforeVoted
from domain.rules.references import Unknown
from tests.domain.given import REFERENCE, Laws, day, each_of, given, take
from tests.domain.stages import FUNDED, PUBLISHED, REQUESTED, VOTED, VOTES_CREDIT

A2 = {"action": "a2"}
URGENT = (*REQUESTED, VOTES_CREDIT.but(urgent=True))
CONTESTED = (*PUBLISHED, take(CreditContested, "2015-12-20", **A2, reference="Référendum 3"))
OVERTURNED = {"action": "a2", "voted_on": "2016-06-05"}


def in_force(on, **more):
    return take(CreditBecameEnforceable, on, action="a2", enforceable_on=on, **more)


WITHOUT_DELAYS = replace(
    in_force("2016-01-05"), reference=REFERENCE.model_copy(update={"referendum_delays": ()})
)

LAWS: Laws = {
    "a voted deliberation is published": given(VOTED)
    .when(
        CreditPublished,
        **A2,
        on="2015-11-17",
        published_on="2015-11-16",
        reference="FAO 16.11.2015",
    )
    .recorded(lambda c: c.route("a2").published_on == day("2015-11-16")),
    "a deliberation is not published beforehand": given(VOTED)
    .when(CreditPublished, **A2, on="2015-11-15", published_on="2015-11-16")
    .refused(NotYetHappened, field="published_on", until=day("2015-11-15")),
    "what was not voted is not published": given(REQUESTED)
    .when(CreditPublished, **A2, on="2015-11-17", published_on="2015-11-16")
    .refused(NoCreditVoted),
    "a deliberation is published once": given(PUBLISHED)
    .when(CreditPublished, **A2, on="2015-11-17", published_on="2015-11-17")
    .refused(PublishedAlready),
    "a deliberation is published after it is voted": given(VOTED)
    .when(CreditPublished, **A2, published_on="2015-11-09")
    .refused(PublishedBeforeVoted),
    "a referendum is requested": given(PUBLISHED)
    .when(CreditContested, **A2, on="2015-12-26")
    .recorded(lambda c: c.route("a2").contested),
    "nobody contests what is not published yet": given(PUBLISHED)
    .when(CreditContested, **A2, on="2015-11-15")
    .refused(BeforeItsCause, since=day("2015-11-16")),
    "what was not voted is not contested": given(REQUESTED)
    .when(CreditContested, **A2)
    .refused(NoCreditVoted),
    "what is enforceable is not contested": given(FUNDED)
    .when(CreditContested, **A2)
    .refused(NoCreditVoted),
    "the urgency clause excludes a referendum": given(URGENT)
    .when(CreditContested, **A2)
    .refused(NotOpenToReferendum),
    "a referendum is requested within the delay": given(PUBLISHED)
    .when(CreditContested, **A2, on="2015-12-27")
    .refused(ContestedTooLate, until=day("2015-12-26")),
    "a credit is enforceable on the day after the delay": given(PUBLISHED)
    .when(in_force("2015-12-27"))
    .recorded(lambda c: c.route("a2").available == 200000),
    "a credit is not enforceable while the delay runs": given(PUBLISHED)
    .when(in_force("2015-12-26"))
    .refused(ReferendumDelayRunning, until=day("2015-12-26"), days=40),
    "nor is it said to be so beforehand": given(PUBLISHED)
    .when(CreditBecameEnforceable, on="2015-12-20", **A2, enforceable_on="2015-12-27")
    .refused(ReferendumDelayRunning, NotYetHappened),
    "what was not voted is not enforceable": given(REQUESTED)
    .when(in_force("2016-01-05"))
    .refused(NoCreditVoted),
    "an urgent credit is enforceable at once": given(URGENT)
    .when(in_force("2015-11-10"))
    .recorded(),
    "even an urgent credit is not enforceable before the vote": given(URGENT)
    .when(CreditBecameEnforceable, on="2015-11-10", **A2, enforceable_on="2015-11-09")
    .refused(NoCreditVoted),
    "the delay runs from a publication": given(VOTED)
    .when(in_force("2016-01-05"))
    .refused(NotPublished),
    "nobody can say that an unknown delay has run": given(PUBLISHED)
    .when(WITHOUT_DELAYS)
    .refused(NoReferendumDelayKnown, published_on=day("2015-11-16")),
    "a contested credit waits for the voters": given(CONTESTED)
    .when(in_force("2016-06-06"))
    .refused(VotersHaveNotAccepted),
    "the voters accept before a contested credit is enforceable": given(CONTESTED)
    .when(in_force("2016-06-04", accepted_by_voters_on="2016-06-05"))
    .refused(VotersHaveNotAccepted),
    "a credit that the voters accepted is enforceable": given(CONTESTED)
    .when(in_force("2016-06-06", accepted_by_voters_on="2016-06-05"))
    .recorded(),
    "the voters accept once it is contested": given(CONTESTED)
    .when(in_force("2016-06-06", accepted_by_voters_on="2015-12-19"))
    .refused(BeforeItsCause, since=day("2015-12-20")),
    "the day it was enforceable may be an earlier one": given(PUBLISHED)
    .when(CreditBecameEnforceable, on="2016-01-05", **A2, enforceable_on="2015-12-27")
    .recorded(),
    "voters accept only what was contested": given(PUBLISHED)
    .when(in_force("2016-06-06", accepted_by_voters_on="2016-06-05"))
    .refused(NotContested),
    "the voters reject a contested credit": given(CONTESTED)
    .when(CreditOverturned, on="2016-06-06", **OVERTURNED)
    .recorded(lambda c: c.route("a2").credit == "refused"),
    "the voters reject it before that is recorded": given(CONTESTED)
    .when(CreditOverturned, on="2016-06-04", **OVERTURNED)
    .refused(NotYetHappened, day=day("2016-06-05")),
    "the voters reject it once it is contested": given(CONTESTED)
    .when(CreditOverturned, on="2016-06-06", **OVERTURNED | {"voted_on": "2015-12-19"})
    .refused(BeforeItsCause, since=day("2015-12-20")),
    "what was not voted is not rejected by the voters": given(REQUESTED)
    .when(CreditOverturned, on="2016-06-06", **OVERTURNED)
    .refused(NoCreditVoted),
    "voters reject only what was contested": given(PUBLISHED)
    .when(CreditOverturned, on="2016-06-06", **OVERTURNED)
    .refused(NotContested),
    "a credit is for an action": given(PUBLISHED)
    .when(CreditOverturned, on="2016-06-06", **OVERTURNED | {"action": "a9"})
    .refused(Unknown, NoCreditVoted),
}


@each_of(LAWS)
def test_referendum(law):
    law.holds()


def test_the_delay_in_force_on_the_day_of_publication_counts():
    """Delays are dated: the one that is in force when the deliberation is published."""
    assert REFERENCE.referendum_delay(dt.date(2013, 5, 31)) is None
    assert [
        REFERENCE.referendum_delay(dt.date(year, 1, 1)).days for year in (2014, 2029, 2030, 2031)
    ] == [40, 40, 30, 30]
