"""What bodies must be able to meet and decide: a plenary held for a purpose, a quorate commission.

Several chapters ask for it, so it stands beside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Self

from domain.kernel.act import Act, Body
from domain.kernel.rule import Rule
from domain.kernel.values import Term, WorkingGroupId
from domain.rules.references import Reference, refers

if TYPE_CHECKING:
    from domain.kernel.contract import Contract


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
    """Find a plenary that was not held by then, or not for that purpose."""
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
        if not act.follows(contract.launched_on):
            yield cls()


class PlenaryOverdue(Rule, basis="3.1", departable=True):
    """Plenaries take place at least once a year, from the first up to the closure."""

    fr = "La dernière conférence date du {last} ; la suivante était attendue avant le {due}."
    en = "The last plenary was on {last}; the next was due by {due}."

    @classmethod
    def check(cls, contract: Contract, act: Act) -> Iterator[Self]:
        every, last = contract.framework.plenary_every, contract.last_plenary_on
        if every is None or last is None or act.follows(contract.closure_opened_on):
            return
        if act.decided_on > every.after(last):
            yield cls(last=last, due=every.after(last))


class GroupDissolved(Rule, basis="3.3"):
    """A dissolved group does nothing more."""

    fr = "Le groupe de travail « {group} » est dissous."
    en = "The working group “{group}” is dissolved."


def is_active(
    contract: Contract, act: Act, group: WorkingGroupId
) -> Iterator[Reference | GroupDissolved]:
    """Find a working group that is unknown, not yet formed, or already dissolved."""
    yield from refers(contract, act, "groups", group)
    known = contract.groups.get(group)
    if known is not None and act.follows(known.dissolved_on):
        yield GroupDissolved(group=group)


class CommissionNotConstituted(Rule, basis="3.2"):
    """The commission decides once it is constituted."""

    fr = "La commission de coordination n'est pas constituée."
    en = "The coordination commission is not constituted."

    @classmethod
    def check(cls, contract: Contract, act: Act) -> Iterator[Self]:
        if act.body is Body.COMMISSION and not act.follows(contract.commission_constituted_on):
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
        if act.body is not Body.COMMISSION:
            return
        constituted = [seat.side for seat in contract.commission.values()]
        seated = contract.seated(act.decided_on).values()
        neighbourhood, services = contract.sides(seated)
        # An imbalance that was justified when it was constituted is not held against it.
        accepted = contract.sides(constituted)
        more_uneven = abs(neighbourhood - services) > abs(accepted[0] - accepted[1])
        if (contract.framework.parity and more_uneven) or set(seated) != set(constituted):
            yield cls(neighbourhood=neighbourhood, services=services)


QUORATE: tuple[type[Rule], ...] = (CommissionNotConstituted, CommissionInquorate)
"""What a decision asks for where the commission takes it; other bodies pass."""
