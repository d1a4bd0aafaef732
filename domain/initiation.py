"""How a contract begins: initiative, perimeter, people in charge, promotion (§1, §2, §4.1)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from annotated_types import Ge, Le, MaxLen, MinLen

from domain.act import Act, Body
from domain.decision import Decision
from domain.framework import FRAMEWORKS
from domain.geometry import Perimeter
from domain.references import ACTION, Unknown
from domain.rule import Rule
from domain.standing import Standing
from domain.values import (
    ZERO,
    ActionId,
    Amount,
    Citation,
    DepartmentId,
    PersonId,
    Place,
    ServiceId,
    Term,
    Text,
    Title,
    Year,
)
from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from domain.contract import Contract

COUNCIL = {Body.ADMINISTRATIVE_COUNCIL}


class Ground(Term):
    """Why a contract is begun (§1)."""

    CITY_INITIATIVE = "city_initiative", "initiative de la Ville", "initiative of the City"
    POPULATION_REQUEST = "population_request", "demande de la population", "request of the population"


class Means(Term):
    """How promotion reached people (§4.1: means fit the audiences)."""

    MEETING = "meeting", "rencontre", "meeting"
    STALL = "stall", "stand", "stall"
    WALK = "walk", "balade de quartier", "neighbourhood walk"
    DOOR_TO_DOOR = "door_to_door", "porte-à-porte", "door to door"
    LEAFLET = "leaflet", "dépliant", "leaflet"
    POSTER = "poster", "affiche", "poster"
    WEBSITE = "website", "site internet", "website"
    PRESS = "press", "presse", "press"
    EVENT = "event", "manifestation", "event"
    OTHER = "other", "autre", "other"


class UnknownFramework(Rule, basis="4"):
    """A contract is pinned to a version of the framework that this program knows."""

    fr = "La version « {framework} » du Cadre n'est pas connue ; le sont : {known}."
    en = "The framework version “{framework}” is not known; these are: {known}."


class FrameworkNotYetAdopted(Rule, basis="4"):
    """A contract begins under a framework that was in force on that day."""

    fr = "Le Cadre « {framework} » date du {adopted_on}, après cette décision."
    en = "The framework “{framework}” dates from {adopted_on}, after this decision."


class ContractInitiated(Decision, taken_by=COUNCIL, basis="1"):
    """The council begins a contract, and says why technical measures are not enough (§1.1)."""

    fr = "Contrat initié"
    standings = frozenset({Standing.NEW})

    ground: Ground
    title: Title
    territory: Title
    justification: Text
    framework: str = "cadre-2014"

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[UnknownFramework | FrameworkNotYetAdopted]:
        framework = FRAMEWORKS.get(self.framework)
        if framework is None:
            yield UnknownFramework(framework=self.framework, known=tuple(FRAMEWORKS))
        elif act.decided_on < framework.adopted_on:
            yield FrameworkNotYetAdopted(
                framework=self.framework, adopted_on=framework.adopted_on
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
        contract.has_perimeter = True


# --- The contract as a whole --------------------------------------------------------------------


class ContractSuspended(Decision, taken_by=COUNCIL, basis="2"):
    """The council suspends the contract for a time."""

    fr = "Contrat suspendu"

    reason: Text

    def apply(self, contract: Contract, act: Act) -> None:
        contract.standing = Standing.SUSPENDED


class ContractResumed(Decision, taken_by=COUNCIL, basis="2"):
    """The council lets a suspended contract go on."""

    fr = "Contrat repris"
    standings = frozenset({Standing.SUSPENDED})

    reason: Text

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
    """The council ends the contract before its time, and names who goes on with what is under way."""

    fr = "Contrat interrompu"
    standings = frozenset({Standing.UNDER_WAY, Standing.SUSPENDED})

    reason: Text
    continuations: Annotated[tuple[Continuation, ...], MaxLen(500)] = ()

    def judge(self, contract: Contract, act: Act) -> Iterator[NoContinuationNamed | Unknown]:
        named = {c.action for c in self.continuations if c.service or c.relay}
        for c in self.continuations:
            if c.action not in contract.actions:
                yield Unknown(kind=ACTION, id=c.action)
        for action_id, action in contract.actions.items():
            if action.started_on and not action.settled and action_id not in named:
                yield NoContinuationNamed(action=action_id)

    def apply(self, contract: Contract, act: Act) -> None:
        contract.standing = Standing.INTERRUPTED


# --- The coordinator and the services' delegates ------------------------------------------------


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


class CoordinatorAppointed(Decision, taken_by=COUNCIL, basis="2"):
    """The council names the municipal employee responsible for the contract."""

    fr = "Coordinateur-trice nommé-e"
    requires = (CoordinatorInOffice,)

    person: PersonId
    starts_on: date

    def apply(self, contract: Contract, act: Act) -> None:
        contract.coordinator = self.person


class CoordinatorRelieved(Decision, taken_by=COUNCIL, basis="2"):
    """The council relieves the coordinator; after the launch it names the next one at once."""

    fr = "Coordinateur-trice relevé-e"
    requires = (NoCoordinatorInOffice,)

    ends_on: date
    successor: PersonId | None = None

    def judge(self, contract: Contract, act: Act) -> Iterator[NoSuccessorNamed]:
        if contract.launched_on is not None and self.successor is None:
            yield NoSuccessorNamed(launched_on=contract.launched_on)

    def apply(self, contract: Contract, act: Act) -> None:
        contract.coordinator = self.successor


class UnknownDepartment(Rule, basis="2"):
    """The City has five departments; they are reference data."""

    fr = "« {department} » n'est pas l'un des départements : {known}."
    en = "“{department}” is not one of the departments: {known}."


class UnknownService(Rule, basis="2"):
    """Municipal services, and the department each belongs to, are reference data."""

    fr = "« {service} » n'est pas un service municipal connu."
    en = "“{service}” is not a known municipal service."


class ServiceOfAnotherDepartment(Rule, basis="2"):
    """A service belongs to one department."""

    fr = "Le service « {service} » relève du département « {department} »."
    en = "The service “{service}” belongs to the department “{department}”."


class DelegateAlreadyNamed(Rule, basis="3.2"):
    """A person is delegated once at a time."""

    fr = "Cette personne est déjà déléguée d'un service."
    en = "This person is already delegated by a service."


class NotADelegate(Rule, basis="3.2"):
    """Only somebody who is a delegate can cease to be one."""

    fr = "La personne {person} n'est pas déléguée."
    en = "The person {person} is not a delegate."


def _departments(act: Act) -> tuple[str, ...]:
    return tuple(department.id for department in act.reference.departments)


class ServiceDelegateNamed(Decision, taken_by=COUNCIL, basis="2"):
    """The council names who represents a municipal service in the process."""

    fr = "Délégué-e de service nommé-e"

    person: PersonId
    service: ServiceId
    department: DepartmentId

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[
        UnknownDepartment | UnknownService | ServiceOfAnotherDepartment | DelegateAlreadyNamed
    ]:
        if self.department not in _departments(act):
            yield UnknownDepartment(department=self.department, known=_departments(act))
        service = act.reference.service(self.service)
        if service is None:
            yield UnknownService(service=self.service)
        elif service.department != self.department:
            yield ServiceOfAnotherDepartment(service=self.service, department=service.department)
        if self.person in contract.service_delegates:
            yield DelegateAlreadyNamed()

    def apply(self, contract: Contract, act: Act) -> None:
        contract.service_delegates[self.person] = self.service


class ServiceDelegateRecalled(Decision, taken_by=COUNCIL, basis="2"):
    """The council recalls a service's delegate, who leaves the commission."""

    fr = "Délégué-e de service rappelé-e"

    person: PersonId
    reason: Text | None = None

    def judge(self, contract: Contract, act: Act) -> Iterator[NotADelegate]:
        if self.person not in contract.service_delegates:
            yield NotADelegate(person=self.person)

    def apply(self, contract: Contract, act: Act) -> None:
        contract.leave_commission(self.person)


