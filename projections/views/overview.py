"""The overview answers: which contract is this, where does it stand, who answers for it?"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from domain.chapters.actions import ActionProposed
from domain.chapters.approval import RoadmapApproved
from domain.chapters.diagnosis import DiagnosisShared, NeedExpressed
from domain.chapters.initiation import (
    ContractInitiated,
    ContractInterrupted,
    ContractResumed,
    ContractSuspended,
    Ground,
    OptionOutcome,
    PerimeterSet,
    StrategicOptionValidated,
)
from domain.chapters.offices import CoordinatorAppointed, CoordinatorRelieved
from domain.chapters.plenaries import PlenaryHeld
from domain.chapters.promotion import (
    OperatingBudgetGranted,
    OperatingExpenseRecorded,
    PromotionActivityHeld,
    PromotionStarted,
)
from domain.kernel.contract import earliest
from domain.kernel.decision import Decision, Recorded
from domain.kernel.framework import FRAMEWORKS
from domain.kernel.life_cycle import Standing
from domain.kernel.values import ActionId, PersonId, Title
from projections.engine.view import View
from projections.facts.action_status import STATUSES, ActionStatus
from projections.facts.facts import (
    NOTHING,
    Because,
    Book,
    Fact,
    Money,
    Text,
    because,
    book,
    fact,
    first,
)
from projections.facts.phase import STAGES, STANDINGS, Phase


@dataclass(slots=True)
class LastDecision:
    """What was recorded last. `type` is the slug of its decision type."""

    type: str
    position: int
    decided_on: date
    recorded_at: datetime


@dataclass(slots=True)
class Promotion:
    """How the initiative was explained, in numbers."""

    audiences: tuple[Title, ...] = ()
    activities: int = 0
    people_reached: int = 0


@dataclass(slots=True)
class Option:
    """A strategic option, as the steering committee answered it."""

    subject: Title
    outcome: OptionOutcome
    remarks: Text | None
    decided: Fact


@dataclass(slots=True)
class Counts:
    """How much there is. `actions` counts by what was last decided of each."""

    decisions: int = 0
    plenaries_held: int = 0
    needs_expressed: int = 0
    needs_retained: int = 0
    actions: dict[ActionStatus, int] = field(default_factory=dict)


@dataclass(slots=True)
class OperatingYear:
    """The operating budget of one year, in francs."""

    granted: Money = NOTHING
    spent: Money = NOTHING


@dataclass(slots=True)
class Overview:
    """A contract at a glance. `stages` says when each stage began, `actions` each one's status."""

    title: Title | None = None
    territory: Title | None = None
    ground: Ground | None = None
    framework: str | None = None
    justification: Text | None = None
    illustrative: bool = False
    standing: Standing = Standing.NEW
    phase: Phase = Phase.INITIATION
    stages: dict[Phase, Fact] = field(default_factory=dict)
    launched_on: date | None = None
    closure_due: date | None = None
    suspended: Because | None = None
    interrupted: Because | None = None
    perimeter: dict[str, Any] | None = None
    streets: tuple[Title, ...] = ()
    perimeter_set: Fact | None = None
    coordinator: PersonId | None = None
    coordinator_since: Fact | None = None
    promotion: Promotion = field(default_factory=Promotion)
    options: list[Option] = field(default_factory=list)
    budget: OperatingYear = field(default_factory=OperatingYear)
    budgets: Book[int, OperatingYear] = book(OperatingYear)
    counts: Counts = field(default_factory=Counts)
    actions: dict[ActionId, ActionStatus] = field(default_factory=dict)
    last_decision: LastDecision | None = None


overview = View("overview", version=2, empty=Overview)


@overview.on_any
def _(view: Overview, decision: Decision, recorded: Recorded[Any]) -> None:
    view.counts.decisions += 1
    view.last_decision = LastDecision(
        recorded.decision.slug, recorded.position, recorded.act.decided_on, recorded.recorded_at
    )


@overview.on(*STAGES)
def _(view: Overview, decision: Decision, recorded: Recorded[Any]) -> None:
    kind = type(decision)
    view.phase = view.phase.then(kind)
    begun = STAGES[kind]
    view.stages[begun] = first(view.stages.get(begun), recorded)


@overview.on(*STANDINGS)
def _(view: Overview, decision: Decision, recorded: Recorded[Any]) -> None:
    view.standing = STANDINGS[type(decision)]


