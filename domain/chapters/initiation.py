"""How a contract begins, and who is told; how it may pause or break off (§1, §2, §4.1)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Annotated, Self

from annotated_types import MaxLen
from pydantic import BaseModel, ConfigDict

from domain.kernel.act import Act, Body
from domain.kernel.contract import earliest
from domain.kernel.days import Day
from domain.kernel.decision import Decision
from domain.kernel.framework import FRAMEWORKS
from domain.kernel.geometry import Perimeter
from domain.kernel.life_cycle import NOT_ENDED, Standing
from domain.kernel.rule import Rule
from domain.kernel.values import (
    ActionId,
    Citation,
    DepartmentId,
    FrameworkVersion,
    PersonId,
    ServiceId,
    Term,
    Text,
    Title,
)
from domain.rules.chronology import (
    INITIATION,
    SUSPENSION,
    BeforeItsCause,
    NotYetHappened,
    has_happened,
    not_before,
)
from domain.rules.references import (
    ACTION,
    Unknown,
    UnknownDepartment,
    UnknownService,
    departments,
    is_service,
)

if TYPE_CHECKING:
    from domain.kernel.contract import Contract

COUNCIL = {Body.ADMINISTRATIVE_COUNCIL}


class Ground(Term):
    """Why a contract is begun (§1)."""

    CITY_INITIATIVE = "city_initiative", "initiative de la Ville", "initiative of the City"
    POPULATION_REQUEST = (
        "population_request",
        "demande de la population",
        "request of the population",
    )


class UnknownFramework(Rule, basis="4"):
    """A contract is pinned to a version of the framework that this program knows."""

    fr = "La version « {framework} » du Cadre n'est pas connue ; le sont : {known}."
    en = "The framework version “{framework}” is not known; these are: {known}."


class FrameworkNotYetAdopted(Rule, basis="4"):
    """A contract begins under a framework that was in force on that day."""

    fr = "Le Cadre « {framework} » date du {adopted_on}, après cette décision."
    en = "The framework “{framework}” dates from {adopted_on}, after this decision."


class FrameworkSuperseded(Rule, basis="4", departable=True):
    """A contract begins under the latest framework adopted by then."""

    fr = "Le Cadre « {framework} » était remplacé par « {latest} » depuis le {adopted_on}."
    en = "The framework “{framework}” had been replaced by “{latest}” since {adopted_on}."


class ContractInitiated(Decision, taken_by=COUNCIL, basis="1"):
    """The council begins a contract, and says why technical measures are not enough (§1.1)."""

    fr = "Contrat initié"
    standings = frozenset({Standing.NEW})

    ground: Ground
    title: Title
    territory: Title
    justification: Text
    framework: FrameworkVersion = "cadre-2014"

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[UnknownFramework | FrameworkNotYetAdopted | FrameworkSuperseded]:
        framework = FRAMEWORKS.get(self.framework)
        if framework is None:
            yield UnknownFramework(framework=self.framework, known=tuple(FRAMEWORKS))
            return
        if act.decided_on < framework.adopted_on:
            yield FrameworkNotYetAdopted(framework=self.framework, adopted_on=framework.adopted_on)
        for later in FRAMEWORKS.values():
            if framework.adopted_on < later.adopted_on <= act.decided_on:
                yield FrameworkSuperseded(
                    framework=self.framework, latest=later.version, adopted_on=later.adopted_on
                )

    def apply(self, contract: Contract, act: Act) -> None:
        contract.standing = Standing.UNDER_WAY
        contract.initiated_on = act.decided_on
        contract.framework = FRAMEWORKS.get(self.framework, contract.framework)


# --- Perimeter ----------------------------------------------------------------------------------


class PerimeterIsFixedAtClosure(Rule, basis="4.5"):
    """Once closure is opened, the territory does not move."""

    fr = "La clôture est ouverte depuis le {opened_on} : le périmètre ne change plus."
    en = "Closure has been open since {opened_on}: the perimeter no longer changes."

    @classmethod
    def check(cls, contract: Contract, act: Act) -> Iterator[Self]:
        if contract.closure_opened_on is not None:
            yield cls(opened_on=contract.closure_opened_on)


class PerimeterSet(Decision, taken_by=COUNCIL, basis="2"):
    """The council sets the perimeter; it replaces the earlier one."""

    fr = "Périmètre arrêté"
    requires = (PerimeterIsFixedAtClosure,)

    perimeter: Perimeter
    streets: Annotated[tuple[Title, ...], MaxLen(500)] = ()

    def apply(self, contract: Contract, act: Act) -> None:
        contract.perimeter_set_on = earliest(contract.perimeter_set_on, act.decided_on)


# --- The contract as a whole --------------------------------------------------------------------


class ContractSuspended(Decision, taken_by=COUNCIL, basis="2"):
    """The council suspends the contract for a time."""

    fr = "Contrat suspendu"

    reason: Text

    def apply(self, contract: Contract, act: Act) -> None:
        contract.standing = Standing.SUSPENDED
        contract.suspended_on = act.decided_on


class ContractResumed(Decision, taken_by=COUNCIL, basis="2"):
    """The council lets a suspended contract go on."""

    fr = "Contrat repris"
    standings = frozenset({Standing.SUSPENDED})

    reason: Text

    def judge(self, contract: Contract, act: Act) -> Iterator[BeforeItsCause]:
        if contract.standing is Standing.SUSPENDED:
            yield from not_before("decided_on", act.decided_on, SUSPENSION, contract.suspended_on)

    def apply(self, contract: Contract, act: Act) -> None:
        contract.standing = Standing.UNDER_WAY


class Continuation(BaseModel):
    """Who goes on with one action after an interruption, and with what."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    action: ActionId
    service: ServiceId | None = None
    relay: PersonId | None = None
    what_goes_on: Text