# --- Information within the City ----------------------------------------------------------------


class InformedAfterTheLaunch(Rule, basis="4.1", departable=True):
    """The council and the departments should be informed before the first plenary."""

    fr = "L'information a eu lieu le {informed_on}, après la première conférence ({launched_on})."
    en = "Information was given on {informed_on}, after the first plenary ({launched_on})."

    @classmethod
    def check(cls, contract: Contract, act: Act) -> Iterator[Self]:
        if contract.launched_on is not None and act.decided_on > contract.launched_on:
            yield cls(informed_on=act.decided_on, launched_on=contract.launched_on)


class MunicipalCouncilInformed(Decision, taken_by=COUNCIL, basis="4.1"):
    """The administrative council informs the municipal council of the contract."""

    fr = "Conseil municipal informé"
    requires = (InformedAfterTheLaunch,)

    reference: Citation
    informed_on: date | None = None

    def apply(self, contract: Contract, act: Act) -> None:
        contract.council_informed = True


class DepartmentInformed(Decision, taken_by={Body.STEERING_COMMITTEE}, basis="4.1"):
    """The steering committee informs one of the departments."""

    fr = "Département informé"
    requires = (InformedAfterTheLaunch,)

    department: DepartmentId

    def judge(self, contract: Contract, act: Act) -> Iterator[UnknownDepartment]:
        if self.department not in _departments(act):
            yield UnknownDepartment(department=self.department, known=_departments(act))

    def apply(self, contract: Contract, act: Act) -> None:
        contract.departments_informed.add(self.department)


