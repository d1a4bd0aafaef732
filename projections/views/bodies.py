"""The bodies answer: who sits where, in what capacity, by whose mandate, and on equal terms?

Persons are ids of the vault; whoever renders the document joins what the reader may see.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from domain.chapters.commission import (
    Capacity,
    Channel,
    CommissionConstituted,
    CommissionMet,
    DelegateDesignated,
    DelegateElected,
    DelegatesResigned,
    OneSideAbsent,
    OpennessMeasureTaken,
    SeatSide,
)
from domain.chapters.initiation import ContractInitiated
from domain.chapters.offices import (
    CoordinatorAppointed,
    CoordinatorRelieved,
    ServiceDelegateNamed,
    ServiceDelegateRecalled,
)
from domain.chapters.working_groups import (
    WorkingGroupDissolved,
    WorkingGroupFormed,
    WorkingGroupMemberJoined,
    WorkingGroupMemberLeft,
    WorkingGroupReported,
)
from domain.kernel.decision import Recorded
from domain.kernel.values import (
    DepartmentId,
    PersonId,
    PlenaryId,
    ServiceId,
    Term,
    ThemeId,
    Title,
    WorkingGroupId,
)
from projections.engine.view import View
from projections.facts.commission import Commission
from projections.facts.facts import Because, Book, Fact, Text, because, book, fact


class Mandate(Term):
    """How a delegate of the neighbourhood was chosen."""

    ELECTED = "elected", "élu-e", "elected"
    DESIGNATED = "designated", "désigné-e", "designated"


@dataclass(slots=True)
class Coordinator:
    """One term of office. `until` is empty for the one in office."""

    person: PersonId
    starts_on: date
    appointed: Fact
    until: date | None = None
    relieved: Fact | None = None


@dataclass(slots=True)
class Delegate:
    """One mandate of a delegate of the neighbourhood."""

    person: PersonId
    capacity: Capacity
    mandate: Mandate
    plenary: PlenaryId
    votes: int | None
    since: Fact
    resigned: Because | None = None


@dataclass(slots=True)
class ServiceDelegate:
    """One mandate of a delegate of a municipal service."""

    person: PersonId
    service: ServiceId
    department: DepartmentId
    named: Fact
    recalled: Because | None = None


@dataclass(slots=True)
class Resignation(Because):
    """Delegates resigned; en bloc is one act. `seats_vacated` says how many sat."""

    persons: tuple[PersonId, ...] = ()
    seats_vacated: int = 0


@dataclass(slots=True)
class Meeting(Fact):
    """The commission met. `one_side_absent`: why it met without the other side."""

    present: tuple[PersonId, ...]
    neighbourhood: int
    services: int
    agenda: Text | None
    minutes: Text | None
    one_side_absent: Text | None


@dataclass(slots=True)
class Openness(Fact):
    """What was done to keep the process known and open (§3.2)."""

    channel: Channel
    audience: Title
    description: Text


@dataclass(slots=True)
class Membership:
    """Somebody's time in a working group; `left` is empty as long as it lasts."""

    joined: Fact | None = None
    left: Fact | None = None


@dataclass(slots=True)
class Report(Fact):
    """Measures a group hands to the commission, ranked."""

    measures: tuple[Title, ...]
    minutes: Text | None


@dataclass(slots=True)
class WorkingGroup:
    """A working group, from the day it was formed."""

    title: Title | None = None
    theme: ThemeId | None = None
    formed: Fact | None = None
    members: Book[PersonId, Membership] = book(Membership)
    reports: list[Report] = field(default_factory=list)
    dissolved: Because | None = None


@dataclass(slots=True)
class Bodies:
    """Every body and who is in it; lists are in the order things were decided."""

    framework: str = "cadre-2014"
    coordinators: list[Coordinator] = field(default_factory=list)
    delegates: list[Delegate] = field(default_factory=list)
    service_delegates: list[ServiceDelegate] = field(default_factory=list)
    commission: Commission = field(default_factory=Commission)
    meetings: list[Meeting] = field(default_factory=list)
    resignations: list[Resignation] = field(default_factory=list)
    openness: list[Openness] = field(default_factory=list)
    groups: Book[WorkingGroupId, WorkingGroup] = book(WorkingGroup)


bodies = View("bodies", version=1, empty=Bodies)


@bodies.on(ContractInitiated)
def _(view: Bodies, decision: ContractInitiated, recorded: Recorded[Any]) -> None:
    view.framework = decision.framework


# --- Offices ------------------------------------------------------------------------------------


@bodies.on(CoordinatorAppointed)
def _(view: Bodies, decision: CoordinatorAppointed, recorded: Recorded[Any]) -> None:
    view.coordinators.append(Coordinator(decision.person, decision.starts_on, fact(recorded)))


