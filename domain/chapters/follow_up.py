"""Following up: who is responsible, and how far it is (§4.4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Le

from domain.kernel.act import Act, Body
from domain.kernel.days import Day
from domain.kernel.decision import Decision
from domain.kernel.rule import Rule
from domain.kernel.values import ActionId, MilestoneId, ServiceId, Text, Title
from domain.rules.chronology import DECISION, START, BeforeItsCause, not_before
from domain.rules.following import DIRECTING, FOLLOWING, ActionHasEnded, NotForFollowUp, followed
from domain.rules.references import (
    MILESTONE,
    AlreadyKnown,
    Reference,
    Unknown,
    UnknownService,
    is_service,
    is_there,
)

if TYPE_CHECKING:
    from domain.kernel.contract import Action, Contract

SERVICE = {Body.SERVICE}


class AlreadyResponsible(Rule, basis="4.4"):
    """Exactly one service is responsible at any instant; assigning anew replaces it."""

    fr = "Le service « {service} » est déjà responsable de l'action « {action} »."
    en = "The service “{service}” is already responsible for the action “{action}”."


class NoResponsibleService(Rule, basis="4.4"):
    """The municipal services stay responsible for carrying actions out."""

    fr = "Aucun service n'est responsable de l'action « {action} »."
    en = "No service is responsible for the action “{action}”."


class AssignmentAnswered(Rule, basis="4.4"):
    """An assignment is accepted once."""

    fr = "L'attribution de l'action « {action} » est déjà acceptée."
    en = "The assignment of the action “{action}” is already accepted."


class NotFunded(Rule, basis="4.3"):
    """An action starts when it is funded, or needs no funding."""

    fr = "L'action « {action} » n'est pas financée."
    en = "The action “{action}” is not funded."


class AlreadyStarted(Rule, basis="4.4"):
    """An action starts once."""

    fr = "L'action « {action} » a déjà commencé."
    en = "The action “{action}” has already started."


class NotStarted(Rule, basis="4.4"):
    """Progress and completion belong to an action that has started."""

    fr = "L'action « {action} » n'a pas commencé."
    en = "The action “{action}” has not started."


class MilestoneAlreadyReached(Rule, basis="4.4"):
    """A milestone is reached once."""

    fr = "Le jalon « {milestone} » est déjà atteint."
    en = "The milestone “{milestone}” has already been reached."


def _started(contract: Contract, act: Act, action: ActionId) -> Iterator[NotStarted]:
    known = contract.actions.get(action)
    if known is not None and not act.follows(known.started_on):
        yield NotStarted(action=action)


def _funded(action: Action, act: Act) -> bool:
    route = action.route
    if route is None:
        return False
    if route.kind == "none_needed":
        return act.follows(route.chosen_on)
    return act.follows(route.granted_on) and route.granted > route.released


class _OnAction(Decision):
    """A decision on an action that is being followed up."""

    action: ActionId


class ActionAssigned(_OnAction, taken_by=DIRECTING, basis="4.4"):
    """One service is made responsible; it replaces the one before."""

    fr = "Action attribuée à un service"

    service: ServiceId

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[
        Reference | NotForFollowUp | ActionHasEnded | UnknownService | AlreadyResponsible
    ]:
        yield from followed(contract, act, self.action)
        yield from is_service(act, self.service)
        action = contract.actions.get(self.action)
        if action is not None and action.service == self.service:
            yield AlreadyResponsible(action=self.action, service=self.service)

    def apply(self, contract: Contract, act: Act) -> None:
        action = contract.actions[self.action]
        action.service = self.service
        action.assigned_on = act.decided_on
        action.accepted = False


class AssignmentAccepted(_OnAction, taken_by=SERVICE, basis="4.4"):
    """The service takes the action on."""

    fr = "Attribution acceptée"

    remarks: Text | None = None

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[
        Reference | NotForFollowUp | ActionHasEnded | NoResponsibleService | AssignmentAnswered
    ]:
        yield from followed(contract, act, self.action)
        action = contract.actions.get(self.action)
        if action is not None and not act.follows(action.assigned_on):
            yield NoResponsibleService(action=self.action)
        if action is not None and action.accepted:
            yield AssignmentAnswered(action=self.action)

    def apply(self, contract: Contract, act: Act) -> None:
        contract.actions[self.action].accepted = True


class ActionStarted(_OnAction, taken_by=SERVICE, basis="4.4"):
    """The responsible service begins."""

    fr = "Action commencée"

    expected_end: Day | None = None

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[
        Reference
        | NotForFollowUp
        | ActionHasEnded
        | NoResponsibleService
        | NotFunded
        | AlreadyStarted
        | BeforeItsCause
    ]:
        yield from followed(contract, act, self.action)
        yield from not_before("expected_end", self.expected_end, START, act.decided_on)
        action = contract.actions.get(self.action)
        if action is None:
            return
        if action.service is None:
            yield NoResponsibleService(action=self.action)
        if not _funded(action, act):
            yield NotFunded(action=self.action)
        if action.started_on is not None:
            yield AlreadyStarted(action=self.action)

    def apply(self, contract: Contract, act: Act) -> None:
        contract.actions[self.action].started_on = act.decided_on


class MilestoneSet(_OnAction, taken_by=FOLLOWING, basis="4.4"):
    """A step is agreed, with its day."""

    fr = "Jalon fixé"

    milestone: MilestoneId
    title: Title
    due: Day

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[Reference | NotForFollowUp | ActionHasEnded | AlreadyKnown | BeforeItsCause]:
        yield from followed(contract, act, self.action)
        yield from not_before("due", self.due, DECISION, act.decided_on)
        action = contract.actions.get(self.action)
        if action is not None and self.milestone in action.milestones:
            yield AlreadyKnown(kind=MILESTONE, id=self.milestone)

    def apply(self, contract: Contract, act: Act) -> None:
        contract.actions[self.action].milestones[self.milestone].set_on = act.decided_on


class MilestoneReached(_OnAction, taken_by=FOLLOWING, basis="4.4"):
    """A step is done."""

    fr = "Jalon atteint"

    milestone: MilestoneId

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[Reference | NotForFollowUp | ActionHasEnded | Unknown | MilestoneAlreadyReached]:
        yield from followed(contract, act, self.action)
        action = contract.actions.get(self.action)
        if action is None:
            return
        milestone = action.milestones.get(self.milestone)
        if milestone is None:
            yield Unknown(kind=MILESTONE, id=self.milestone)
            return
        if milestone.reached:
            yield MilestoneAlreadyReached(milestone=self.milestone)
        yield from is_there(act, MILESTONE, self.milestone, milestone.set_on)

    def apply(self, contract: Contract, act: Act) -> None:
        contract.actions[self.action].milestones[self.milestone].reached = True


class ProgressReported(_OnAction, taken_by=FOLLOWING, basis="4.4"):
    """How far an action is."""

    fr = "Avancement rapporté"

    percent: Annotated[int, Ge(0), Le(100)]
    text: Text

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[Reference | NotForFollowUp | ActionHasEnded | NotStarted]:
        yield from followed(contract, act, self.action)
        yield from _started(contract, act, self.action)


class ActionRescheduled(_OnAction, taken_by=SERVICE | DIRECTING, basis="4.4"):
    """The end is moved, with a reason."""

    fr = "Action replanifiée"

    expected_end: Day
    reason: Text

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[Reference | NotForFollowUp | ActionHasEnded | BeforeItsCause]:
        yield from followed(contract, act, self.action)
        yield from not_before("expected_end", self.expected_end, DECISION, act.decided_on)
        action = contract.actions.get(self.action)
        if action is not None:
            yield from not_before("expected_end", self.expected_end, START, action.started_on)


class ActionCompleted(_OnAction, taken_by=SERVICE, basis="4.4"):
    """The responsible service has carried the action out."""

    fr = "Action achevée"

    text: Text | None = None

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[Reference | NotForFollowUp | ActionHasEnded | NotStarted]:
        yield from followed(contract, act, self.action)
        yield from _started(contract, act, self.action)

    def apply(self, contract: Contract, act: Act) -> None:
        contract.actions[self.action].ended = "completed"


class ActionAbandoned(_OnAction, taken_by=DIRECTING, basis="4.4", money=True):
    """The action is given up, with a reason; its unspent money is released."""

    fr = "Action abandonnée"

    reason: Text

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[Reference | NotForFollowUp | ActionHasEnded]:
        yield from followed(contract, act, self.action)

    def apply(self, contract: Contract, act: Act) -> None:
        action = contract.actions[self.action]
        action.ended = "abandoned"
        if action.route is not None:
            action.route.release(action.route.unspent)
            if action.route.credit in {"requested", "voted"}:
                action.route.credit = "withdrawn"
