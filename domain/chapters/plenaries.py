"""The neighbourhood's plenary conferences, which launch and carry a contract (§3.1)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Self

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import BaseModel, ConfigDict, StringConstraints

from domain.kernel.act import Act, Body
from domain.kernel.contract import earliest
from domain.kernel.days import Day
from domain.kernel.decision import Decision
from domain.kernel.rule import Rule
from domain.kernel.values import Place, PlenaryId, Term, Text
from domain.rules.gathering import QUORATE, PlenaryOverdue, Purpose
from domain.rules.references import AlreadyKnown, Reference, is_new, refers

if TYPE_CHECKING:
    from domain.kernel.contract import Contract

CONVENERS = {Body.COMMISSION, Body.COORDINATOR}

LanguageCode = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$"), "language"]
Heads = Annotated[int, Ge(0), Le(100_000)]


class Accessibility(Term):
    """What was done so that everybody can take part (§1.1, §4.2)."""

    STEP_FREE = "step_free", "accès de plain-pied", "step-free access"
    CHILDCARE = "childcare", "garde d'enfants", "childcare"
    INTERPRETATION = "interpretation", "interprétation", "interpretation"
    SIGN_LANGUAGE = "sign_language", "langue des signes", "sign language"
    HEARING_LOOP = "hearing_loop", "boucle magnétique", "hearing loop"
    EVENING = "evening", "horaire en soirée", "evening hours"
    PLAIN_LANGUAGE = "plain_language", "langage simple", "plain language"
    MEAL = "meal", "repas offert", "meal offered"


class Attendance(BaseModel):
    """How many came, by capacity. Nobody is named."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    residents: Heads = 0
    shopkeepers: Heads = 0
    users: Heads = 0
    associations: Heads = 0
    institutions: Heads = 0
    administration: Heads = 0

    @property
    def total(self) -> int:
        return (
            self.residents
            + self.shopkeepers
            + self.users
            + self.associations
            + self.institutions
            + self.administration
        )


class PromotionTooShort(Rule, basis="4.1", departable=True):
    """The Cadre asks for three to four months of promotion before the first plenary."""

    fr = "La promotion a duré {lasted} jours ; le Cadre en demande au moins {needed}."
    en = "Promotion lasted {lasted} days; the framework asks for at least {needed}."


class PlannedBeforeDecided(Rule, basis="3.1"):
    """A plenary is convened for a day that is still to come."""

    fr = "La conférence est fixée au {date}, avant le jour de la décision ({decided_on})."
    en = "The plenary is set for {date}, before the day of the decision ({decided_on})."


class PlenaryIsOver(Rule, basis="3.1"):
    """What has been held or cancelled can be neither postponed, cancelled nor held again."""

    fr = "La conférence « {plenary} » a déjà été tenue ou annulée."
    en = "The plenary “{plenary}” has already been held or cancelled."


class NoCoordinatorAtLaunch(Rule, basis="2"):
    """From the launch on there is exactly one coordinator at any instant."""

    fr = "Aucun-e coordinateur-trice n'est nommé-e : la première conférence ne peut pas se tenir."
    en = "No coordinator is appointed: the first plenary cannot be held."

    @classmethod
    def check(cls, contract: Contract, act: Act) -> Iterator[Self]:
        in_office = contract.coordinator is not None and act.follows(contract.coordinator_since)
        if _launches(contract, act) and not in_office:
            yield cls()


class MunicipalCouncilNotInformed(Rule, basis="4.1", departable=True):
    """The municipal council should be informed before the first plenary."""

    fr = "Le Conseil municipal n'a pas été informé avant la première conférence."
    en = "The municipal council was not informed before the first plenary."

    @classmethod
    def check(cls, contract: Contract, act: Act) -> Iterator[Self]:
        if _launches(contract, act) and not act.follows(contract.council_informed_on):
            yield cls()


class DepartmentsNotInformed(Rule, basis="4.1", departable=True):
    """All the departments should be informed before the first plenary."""

    fr = "{informed} départements sur {all} ont été informés avant la première conférence."
    en = "{informed} of {all} departments were informed before the first plenary."

    @classmethod
    def check(cls, contract: Contract, act: Act) -> Iterator[Self]:
        informed = sum(act.follows(day) for day in contract.departments_informed.values())
        every = contract.framework.departments
        if _launches(contract, act) and informed < every:
            yield cls(informed=informed, all=every)


def _launches(contract: Contract, act: Act) -> bool:
    """Whether a plenary on the day of the act is, or comes before, the first."""
    return contract.launched_on is None or act.decided_on < contract.launched_on


