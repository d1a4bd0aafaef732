"""Who the council puts in charge: the coordinator and the services' delegates (§2, §3.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Self

from domain.kernel.act import Act, Body
from domain.kernel.days import Day
from domain.kernel.decision import Decision
from domain.kernel.life_cycle import NOT_ENDED
from domain.kernel.rule import Rule
from domain.kernel.values import DepartmentId, PersonId, ServiceId, Text
from domain.rules.chronology import INITIATION, BeforeItsCause, not_before
from domain.rules.references import (
    ServiceOfAnotherDepartment,
    UnknownDepartment,
    UnknownService,
    departments,
)

if TYPE_CHECKING:
    from domain.kernel.contract import Contract

COUNCIL = {Body.ADMINISTRATIVE_COUNCIL}


class CoordinatorInOffice(Rule, basis="2"):
    """A contract has one coordinator at a time."""

    fr = "Le contrat a déjà un-e coordinateur-trice, qui doit d'abord être relevé-e."
    en = "The contract already has a coordinator, who must be relieved first."

    @classmethod
    def check(cls, contract: Contract, act: Act) -> Iterator[Self]:
        if contract.coordinator is not None:
            yield cls()


class NoCoordinatorInOffice(Rule, basis="2"):
    """Only a coordinator in office can be relieved."""

    fr = "Le contrat n'a pas de coordinateur-trice."
    en = "The contract has no coordinator."

    @classmethod
    def check(cls, contract: Contract, act: Act) -> Iterator[Self]:
        if contract.coordinator is None:
            yield cls()


class NoSuccessorNamed(Rule, basis="2"):
    """From the launch on there is exactly one coordinator at any instant."""

    fr = "Depuis le lancement ({launched_on}), la décision doit nommer un-e successeur-e."
    en = "Since the launch ({launched_on}), the decision must name a successor."


class TermsOverlap(Rule, basis="2"):
    """From the launch on there is exactly one coordinator at any instant."""

    fr = "Le mandat commencerait le {starts_on}, avant la fin du précédent ({left_on})."
    en = "The term would begin on {starts_on}, before the one before ends ({left_on})."


class EndsBeforeItBegins(Rule, basis="2"):
    """A term ends after it began."""

    fr = "Le mandat prendrait fin le {ends_on}, avant d'avoir commencé ({began_on})."
    en = "The term would end on {ends_on}, before it began ({began_on})."


class CoordinatorAppointed(Decision, taken_by=COUNCIL, basis="2"):
    """The council names the municipal employee responsible for the contract."""

    fr = "Coordinateur-trice nommé-e"
    requires = (CoordinatorInOffice,)
    standings = NOT_ENDED

    person: PersonId
    starts_on: Day

    def judge(self, contract: Contract, act: Act) -> Iterator[TermsOverlap | BeforeItsCause]:
        yield from not_before("starts_on", self.starts_on, INITIATION, contract.initiated_on)
        left_on = contract.coordinator_left_on
        if left_on is not None and self.starts_on < left_on:
            yield TermsOverlap(starts_on=self.starts_on, left_on=left_on)

    def apply(self, contract: Contract, act: Act) -> None:
        contract.coordinator = self.person
        contract.coordinator_since = self.starts_on


class CoordinatorRelieved(Decision, taken_by=COUNCIL, basis="2"):
    """The council relieves the coordinator; after the launch it names the next one at once."""

    fr = "Coordinateur-trice relevé-e"
    requires = (NoCoordinatorInOffice,)
    standings = NOT_ENDED

    ends_on: Day
    successor: PersonId | None = None

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[NoSuccessorNamed | EndsBeforeItBegins]:
        if contract.launched_on is not None and self.successor is None:
            yield NoSuccessorNamed(launched_on=contract.launched_on)
        since, left_on = contract.coordinator_since, contract.coordinator_left_on
        if contract.coordinator is not None and since is not None:
            began_on = max(since, left_on or since)
            if self.ends_on < began_on:
                yield EndsBeforeItBegins(ends_on=self.ends_on, began_on=began_on)

    def apply(self, contract: Contract, act: Act) -> None:
        contract.coordinator = self.successor
        contract.coordinator_left_on = self.ends_on
        if self.successor is None:
            contract.coordinator_since = None


class DelegateAlreadyNamed(Rule, basis="3.2"):
    """A person is delegated once at a time."""

    fr = "Cette personne est déjà déléguée d'un service."
    en = "This person is already delegated by a service."


class NotADelegate(Rule, basis="3.2"):
    """Only somebody who is a delegate can cease to be one."""

    fr = "La personne {person} n'est pas déléguée."
    en = "The person {person} is not a delegate."


class ServiceDelegateNamed(Decision, taken_by=COUNCIL, basis="2"):
    """The council names who represents a municipal service in the process."""

    fr = "Délégué-e de service nommé-e"
    standings = NOT_ENDED

    person: PersonId
    service: ServiceId
    department: DepartmentId

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[
        UnknownDepartment | UnknownService | ServiceOfAnotherDepartment | DelegateAlreadyNamed
    ]:
        if self.department not in departments(act):
            yield UnknownDepartment(department=self.department, known=departments(act))
        service = act.reference.service(self.service)
        if service is None:
            yield UnknownService(service=self.service)
        elif service.department != self.department:
            yield ServiceOfAnotherDepartment(service=self.service, department=service.department)
        if self.person in contract.service_delegates:
            yield DelegateAlreadyNamed()

    def apply(self, contract: Contract, act: Act) -> None:
        contract.service_delegates[self.person] = act.decided_on


class ServiceDelegateRecalled(Decision, taken_by=COUNCIL, basis="2"):
    """The council recalls a service's delegate, who leaves the commission."""

    fr = "Délégué-e de service rappelé-e"
    standings = NOT_ENDED

    person: PersonId
    reason: Text | None = None

    def judge(self, contract: Contract, act: Act) -> Iterator[NotADelegate]:
        if not act.follows(contract.service_delegates.get(self.person)):
            yield NotADelegate(person=self.person)

    def apply(self, contract: Contract, act: Act) -> None:
        contract.service_delegates.pop(self.person, None)
        contract.vacate(self.person, "service", act.decided_on)
