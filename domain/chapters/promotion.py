"""Explaining the initiative in the neighbourhood (§4.1), and what it costs to run (§2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Self

from annotated_types import Ge, Le, MaxLen, MinLen

from domain.kernel.act import Act, Body
from domain.kernel.decision import Decision
from domain.kernel.life_cycle import WINDING_UP
from domain.kernel.rule import Rule
from domain.kernel.values import ZERO, Amount, Place, Term, Title, Year
from domain.rules.money import AmountNotPositive, is_positive

if TYPE_CHECKING:
    from domain.kernel.contract import Contract


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


class NoPerimeter(Rule, basis="4.1"):
    """Promotion explains the choice of a perimeter: there must be one."""

    fr = "Aucun périmètre n'est arrêté."
    en = "No perimeter is set."

    @classmethod
    def check(cls, contract: Contract, act: Act) -> Iterator[Self]:
        if not act.follows(contract.perimeter_set_on):
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
        if not act.follows(contract.promotion_started_on):
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


class OverspentBudget(Rule, basis="2"):
    """What is spent in a year never exceeds what was granted for it."""

    fr = "Dépense de {amount} pour {year} : il reste {left} du budget de fonctionnement."
    en = "Expense of {amount} for {year}: {left} of the operating budget is left."


BudgetYear = Annotated[Year, Ge(2000), Le(2100)]


class OperatingBudgetGranted(
    Decision, taken_by={Body.ADMINISTRATIVE_COUNCIL}, basis="2", money=True
):
    """The council grants the contract a sum to work with for a year; it adds to earlier ones."""

    fr = "Budget de fonctionnement accordé"

    year: BudgetYear
    amount: Amount

    def judge(self, contract: Contract, act: Act) -> Iterator[AmountNotPositive]:
        yield from is_positive(self.amount)

    def apply(self, contract: Contract, act: Act) -> None:
        contract.budgets[self.year].granted += self.amount


class OperatingExpenseRecorded(Decision, taken_by={Body.PROJECT_LEAD}, basis="2", money=True):
    """The project lead, who manages the operating budget, records an expense."""

    fr = "Dépense de fonctionnement enregistrée"
    standings = WINDING_UP

    year: BudgetYear
    amount: Amount
    purpose: Title

    def judge(self, contract: Contract, act: Act) -> Iterator[AmountNotPositive | OverspentBudget]:
        yield from is_positive(self.amount)
        budget = contract.budgets.get(self.year)
        left = budget.granted - budget.spent if budget else ZERO
        if self.amount > left:
            yield OverspentBudget(amount=self.amount, year=self.year, left=left)

    def apply(self, contract: Contract, act: Act) -> None:
        contract.budgets[self.year].spent += self.amount
