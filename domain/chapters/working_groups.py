"""Working groups, which examine a theme and rank measures for the commission (§3.3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from annotated_types import MaxLen, MinLen

from domain.kernel.act import Act, Body
from domain.kernel.decision import Decision
from domain.kernel.rule import Rule
from domain.kernel.values import PersonId, Text, ThemeId, Title, WorkingGroupId
from domain.rules.gathering import QUORATE, GroupDissolved, NotLaunched, is_active
from domain.rules.references import (
    AlreadyKnown,
    Reference,
    UnknownTheme,
    is_new,
    is_theme,
)

if TYPE_CHECKING:
    from domain.kernel.contract import Contract

COMMISSION_OR_GROUP = {Body.COMMISSION, Body.WORKING_GROUP}


class AlreadyInTheGroup(Rule, basis="3.3"):
    """A person joins a group once."""

    fr = "Cette personne est déjà membre du groupe « {group} »."
    en = "This person is already a member of the group “{group}”."


class NotInTheGroup(Rule, basis="3.3"):
    """Only a member leaves."""

    fr = "Cette personne n'est pas membre du groupe « {group} »."
    en = "This person is not a member of the group “{group}”."


class WorkingGroupFormed(Decision, taken_by={Body.COMMISSION}, basis="3.3"):
    """The commission, and it alone, forms a group on a theme."""

    fr = "Groupe de travail constitué"
    requires = (NotLaunched, *QUORATE)

    group: WorkingGroupId
    title: Title
    theme: ThemeId

    def judge(self, contract: Contract, act: Act) -> Iterator[AlreadyKnown | UnknownTheme]:
        yield from is_new(contract, "groups", self.group)
        yield from is_theme(act, self.theme)

    def apply(self, contract: Contract, act: Act) -> None:
        contract.groups[self.group].formed_on = act.decided_on


class WorkingGroupMemberJoined(Decision, taken_by=COMMISSION_OR_GROUP, basis="3.3"):
    """Somebody joins a group."""

    fr = "Membre entré-e au groupe de travail"

    group: WorkingGroupId
    person: PersonId

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[Reference | GroupDissolved | AlreadyInTheGroup]:
        yield from is_active(contract, act, self.group)
        group = contract.groups.get(self.group)
        if group is not None and self.person in group.members:
            yield AlreadyInTheGroup(group=self.group)

    def apply(self, contract: Contract, act: Act) -> None:
        contract.groups[self.group].members[self.person] = act.decided_on


class WorkingGroupMemberLeft(Decision, taken_by=COMMISSION_OR_GROUP, basis="3.3"):
    """Somebody leaves a group."""

    fr = "Membre sorti-e du groupe de travail"

    group: WorkingGroupId
    person: PersonId

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[Reference | GroupDissolved | NotInTheGroup]:
        yield from is_active(contract, act, self.group)
        group = contract.groups.get(self.group)
        if group is not None and not act.follows(group.members.get(self.person)):
            yield NotInTheGroup(group=self.group)

    def apply(self, contract: Contract, act: Act) -> None:
        contract.groups[self.group].members.pop(self.person, None)


class WorkingGroupReported(Decision, taken_by=COMMISSION_OR_GROUP, basis="3.3"):
    """A group hands its ranked measures to the commission."""

    fr = "Rapport du groupe de travail remis"

    group: WorkingGroupId
    measures: Annotated[tuple[Title, ...], MinLen(1), MaxLen(200)]
    minutes: Text | None = None

    def judge(self, contract: Contract, act: Act) -> Iterator[Reference | GroupDissolved]:
        yield from is_active(contract, act, self.group)


class WorkingGroupDissolved(Decision, taken_by=COMMISSION_OR_GROUP, basis="3.3"):
    """A group ends its work."""

    fr = "Groupe de travail dissous"
    requires = QUORATE

    group: WorkingGroupId
    reason: Text | None = None

    def judge(self, contract: Contract, act: Act) -> Iterator[Reference | GroupDissolved]:
        yield from is_active(contract, act, self.group)

    def apply(self, contract: Contract, act: Act) -> None:
        contract.groups[self.group].dissolved_on = act.decided_on
