"""The plenaries answer: when does the neighbourhood meet, who came, for what, year by year?"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from domain.chapters.actions import ActionsPrioritised
from domain.chapters.closure import ClosureOpened
from domain.chapters.commission import DelegateDesignated, DelegateElected
from domain.chapters.initiation import ContractInitiated
from domain.chapters.plenaries import (
    Accessibility,
    Attendance,
    LanguageCode,
    PlenaryCancelled,
    PlenaryConvened,
    PlenaryHeld,
    PlenaryPostponed,
)
from domain.chapters.roadmap import RoadmapPresented
from domain.kernel.act import Body
from domain.kernel.decision import Decision, Recorded
from domain.kernel.framework import FRAMEWORKS
from domain.kernel.values import PersonId, Place, PlenaryId, Term
from domain.rules.gathering import PlenaryOverdue, Purpose
from projections.engine.view import View
from projections.facts.facts import Because, Book, Fact, Text, because, book, fact, first
from projections.facts.phase import ENDS


class PlenaryState(Term):
    """Where a plenary stands."""

    CONVENED = "convened", "convoquée", "convened"
    POSTPONED = "postponed", "reportée", "postponed"
    CANCELLED = "cancelled", "annulée", "cancelled"
    HELD = "held", "tenue", "held"


@dataclass(slots=True)
class Postponement(Because):
    """A plenary was moved from one day to another."""

    was_planned_for: dt.date | None = None
    planned_for: dt.date | None = None


@dataclass(slots=True)
class Held(Fact):
    """A plenary that took place. Nobody who came is named."""

    attendance: Attendance
    attended: int
    purposes: tuple[Purpose, ...]
    minutes: Text | None
    late: Text | None = None
    """Why it was held more than a year after the one before."""


@dataclass(slots=True)
class Plenary:
    """One plenary, and the decisions it took, by their positions."""

    state: PlenaryState = PlenaryState.CONVENED
    date: dt.date | None = None
    place: Place | None = None
    agenda: Text | None = None
    accessibility: tuple[Accessibility, ...] = ()
    languages: tuple[LanguageCode, ...] = ()
    convened: Fact | None = None
    convened_by: Body | None = None
    postponed: list[Postponement] = field(default_factory=list)
    cancelled: Because | None = None
    held: Held | None = None
    elected: list[PersonId] = field(default_factory=list)
    presented: list[int] = field(default_factory=list)
    ranked: list[int] = field(default_factory=list)


@dataclass(slots=True)
class PlenaryYear:
    """What took place in one calendar year."""

    held: int = 0
    attended: int = 0


@dataclass(slots=True)
class Plenaries:
    """Every plenary. `next_due`: the day by which the Cadre awaits the next, until the closure."""

    framework: str = "cadre-2014"
    launched: Fact | None = None
    last_held_on: dt.date | None = None
    next_due: dt.date | None = None
    closing: Fact | None = None
    years: Book[int, PlenaryYear] = book(PlenaryYear)
    plenaries: Book[PlenaryId, Plenary] = book(Plenary)


plenaries = View("plenaries", version=1, empty=Plenaries)


@plenaries.on(ContractInitiated)
def _(view: Plenaries, decision: ContractInitiated, recorded: Recorded[Any]) -> None:
    view.framework = decision.framework
    _expect(view)


def _expect(view: Plenaries) -> None:
    framework = FRAMEWORKS.get(view.framework)
    every = framework.plenary_every if framework else None
    view.next_due = None
    if every is not None and view.last_held_on is not None and view.closing is None:
        view.next_due = every.after(view.last_held_on)


@plenaries.on(ClosureOpened, *ENDS)
def _(view: Plenaries, decision: Decision, recorded: Recorded[Any]) -> None:
    view.closing = first(view.closing, recorded)
    view.next_due = None


@plenaries.on(PlenaryConvened)
def _(view: Plenaries, decision: PlenaryConvened, recorded: Recorded[Any]) -> None:
    plenary = view.plenaries[decision.plenary]
    plenary.date = decision.date
    plenary.place = decision.place
    plenary.agenda = decision.agenda
    plenary.accessibility = decision.accessibility
    plenary.languages = decision.languages
    plenary.convened = fact(recorded)
    plenary.convened_by = recorded.act.body


@plenaries.on(PlenaryPostponed)
def _(view: Plenaries, decision: PlenaryPostponed, recorded: Recorded[Any]) -> None:
    plenary = view.plenaries[decision.plenary]
    plenary.postponed.append(
        Postponement(
            recorded.act.decided_on,
            recorded.position,
            decision.reason,
            plenary.date,
            decision.date,
        )
    )
    plenary.state = PlenaryState.POSTPONED
    plenary.date = decision.date


@plenaries.on(PlenaryCancelled)
def _(view: Plenaries, decision: PlenaryCancelled, recorded: Recorded[Any]) -> None:
    plenary = view.plenaries[decision.plenary]
    plenary.state = PlenaryState.CANCELLED
    plenary.cancelled = because(recorded, decision.reason)


@plenaries.on(PlenaryHeld)
def _(view: Plenaries, decision: PlenaryHeld, recorded: Recorded[Any]) -> None:
    held_on = recorded.act.decided_on
    plenary = view.plenaries[decision.plenary]
    plenary.state = PlenaryState.HELD
    plenary.date = held_on
    plenary.held = Held(
        held_on,
        recorded.position,
        decision.attendance,
        decision.attendance.total,
        decision.purposes,
        decision.minutes,
        late=recorded.act.departures.get(PlenaryOverdue.id),
    )
    view.launched = first(view.launched, recorded)
    view.last_held_on = max(view.last_held_on or held_on, held_on)
    year = view.years[held_on.year]
    year.held += 1
    year.attended += decision.attendance.total
    _expect(view)


# --- What a plenary decided ---------------------------------------------------------------------


@plenaries.on(DelegateElected, DelegateDesignated)
def _(
    view: Plenaries, decision: DelegateElected | DelegateDesignated, recorded: Recorded[Any]
) -> None:
    view.plenaries[decision.plenary].elected.append(decision.person)


@plenaries.on(RoadmapPresented)
def _(view: Plenaries, decision: RoadmapPresented, recorded: Recorded[Any]) -> None:
    view.plenaries[decision.plenary].presented.append(recorded.position)


@plenaries.on(ActionsPrioritised)
def _(view: Plenaries, decision: ActionsPrioritised, recorded: Recorded[Any]) -> None:
    if decision.plenary is not None:
        view.plenaries[decision.plenary].ranked.append(recorded.position)
