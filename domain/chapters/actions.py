"""Actions: proposed, revised, ranked, then retained or set aside (§3.1, §3.3, §4.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Self

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import BaseModel, ConfigDict

from domain.kernel.act import Act, Body
from domain.kernel.decision import Decision
from domain.kernel.rule import Rule
from domain.kernel.values import (
    ActionId,
    Amount,
    NeedId,
    PlenaryId,
    ServiceId,
    Text,
    ThemeId,
    Title,
    WorkingGroupId,
)
from domain.rules.gathering import (
    QUORATE,
    GroupDissolved,
    NotLaunched,
    PlenaryNotHeld,
    Purpose,
    is_active,
    was_held_for,
)
from domain.rules.references import (
    AlreadyKnown,
    Reference,
    UnknownService,
    UnknownTheme,
    is_new,
    is_service,
    is_theme,
    refers,
)

if TYPE_CHECKING:
    from domain.kernel.contract import Contract

PROPOSING_BODIES = {Body.WORKING_GROUP, Body.COMMISSION, Body.PLENARY, Body.SERVICE}
PRIORITISING_BODIES = {Body.WORKING_GROUP, Body.COMMISSION, Body.PLENARY}


class AnswersNoRetainedNeed(Rule, basis="4.2"):
    """Once the diagnosis is shared, an action answers at least one need it retained."""

    fr = "L'action « {action} » ne répond à aucun besoin retenu par le diagnostic."
    en = "The action “{action}” answers no need that the diagnosis retained."


class DiagnosisNotShared(Rule, basis="4.2"):
    """The choice among measures follows the diagnosis."""

    fr = "Le diagnostic n'est pas encore partagé."
    en = "The diagnosis is not shared yet."

    @classmethod
    def check(cls, contract: Contract, act: Act) -> Iterator[Self]:
        if not act.follows(contract.diagnosis_shared_on):
            yield cls()


class ActionChosen(Rule, basis="4.2"):
    """A choice is made once; the opposite choice may follow, until the council approves."""

    fr = "L'action « {action} » est déjà retenue, ou déjà écartée : ce choix ne change rien."
    en = "The action “{action}” is already retained, or set aside: this choice changes nothing."


class ActionDecided(Rule, basis="4.3"):
    """What the council has approved is carried out or abandoned; it is not chosen or put anew."""

    fr = "Le Conseil administratif a approuvé l'action « {action} »."
    en = "The administrative council has approved the action “{action}”."


class RankedTwice(Rule, basis="3.3"):
    """A ranking names each action once."""

    fr = "L'action « {action} » figure deux fois dans le classement."
    en = "The action “{action}” appears twice in the ranking."


class GroupNotNamed(Rule, basis="3.3"):
    """A ranking by a working group says which group."""

    fr = "Le groupe de travail qui a classé les actions n'est pas indiqué."
    en = "The working group that ranked the actions is not named."


def _answers(
    contract: Contract, act: Act, action: ActionId, needs: tuple[NeedId, ...]
) -> Iterator[AnswersNoRetainedNeed]:
    """Once the diagnosis is shared: at least one need is retained, or lives on in one that is."""
    if not act.follows(contract.diagnosis_shared_on):
        return
    seen: set[NeedId] = set()
    open_: list[NeedId] = list(needs)
    while open_:
        need = open_.pop()
        known = contract.needs.get(need)
        if known is None or need in seen:
            continue
        if known.outcome == "retained":
            return
        seen.add(need)
        if known.into is not None:
            open_.append(known.into)
    yield AnswersNoRetainedNeed(action=action)


def _can_become(
    contract: Contract, act: Act, action: ActionId, choice: str
) -> Iterator[Reference | ActionChosen | ActionDecided]:
    yield from refers(contract, act, "actions", action)
    known = contract.actions.get(action)
    if known is None:
        return
    if known.choice == choice:
        yield ActionChosen(action=action)
    if known.approved:
        yield ActionDecided(action=action)


class ActionProposed(Decision, taken_by=PROPOSING_BODIES, basis="4.2"):
    """A measure or project is proposed in answer to one or several needs."""

    fr = "Action proposée"
    requires = (NotLaunched, *QUORATE)

    action: ActionId
    title: Title
    text: Text
    needs: Annotated[tuple[NeedId, ...], MinLen(1), MaxLen(100)]
    theme: ThemeId
    lead_service: ServiceId | None = None
    estimate: Amount | None = None

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[AlreadyKnown | Reference | AnswersNoRetainedNeed | UnknownTheme | UnknownService]:
        yield from is_new(contract, "actions", self.action)
        yield from refers(contract, act, "needs", *self.needs)
        yield from _answers(contract, act, self.action, self.needs)
        yield from is_theme(act, self.theme)
        if self.lead_service is not None:
            yield from is_service(act, self.lead_service)

    def apply(self, contract: Contract, act: Act) -> None:
        action = contract.actions[self.action]
        action.proposed_on = act.decided_on
        action.needs = self.needs


class ActionRevised(Decision, taken_by=PROPOSING_BODIES, basis="4.2"):
    """A proposed action is put differently; what is left out stays as it was."""

    fr = "Action remaniée"
    requires = QUORATE

    action: ActionId
    title: Title | None = None
    text: Text | None = None
    needs: Annotated[tuple[NeedId, ...], MinLen(1), MaxLen(100)] | None = None
    theme: ThemeId | None = None
    lead_service: ServiceId | None = None
    estimate: Amount | None = None

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[
        Reference | ActionDecided | AnswersNoRetainedNeed | UnknownTheme | UnknownService
    ]:
        yield from refers(contract, act, "actions", self.action)
        action = contract.actions.get(self.action)
        if action is not None and action.approved:
            yield ActionDecided(action=self.action)
        if self.needs is not None:
            yield from refers(contract, act, "needs", *self.needs)
            yield from _answers(contract, act, self.action, self.needs)
        if self.theme is not None:
            yield from is_theme(act, self.theme)
        if self.lead_service is not None:
            yield from is_service(act, self.lead_service)

    def apply(self, contract: Contract, act: Act) -> None:
        if self.needs is not None:
            contract.actions[self.action].needs = self.needs


class Votes(BaseModel):
    """Votes an action received where there was a vote."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    action: ActionId
    votes: Annotated[int, Ge(0), Le(1_000_000)]


