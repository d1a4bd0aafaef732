"""The conformity answers: for each paragraph that asks for something, was it done, and in time?

The document holds facts; how they answer on a given day is worked out when it is read, so that
nothing stored depends on the clock. `assess` also answers under another framework.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from domain.approval import RoadmapApproved, RoadmapEndorsed, Verdict
from domain.closure import ClosureOpened, ContractClosed
from domain.commission import (
    CommissionConstituted,
    CommissionMet,
    DelegatesResigned,
    OpennessMeasureTaken,
    SeatSide,
)
from domain.decision import Decision, Recorded
from domain.diagnosis import DiagnosisShared
from domain.follow_up import ActionAbandoned, ActionAssigned, ActionCompleted
from domain.framework import CADRE_2014, FRAMEWORKS, Framework
from domain.funding import FundingRouteChosen
from domain.handover import HandoverAccepted
from domain.initiation import (
    ContractInitiated,
    ContractInterrupted,
    DepartmentInformed,
    MunicipalCouncilInformed,
    PerimeterSet,
)
from domain.offices import CoordinatorAppointed, ServiceDelegateNamed, ServiceDelegateRecalled
from domain.plenaries import PlenaryHeld
from domain.promotion import PromotionActivityHeld, PromotionStarted
from domain.roadmap import RoadmapPresented
from domain.rule import Rule
from domain.working_groups import WorkingGroupFormed
from projections import requirements as _requirements  # noqa: F401 - fills REQUIREMENTS
from projections.facts import Fact, Text, fact, first
from projections.requirement import (
    REQUIREMENTS,
    ActionFacts,
    Departure,
    Facts,
    PlenaryFact,
    State,
)
from projections.view import View


@dataclass(slots=True)
class DepartureFrom(Fact):
    """A departable rule that was set aside: which, on which paragraph it rests, and why."""

    rule: str
    basis: str
    type: str
    justification: Text


@dataclass(slots=True)
class Assessed:
    """How one requirement is answered. `positions`: the decisions that show it."""

    id: str
    basis: str
    fr: str
    en: str
    state: State
    due: date | None
    decided_on: date | None
    positions: list[int]
    missing: list[str]
    departures: list[DepartureFrom]


@dataclass(slots=True)
class Conformity:
    """Every requirement of the framework, as it stood on the day `on`."""

    framework: str
    on: date
    counts: dict[State, int] = field(default_factory=dict)
    requirements: list[Assessed] = field(default_factory=list)
    departures: list[DepartureFrom] = field(default_factory=list)


conformity = View("conformity", version=1, empty=Facts)


# --- Reading ------------------------------------------------------------------------------------


def assess(facts: Facts, today: date, framework: Framework | None = None) -> Conformity:
    """The requirements as they stand on that day, under that framework or the contract's own."""
    framework = framework or FRAMEWORKS.get(facts.framework, CADRE_2014)
    read = Conformity(framework.version, today, departures=_named(facts.departures))
    for requirement in REQUIREMENTS:
        answer = requirement.ask(facts, framework, today)
        if answer is None:
            continue
        shown = {each.position: each for each in answer.by if each is not None}
        read.counts[answer.state] = read.counts.get(answer.state, 0) + 1
        read.requirements.append(
            Assessed(
                requirement.id,
                requirement.basis,
                requirement.fr,
                requirement.en,
                answer.state,
                answer.due,
                max((each.decided_on for each in shown.values()), default=None),
                list(shown),
                answer.missing,
                _named(answer.departures),
            )
        )
    return read


def _named(departures: list[Departure]) -> list[DepartureFrom]:
    return [
        DepartureFrom(
            each.decided_on,
            each.position,
            each.rule,
            Rule.registry[each.rule].basis if each.rule in Rule.registry else "",
            each.type,
            each.justification,
        )
        for each in departures
    ]


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
    PerimeterSet: "perimeter",
    CoordinatorAppointed: "coordinator",
    ServiceDelegateNamed: "service_delegate",
    PromotionStarted: "promotion",
    CommissionMet: "meeting",
    OpennessMeasureTaken: "openness",
    WorkingGroupFormed: "group",
    DiagnosisShared: "diagnosis",
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
    facts.framework = decision.framework


@conformity.on(MunicipalCouncilInformed)
def _(facts: Facts, decision: MunicipalCouncilInformed, recorded: Recorded[Any]) -> None:
    day, known = decision.informed_on or recorded.act.decided_on, facts.council_informed
    if known is None or day < known.decided_on:
        facts.council_informed = Fact(day, recorded.position)


@conformity.on(DepartmentInformed)
def _(facts: Facts, decision: DepartmentInformed, recorded: Recorded[Any]) -> None:
    known = facts.departments.get(decision.department)
    facts.departments[decision.department] = first(known, recorded)


@conformity.on(PromotionActivityHeld)
def _(facts: Facts, decision: PromotionActivityHeld, recorded: Recorded[Any]) -> None:
    known = facts.last_activity
    if known is None or known.decided_on <= recorded.act.decided_on:
        facts.last_activity = fact(recorded)


@conformity.on(PlenaryHeld)
def _(facts: Facts, decision: PlenaryHeld, recorded: Recorded[Any]) -> None:
    facts.plenaries.append(
        PlenaryFact(recorded.act.decided_on, recorded.position, decision.purposes)
    )


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
