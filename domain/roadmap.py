"""The roadmap (*Feuille de route*), from its draft to the council's answer (§3.2, §4.3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import BaseModel, ConfigDict

from domain.act import Act, Body
from domain.contract import earliest
from domain.decision import Decision
from domain.gathering import QUORATE, NotLaunched, PlenaryNotHeld, Purpose, was_held_for
from domain.references import Reference, refers
from domain.rule import Rule
from domain.values import ActionId, PlenaryId, Term, Text

if TYPE_CHECKING:
    from domain.contract import Contract

Version = Annotated[int, Ge(1), Le(1000), "roadmap version"]
ListedActions = Annotated[tuple[ActionId, ...], MinLen(1), MaxLen(500)]


class Outcome(Term):
    """How the neighbourhood received what was presented to it."""

    SUPPORTED = "supported", "soutenue", "supported"
    SUPPORTED_WITH_REMARKS = (
        "supported_with_remarks",
        "soutenue avec remarques",
        "supported with remarks",
    )
    NOT_SUPPORTED = "not_supported", "non soutenue", "not supported"


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


class NotTheNextVersion(Rule, basis="3.2"):
    """Versions of a roadmap follow one another."""

    fr = "La prochaine version de la feuille de route est la {next}, non la {version}."
    en = "The next version of the roadmap is {next}, not {version}."


class ActionNotRetained(Rule, basis="3.2"):
    """A roadmap gathers actions that the commission has retained."""

    fr = "L'action « {action} » n'est pas retenue."
    en = "The action “{action}” is not retained."


class ListedTwice(Rule, basis="3.2"):
    """A roadmap lists each action once."""

    fr = "L'action « {action} » figure deux fois dans la feuille de route."
    en = "The action “{action}” appears twice in the roadmap."


class AlreadyApproved(Rule, basis="4.3"):
    """Once a roadmap is approved, the commission amends it."""

    fr = "Une feuille de route est déjà approuvée : elle s'amende."
    en = "A roadmap is already approved: it is amended."


class NothingToAmend(Rule, basis="4.4"):
    """Only an approved roadmap is amended."""

    fr = "Aucune feuille de route n'est approuvée : il n'y a rien à amender."
    en = "No roadmap is approved: there is nothing to amend."


class NotPresented(Rule, basis="4.3"):
    """The choice is put to the whole neighbourhood before it goes to the authorities."""

    fr = "La version {version} n'a pas été soumise à l'ensemble du quartier."
    en = "Version {version} has not been put to the whole neighbourhood."


class PresentedBeforeDrafted(Rule, basis="4.3"):
    """A plenary is shown a version that is written."""

    fr = (
        "La conférence « {plenary} » s'est tenue le {held_on}, avant que la version {version} ne "
        "soit rédigée ({drafted_on})."
    )
    en = (
        "The plenary “{plenary}” was held on {held_on}, before version {version} was written "
        "({drafted_on})."
    )


class AlreadySubmitted(Rule, basis="4.3"):
    """A version is submitted once."""

    fr = "La version {version} a déjà été transmise au Comité de pilotage."
    en = "Version {version} has already been submitted to the steering committee."


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


class _Version(Decision):
    """A new version of the roadmap: its number and its actions, in order."""

    version: Version
    actions: ListedActions

    def _versions(self, contract: Contract) -> Iterator[NotTheNextVersion]:
        following = max(contract.roadmaps, default=0) + 1
        if self.version != following:
            yield NotTheNextVersion(version=self.version, next=following)

    def _listed(
        self, contract: Contract, act: Act
    ) -> Iterator[Reference | ActionNotRetained | ListedTwice]:
        listed = dict.fromkeys(self.actions)
        yield from refers(contract, act, "actions", *listed)
        for action in listed:
            if self.actions.count(action) > 1:
                yield ListedTwice(action=action)
            known = contract.actions.get(action)
            if known is None:
                continue
            if known.choice != "retained" or not act.follows(known.chosen_on):
                yield ActionNotRetained(action=action)

    def apply(self, contract: Contract, act: Act) -> None:
        roadmap = contract.roadmaps[self.version]
        roadmap.drafted_on = act.decided_on
        roadmap.actions = self.actions


class RoadmapDrafted(_Version, taken_by={Body.COMMISSION}, basis="3.2"):
    """The commission writes down the retained actions, in order."""

    fr = "Feuille de route rédigée"
    requires = (NotLaunched, *QUORATE)

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[
        Reference | NotTheNextVersion | ActionNotRetained | ListedTwice | AlreadyApproved
    ]:
        if any(roadmap.approved_on for roadmap in contract.roadmaps.values()):
            yield AlreadyApproved()
        yield from self._versions(contract)
        yield from self._listed(contract, act)


class RoadmapAmended(_Version, taken_by={Body.COMMISSION}, basis="4.4"):
    """While following up, the commission writes the next version; it takes the same path."""

    fr = "Feuille de route amendée"
    requires = (NotLaunched, *QUORATE)

    reason: Text

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[Reference | NotTheNextVersion | ActionNotRetained | ListedTwice | NothingToAmend]:
        if not any(act.follows(roadmap.approved_on) for roadmap in contract.roadmaps.values()):
            yield NothingToAmend()
        yield from self._versions(contract)
        yield from self._listed(contract, act)


class RoadmapPresented(Decision, taken_by={Body.PLENARY}, basis="4.3"):
    """The roadmap is put to the whole neighbourhood."""

    fr = "Feuille de route présentée au quartier"

    version: Version
    plenary: PlenaryId
    outcome: Outcome
    remarks: Text | None = None

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[Reference | PlenaryNotHeld | PresentedBeforeDrafted]:
        yield from refers(contract, act, "roadmaps", self.version)
        yield from was_held_for(contract, act, self.plenary, Purpose.WORK_AND_PRIORITIES)
        roadmap = contract.roadmaps.get(self.version)
        plenary = contract.plenaries.get(self.plenary)
        if roadmap is None or plenary is None or plenary.held_on is None:
            return
        if plenary.held_on < roadmap.drafted_on:
            yield PresentedBeforeDrafted(
                plenary=self.plenary,
                held_on=plenary.held_on,
                version=self.version,
                drafted_on=roadmap.drafted_on,
            )

    def apply(self, contract: Contract, act: Act) -> None:
        roadmap = contract.roadmaps[self.version]
        roadmap.presented_on = earliest(roadmap.presented_on, act.decided_on)


class RoadmapSubmitted(Decision, taken_by={Body.COMMISSION}, basis="4.3"):
    """The commission hands the version to the steering committee."""

    fr = "Feuille de route transmise au Comité de pilotage"
    requires = QUORATE

    version: Version

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[Reference | NotPresented | AlreadySubmitted]:
        yield from refers(contract, act, "roadmaps", self.version)
        roadmap = contract.roadmaps.get(self.version)
        if roadmap is not None and not act.follows(roadmap.presented_on):
            yield NotPresented(version=self.version)
        if roadmap is not None and roadmap.submitted_on is not None:
            yield AlreadySubmitted(version=self.version)

    def apply(self, contract: Contract, act: Act) -> None:
        contract.roadmaps[self.version].submitted_on = act.decided_on


class _Reply(Decision):
    """The steering committee's reply to a version that was submitted."""

    version: Version

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

    version: Version
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
