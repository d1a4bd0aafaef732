"""The conformity answers: for each paragraph that asks for something, was it done, and in time?

The document holds facts; how they answer on a given day is worked out when it is read
(`assessment.py`), so that nothing stored depends on the clock.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from domain.chapters.actions import ActionRetained, ActionsPrioritised
from domain.chapters.approval import RoadmapApproved, RoadmapEndorsed, Verdict
from domain.chapters.closure import ClosureOpened, ContractClosed
from domain.chapters.commission import (
    CommissionConstituted,
    CommissionMet,
    DelegateDesignated,
    DelegateElected,
    DelegatesResigned,
    OpennessMeasureTaken,
    SeatSide,
)
from domain.chapters.credit import CreditRefused, CreditRequested, CreditVoted
from domain.chapters.diagnosis import DiagnosisShared
from domain.chapters.follow_up import (
    ActionAbandoned,
    ActionAssigned,
    ActionCompleted,
    MilestoneReached,
    ProgressReported,
)
from domain.chapters.funding import FundingRouteChosen
from domain.chapters.handover import HandoverAccepted
from domain.chapters.initiation import (
    ContractInitiated,
    ContractInterrupted,
    DepartmentInformed,
    MunicipalCouncilInformed,
    PerimeterSet,
    StrategicOptionValidated,
)
from domain.chapters.offices import (
    CoordinatorAppointed,
    ServiceDelegateNamed,
    ServiceDelegateRecalled,
)
from domain.chapters.plenaries import PlenaryHeld
from domain.chapters.promotion import PromotionActivityHeld, PromotionStarted
from domain.chapters.roadmap import RoadmapDrafted, RoadmapPresented
from domain.chapters.working_groups import WorkingGroupFormed, WorkingGroupReported
from domain.kernel.decision import Decision, Recorded
from projections.conformity.assessment import Conformity, assess
from projections.conformity.requirement import ActionFacts, Departure, Facts
from projections.engine.view import View
from projections.facts.facts import Fact, fact, first

conformity = View("conformity", version=3, empty=Facts)


@conformity.reading
def _(facts: Facts, today: date) -> Conformity:
    return assess(facts, today)


# --- Facts --------------------------------------------------------------------------------------


@conformity.on_any
def _(facts: Facts, decision: Decision, recorded: Recorded[Any]) -> None:
    for rule, justification in recorded.act.departures.items():
        facts.departures.append(
            Departure(
                recorded.act.decided_on, recorded.position, decision.slug, rule, justification
            )
        )


_FIRST: dict[type[Decision], str] = {
    ContractInitiated: "initiated",
    StrategicOptionValidated: "option",
    PerimeterSet: "perimeter",
    CoordinatorAppointed: "coordinator",
    ServiceDelegateNamed: "service_delegate",
    PromotionStarted: "promotion",
    DelegateElected: "delegate",
    DelegateDesignated: "delegate",
    CommissionMet: "meeting",
    OpennessMeasureTaken: "openness",
    WorkingGroupFormed: "group",
    DiagnosisShared: "diagnosis",
    WorkingGroupReported: "prioritised",
    ActionsPrioritised: "prioritised",
    ActionRetained: "retained",
    RoadmapDrafted: "drafted",
    RoadmapPresented: "presented",
    RoadmapEndorsed: "endorsed",
    RoadmapApproved: "approved",
    ClosureOpened: "closing",
    ContractClosed: "closed",
    ContractInterrupted: "interrupted",
}


@conformity.on(*_FIRST)
def _(facts: Facts, decision: Decision, recorded: Recorded[Any]) -> None:
    name = _FIRST[type(decision)]
    setattr(facts, name, first(getattr(facts, name), recorded))


@conformity.on(ContractInitiated)
def _(facts: Facts, decision: ContractInitiated, recorded: Recorded[Any]) -> None:
    facts.framework, facts.ground = decision.framework, decision.ground


@conformity.on(MunicipalCouncilInformed)
def _(facts: Facts, decision: MunicipalCouncilInformed, recorded: Recorded[Any]) -> None:
    day, known = decision.informed_on or recorded.act.decided_on, facts.council_informed
    if known is None or day < known.decided_on:
        facts.council_informed = Fact(day, recorded.position)


@conformity.on(DepartmentInformed)
def _(facts: Facts, decision: DepartmentInformed, recorded: Recorded[Any]) -> None:
    known = facts.departments.get(decision.department)
    facts.departments[decision.department] = first(known, recorded)


@conformity.on(PromotionStarted)
def _(facts: Facts, decision: PromotionStarted, recorded: Recorded[Any]) -> None:
    facts.audiences = tuple(dict.fromkeys((*facts.audiences, *decision.audiences)))


@conformity.on(PromotionActivityHeld)
def _(facts: Facts, decision: PromotionActivityHeld, recorded: Recorded[Any]) -> None:
    known = facts.reached.get(decision.audience)
    if (reached := first(known, recorded)) is not known:
        facts.reached[decision.audience] = reached
    facts.last_activity = _last(facts.last_activity, recorded)


@conformity.on(CommissionMet, ProgressReported, MilestoneReached)
def _(facts: Facts, decision: Decision, recorded: Recorded[Any]) -> None:
    facts.followed = _last(facts.followed, recorded)


@conformity.on(PlenaryHeld)
def _(facts: Facts, decision: PlenaryHeld, recorded: Recorded[Any]) -> None:
    facts.launched = first(facts.launched, recorded)
    for purpose in decision.purposes:
        facts.purposes[purpose] = first(facts.purposes.get(purpose), recorded)
    facts.plenaries.append(fact(recorded))


@conformity.on(CommissionConstituted)
def _(facts: Facts, decision: CommissionConstituted, recorded: Recorded[Any]) -> None:
    facts.commission.constitute(facts.framework, recorded)


@conformity.on(DelegatesResigned, ServiceDelegateRecalled)
def _(
    facts: Facts,
    decision: DelegatesResigned | ServiceDelegateRecalled,
    recorded: Recorded[Any],
) -> None:
    if isinstance(decision, DelegatesResigned):
        leaving, side = decision.persons, SeatSide.NEIGHBOURHOOD
    else:
        leaving, side = (decision.person,), SeatSide.SERVICE
    facts.commission.leave(facts.framework, leaving, side, recorded)


# --- Approved actions ---------------------------------------------------------------------------


@conformity.on(RoadmapApproved)
def _(facts: Facts, decision: RoadmapApproved, recorded: Recorded[Any]) -> None:
    for answer in decision.answers:
        action = facts.actions[answer.action]
        refused = answer.verdict is Verdict.REFUSED
        action.approved = None if refused else action.approved or fact(recorded)


@conformity.on(FundingRouteChosen)
def _(facts: Facts, decision: FundingRouteChosen, recorded: Recorded[Any]) -> None:
    _follow(facts.actions[decision.action], "routed", recorded)


@conformity.on(CreditRequested)
def _(facts: Facts, decision: CreditRequested, recorded: Recorded[Any]) -> None:
    _follow(facts.actions[decision.action], "requested", recorded)


@conformity.on(CreditVoted, CreditRefused)
def _(facts: Facts, decision: CreditVoted | CreditRefused, recorded: Recorded[Any]) -> None:
    _follow(facts.actions[decision.action], "answered", recorded)


@conformity.on(ActionAssigned)
def _(facts: Facts, decision: ActionAssigned, recorded: Recorded[Any]) -> None:
    _follow(facts.actions[decision.action], "assigned", recorded)


@conformity.on(ActionCompleted, ActionAbandoned, HandoverAccepted)
def _(
    facts: Facts,
    decision: ActionCompleted | ActionAbandoned | HandoverAccepted,
    recorded: Recorded[Any],
) -> None:
    _follow(facts.actions[decision.action], "settled", recorded)


@conformity.on(ContractInterrupted)
def _(facts: Facts, decision: ContractInterrupted, recorded: Recorded[Any]) -> None:
    for named in decision.continuations:
        _follow(facts.actions[named.action], "settled", recorded)


def _follow(action: ActionFacts, name: str, recorded: Recorded[Any]) -> None:
    setattr(action, name, first(getattr(action, name), recorded))


def _last(known: Fact | None, recorded: Recorded[Any]) -> Fact:
    """The later of the two by day."""
    if known is not None and known.decided_on > recorded.act.decided_on:
        return known
    return fact(recorded)
