"""Where a contract stands as a whole, and the rules every decision answers to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from domain.kernel.days import FIRST_DAY, LAST_DAY
from domain.kernel.rule import Rule
from domain.kernel.values import Term

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from domain.kernel.act import Act
    from domain.kernel.contract import Contract


class Standing(Term):
    """The life of a contract. Interrupted and closed are ends."""

    NEW = "new", "pas encore initié", "not yet initiated"
    UNDER_WAY = "under_way", "en cours", "under way"
    SUSPENDED = "suspended", "suspendu", "suspended"
    INTERRUPTED = "interrupted", "interrompu", "interrupted"
    CLOSED = "closed", "clos", "closed"


NOT_ENDED = frozenset({Standing.UNDER_WAY, Standing.SUSPENDED})
"""People come and go while a contract is suspended, too."""

WINDING_UP = frozenset({Standing.UNDER_WAY, Standing.SUSPENDED, Standing.INTERRUPTED})
"""Accounts are settled, and others answer, even where the contract has broken off."""


class NotUnderWay(Rule, basis="4"):
    """Each decision belongs to certain standings of the contract; most to a contract under way."""

    fr = "Le contrat est {standing} : cette décision ne peut pas être prise."
    en = "The contract is {standing}: this decision cannot be taken."


class DecidedInTheFuture(Rule, basis="4"):
    """What is recorded has been decided."""

    fr = "La décision est datée du {decided_on}, après aujourd'hui ({today})."
    en = "The decision is dated {decided_on}, after today ({today})."

    @classmethod
    def check(cls, contract: Contract, act: Act) -> Iterator[Self]:
        if act.decided_on > act.today:
            yield cls(decided_on=act.decided_on, today=act.today)


class DecidedBeforeTheContract(Rule, basis="4.1"):
    """Nothing is decided in a contract before the decision that initiates it."""

    fr = "La décision est datée du {decided_on}, avant l'initiation du contrat ({initiated_on})."
    en = "The decision is dated {decided_on}, before the contract was initiated ({initiated_on})."

    @classmethod
    def check(cls, contract: Contract, act: Act) -> Iterator[Self]:
        if contract.initiated_on is not None and act.decided_on < contract.initiated_on:
            yield cls(decided_on=act.decided_on, initiated_on=contract.initiated_on)


class OutsideTheCalendar(Rule, basis="4"):
    """Every day lies where delays can be counted from it, and no slip of the pen is far off."""

    fr = "Le {day} (« {field} ») est hors du calendrier, qui va du {first} au {last}."
    en = "{day} (“{field}”) is outside the calendar, which goes from {first} to {last}."

    @classmethod
    def of(cls, field: str, day: date) -> Iterator[Self]:
        if not FIRST_DAY <= day <= LAST_DAY:
            yield cls(field=field, day=day, first=FIRST_DAY, last=LAST_DAY)


class DepartureWithoutCause(Rule, basis="4"):
    """A justification sets aside one named rule that stands in the way, and no other."""

    fr = "La dérogation « {rule} » est sans objet : cette règle n'est pas enfreinte."
    en = "The departure from “{rule}” has no cause: that rule is not broken."