class OptionOutcome(Term):
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


# --- Promotion ----------------------------------------------------------------------------------


class NoPerimeter(Rule, basis="4.1"):
    """Promotion explains the choice of a perimeter: there must be one."""

    fr = "Aucun périmètre n'est arrêté."
    en = "No perimeter is set."

    @classmethod
    def check(cls, contract: Contract, act: Act) -> Iterator[Self]:
        if not contract.has_perimeter:
            yield cls()


class PromotionUnderWay(Rule, basis="4.1"):
    """Promotion starts once and stays active all along."""

    fr = "La promotion a déjà commencé, le {started_on}."
    en = "Promotion has already started, on {started_on}."

    @classmethod
    def check(cls, contract: Contract, act: Act) -> Iterator[Self]:
        if contract.promotion_started_on is not None:
            yield cls(started_on=contract.promotion_started_on)


class PromotionNotStarted(Rule, basis="4.1"):
    """Activities belong to a promotion that has started."""

    fr = "La promotion n'a pas commencé."
    en = "Promotion has not started."

    @classmethod
    def check(cls, contract: Contract, act: Act) -> Iterator[Self]:
        if contract.promotion_started_on is None or act.decided_on < contract.promotion_started_on:
            yield cls()


class PromotionStarted(Decision, taken_by={Body.COMMUNITY_UNIT}, basis="4.1"):
    """The community unit begins to explain the initiative in the neighbourhood."""

    fr = "Promotion lancée"
    requires = (NoPerimeter, PromotionUnderWay)

    audiences: Annotated[tuple[Title, ...], MinLen(1), MaxLen(50)]

    def apply(self, contract: Contract, act: Act) -> None:
        contract.promotion_started_on = act.decided_on


class PromotionActivityHeld(Decision, taken_by={Body.COMMUNITY_UNIT}, basis="4.1"):
    """One act of promotion; they may go on until the closure."""

    fr = "Activité de promotion menée"
    requires = (PromotionNotStarted,)

    audience: Title
    means: Means
    place: Place | None = None
    people_reached: Annotated[int, Ge(0), Le(1_000_000)] | None = None


# --- The operating budget -----------------------------------------------------------------------


class AmountNotPositive(Rule, basis="2"):
    """A sum that is granted, committed or spent is more than nothing."""

    fr = "Le montant doit être supérieur à zéro."
    en = "The amount must be more than zero."


class OverspentBudget(Rule, basis="2"):
    """What is spent in a year never exceeds what was granted for it."""

    fr = "Dépense de {amount} pour {year} : il reste {left} du budget de fonctionnement."
    en = "Expense of {amount} for {year}: {left} of the operating budget is left."


BudgetYear = Annotated[Year, Ge(2000), Le(2100)]


class OperatingBudgetGranted(Decision, taken_by=COUNCIL, basis="2"):
    """The council grants the contract a sum to work with for a year; it adds to earlier ones."""

    fr = "Budget de fonctionnement accordé"

    year: BudgetYear
    amount: Amount

    def judge(self, contract: Contract, act: Act) -> Iterator[AmountNotPositive]:
        if self.amount <= 0:
            yield AmountNotPositive()

    def apply(self, contract: Contract, act: Act) -> None:
        contract.budgets[self.year].granted += self.amount


class OperatingExpenseRecorded(Decision, taken_by={Body.PROJECT_LEAD}, basis="2"):
    """The project lead, who manages the operating budget, records an expense."""

    fr = "Dépense de fonctionnement enregistrée"
    standings = frozenset({Standing.UNDER_WAY, Standing.SUSPENDED})

    year: BudgetYear
    amount: Amount
    purpose: Title

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[AmountNotPositive | OverspentBudget]:
        if self.amount <= 0:
            yield AmountNotPositive()
        budget = contract.budgets.get(self.year)
        left = budget.granted - budget.spent if budget else ZERO
        if self.amount > left:
            yield OverspentBudget(amount=self.amount, year=self.year, left=left)

    def apply(self, contract: Contract, act: Act) -> None:
        contract.budgets[self.year].spent += self.amount