class ActionsPrioritised(Decision, taken_by=PRIORITISING_BODIES, basis="3.1"):
    """A body of the neighbourhood ranks the actions that answer the diagnosis."""

    fr = "Actions priorisées"
    requires = (DiagnosisNotShared, *QUORATE)

    actions: Annotated[tuple[ActionId, ...], MinLen(1), MaxLen(500)]
    plenary: PlenaryId | None = None
    group: WorkingGroupId | None = None
    votes: Annotated[tuple[Votes, ...], MaxLen(500)] = ()

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[Reference | RankedTwice | PlenaryNotHeld | GroupNotNamed | GroupDissolved]:
        named = (*self.actions, *(vote.action for vote in self.votes))
        yield from refers(contract, act, "actions", *dict.fromkeys(named))
        for action in dict.fromkeys(self.actions):
            if self.actions.count(action) > 1:
                yield RankedTwice(action=action)
        if act.body is Body.PLENARY:
            yield from was_held_for(contract, act, self.plenary, Purpose.WORK_AND_PRIORITIES)
        if act.body is Body.WORKING_GROUP:
            if self.group is None:
                yield GroupNotNamed()
            else:
                yield from is_active(contract, act, self.group)


class ActionRetained(Decision, taken_by={Body.COMMISSION}, basis="4.2"):
    """The commission chooses the action for the roadmap."""

    fr = "Action retenue"
    requires = (DiagnosisNotShared, *QUORATE)

    action: ActionId
    remarks: Text | None = None

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[Reference | ActionChosen | ActionDecided | AnswersNoRetainedNeed]:
        yield from _can_become(contract, act, self.action, "retained")
        action = contract.actions.get(self.action)
        if action is not None:
            yield from _answers(contract, act, self.action, action.needs)

    def apply(self, contract: Contract, act: Act) -> None:
        contract.actions[self.action].choice = "retained"
        contract.actions[self.action].chosen_on = act.decided_on


class ActionSetAside(Decision, taken_by={Body.COMMISSION}, basis="4.2"):
    """The commission does not pursue the action, and says why."""

    fr = "Action écartée"
    requires = QUORATE

    action: ActionId
    reason: Text

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[Reference | ActionChosen | ActionDecided]:
        yield from _can_become(contract, act, self.action, "set_aside")

    def apply(self, contract: Contract, act: Act) -> None:
        contract.actions[self.action].choice = "set_aside"