def _promotion_up_to(contract: Contract, day: dt.date) -> Iterator[PromotionTooShort]:
    """Judge the promotion before a first plenary on `day`."""
    least, launched = contract.framework.promotion_at_least, contract.launched_on
    if least is None or (launched is not None and day >= launched):
        return
    started = contract.promotion_started_on
    begun = min(started or day, day)
    enough = least.after(begun)
    if day < enough:
        yield PromotionTooShort(lasted=(day - begun).days, needed=(enough - begun).days)


def _is_ahead(
    contract: Contract, act: Act, plenary: PlenaryId
) -> Iterator[Reference | PlenaryIsOver]:
    yield from refers(contract, act, "plenaries", plenary)
    known = contract.plenaries.get(plenary)
    if known is not None and (known.cancelled or known.held_on is not None):
        yield PlenaryIsOver(plenary=plenary)


class PlenaryConvened(Decision, taken_by=CONVENERS, basis="3.1"):
    """The neighbourhood is called together."""

    fr = "Conférence de quartier convoquée"
    requires = QUORATE

    plenary: PlenaryId
    date: Day
    place: Place
    agenda: Text
    accessibility: Annotated[tuple[Accessibility, ...], MaxLen(20)] = ()
    languages: Annotated[tuple[LanguageCode, ...], MinLen(1), MaxLen(50)] = ("fr",)

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[AlreadyKnown | PlannedBeforeDecided | PromotionTooShort]:
        yield from is_new(contract, "plenaries", self.plenary)
        if self.date < act.decided_on:
            yield PlannedBeforeDecided(date=self.date, decided_on=act.decided_on)
        yield from _promotion_up_to(contract, self.date)

    def apply(self, contract: Contract, act: Act) -> None:
        plenary = contract.plenaries[self.plenary]
        plenary.convened_on = act.decided_on
        plenary.planned_on = self.date
        plenary.short_promotion_justified = PromotionTooShort.id in act.departures


class PlenaryPostponed(Decision, taken_by=CONVENERS, basis="3.1"):
    """A plenary that was convened is moved to another day."""

    fr = "Conférence de quartier reportée"
    requires = QUORATE

    plenary: PlenaryId
    date: Day
    reason: Text

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[Reference | PlenaryIsOver | PlannedBeforeDecided]:
        yield from _is_ahead(contract, act, self.plenary)
        if self.date < act.decided_on:
            yield PlannedBeforeDecided(date=self.date, decided_on=act.decided_on)

    def apply(self, contract: Contract, act: Act) -> None:
        contract.plenaries[self.plenary].planned_on = self.date


class PlenaryCancelled(Decision, taken_by=CONVENERS, basis="3.1"):
    """A plenary that was convened will not take place."""

    fr = "Conférence de quartier annulée"
    requires = QUORATE

    plenary: PlenaryId
    reason: Text

    def judge(self, contract: Contract, act: Act) -> Iterator[Reference | PlenaryIsOver]:
        yield from _is_ahead(contract, act, self.plenary)

    def apply(self, contract: Contract, act: Act) -> None:
        contract.plenaries[self.plenary].cancelled = True


class PlenaryHeld(Decision, taken_by={Body.PLENARY}, basis="3.1"):
    """The neighbourhood met. The first plenary launches the contract."""

    fr = "Conférence de quartier tenue"
    requires = (
        NoCoordinatorAtLaunch,
        MunicipalCouncilNotInformed,
        DepartmentsNotInformed,
        PlenaryOverdue,
    )

    plenary: PlenaryId
    attendance: Attendance
    purposes: Annotated[tuple[Purpose, ...], MinLen(1), MaxLen(4)]
    minutes: Text | None = None

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[Reference | PlenaryIsOver | PromotionTooShort]:
        yield from _is_ahead(contract, act, self.plenary)
        known = contract.plenaries.get(self.plenary)
        justified = known is not None and known.short_promotion_justified
        # What was justified when the plenary was convened may, but need not, be justified again.
        if not justified or PromotionTooShort.id in act.departures:
            yield from _promotion_up_to(contract, act.decided_on)

    def apply(self, contract: Contract, act: Act) -> None:
        plenary = contract.plenaries[self.plenary]
        plenary.held_on = act.decided_on
        plenary.purposes = frozenset(self.purposes)
        contract.launched_on = earliest(contract.launched_on, act.decided_on)
        contract.last_plenary_on = max(contract.last_plenary_on or act.decided_on, act.decided_on)