class NoContinuationNamed(Rule, basis="4.5"):
    """An interruption leaves no action that is under way without somebody to go on with it."""

    fr = "L'action « {action} » est en cours ; qui la poursuit n'est pas désigné."
    en = "The action “{action}” is under way; who goes on with it is not named."


class ContractInterrupted(Decision, taken_by=COUNCIL, basis="4.5"):
    """The council ends the contract before its time; what is under way goes on with somebody."""

    fr = "Contrat interrompu"
    standings = NOT_ENDED

    reason: Text
    continuations: Annotated[tuple[Continuation, ...], MaxLen(500)] = ()

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[NoContinuationNamed | Unknown | UnknownService]:
        named = {c.action for c in self.continuations if c.service or c.relay}
        for c in self.continuations:
            if c.action not in contract.actions:
                yield Unknown(kind=ACTION, id=c.action)
            if c.service is not None:
                yield from is_service(act, c.service)
        for action_id, action in contract.actions.items():
            if action.started_on and not action.settled and action_id not in named:
                yield NoContinuationNamed(action=action_id)

    def apply(self, contract: Contract, act: Act) -> None:
        contract.standing = Standing.INTERRUPTED


# --- Information within the City ----------------------------------------------------------------


class InformedAfterTheLaunch(Rule, basis="4.1", departable=True):
    """The council and the departments should be informed before the first plenary."""

    fr = "L'information a eu lieu le {informed_on}, après la première conférence ({launched_on})."
    en = "Information was given on {informed_on}, after the first plenary ({launched_on})."

    @classmethod
    def check(cls, contract: Contract, act: Act) -> Iterator[Self]:
        yield from cls.at(contract, act.decided_on)

    @classmethod
    def at(cls, contract: Contract, day: date) -> Iterator[Self]:
        if contract.launched_on is not None and day > contract.launched_on:
            yield cls(informed_on=day, launched_on=contract.launched_on)


class MunicipalCouncilInformed(Decision, taken_by=COUNCIL, basis="4.1"):
    """The administrative council informs the municipal council of the contract."""

    fr = "Conseil municipal informé"

    reference: Citation
    informed_on: Day | None = None
    """The day it was told, if not the day of the decision."""

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[InformedAfterTheLaunch | NotYetHappened | BeforeItsCause]:
        yield from InformedAfterTheLaunch.at(contract, self.informed_on or act.decided_on)
        yield from has_happened("informed_on", self.informed_on, act.decided_on)
        yield from not_before("informed_on", self.informed_on, INITIATION, contract.initiated_on)

    def apply(self, contract: Contract, act: Act) -> None:
        contract.council_informed_on = earliest(
            contract.council_informed_on, self.informed_on or act.decided_on
        )


class DepartmentInformed(Decision, taken_by={Body.STEERING_COMMITTEE}, basis="4.1"):
    """The steering committee informs one of the departments."""

    fr = "Département informé"
    requires = (InformedAfterTheLaunch,)

    department: DepartmentId

    def judge(self, contract: Contract, act: Act) -> Iterator[UnknownDepartment]:
        if self.department not in departments(act):
            yield UnknownDepartment(department=self.department, known=departments(act))

    def apply(self, contract: Contract, act: Act) -> None:
        known = contract.departments_informed.get(self.department)
        contract.departments_informed[self.department] = earliest(known, act.decided_on)


class OptionOutcome(Term):
    """How the steering committee answers a strategic option."""

    VALIDATED = "validated", "validée", "validated"
    VALIDATED_WITH_REMARKS = (
        "validated_with_remarks",
        "validée avec remarques",
        "validated with remarks",
    )
    NOT_VALIDATED = "not_validated", "non validée", "not validated"


class StrategicOptionValidated(Decision, taken_by={Body.STEERING_COMMITTEE}, basis="2"):
    """The steering committee answers a strategic option."""

    fr = "Option stratégique validée"

    subject: Title
    outcome: OptionOutcome
    remarks: Text | None = None
