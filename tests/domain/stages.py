"""A contract from its initiation to its closure, and the stages on the way.

Each stage is the story up to there. Dates, names and sums are made up; the durations are those
the framework of 2014 asks for.
"""

from domain.chapters.actions import (
    ActionProposed,
    ActionRetained,
    ActionSetAside,
    ActionsPrioritised,
)
from domain.chapters.approval import RoadmapApproved, RoadmapEndorsed
from domain.chapters.closure import ClosureOpened, ContractClosed, FinalReportAdopted
from domain.chapters.commission import CommissionConstituted, CommissionMet, DelegateElected
from domain.chapters.credit import CreditRequested, CreditVoted
from domain.chapters.diagnosis import DiagnosisShared, NeedExpressed, NeedSetAside, NeedsMerged
from domain.chapters.follow_up import (
    ActionAssigned,
    ActionCompleted,
    ActionStarted,
    AssignmentAccepted,
    MilestoneReached,
    MilestoneSet,
    ProgressReported,
)
from domain.chapters.funding import (
    ExpenditureRecorded,
    FundingRouteChosen,
    FundsCommitted,
    FundsReleased,
)
from domain.chapters.handover import HandoverAccepted, HandoverProposed
from domain.chapters.initiation import (
    ContractInitiated,
    DepartmentInformed,
    MunicipalCouncilInformed,
    PerimeterSet,
)
from domain.chapters.offices import CoordinatorAppointed, ServiceDelegateNamed
from domain.chapters.plenaries import PlenaryConvened, PlenaryHeld
from domain.chapters.promotion import (
    OperatingBudgetGranted,
    PromotionActivityHeld,
    PromotionStarted,
)
from domain.chapters.referendum import CreditBecameEnforceable, CreditPublished
from domain.chapters.roadmap import (
    RoadmapAmended,
    RoadmapDrafted,
    RoadmapPresented,
    RoadmapSubmitted,
)
from domain.chapters.working_groups import (
    WorkingGroupFormed,
    WorkingGroupMemberJoined,
    WorkingGroupReported,
)
from domain.kernel.act import Body
from tests.domain.given import REFERENCE, Story, Taken, person, take

SQUARE = {
    "type": "Polygon",
    "coordinates": [
        [[6.145, 46.209], [6.152, 46.209], [6.152, 46.215], [6.145, 46.215], [6.145, 46.209]]
    ],
}

RESIDENTS = ("anna", "bruno")
OFFICIALS = {"claire": "green-spaces", "david": "youth"}
DEPARTMENTS = tuple(department.id for department in REFERENCE.departments)

COMMISSION, GROUP = Body.COMMISSION, Body.WORKING_GROUP
COUNCIL, COORDINATOR = Body.ADMINISTRATIVE_COUNCIL, Body.COORDINATOR


def service_of(service: str) -> str:
    return {each.id: each.department for each in REFERENCE.services}[service]


def seats(neighbourhood: tuple[str, ...] = RESIDENTS, service: tuple[str, ...] = (*OFFICIALS,)):
    return [{"person": person(name), "side": "neighbourhood"} for name in neighbourhood] + [
        {"person": person(name), "side": "service"} for name in service
    ]


# --- Decisions that tests vary ------------------------------------------------------------------

INITIATES = take(
    ContractInitiated,
    "2014-02-20",
    ground="city_initiative",
    title="Contrat de quartier d'essai",
    territory="Essai",
    justification="Les besoins dépassent les simples mesures techniques.",
)
SETS_PERIMETER = take(PerimeterSet, "2014-02-27", perimeter=SQUARE, streets=["Rue de l'Essai"])
APPOINTS = take(CoordinatorAppointed, "2014-02-27", person=person("emma"), starts_on="2014-03-01")
INFORMS_COUNCIL = take(MunicipalCouncilInformed, "2014-03-05", reference="PR-1000")
INFORMS_DEPARTMENTS = tuple(
    take(DepartmentInformed, "2014-03-06", department=department) for department in DEPARTMENTS
)
PROMOTES = take(PromotionStarted, "2014-03-10", audiences=["Habitant-e-s", "Commerçant-e-s"])
NAMES_OFFICIALS = tuple(
    take(
        ServiceDelegateNamed,
        "2014-04-01",
        person=person(name),
        service=service,
        department=service_of(service),
    )
    for name, service in OFFICIALS.items()
)


def plenary(name: str, convened: str, held: str, *purposes: str) -> Story:
    return (
        take(
            PlenaryConvened,
            convened,
            by=COORDINATOR,
            plenary=name,
            date=held,
            place="École de l'Essai",
            agenda="Bienvenue, échanges, suite.",
            accessibility=["childcare", "step_free"],
        ),
        take(
            PlenaryHeld,
            held,
            plenary=name,
            attendance={"residents": 80, "administration": 6},
            purposes=list(purposes),
        ),
    )


