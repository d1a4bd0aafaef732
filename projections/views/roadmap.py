"""The roadmap answers: what was chosen, what became of it, and which way did each version go?"""

from __future__ import annotations

from typing import Any

from domain.chapters.actions import (
    ActionProposed,
    ActionRetained,
    ActionRevised,
    ActionSetAside,
    ActionsPrioritised,
)
from domain.chapters.approval import RoadmapApproved, RoadmapEndorsed, RoadmapReturned
from domain.chapters.follow_up import (
    ActionAbandoned,
    ActionAssigned,
    ActionCompleted,
    ActionRescheduled,
    ActionStarted,
    AssignmentAccepted,
    MilestoneReached,
    MilestoneSet,
    ProgressReported,
)
from domain.chapters.handover import HandoverAccepted, HandoverDeclined, HandoverProposed
from domain.chapters.initiation import ContractInterrupted
from domain.chapters.roadmap import (
    RoadmapAmended,
    RoadmapDrafted,
    RoadmapPresented,
    RoadmapSubmitted,
)
from domain.kernel.decision import Recorded
from projections.engine.view import View
from projections.facts.action_status import STATUSES
from projections.facts.facts import because, fact
from projections.views.roadmap_document import (
    Answered,
    Assignment,
    Handover,
    HandoverAnswer,
    Presentation,
    Progress,
    Ranking,
    Rescheduling,
    Roadmap,
    VersionState,
)

roadmap = View("roadmap", version=1, empty=Roadmap)


@roadmap.on(*STATUSES)
def _(view: Roadmap, decision: ActionProposed, recorded: Recorded[Any]) -> None:
    view.actions[decision.action].status = STATUSES[type(decision)]


# --- Actions, up to the choice ------------------------------------------------------------------


@roadmap.on(ActionProposed)
def _(view: Roadmap, decision: ActionProposed, recorded: Recorded[Any]) -> None:
    line = view.actions[decision.action]
    line.title = decision.title
    line.text = decision.text
    line.needs = decision.needs
    line.theme = decision.theme
    line.lead_service = decision.lead_service
    line.estimate = decision.estimate
    line.proposed = fact(recorded)
    line.proposed_by = recorded.act.body


@roadmap.on(ActionRevised)
def _(view: Roadmap, decision: ActionRevised, recorded: Recorded[Any]) -> None:
    line = view.actions[decision.action]
    line.title = decision.title or line.title
    line.text = decision.text or line.text
    line.needs = decision.needs or line.needs
    line.theme = decision.theme or line.theme
    line.lead_service = decision.lead_service or line.lead_service
    line.estimate = line.estimate if decision.estimate is None else decision.estimate
    line.revised = fact(recorded)


@roadmap.on(ActionsPrioritised)
def _(view: Roadmap, decision: ActionsPrioritised, recorded: Recorded[Any]) -> None:
    votes = {each.action: each.votes for each in decision.votes}
    act = recorded.act
    for rank, action in enumerate(decision.actions, start=1):
        view.actions[action].ranking = Ranking(
            act.decided_on,
            recorded.position,
            rank,
            act.body,
            decision.plenary,
            decision.group,
            votes.get(action),
        )


@roadmap.on(ActionRetained)
def _(view: Roadmap, decision: ActionRetained, recorded: Recorded[Any]) -> None:
    line = view.actions[decision.action]
    line.retained, line.set_aside = because(recorded, decision.remarks), None


@roadmap.on(ActionSetAside)
def _(view: Roadmap, decision: ActionSetAside, recorded: Recorded[Any]) -> None:
    line = view.actions[decision.action]
    line.retained, line.set_aside = None, because(recorded, decision.reason)


# --- Versions -----------------------------------------------------------------------------------


@roadmap.on(RoadmapDrafted)
def _(view: Roadmap, decision: RoadmapDrafted, recorded: Recorded[Any]) -> None:
    version = view.versions[decision.version]
    version.actions = decision.actions
    version.drafted = fact(recorded)


@roadmap.on(RoadmapAmended)
def _(view: Roadmap, decision: RoadmapAmended, recorded: Recorded[Any]) -> None:
    version = view.versions[decision.version]
    version.actions = decision.actions
    version.drafted = fact(recorded)
    version.amends = because(recorded, decision.reason)


@roadmap.on(RoadmapPresented)
def _(view: Roadmap, decision: RoadmapPresented, recorded: Recorded[Any]) -> None:
    version = view.versions[decision.version]
    version.presented.append(
        Presentation(
            recorded.act.decided_on,
            recorded.position,
            decision.plenary,
            decision.outcome,
            decision.remarks,
        )
    )
    if version.state is VersionState.DRAFTED:
        version.state = VersionState.PRESENTED


@roadmap.on(RoadmapSubmitted)
def _(view: Roadmap, decision: RoadmapSubmitted, recorded: Recorded[Any]) -> None:
    version = view.versions[decision.version]
    version.submitted = fact(recorded)
    version.state = VersionState.SUBMITTED


