"""The timeline answers: what marked this contract, stage by stage, and what is due when?"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Any

from domain.chapters.approval import RoadmapApproved, RoadmapEndorsed, RoadmapReturned
from domain.chapters.closure import ClosureOpened, ContractClosed, FinalReportAdopted
from domain.chapters.commission import CommissionConstituted, DelegatesResigned
from domain.chapters.credit import CreditRefused, CreditRequested, CreditVoted
from domain.chapters.diagnosis import DiagnosisShared
from domain.chapters.follow_up import ActionAbandoned, ActionCompleted, ActionStarted
from domain.chapters.handover import HandoverAccepted
from domain.chapters.initiation import (
    ContractInitiated,
    ContractInterrupted,
    ContractResumed,
    ContractSuspended,
    PerimeterSet,
)
from domain.chapters.offices import CoordinatorAppointed, CoordinatorRelieved
from domain.chapters.plenaries import PlenaryHeld
from domain.chapters.promotion import PromotionStarted
from domain.chapters.referendum import (
    CreditBecameEnforceable,
    CreditContested,
    CreditOverturned,
    CreditPublished,
)
from domain.chapters.roadmap import (
    RoadmapAmended,
    RoadmapDrafted,
    RoadmapPresented,
    RoadmapSubmitted,
)
from domain.kernel.decision import Decision, Recorded
from domain.kernel.framework import FRAMEWORKS, Months
from domain.kernel.values import Term
from projections.engine.view import View
from projections.facts.facts import Fact, first
from projections.facts.phase import ENDS, STAGES, Phase

_ABOUT: dict[type[Decision], str | None] = {
    ContractInitiated: None,
    PerimeterSet: None,
    CoordinatorAppointed: None,
    CoordinatorRelieved: None,
    PromotionStarted: None,
    PlenaryHeld: "plenary",
    CommissionConstituted: None,
    DelegatesResigned: None,
    DiagnosisShared: None,
    RoadmapDrafted: "version",
    RoadmapAmended: "version",
    RoadmapPresented: "version",
    RoadmapSubmitted: "version",
    RoadmapEndorsed: "version",
    RoadmapReturned: "version",
    RoadmapApproved: "version",
    CreditRequested: "action",
    CreditVoted: "action",
    CreditRefused: "action",
    CreditPublished: "action",
    CreditContested: "action",
    CreditOverturned: "action",
    CreditBecameEnforceable: "action",
    ActionStarted: "action",
    ActionCompleted: "action",
    ActionAbandoned: "action",
    HandoverAccepted: "action",
    ContractSuspended: None,
    ContractResumed: None,
    ClosureOpened: None,
    FinalReportAdopted: None,
    ContractClosed: None,
    ContractInterrupted: None,
}
"""The decision types that mark a contract, and the field that says what each is about."""


class Deadline(Term):
    """What the Cadre sets a date for."""

    PROMOTION = "promotion", "fin au plus tôt de la promotion", "earliest end of promotion"
    DIAGNOSIS_FROM = "diagnosis_from", "diagnostic, au plus tôt", "diagnosis, earliest"
    DIAGNOSIS_UNTIL = "diagnosis_until", "diagnostic, au plus tard", "diagnosis, latest"
    PLENARY = "plenary", "prochaine conférence de quartier", "next plenary"
    CLOSURE = "closure", "terme du contrat", "term of the contract"


@dataclass(slots=True)
class Stage:
    """A stage of the Cadre; it ends when the next one that was reached begins."""

    began: Fact
    ended: Fact | None = None


@dataclass(slots=True)
class Moment(Fact):
    """One decision that marked the contract. `about`: an action, a plenary, a version."""

    type: str
    about: str | None


@dataclass(slots=True)
class Timeline:
    """Stages in the order they began; moments by day, then by position; dates the Cadre sets."""

    framework: str = "cadre-2014"
    phase: Phase = Phase.INITIATION
    stages: dict[Phase, Stage] = field(default_factory=dict)
    last_plenary_on: date | None = None
    moments: list[Moment] = field(default_factory=list)
    due: dict[Deadline, date] = field(default_factory=dict)


timeline = View("timeline", version=2, empty=Timeline)


def _place(moment: Moment) -> tuple[date, int]:
    return moment.decided_on, moment.position


@timeline.on(*_ABOUT)
def _(view: Timeline, decision: Decision, recorded: Recorded[Any]) -> None:
    name = _ABOUT[type(decision)]
    about = None if name is None else str(getattr(decision, name))
    moment = Moment(recorded.act.decided_on, recorded.position, decision.slug, about)
    moments = view.moments
    if moments and moment.decided_on < moments[-1].decided_on:
        insort(moments, moment, key=_place)
    else:
        moments.append(moment)


@timeline.on(*STAGES)
def _(view: Timeline, decision: Decision, recorded: Recorded[Any]) -> None:
    kind = type(decision)
    view.phase = view.phase.then(kind)
    known = view.stages.get(STAGES[kind])
    view.stages[STAGES[kind]] = Stage(first(known.began if known else None, recorded))
    reached = [view.stages[phase] for phase in Phase if phase in view.stages]
    for stage, following in pairwise(reached):
        stage.ended = following.began


# --- Dates --------------------------------------------------------------------------------------


@timeline.on(ContractInitiated)
def _(view: Timeline, decision: ContractInitiated, recorded: Recorded[Any]) -> None:
    view.framework = decision.framework


def _await(view: Timeline, what: Deadline, span: Months | None, since: date) -> None:
    if span is not None:
        view.due[what] = span.after(since)


@timeline.on(PromotionStarted)
def _(view: Timeline, decision: PromotionStarted, recorded: Recorded[Any]) -> None:
    if framework := FRAMEWORKS.get(view.framework):
        _await(view, Deadline.PROMOTION, framework.promotion_at_least, recorded.act.decided_on)


@timeline.on(PlenaryHeld)
def _(view: Timeline, decision: PlenaryHeld, recorded: Recorded[Any]) -> None:
    framework = FRAMEWORKS.get(view.framework)
    if framework is None or view.phase is Phase.CLOSURE or view.phase is Phase.ENDED:
        return
    view.last_plenary_on = max(view.last_plenary_on or date.min, recorded.act.decided_on)
    launched_on = view.stages[Phase.DIAGNOSIS].began.decided_on
    if Phase.ROADMAP not in view.stages:
        _await(view, Deadline.DIAGNOSIS_FROM, framework.diagnosis_at_least, launched_on)
        _await(view, Deadline.DIAGNOSIS_UNTIL, framework.diagnosis_at_most, launched_on)
    _await(view, Deadline.CLOSURE, framework.lasts, launched_on)
    _await(view, Deadline.PLENARY, framework.plenary_every, view.last_plenary_on)


@timeline.on(DiagnosisShared)
def _(view: Timeline, decision: DiagnosisShared, recorded: Recorded[Any]) -> None:
    view.due.pop(Deadline.DIAGNOSIS_FROM, None)
    view.due.pop(Deadline.DIAGNOSIS_UNTIL, None)


@timeline.on(ClosureOpened, *ENDS)
def _(view: Timeline, decision: Decision, recorded: Recorded[Any]) -> None:
    view.due.clear()
