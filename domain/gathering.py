"""What bodies must be able to meet and decide: a plenary held for a purpose, a quorate commission.

Several chapters ask for it, so it stands beside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Self

from domain.act import Act, Body
from domain.rule import Rule
from domain.values import Term

if TYPE_CHECKING:
    from domain.contract import Contract


class Purpose(Term):
    """What §3.1 devotes a plenary to."""

    INTENTIONS = (
        "intentions",
        "prise de connaissance des intentions municipales",
        "learning of the City's intentions",
    )
    NEEDS = "needs", "expression des réalités et besoins", "voicing realities and needs"
    ELECTION = (
        "election",
        "élection ou désignation des délégué-e-s",
        "election or designation of delegates",
    )
    WORK_AND_PRIORITIES = (
        "work_and_priorities",
        "présentation des travaux et priorisation",
        "presentation of work and ranking of projects",
    )


class PlenaryNotHeld(Rule, basis="3.1"):
    """What a plenary decides, it decides when it meets, for a purpose it was devoted to."""

    fr = "La conférence « {plenary} » n'a pas été tenue à cette date pour ce but : {purpose}."
    en = "The plenary “{plenary}” was not held by that date for this purpose: {purpose}."


def was_held_for(
    contract: Contract, act: Act, plenary: str | None, purpose: Purpose
) -> Iterator[PlenaryNotHeld]:
    known = contract.plenaries.get(plenary)
    held_on = known.held_on if known else None
    if (
        known is None
        or held_on is None
        or held_on > act.decided_on
        or purpose not in known.purposes
    ):
        yield PlenaryNotHeld(plenary=plenary or "—", purpose=purpose)


class NotLaunched(Rule, basis="3.1"):
    """The first plenary launches the contract; the mixed bodies work from then on."""

    fr = "Le contrat n'est pas lancé : aucune conférence de quartier n'a été tenue."
    en = "The contract is not launched: no plenary has been held."

    @classmethod
    def check(cls, contract: Contract, act: Act) -> Iterator[Self]:
        if contract.launched_on is None or act.decided_on < contract.launched_on:
            yield cls()


class PlenaryOverdue(Rule, basis="3.1", departable=True):
    """Plenaries take place at least once a year, from the first up to the closure."""

    fr = "La dernière conférence date du {last} ; la suivante était attendue avant le {due}."
    en = "The last plenary was on {last}; the next was due by {due}."

    @classmethod
    def check(cls, contract: Contract, act: Act) -> Iterator[Self]:
        every, last = contract.framework.plenary_every, contract.last_plenary_on
        if every is not None and last is not None and act.decided_on > every.after(last):
            yield cls(last=last, due=every.after(last))


class CommissionNotConstituted(Rule, basis="3.2"):
    """The commission decides once it is constituted."""

    fr = "La commission de coordination n'est pas constituée."
    en = "The coordination commission is not constituted."

    @classmethod
    def check(cls, contract: Contract, act: Act) -> Iterator[Self]:
        if act.body is Body.COMMISSION and not contract.commission_constituted:
            yield cls()


class CommissionInquorate(Rule, basis="3.2"):
    """A commission that has lost its parity decides nothing until it is constituted anew."""

    fr = (
        "La commission n'est plus paritaire ({neighbourhood} pour le quartier, {services} pour "
        "les services) : elle doit être reconstituée."
    )
    en = (
        "The commission is no longer on equal terms ({neighbourhood} for the neighbourhood, "
        "{services} for the services): it must be constituted anew."
    )

    @classmethod
    def check(cls, contract: Contract, act: Act) -> Iterator[Self]:
        if act.body is not Body.COMMISSION or not contract.commission_constituted:
            return
        neighbourhood, services = contract.sides(contract.commission)
        balanced = abs(neighbourhood - services) <= contract.accepted_imbalance
        if not (balanced and neighbourhood and services):
            yield cls(neighbourhood=neighbourhood, services=services)


QUORATE: tuple[type[Rule], ...] = (CommissionNotConstituted, CommissionInquorate)
"""What a decision asks for where the commission takes it; other bodies pass."""
