"""The neighbourhood's plenary conferences (§3.1, §4.1)."""

from domain.chapters.initiation import MunicipalCouncilInformed
from domain.chapters.offices import CoordinatorAppointed, CoordinatorRelieved
from domain.chapters.plenaries import (
    DepartmentsNotInformed,
    MunicipalCouncilNotInformed,
    NoCoordinatorAtLaunch,
    PlannedBeforeDecided,
    PlenaryCancelled,
    PlenaryConvened,
    PlenaryHeld,
    PlenaryIsOver,
    PlenaryPostponed,
    PromotionTooShort,
)
from domain.kernel.act import Body
from domain.rules.gathering import PlenaryOverdue
from domain.rules.references import AlreadyKnown, DatedBeforeItsSubject, Unknown
from tests.domain.given import Laws, day, each_of, given, person, take
from tests.domain.stages import (
    APPOINTS,
    CLOSING,
    COORDINATOR,
    INFORMS_COUNCIL,
    INFORMS_DEPARTMENTS,
    INITIATED,
    LAUNCHED,
    PROMOTED,
    PROMOTES,
    SETS_PERIMETER,
    WITH_COMMISSION,
    plenary,
)

CALL = {"place": "École de l'Essai", "agenda": "Bienvenue."}
HELD = {"attendance": {"residents": 80}, "purposes": ["intentions", "election"]}

CONVENED, P1_HELD = plenary("p1", "2014-05-20", "2014-06-16", "intentions")
P2_AHEAD = (
    *WITH_COMMISSION,
    plenary("p2", "2015-04-10", "2015-05-20", "needs")[0],
)
AHEAD = (*PROMOTED, CONVENED)
CALLED_OFF = (
    *AHEAD,
    take(PlenaryCancelled, "2014-05-30", by=COORDINATOR, plenary="p1", reason="Grève."),
)

PREPARED = (*INITIATED, SETS_PERIMETER, APPOINTS, INFORMS_COUNCIL, *INFORMS_DEPARTMENTS)
HURRIED = (*PREPARED, PROMOTES.on("2014-03-01"))
HURRIED_CALL = take(
    PlenaryConvened,
    "2014-03-20",
    by=COORDINATOR,
    departing=[PromotionTooShort],
    plenary="p1",
    date="2014-04-16",
    **CALL,
)


def without(*left_out):
    return tuple(taken for taken in AHEAD if taken not in left_out)


