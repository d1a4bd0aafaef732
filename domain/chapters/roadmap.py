"""The roadmap (*Feuille de route*): drafted, amended, presented, submitted (§3.2, §4.3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from annotated_types import MaxLen, MinLen

from domain.kernel.act import Act, Body
from domain.kernel.contract import earliest
from domain.kernel.decision import Decision
from domain.kernel.rule import Rule
from domain.kernel.values import ActionId, PlenaryId, RoadmapVersion, Term, Text
from domain.rules.gathering import QUORATE, NotLaunched, PlenaryNotHeld, Purpose, was_held_for
from domain.rules.references import Reference, refers

if TYPE_CHECKING:
    from domain.kernel.contract import Contract

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


class _Version(Decision):
    """A new version of the roadmap: its number and its actions, in order."""

    version: RoadmapVersion
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

    version: RoadmapVersion
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

    version: RoadmapVersion

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
