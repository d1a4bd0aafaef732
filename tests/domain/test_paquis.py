"""Pâquis 2014-2017 as the City and the press tell it, made up where nothing is public.

Promotion of 46 days, a diagnosis of 17 months, a draft roadmap that was never submitted, the en
bloc resignation of the residents, the interruption: all of it can be recorded, and says by how
much it departed from the framework.
"""

from domain.chapters.actions import ActionProposed, ActionRetained
from domain.chapters.commission import (
    CommissionConstituted,
    CommissionMet,
    DelegateElected,
    DelegatesResigned,
)
from domain.chapters.diagnosis import DiagnosisShared, DiagnosisTooLong, NeedExpressed
from domain.chapters.initiation import (
    ContractInitiated,
    ContractInterrupted,
    DepartmentInformed,
    MunicipalCouncilInformed,
    PerimeterSet,
)
from domain.chapters.offices import CoordinatorAppointed, ServiceDelegateNamed
from domain.chapters.plenaries import PlenaryConvened, PlenaryHeld, PromotionTooShort
from domain.chapters.promotion import PromotionStarted
from domain.chapters.roadmap import RoadmapDrafted, RoadmapSubmitted
from domain.chapters.working_groups import WorkingGroupFormed
from domain.kernel.act import Body
from domain.kernel.life_cycle import NotUnderWay, Standing
from domain.rules.gathering import CommissionInquorate, PlenaryOverdue
from tests.domain.given import day, given, person, take, told
from tests.domain.stages import COMMISSION, COORDINATOR, DEPARTMENTS, SQUARE

RESIDENTS = [person(f"resident-{number}") for number in range(1, 6)]
OFFICIALS = [person(f"official-{number}") for number in range(1, 6)]

LAUNCH = (
    take(
        ContractInitiated,
        "2014-02-26",
        ground="population_request",
        title="Contrat de quartier des Pâquis",
        territory="Pâquis",
        justification="Les besoins dépassent les simples mesures techniques.",
    ),
    take(PerimeterSet, "2014-02-26", perimeter=SQUARE, streets=["Rue de Berne"]),
    take(CoordinatorAppointed, "2014-02-26", person=person("coordinator"), starts_on="2014-03-01"),
    *(
        take(
            ServiceDelegateNamed,
            "2014-02-26",
            person=official,
            service="youth",
            department="social",
        )
        for official in OFFICIALS
    ),
    take(MunicipalCouncilInformed, "2014-02-28", reference="PR-1050"),
    *(take(DepartmentInformed, "2014-02-28", department=each) for each in DEPARTMENTS),
    take(PromotionStarted, "2014-03-01", audiences=["Habitant-e-s"]),
    take(
        PlenaryConvened,
        "2014-03-15",
        by=COORDINATOR,
        departing=[PromotionTooShort],
        plenary="p1",
        date="2014-04-16",
        place="École de Pâquis-Centre",
        agenda="Élire les délégué-e-s.",
    ),
    take(
        PlenaryHeld,
        "2014-04-16",
        plenary="p1",
        attendance={"residents": 100},
        purposes=["intentions", "needs", "election"],
    ),
)

WORK = (
    *LAUNCH,
    *(
        take(
            NeedExpressed,
            "2014-04-16",
            by=Body.PLENARY,
            need=f"n{number}",
            title=f"Besoin {number}",
            origin="plenary",
            theme="public-space",
            text="Un vœu.",
            plenary="p1",
        )
        for number in range(1, 5)
    ),
    *(
        take(DelegateElected, "2014-04-16", person=each, capacity="resident", plenary="p1")
        for each in RESIDENTS
    ),
    take(
        CommissionConstituted,
        "2014-05-14",
        seats=[
            {"person": each, "side": side}
            for side, people in (("neighbourhood", RESIDENTS), ("service", OFFICIALS))
            for each in people
        ],
    ),
    take(WorkingGroupFormed, "2014-10-01", group="g1", title="Espaces", theme="public-space"),
    take(
        DiagnosisShared,
        "2015-09-15",
        departing=[DiagnosisTooLong],
        needs=["n1", "n2", "n3", "n4"],
        text="Quatre besoins.",
    ),
    *(
        taken
        for number in range(1, 5)
        for taken in (
            take(
                ActionProposed,
                "2015-09-15",
                by=COMMISSION,
                action=f"a{number}",
                title=f"Fiche {number}",
                text="Une fiche d'action.",
                needs=[f"n{number}"],
                theme="public-space",
            ),
            take(ActionRetained, "2015-09-15", action=f"a{number}"),
        )
    ),
    take(RoadmapDrafted, "2015-09-15", version=1, actions=["a1", "a2", "a3", "a4"]),
)

RESIGNED = (
    *WORK,
    take(DelegatesResigned, "2017-04-16", persons=RESIDENTS, reason="Trop lent, trop d'instances."),
)

INTERRUPTED = (
    *RESIGNED,
    take(ContractInterrupted, "2017-05-08", reason="Les délégué-e-s ont démissionné en bloc."),
)


def test_the_whole_story_can_be_recorded():
    contract = told(*INTERRUPTED)
    assert contract.standing is Standing.INTERRUPTED
    assert contract.launched_on == day("2014-04-16")


def test_promotion_lasted_46_days():
    unjustified = (*LAUNCH[:-2], LAUNCH[-2].departing_from().but(date="2014-06-02"))
    given(unjustified).when(LAUNCH[-1]).refused(PromotionTooShort, lasted=46, needed=92).holds()


def test_the_diagnosis_took_17_months():
    shared = next(taken for taken in WORK if taken.kind is DiagnosisShared)
    before = WORK[: WORK.index(shared)]
    given(before).when(shared.departing_from()).refused(
        DiagnosisTooLong, until=day("2015-02-16")
    ).holds()


def test_after_the_resignation_the_commission_decides_nothing():
    given(RESIGNED).when(RoadmapSubmitted, version=1).refused_among_others(
        CommissionInquorate, neighbourhood=0, services=5
    ).holds()
    given(RESIGNED).when(
        CommissionMet, on="2017-03-10", present=[RESIDENTS[0], OFFICIALS[0]]
    ).recorded().holds()


def test_a_plenary_was_overdue_by_then():
    again = take(
        PlenaryConvened,
        "2017-03-01",
        by=COORDINATOR,
        plenary="p2",
        date="2017-04-20",
        place="École de Pâquis-Centre",
        agenda="Et maintenant ?",
    )
    held = LAUNCH[-1].but(plenary="p2")
    given(RESIGNED, again).when(held, on="2017-04-20").refused(PlenaryOverdue).holds()


def test_an_interruption_is_an_end():
    given(INTERRUPTED).when(PerimeterSet, perimeter=SQUARE).refused(
        NotUnderWay, standing=Standing.INTERRUPTED
    ).holds()