LAWS: Laws = {
    "the commission convenes a plenary": given(WITH_COMMISSION)
    .when(PlenaryConvened, by=Body.COMMISSION, plenary="p2", date="2015-05-20", **CALL)
    .recorded(lambda c: c.plenaries["p2"].planned_on == day("2015-05-20")),
    "the coordinator convenes the first plenary": given(PROMOTED)
    .when(PlenaryConvened, by=COORDINATOR, plenary="p1", date="2014-06-16", **CALL)
    .recorded(),
    "each plenary has its own name": given(LAUNCHED)
    .when(PlenaryConvened, by=COORDINATOR, plenary="p1", date="2015-05-20", **CALL)
    .refused(AlreadyKnown, id="p1"),
    "a plenary is convened for a day to come": given(WITH_COMMISSION)
    .when(PlenaryConvened, by=COORDINATOR, plenary="p2", date="2014-06-30", **CALL)
    .refused(PlannedBeforeDecided),
    "the first plenary comes after three months of promotion": given(HURRIED)
    .when(PlenaryConvened, by=COORDINATOR, plenary="p1", date="2014-04-16", **CALL)
    .refused(PromotionTooShort, lasted=46, needed=92),
    "promotion that has not begun lasted no day": given(PREPARED)
    .when(PlenaryConvened, by=COORDINATOR, plenary="p1", date="2014-04-16", **CALL)
    .refused(PromotionTooShort, lasted=0),
    "a short promotion may be justified when the plenary is convened": given(HURRIED)
    .when(HURRIED_CALL)
    .recorded(lambda c: c.plenaries["p1"].short_promotion_justified),
    "later plenaries do not ask for promotion": given(LAUNCHED)
    .when(PlenaryConvened, by=COORDINATOR, plenary="p2", date="2014-06-30", **CALL)
    .recorded(),
    "under the pilots' framework no promotion is asked for": given(
        INITIATED[0].on("2009-05-01").but(framework="pilots-2009")
    )
    .when(PlenaryConvened, by=COORDINATOR, plenary="p1", date="2009-06-01", **CALL)
    .recorded(),
    "a plenary is postponed": given(P2_AHEAD)
    .when(PlenaryPostponed, by=COORDINATOR, plenary="p2", date="2015-05-30", reason="Salle prise.")
    .recorded(lambda c: c.plenaries["p2"].planned_on == day("2015-05-30")),
    "what was held is not postponed": given(LAUNCHED)
    .when(PlenaryPostponed, by=COORDINATOR, plenary="p1", date="2014-07-20", reason="Pluie.")
    .refused(PlenaryIsOver, plenary="p1"),
    "a plenary is postponed to a day to come": given(AHEAD)
    .when(PlenaryPostponed, by=COORDINATOR, plenary="p1", date="2014-05-20", reason="Pluie.")
    .refused(PlannedBeforeDecided),
    "a plenary is cancelled": given(P2_AHEAD)
    .when(PlenaryCancelled, by=COORDINATOR, plenary="p2", reason="Grève.")
    .recorded(lambda c: c.plenaries["p2"].cancelled),
    "what was held is not cancelled": given(LAUNCHED)
    .when(PlenaryCancelled, by=COORDINATOR, plenary="p1", reason="Grève.")
    .refused(PlenaryIsOver),
    "the first plenary launches the contract": given(AHEAD)
    .when(PlenaryHeld, on="2014-06-16", plenary="p1", **HELD, minutes="Nombreux.")
    .recorded(lambda c: c.launched_on == day("2014-06-16")),
    "a plenary that was not convened is not held": given(PROMOTED)
    .when(PlenaryHeld, on="2014-06-16", plenary="p1", **HELD)
    .refused(Unknown, id="p1"),
    "a plenary is not held before it is convened": given(AHEAD)
    .when(PlenaryHeld, on="2014-05-19", plenary="p1", **HELD)
    .refused(DatedBeforeItsSubject, PromotionTooShort, since=day("2014-05-20")),
    "a plenary serves one of the four purposes": given(AHEAD)
    .when(PlenaryHeld, on="2014-06-16", plenary="p1", **HELD | {"purposes": []})
    .malformed("purposes"),
    "a cancelled plenary is not held": given(CALLED_OFF)
    .when(PlenaryHeld, on="2014-06-16", plenary="p1", **HELD)
    .refused(PlenaryIsOver),
    "a plenary after a short promotion needs a justification": given(
        HURRIED, HURRIED_CALL.but(date="2014-06-16").on("2014-03-02").departing_from()
    )
    .when(PlenaryHeld, on="2014-04-16", plenary="p1", **HELD)
    .refused(PromotionTooShort, lasted=46, needed=92),
    "what was justified when it was convened stays justified": given(HURRIED, HURRIED_CALL)
    .when(PlenaryHeld, on="2014-04-16", plenary="p1", **HELD)
    .recorded(),
    "what was justified may be justified again": given(HURRIED, HURRIED_CALL)
    .when(PlenaryHeld, on="2014-04-16", departing=[PromotionTooShort], plenary="p1", **HELD)
    .recorded(),
    "one plenary's justification is not another's": given(
        HURRIED,
        HURRIED_CALL,
        take(PlenaryCancelled, "2014-03-25", by=COORDINATOR, plenary="p1", reason="Grève."),
        take(
            PlenaryConvened,
            "2014-03-26",
            by=COORDINATOR,
            plenary="p2",
            date="2014-06-16",
            **CALL,
        ),
    )
    .when(PlenaryHeld, on="2014-04-16", plenary="p2", **HELD)
    .refused(PromotionTooShort),
    "nothing is launched without a coordinator": given(without(APPOINTS))
    .when(PlenaryHeld, on="2014-06-16", plenary="p1", **HELD)
    .refused(NoCoordinatorAtLaunch),
    "the coordinator is in office on the day of the launch": given(
        without(APPOINTS),
        take(CoordinatorAppointed, "2014-06-01", person=person("emma"), starts_on="2014-07-01"),
    )
    .when(PlenaryHeld, on="2014-06-16", plenary="p1", **HELD)
    .refused(NoCoordinatorAtLaunch),
    "a coordinator who is to be succeeded is still in office": given(
        AHEAD,
        take(CoordinatorRelieved, "2014-06-01", ends_on="2014-07-31", successor=person("fanny")),
    )
    .when(PlenaryHeld, on="2014-06-16", plenary="p1", **HELD)
    .recorded(),
    "the municipal council should know before the first plenary": given(without(INFORMS_COUNCIL))
    .when(PlenaryHeld, on="2014-06-16", plenary="p1", **HELD)
    .refused(MunicipalCouncilNotInformed),
    "information that came after the plenary does not count for it": given(
        without(INFORMS_COUNCIL),
        take(MunicipalCouncilInformed, "2014-06-30", reference="PR-1000"),
    )
    .when(PlenaryHeld, on="2014-06-16", plenary="p1", **HELD)
    .refused(MunicipalCouncilNotInformed),
    "all five departments should know before the first plenary": given(
        without(INFORMS_DEPARTMENTS[0])
    )
    .when(PlenaryHeld, on="2014-06-16", plenary="p1", **HELD)
    .refused(DepartmentsNotInformed, informed=4, all=5),
    "the launch may go ahead uninformed, with a justification": given(
        without(INFORMS_COUNCIL, *INFORMS_DEPARTMENTS)
    )
    .when(
        PlenaryHeld,
        on="2014-06-16",
        departing=[MunicipalCouncilNotInformed, DepartmentsNotInformed],
        plenary="p1",
        **HELD,
    )
    .recorded(),
    "a plenary takes place every twelve months": given(
        LAUNCHED, plenary("p2", "2015-05-01", "2015-06-16", "needs")[0]
    )
    .when(PlenaryHeld, on="2015-06-17", plenary="p2", **HELD)
    .refused(PlenaryOverdue, due=day("2015-06-16")),
    "a late plenary needs a justification": given(
        LAUNCHED, plenary("p2", "2015-05-01", "2015-06-16", "needs")[0]
    )
    .when(PlenaryHeld, on="2015-06-17", departing=[PlenaryOverdue], plenary="p2", **HELD)
    .recorded(),
    "twelve months to the day is in time": given(
        LAUNCHED, plenary("p2", "2015-05-01", "2015-06-16", "needs")[0]
    )
    .when(PlenaryHeld, on="2015-06-16", plenary="p2", **HELD)
    .recorded(),
    "once closure is open no plenary is due": given(
        CLOSING, plenary("p6", "2019-04-20", "2019-06-01", "needs")[0]
    )
    .when(PlenaryHeld, on="2019-06-01", plenary="p6", **HELD)
    .recorded(),
    "an earlier plenary that is heard of later is the first": given(
        LAUNCHED,
        take(
            PlenaryConvened, "2014-05-21", by=COORDINATOR, plenary="p0", date="2014-06-12", **CALL
        ),
    )
    .when(PlenaryHeld, on="2014-06-12", plenary="p0", **HELD)
    .recorded(lambda c: c.launched_on == day("2014-06-12")),
}


@each_of(LAWS)
def test_plenaries(law):
    law.holds()
