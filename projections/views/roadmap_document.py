"""What the roadmap view answers with: versions, and each action from its proposal to its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from domain.chapters.approval import Verdict
from domain.chapters.roadmap import Outcome
from domain.kernel.act import Body
from domain.kernel.values import (
    ActionId,
    MilestoneId,
    NeedId,
    PersonId,
    PlenaryId,
    ServiceId,
    Term,
    ThemeId,
    Title,
    WorkingGroupId,
)
from projections.facts.action_status import ActionStatus
from projections.facts.facts import Because, Book, Fact, Money, Text, book


class VersionState(Term):
    """The last step a version has taken."""

    DRAFTED = "drafted", "rédigée", "drafted"
    PRESENTED = "presented", "présentée au quartier", "presented to the neighbourhood"
    SUBMITTED = "submitted", "transmise au Comité de pilotage", "submitted"
    ENDORSED = "endorsed", "approuvée par le Comité de pilotage", "endorsed"
    RETURNED = "returned", "renvoyée par le Comité de pilotage", "returned"
    APPROVED = "approved", "validée par le Conseil administratif", "approved"


class HandoverAnswer(Term):
    """What a relay answered."""

    ACCEPTED = "accepted", "acceptée", "accepted"
    DECLINED = "declined", "déclinée", "declined"


@dataclass(slots=True)
class Presentation(Fact):
    """A version was put to the whole neighbourhood."""

    plenary: PlenaryId
    outcome: Outcome
    remarks: Text | None


@dataclass(slots=True)
class Version:
    """One version of the roadmap and the way it went. `amends`: why it replaces the one before."""

    state: VersionState = VersionState.DRAFTED
    actions: tuple[ActionId, ...] = ()
    drafted: Fact | None = None
    amends: Because | None = None
    presented: list[Presentation] = field(default_factory=list)
    submitted: Fact | None = None
    endorsed: Because | None = None
    returned: Because | None = None
    approved: Fact | None = None


@dataclass(slots=True)
class Ranking(Fact):
    """The last place an action was given, from 1, and who gave it."""

    rank: int
    by: Body
    plenary: PlenaryId | None
    group: WorkingGroupId | None
    votes: int | None


@dataclass(slots=True)
class Answered(Fact):
    """The council's answer to the action, as part of a version."""

    verdict: Verdict
    version: int
    reason: Text | None


@dataclass(slots=True)
class Assignment(Fact):
    """The one service that is responsible, and when it took the action on."""

    service: ServiceId
    accepted: Because | None = None


@dataclass(slots=True)
class Progress(Fact):
    """How far the action was when it was last reported."""

    percent: int
    text: Text


@dataclass(slots=True)
class Milestone:
    """A step that was agreed, with its day."""

    title: Title | None = None
    due: date | None = None
    agreed: Fact | None = None
    reached: Fact | None = None


@dataclass(slots=True)
class Rescheduling(Because):
    """The expected end was moved."""

    expected_end: date | None = None


@dataclass(slots=True)
class Handover:
    """What goes on is to be taken over by a service or a relay structure."""

    proposed: Fact
    service: ServiceId | None
    relay: PersonId | None
    what_goes_on: Text
    starts_on: date | None
    answer: HandoverAnswer | None = None
    answered: Because | None = None


@dataclass(slots=True)
class Line:
    """One action, from its proposal to its end.

    `assignments` and `handovers` are in the order they were made; the last one counts.
    `continued`: who goes on with it after the contract was interrupted.
    """

    status: ActionStatus = ActionStatus.PROPOSED
    title: Title | None = None
    text: Text | None = None
    needs: tuple[NeedId, ...] = ()
    theme: ThemeId | None = None
    lead_service: ServiceId | None = None
    estimate: Money | None = None
    proposed: Fact | None = None
    proposed_by: Body | None = None
    revised: Fact | None = None
    ranking: Ranking | None = None
    retained: Because | None = None
    set_aside: Because | None = None
    answered: Answered | None = None
    assignments: list[Assignment] = field(default_factory=list)
    started: Fact | None = None
    expected_end: date | None = None
    rescheduled: list[Rescheduling] = field(default_factory=list)
    progress: Progress | None = None
    milestones: Book[MilestoneId, Milestone] = book(Milestone)
    completed: Because | None = None
    abandoned: Because | None = None
    handovers: list[Handover] = field(default_factory=list)
    continued: Handover | None = None


@dataclass(slots=True)
class Roadmap:
    """Every version and every action. `current`: the last version the council answered."""

    current: int | None = None
    versions: Book[int, Version] = book(Version)
    actions: Book[ActionId, Line] = book(Line)
