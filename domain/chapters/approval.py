"""What the steering committee and the council answer to a roadmap that was submitted (§4.3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from annotated_types import MaxLen, MinLen
from pydantic import BaseModel, ConfigDict

from domain.kernel.act import Act, Body
from domain.kernel.contract import earliest
from domain.kernel.decision import Decision
from domain.kernel.rule import Rule
from domain.kernel.values import ActionId, RoadmapVersion, Term, Text
from domain.rules.references import Reference, refers

if TYPE_CHECKING:
    from domain.kernel.contract import Contract


class Verdict(Term):
    """What the council answers for one action."""

    APPROVED = "approved", "approuvée", "approved"
    APPROVED_WITH_CONDITION = (
        "approved_with_condition",
        "approuvée sous condition",
        "approved with a condition",
    )
    REFUSED = "refused", "refusée", "refused"


class Answer(BaseModel):
    """The council's answer for one action; a condition and a refusal say why."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    action: ActionId
    verdict: Verdict
    reason: Text | None = None


class NotSubmitted(Rule, basis="4.3"):
    """The steering committee answers what was submitted to it, once."""

    fr = "La version {version} n'attend pas de réponse du Comité de pilotage."
    en = "Version {version} awaits no answer of the steering committee."


class NotEndorsed(Rule, basis="4.3"):
    """The council decides on what the steering committee has endorsed."""

    fr = "La version {version} n'a pas été approuvée par le Comité de pilotage."
    en = "Version {version} has not been endorsed by the steering committee."


class AnsweredAlready(Rule, basis="4.3"):
    """The council answers a version once."""

    fr = "Le Conseil administratif s'est déjà prononcé sur la version {version}."
    en = "The administrative council has already answered version {version}."


class ActionUnanswered(Rule, basis="4.3"):
    """The council answers for every action of the version."""

    fr = "L'action « {action} » de la version {version} reste sans réponse."
    en = "The action “{action}” of version {version} is left without an answer."


class ActionNotListed(Rule, basis="4.3"):
    """The council answers for the actions of that version, each once."""

    fr = (
        "L'action « {action} » ne figure pas dans la version {version}, ou y est traitée deux fois."
    )
    en = "The action “{action}” is not in version {version}, or is answered twice."


class NoReasonGiven(Rule, basis="4.3"):
    """A refusal and a condition are explained."""

    fr = "La réponse sur l'action « {action} » doit être motivée."
    en = "The answer on the action “{action}” must give its reason."


class _Reply(Decision):
    """The steering committee's reply to a version that was submitted."""

    version: RoadmapVersion

    def judge(self, contract: Contract, act: Act) -> Iterator[Reference | NotSubmitted]:
        yield from refers(contract, act, "roadmaps", self.version)
        roadmap = contract.roadmaps.get(self.version)
        if roadmap is None:
            return
        if not act.follows(roadmap.submitted_on) or roadmap.answer is not None:
            yield NotSubmitted(version=self.version)


class RoadmapEndorsed(_Reply, taken_by={Body.STEERING_COMMITTEE}, basis="4.3"):
    """The steering committee approves the version and passes it to the council."""

    fr = "Feuille de route approuvée par le Comité de pilotage"

    reasons: Text | None = None

    def apply(self, contract: Contract, act: Act) -> None:
        contract.roadmaps[self.version].answer = "endorsed"
        contract.roadmaps[self.version].answered_on = act.decided_on


class RoadmapReturned(_Reply, taken_by={Body.STEERING_COMMITTEE}, basis="4.3"):
    """The steering committee sends the version back, and says why."""

    fr = "Feuille de route renvoyée par le Comité de pilotage"

    reasons: Text

    def apply(self, contract: Contract, act: Act) -> None:
        contract.roadmaps[self.version].answer = "returned"
        contract.roadmaps[self.version].answered_on = act.decided_on


class RoadmapApproved(Decision, taken_by={Body.ADMINISTRATIVE_COUNCIL}, basis="4.3"):
    """The council answers, action by action."""

    fr = "Feuille de route validée par le Conseil administratif"

    version: RoadmapVersion
    answers: Annotated[tuple[Answer, ...], MinLen(1), MaxLen(500)]

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[
        Reference
        | NotEndorsed
        | AnsweredAlready
        | ActionUnanswered
        | ActionNotListed
        | NoReasonGiven
    ]:
        yield from refers(contract, act, "roadmaps", self.version)
        roadmap = contract.roadmaps.get(self.version)
        if roadmap is None:
            return
        if roadmap.answer != "endorsed" or not act.follows(roadmap.answered_on):
            yield NotEndorsed(version=self.version)
        if roadmap.approved_on is not None:
            yield AnsweredAlready(version=self.version)
        unanswered = dict.fromkeys(roadmap.actions)
        for answer in self.answers:
            if answer.action not in unanswered:
                yield ActionNotListed(action=answer.action, version=self.version)
            unanswered.pop(answer.action, None)
            if answer.verdict is not Verdict.APPROVED and answer.reason is None:
                yield NoReasonGiven(action=answer.action)
        for action in unanswered:
            yield ActionUnanswered(action=action, version=self.version)

    def apply(self, contract: Contract, act: Act) -> None:
        contract.roadmaps[self.version].approved_on = act.decided_on
        for answer in self.answers:
            action = contract.actions[answer.action]
            action.verdict = answer.verdict.value
            if answer.verdict is Verdict.REFUSED:
                action.approved_on = None
            else:
                action.approved_on = earliest(action.approved_on, act.decided_on)