@bodies.on(CoordinatorRelieved)
def _(view: Bodies, decision: CoordinatorRelieved, recorded: Recorded[Any]) -> None:
    for relieved in view.coordinators[-1:]:
        relieved.until = decision.ends_on
        relieved.relieved = fact(recorded)
    if decision.successor is not None:
        view.coordinators.append(Coordinator(decision.successor, decision.ends_on, fact(recorded)))


@bodies.on(ServiceDelegateNamed)
def _(view: Bodies, decision: ServiceDelegateNamed, recorded: Recorded[Any]) -> None:
    view.service_delegates.append(
        ServiceDelegate(decision.person, decision.service, decision.department, fact(recorded))
    )


@bodies.on(ServiceDelegateRecalled)
def _(view: Bodies, decision: ServiceDelegateRecalled, recorded: Recorded[Any]) -> None:
    for named in view.service_delegates:
        if named.person == decision.person and named.recalled is None:
            named.recalled = because(recorded, decision.reason)
    view.commission.leave(view.framework, [decision.person], SeatSide.SERVICE, recorded)


# --- The commission -----------------------------------------------------------------------------


@bodies.on(DelegateElected)
def _(view: Bodies, decision: DelegateElected, recorded: Recorded[Any]) -> None:
    view.delegates.append(
        Delegate(
            decision.person,
            decision.capacity,
            Mandate.ELECTED,
            decision.plenary,
            decision.votes,
            fact(recorded),
        )
    )


@bodies.on(DelegateDesignated)
def _(view: Bodies, decision: DelegateDesignated, recorded: Recorded[Any]) -> None:
    view.delegates.append(
        Delegate(
            decision.person,
            decision.capacity,
            Mandate.DESIGNATED,
            decision.plenary,
            None,
            fact(recorded),
        )
    )


@bodies.on(DelegatesResigned)
def _(view: Bodies, decision: DelegatesResigned, recorded: Recorded[Any]) -> None:
    for delegate in view.delegates:
        if delegate.person in decision.persons and delegate.resigned is None:
            delegate.resigned = because(recorded, decision.reason)
    vacated = view.commission.leave(
        view.framework, decision.persons, SeatSide.NEIGHBOURHOOD, recorded
    )
    view.resignations.append(
        Resignation(
            recorded.act.decided_on,
            recorded.position,
            decision.reason,
            decision.persons,
            vacated,
        )
    )


@bodies.on(CommissionConstituted)
def _(view: Bodies, decision: CommissionConstituted, recorded: Recorded[Any]) -> None:
    view.commission.constitute(view.framework, recorded)


@bodies.on(CommissionMet)
def _(view: Bodies, decision: CommissionMet, recorded: Recorded[Any]) -> None:
    seated = view.commission.seated(recorded.act.decided_on)
    sides = [seated[person] for person in set(decision.present) if person in seated]
    view.meetings.append(
        Meeting(
            recorded.act.decided_on,
            recorded.position,
            decision.present,
            sides.count(SeatSide.NEIGHBOURHOOD),
            sides.count(SeatSide.SERVICE),
            decision.agenda,
            decision.minutes,
            recorded.act.departures.get(OneSideAbsent.id),
        )
    )


@bodies.on(OpennessMeasureTaken)
def _(view: Bodies, decision: OpennessMeasureTaken, recorded: Recorded[Any]) -> None:
    view.openness.append(
        Openness(
            recorded.act.decided_on,
            recorded.position,
            decision.channel,
            decision.audience,
            decision.description,
        )
    )


# --- Working groups -----------------------------------------------------------------------------


@bodies.on(WorkingGroupFormed)
def _(view: Bodies, decision: WorkingGroupFormed, recorded: Recorded[Any]) -> None:
    group = view.groups[decision.group]
    group.title = decision.title
    group.theme = decision.theme
    group.formed = fact(recorded)


@bodies.on(WorkingGroupMemberJoined)
def _(view: Bodies, decision: WorkingGroupMemberJoined, recorded: Recorded[Any]) -> None:
    view.groups[decision.group].members[decision.person] = Membership(fact(recorded))


@bodies.on(WorkingGroupMemberLeft)
def _(view: Bodies, decision: WorkingGroupMemberLeft, recorded: Recorded[Any]) -> None:
    view.groups[decision.group].members[decision.person].left = fact(recorded)


@bodies.on(WorkingGroupReported)
def _(view: Bodies, decision: WorkingGroupReported, recorded: Recorded[Any]) -> None:
    view.groups[decision.group].reports.append(
        Report(recorded.act.decided_on, recorded.position, decision.measures, decision.minutes)
    )


@bodies.on(WorkingGroupDissolved)
def _(view: Bodies, decision: WorkingGroupDissolved, recorded: Recorded[Any]) -> None:
    view.groups[decision.group].dissolved = because(recorded, decision.reason)
