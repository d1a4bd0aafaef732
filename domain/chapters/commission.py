"""The coordination commission, the central body, on equal terms (§3.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Self

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import BaseModel, ConfigDict

from domain.kernel.act import Act, Body
from domain.kernel.contract import Seat as Taken
from domain.kernel.contract import earliest
from domain.kernel.decision import Decision
from domain.kernel.life_cycle import NOT_ENDED
from domain.kernel.rule import Rule
from domain.kernel.values import PersonId, PlenaryId, Term, Text, Title
from domain.rules.gathering import (
    QUORATE,
    CommissionNotConstituted,
    NotLaunched,
    PlenaryNotHeld,
    Purpose,
    was_held_for,
)

if TYPE_CHECKING:
    from domain.kernel.contract import Contract, Side


class Capacity(Term):
    """In what capacity somebody speaks for the neighbourhood (§2)."""

    RESIDENT = "resident", "habitant-e", "resident"
    SHOPKEEPER = "shopkeeper", "commerçant-e", "shopkeeper"
    USER = "user", "usager-ère", "user"
    ASSOCIATION = "association", "association", "association"
    INSTITUTION = "institution", "institution", "institution"


class SeatSide(Term):
    """For whom somebody sits on the commission."""

    NEIGHBOURHOOD = "neighbourhood", "quartier", "neighbourhood"
    SERVICE = "service", "services municipaux", "municipal services"


class Channel(Term):
    """How the commission keeps the process known and open."""

    NEWSLETTER = "newsletter", "journal de quartier", "newsletter"
    WEBSITE = "website", "site internet", "website"
    POSTER = "poster", "affichage", "posters"
    OPEN_MEETING = "open_meeting", "séance ouverte", "open meeting"
    SOCIAL_MEDIA = "social_media", "réseaux sociaux", "social media"
    PRESS = "press", "presse", "press"
    OTHER = "other", "autre", "other"


class Seat(BaseModel):
    """One seat of the commission."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    person: PersonId
    side: SeatSide


class AlreadyADelegate(Rule, basis="3.2"):
    """A person is a delegate of the neighbourhood once."""

    fr = "Cette personne est déjà déléguée du quartier."
    en = "This person is already a delegate of the neighbourhood."


class NotAnElectedDelegate(Rule, basis="3.2"):
    """Only a delegate of the neighbourhood can sit for it, or resign."""

    fr = "La personne {person} n'est pas déléguée du quartier."
    en = "The person {person} is not a delegate of the neighbourhood."


class NotAServiceDelegate(Rule, basis="3.2"):
    """Only a delegate named by the council can sit for the services."""

    fr = "La personne {person} n'est pas déléguée d'un service."
    en = "The person {person} is not a delegate of a service."


class SeatTakenTwice(Rule, basis="3.2"):
    """A person holds one seat."""

    fr = "La personne {person} occupe deux sièges."
    en = "The person {person} holds two seats."


class NoParity(Rule, basis="3.2", departable=True):
    """The commission is constituted on equal terms between neighbourhood and services."""

    fr = (
        "Composition non paritaire : {neighbourhood} pour le quartier, {services} pour les "
        "services."
    )
    en = "No parity: {neighbourhood} for the neighbourhood, {services} for the services."


class OneSideAbsent(Rule, basis="3.2", departable=True):
    """The commission meets with both sides present."""

    fr = (
        "Un seul côté est présent : {neighbourhood} pour le quartier, {services} pour les services."
    )
    en = "One side only is present: {neighbourhood} for the neighbourhood, {services} for services."


class NoCoordinator(Rule, basis="3.2"):
    """The commission comprises the coordinator named by the council."""

    fr = "Aucun-e coordinateur-trice n'est en fonction."
    en = "No coordinator is in office."

    @classmethod
    def check(cls, contract: Contract, act: Act) -> Iterator[Self]:
        if contract.coordinator is None or not act.follows(contract.coordinator_since):
            yield cls()


class _Mandated(Decision):
    person: PersonId
    capacity: Capacity
    plenary: PlenaryId

    def judge(self, contract: Contract, act: Act) -> Iterator[AlreadyADelegate | PlenaryNotHeld]:
        if self.person in contract.delegates:
            yield AlreadyADelegate()
        yield from was_held_for(contract, act, self.plenary, Purpose.ELECTION)

    def apply(self, contract: Contract, act: Act) -> None:
        contract.delegates[self.person] = act.decided_on