@roadmap.on(RoadmapEndorsed)
def _(view: Roadmap, decision: RoadmapEndorsed, recorded: Recorded[Any]) -> None:
    version = view.versions[decision.version]
    version.endorsed = because(recorded, decision.reasons)
    version.state = VersionState.ENDORSED


@roadmap.on(RoadmapReturned)
def _(view: Roadmap, decision: RoadmapReturned, recorded: Recorded[Any]) -> None:
    version = view.versions[decision.version]
    version.returned = because(recorded, decision.reasons)
    version.state = VersionState.RETURNED


@roadmap.on(RoadmapApproved)
def _(view: Roadmap, decision: RoadmapApproved, recorded: Recorded[Any]) -> None:
    version = view.versions[decision.version]
    version.approved = fact(recorded)
    version.state = VersionState.APPROVED
    view.current = decision.version
    for answer in decision.answers:
        line = view.actions[answer.action]
        line.status = line.status.answered(answer.verdict)
        line.answered = Answered(
            recorded.act.decided_on,
            recorded.position,
            answer.verdict,
            decision.version,
            answer.reason,
        )


# --- Following up -------------------------------------------------------------------------------


@roadmap.on(ActionAssigned)
def _(view: Roadmap, decision: ActionAssigned, recorded: Recorded[Any]) -> None:
    view.actions[decision.action].assignments.append(
        Assignment(recorded.act.decided_on, recorded.position, decision.service)
    )


@roadmap.on(AssignmentAccepted)
def _(view: Roadmap, decision: AssignmentAccepted, recorded: Recorded[Any]) -> None:
    for assignment in view.actions[decision.action].assignments[-1:]:
        assignment.accepted = because(recorded, decision.remarks)


@roadmap.on(ActionStarted)
def _(view: Roadmap, decision: ActionStarted, recorded: Recorded[Any]) -> None:
    line = view.actions[decision.action]
    line.started = fact(recorded)
    line.expected_end = decision.expected_end or line.expected_end


@roadmap.on(ActionRescheduled)
def _(view: Roadmap, decision: ActionRescheduled, recorded: Recorded[Any]) -> None:
    line = view.actions[decision.action]
    line.expected_end = decision.expected_end
    line.rescheduled.append(
        Rescheduling(
            recorded.act.decided_on, recorded.position, decision.reason, decision.expected_end
        )
    )


@roadmap.on(ProgressReported)
def _(view: Roadmap, decision: ProgressReported, recorded: Recorded[Any]) -> None:
    view.actions[decision.action].progress = Progress(
        recorded.act.decided_on, recorded.position, decision.percent, decision.text
    )


@roadmap.on(MilestoneSet)
def _(view: Roadmap, decision: MilestoneSet, recorded: Recorded[Any]) -> None:
    milestone = view.actions[decision.action].milestones[decision.milestone]
    milestone.title = decision.title
    milestone.due = decision.due
    milestone.agreed = fact(recorded)


@roadmap.on(MilestoneReached)
def _(view: Roadmap, decision: MilestoneReached, recorded: Recorded[Any]) -> None:
    view.actions[decision.action].milestones[decision.milestone].reached = fact(recorded)


@roadmap.on(ActionCompleted)
def _(view: Roadmap, decision: ActionCompleted, recorded: Recorded[Any]) -> None:
    view.actions[decision.action].completed = because(recorded, decision.text)


@roadmap.on(ActionAbandoned)
def _(view: Roadmap, decision: ActionAbandoned, recorded: Recorded[Any]) -> None:
    view.actions[decision.action].abandoned = because(recorded, decision.reason)


# --- Handing over -------------------------------------------------------------------------------


@roadmap.on(HandoverProposed)
def _(view: Roadmap, decision: HandoverProposed, recorded: Recorded[Any]) -> None:
    view.actions[decision.action].handovers.append(
        Handover(
            fact(recorded),
            decision.service,
            decision.relay,
            decision.what_goes_on,
            decision.starts_on,
        )
    )


@roadmap.on(HandoverAccepted)
def _(view: Roadmap, decision: HandoverAccepted, recorded: Recorded[Any]) -> None:
    for handover in view.actions[decision.action].handovers[-1:]:
        handover.answer = HandoverAnswer.ACCEPTED
        handover.answered = because(recorded, decision.remarks)


@roadmap.on(HandoverDeclined)
def _(view: Roadmap, decision: HandoverDeclined, recorded: Recorded[Any]) -> None:
    for handover in view.actions[decision.action].handovers[-1:]:
        handover.answer = HandoverAnswer.DECLINED
        handover.answered = because(recorded, decision.reason)


@roadmap.on(ContractInterrupted)
def _(view: Roadmap, decision: ContractInterrupted, recorded: Recorded[Any]) -> None:
    for named in decision.continuations:
        view.actions[named.action].continued = Handover(
            fact(recorded), named.service, named.relay, named.what_goes_on, None
        )