def need(name: str, on: str, theme: str = "public-space") -> Taken:
    return take(
        NeedExpressed,
        on,
        by=Body.PLENARY,
        need=name,
        title=f"Besoin {name}",
        origin="plenary",
        theme=theme,
        text="On aimerait pouvoir s'asseoir à l'ombre.",
    )


def action(name: str, on: str, *needs: str) -> Taken:
    return take(
        ActionProposed,
        on,
        by=COMMISSION,
        action=name,
        title=f"Action {name}",
        text="Planter des arbres et poser des bancs.",
        needs=list(needs),
        theme="public-space",
        lead_service="green-spaces",
        estimate="40000",
    )


# --- Stages -------------------------------------------------------------------------------------

INITIATED: Story = (INITIATES,)

BEFORE_PROMOTION: Story = (
    *INITIATED,
    SETS_PERIMETER,
    APPOINTS,
    INFORMS_COUNCIL,
    *INFORMS_DEPARTMENTS,
)

PROMOTED: Story = (
    *BEFORE_PROMOTION,
    PROMOTES,
    take(
        PromotionActivityHeld,
        "2014-03-20",
        audience="Habitant-e-s",
        means="stall",
        place="Place de l'Essai",
        people_reached=40,
    ),
    *NAMES_OFFICIALS,
    take(OperatingBudgetGranted, "2014-04-02", year=2014, amount="20000"),
)

LAUNCHED: Story = (
    *PROMOTED,
    *plenary("p1", "2014-05-20", "2014-06-16", "intentions", "needs", "election"),
)

WITH_DELEGATES: Story = (
    *LAUNCHED,
    *(need(name, "2014-06-16") for name in ("n1", "n2", "n3", "n4")),
    *(
        take(
            DelegateElected,
            "2014-06-16",
            person=person(name),
            capacity="resident",
            plenary="p1",
            votes=30,
        )
        for name in RESIDENTS
    ),
)

CONSTITUTES = take(CommissionConstituted, "2014-06-30", seats=seats())
WITH_COMMISSION: Story = (*WITH_DELEGATES, CONSTITUTES)

WITH_GROUP: Story = (
    *WITH_COMMISSION,
    take(
        CommissionMet,
        "2014-07-10",
        present=[person(name) for name in ("anna", "claire", "emma")],
        minutes="Le groupe de travail est décidé.",
    ),
    take(WorkingGroupFormed, "2014-09-01", group="g1", title="Espaces", theme="public-space"),
    take(WorkingGroupMemberJoined, "2014-09-02", by=GROUP, group="g1", person=person("anna")),
)

DIAGNOSED: Story = (
    *WITH_GROUP,
    take(NeedsMerged, "2014-10-01", by=COMMISSION, needs=["n2"], into="n1"),
    take(NeedSetAside, "2014-10-02", need="n3", reason="Relève du canton."),
    take(DiagnosisShared, "2015-02-10", needs=["n1", "n4"], text="Deux besoins ressortent."),
)

PROPOSED: Story = (
    *DIAGNOSED,
    action("a1", "2015-02-20", "n2"),
    action("a2", "2015-02-20", "n4"),
    action("a3", "2015-02-20", "n1", "n4"),
    action("a4", "2015-02-20", "n4"),
    take(
        ActionsPrioritised,
        "2015-03-01",
        by=GROUP,
        group="g1",
        actions=["a2", "a1", "a3"],
        votes=[{"action": "a2", "votes": 12}],
    ),
    take(WorkingGroupReported, "2015-03-02", by=GROUP, group="g1", measures=["Arbres", "Bancs"]),
)

CHOSEN: Story = (
    *PROPOSED,
    *(take(ActionRetained, "2015-03-20", action=name) for name in ("a1", "a2", "a3")),
    take(ActionSetAside, "2015-03-20", action="a4", reason="Trop coûteuse."),
)

DRAFTED: Story = (
    *CHOSEN,
    take(RoadmapDrafted, "2015-04-01", version=1, actions=["a2", "a1", "a3"]),
)

PLENARY_HELD: Story = (*DRAFTED, *plenary("p2", "2015-04-10", "2015-05-20", "work_and_priorities"))

PRESENTS = take(RoadmapPresented, "2015-05-20", version=1, plenary="p2", outcome="supported")
PRESENTED: Story = (*PLENARY_HELD, PRESENTS)
SUBMITTED: Story = (*PRESENTED, take(RoadmapSubmitted, "2015-06-01", version=1))
ENDORSED: Story = (*SUBMITTED, take(RoadmapEndorsed, "2015-06-20", version=1))

APPROVES = take(
    RoadmapApproved,
    "2015-07-10",
    version=1,
    answers=[
        {"action": "a1", "verdict": "approved"},
        {"action": "a2", "verdict": "approved_with_condition", "reason": "Avec la voirie."},
        {"action": "a3", "verdict": "refused", "reason": "Double emploi."},
    ],
)
APPROVED: Story = (*ENDORSED, APPROVES)