class DelegateElected(_Mandated, taken_by={Body.PLENARY}, basis="3.2"):
    """The plenary elects a delegate of the neighbourhood. Minors may be elected."""

    fr = "Délégué-e élu-e"

    votes: Annotated[int, Ge(0), Le(100_000)] | None = None


class DelegateDesignated(_Mandated, taken_by={Body.PLENARY}, basis="3.2"):
    """The plenary designates a delegate of the neighbourhood without a vote."""

    fr = "Délégué-e désigné-e"


class DelegatesResigned(Decision, taken_by={Body.DELEGATES}, basis="3.2"):
    """One or several delegates resign; en bloc is one act. Their seats fall vacant."""

    fr = "Délégué-e-s démissionnaires"
    standings = NOT_ENDED

    persons: Annotated[tuple[PersonId, ...], MinLen(1), MaxLen(100)]
    reason: Text

    def judge(self, contract: Contract, act: Act) -> Iterator[NotAnElectedDelegate]:
        for person in self.persons:
            if not act.follows(contract.delegates.get(person)):
                yield NotAnElectedDelegate(person=person)

    def apply(self, contract: Contract, act: Act) -> None:
        for person in self.persons:
            contract.delegates.pop(person, None)
            contract.vacate(person, "neighbourhood", act.decided_on)


class CommissionConstituted(Decision, taken_by={Body.COMMISSION}, basis="3.2"):
    """The commission takes its seats. Constituted anew, it replaces the one before."""

    fr = "Commission de coordination constituée"
    requires = (NotLaunched, NoCoordinator)

    seats: Annotated[tuple[Seat, ...], MinLen(1), MaxLen(100)]

    def _by_person(self) -> dict[PersonId, Side]:
        return {
            seat.person: "service" if seat.side is SeatSide.SERVICE else "neighbourhood"
            for seat in self.seats
        }

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[NotAnElectedDelegate | NotAServiceDelegate | SeatTakenTwice | NoParity]:
        seen: set[PersonId] = set()
        for seat in self.seats:
            if seat.person in seen:
                yield SeatTakenTwice(person=seat.person)
            seen.add(seat.person)
            if seat.side is SeatSide.SERVICE:
                if not act.follows(contract.service_delegates.get(seat.person)):
                    yield NotAServiceDelegate(person=seat.person)
            elif not act.follows(contract.delegates.get(seat.person)):
                yield NotAnElectedDelegate(person=seat.person)
        neighbourhood, services = contract.sides(self._by_person().values())
        if contract.framework.parity and neighbourhood != services:
            yield NoParity(neighbourhood=neighbourhood, services=services)

    def apply(self, contract: Contract, act: Act) -> None:
        contract.commission = {person: Taken(side) for person, side in self._by_person().items()}
        contract.commission_constituted_on = earliest(
            contract.commission_constituted_on, act.decided_on
        )


class CommissionMet(Decision, taken_by={Body.COMMISSION}, basis="3.2"):
    """The commission met."""

    fr = "Séance de la commission tenue"
    requires = QUORATE

    present: Annotated[tuple[PersonId, ...], MinLen(1), MaxLen(100)]
    agenda: Text | None = None
    minutes: Text | None = None

    def judge(self, contract: Contract, act: Act) -> Iterator[OneSideAbsent | NotAMember]:
        seated = contract.seated(act.decided_on)
        present = dict.fromkeys(self.present)
        for person in present:
            if person not in seated and person != contract.coordinator:
                yield NotAMember(person=person)
        sides = [seated[person] for person in present if person in seated]
        neighbourhood = sides.count("neighbourhood")
        services = sides.count("service")
        if not (neighbourhood and services):
            yield OneSideAbsent(neighbourhood=neighbourhood, services=services)


class NotAMember(Rule, basis="3.2"):
    """Who is counted present holds a seat, or is the coordinator."""

    fr = "La personne {person} ne siège pas à la commission."
    en = "The person {person} does not sit on the commission."


class OpennessMeasureTaken(Decision, taken_by={Body.COMMISSION}, basis="3.2"):
    """The commission does something to keep the process known and open to all."""

    fr = "Mesure d'ouverture prise"
    requires = (NotLaunched, CommissionNotConstituted)

    channel: Channel
    audience: Title
    description: Text