@overview.on(ContractInitiated)
def _(view: Overview, decision: ContractInitiated, recorded: Recorded[Any]) -> None:
    view.title = decision.title
    view.territory = decision.territory
    view.ground = decision.ground
    view.framework = decision.framework
    view.justification = decision.justification
    view.illustrative = any(piece.illustrative for piece in recorded.act.evidence)
    _set_closure(view)


@overview.on(ContractSuspended)
def _(view: Overview, decision: ContractSuspended, recorded: Recorded[Any]) -> None:
    view.suspended = because(recorded, decision.reason)


@overview.on(ContractResumed)
def _(view: Overview, decision: ContractResumed, recorded: Recorded[Any]) -> None:
    view.suspended = None


@overview.on(ContractInterrupted)
def _(view: Overview, decision: ContractInterrupted, recorded: Recorded[Any]) -> None:
    view.interrupted = because(recorded, decision.reason)


@overview.on(PerimeterSet)
def _(view: Overview, decision: PerimeterSet, recorded: Recorded[Any]) -> None:
    view.perimeter = decision.perimeter
    view.streets = decision.streets
    view.perimeter_set = fact(recorded)


@overview.on(CoordinatorAppointed)
def _(view: Overview, decision: CoordinatorAppointed, recorded: Recorded[Any]) -> None:
    view.coordinator = decision.person
    view.coordinator_since = fact(recorded)


@overview.on(CoordinatorRelieved)
def _(view: Overview, decision: CoordinatorRelieved, recorded: Recorded[Any]) -> None:
    view.coordinator = decision.successor
    view.coordinator_since = fact(recorded) if decision.successor else None


@overview.on(StrategicOptionValidated)
def _(view: Overview, decision: StrategicOptionValidated, recorded: Recorded[Any]) -> None:
    view.options.append(
        Option(decision.subject, decision.outcome, decision.remarks, fact(recorded))
    )


@overview.on(PromotionStarted)
def _(view: Overview, decision: PromotionStarted, recorded: Recorded[Any]) -> None:
    view.promotion.audiences = decision.audiences


@overview.on(PromotionActivityHeld)
def _(view: Overview, decision: PromotionActivityHeld, recorded: Recorded[Any]) -> None:
    if decision.people_reached:
        view.promotion.people_reached += decision.people_reached


@overview.on(PromotionActivityHeld)
def _(view: Overview, decision: PromotionActivityHeld, recorded: Recorded[Any]) -> None:
    view.promotion.activities += 1


@overview.on(OperatingBudgetGranted)
def _(view: Overview, decision: OperatingBudgetGranted, recorded: Recorded[Any]) -> None:
    view.budget.granted += decision.amount
    view.budgets[decision.year].granted += decision.amount


@overview.on(OperatingExpenseRecorded)
def _(view: Overview, decision: OperatingExpenseRecorded, recorded: Recorded[Any]) -> None:
    view.budget.spent += decision.amount
    view.budgets[decision.year].spent += decision.amount


@overview.on(PlenaryHeld)
def _(view: Overview, decision: PlenaryHeld, recorded: Recorded[Any]) -> None:
    view.counts.plenaries_held += 1
    view.launched_on = earliest(view.launched_on, recorded.act.decided_on)
    _set_closure(view)


def _set_closure(view: Overview) -> None:
    framework = FRAMEWORKS.get(view.framework or "cadre-2014")
    if view.launched_on and framework and framework.lasts:
        view.closure_due = framework.lasts.after(view.launched_on)


@overview.on(NeedExpressed)
def _(view: Overview, decision: NeedExpressed, recorded: Recorded[Any]) -> None:
    view.counts.needs_expressed += 1


@overview.on(DiagnosisShared)
def _(view: Overview, decision: DiagnosisShared, recorded: Recorded[Any]) -> None:
    view.counts.needs_retained += len(decision.needs)


# --- Actions, by status -------------------------------------------------------------------------


def _move(view: Overview, action: ActionId, status: ActionStatus) -> None:
    counts = view.counts.actions
    before = view.actions.get(action)
    if before is not None:
        counts[before] -= 1
    view.actions[action] = status
    counts[status] = counts.get(status, 0) + 1


@overview.on(*STATUSES)
def _(view: Overview, decision: ActionProposed, recorded: Recorded[Any]) -> None:
    _move(view, decision.action, STATUSES[type(decision)])


@overview.on(RoadmapApproved)
def _(view: Overview, decision: RoadmapApproved, recorded: Recorded[Any]) -> None:
    for answer in decision.answers:
        before = view.actions.get(answer.action, ActionStatus.RETAINED)
        _move(view, answer.action, before.answered(answer.verdict))