BY_BUDGET = take(
    FundingRouteChosen,
    "2015-08-01",
    action="a1",
    route="service_budget",
    service="green-spaces",
    budget_line="314.100",
    year=2015,
    amount="40000",
)
BY_CREDIT = take(
    FundingRouteChosen, "2015-08-01", action="a2", route="municipal_credit", amount="200000"
)
ROUTED: Story = (*APPROVED, BY_BUDGET, BY_CREDIT)

REQUESTED: Story = (
    *ROUTED,
    take(
        CreditRequested, "2015-08-20", action="a2", proposal="PR-1100", gross="200000", net="180000"
    ),
)
VOTES_CREDIT = take(
    CreditVoted,
    "2015-11-10",
    action="a2",
    deliberation="D-39 (181e)",
    gross="200000",
    net="180000",
    votes={"yes": 60, "no": 10, "abstentions": 5},
)
VOTED: Story = (*REQUESTED, VOTES_CREDIT)
PUBLISHED: Story = (
    *VOTED,
    take(CreditPublished, "2015-11-16", action="a2", published_on="2015-11-16"),
)
FUNDED: Story = (
    *PUBLISHED,
    take(CreditBecameEnforceable, "2016-01-05", action="a2", enforceable_on="2016-01-05"),
)

ASSIGNED: Story = (
    *FUNDED,
    take(ActionAssigned, "2016-01-10", by=COUNCIL, action="a1", service="green-spaces"),
    take(ActionAssigned, "2016-01-10", by=COUNCIL, action="a2", service="roads"),
    take(AssignmentAccepted, "2016-01-12", action="a1"),
)

STARTED: Story = (
    *ASSIGNED,
    take(ActionStarted, "2016-01-20", action="a1", expected_end="2016-12-31"),
    take(ActionStarted, "2016-01-20", action="a2"),
    take(
        MilestoneSet,
        "2016-01-25",
        by=COMMISSION,
        action="a1",
        milestone="m1",
        title="Arbres plantés",
        due="2016-11-30",
    ),
)

SPENT: Story = (
    *STARTED,
    take(FundsCommitted, "2016-02-01", action="a1", amount="40000", reference="C-1"),
    take(ExpenditureRecorded, "2016-03-01", action="a1", amount="39999.95", reference="F-1"),
    take(FundsCommitted, "2016-03-01", action="a2", amount="150000", reference="C-2"),
    take(ExpenditureRecorded, "2016-04-01", action="a2", amount="100000", reference="F-2"),
)

AMENDED: Story = (
    *SPENT,
    *plenary("p3", "2016-04-10", "2016-05-10", "needs"),
    need("n5", "2016-05-10", "mobility"),
    take(DiagnosisShared, "2016-06-20", needs=["n5"], text="Un besoin s'ajoute."),
    action("a5", "2016-07-01", "n5"),
    take(ActionRetained, "2016-08-01", action="a5"),
    take(RoadmapAmended, "2016-09-01", version=2, actions=["a5"], reason="Un nouveau besoin."),
    *plenary("p4", "2017-03-20", "2017-04-25", "work_and_priorities"),
    take(RoadmapPresented, "2017-04-25", version=2, plenary="p4", outcome="supported"),
    take(RoadmapSubmitted, "2017-05-10", version=2),
    take(RoadmapEndorsed, "2017-05-20", version=2),
    take(
        RoadmapApproved,
        "2017-06-10",
        version=2,
        answers=[{"action": "a5", "verdict": "approved"}],
    ),
    take(FundingRouteChosen, "2017-06-20", action="a5", route="none_needed"),
    take(ActionAssigned, "2017-06-21", by=COUNCIL, action="a5", service="youth"),
    take(ActionStarted, "2017-07-01", action="a5"),
)

COMPLETED: Story = (
    *AMENDED,
    take(ProgressReported, "2016-12-01", by=COMMISSION, action="a1", percent=90, text="Presque."),
    take(MilestoneReached, "2016-12-01", by=COMMISSION, action="a1", milestone="m1"),
    take(ActionCompleted, "2017-08-01", action="a1"),
    take(ExpenditureRecorded, "2017-09-01", action="a2", amount="40000", reference="F-3"),
    take(FundsReleased, "2017-10-01", action="a2", amount="60000", reference="L-1"),
    take(ActionCompleted, "2017-11-01", action="a2"),
)

CLOSING: Story = (
    *COMPLETED,
    *plenary("p5", "2018-03-01", "2018-04-10", "work_and_priorities"),
    take(ClosureOpened, "2018-06-20", text="Quatre ans ont passé."),
)

HANDS_OVER = take(
    HandoverProposed,
    "2018-06-25",
    by=COMMISSION,
    action="a5",
    relay=person("association"),
    what_goes_on="L'animation de la place.",
    starts_on="2018-10-01",
)
HANDED_OVER: Story = (
    *CLOSING,
    HANDS_OVER,
    take(HandoverAccepted, "2018-07-01", by=Body.RELAY, action="a5"),
)

CLOSES = take(ContractClosed, "2018-10-01")
CLOSED: Story = (
    *HANDED_OVER,
    take(FinalReportAdopted, "2018-09-01", text="Ce qui a été fait."),
    CLOSES,
)
