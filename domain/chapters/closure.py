"""Closure, and what goes on without the contract (§4.5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Self

from domain.kernel.act import Act, Body
from domain.kernel.decision import Decision
from domain.kernel.life_cycle import Standing
from domain.kernel.rule import Rule
from domain.kernel.values import Text
from domain.rules.gathering import QUORATE, NotLaunched, PlenaryOverdue

if TYPE_CHECKING:
    from domain.kernel.contract import Contract

COUNCIL = {Body.ADMINISTRATIVE_COUNCIL}


class ClosureAlreadyOpen(Rule, basis="4.5"):
    """Closure is opened once."""

    fr = "La clôture est déjà ouverte, depuis le {opened_on}."
    en = "Closure is already open, since {opened_on}."

    @classmethod
    def check(cls, contract: Contract, act: Act) -> Iterator[Self]:
        if contract.closure_opened_on is not None:
            yield cls(opened_on=contract.closure_opened_on)


class ClosureNotOpen(Rule, basis="4.5"):
    """The end is prepared before it is decided."""

    fr = "La clôture n'est pas ouverte."
    en = "Closure is not open."

    @classmethod
    def check(cls, contract: Contract, act: Act) -> Iterator[Self]:
        opened = contract.closure_opened_on
        if opened is None or act.decided_on < opened:
            yield cls()


class ClosedBeforeItsTime(Rule, basis="4.5", departable=True):
    """A contract lasts four years from its launch."""

    fr = "La clôture est ouverte le {opened_on}, avant le terme de quatre ans ({due})."
    en = "Closure is opened on {opened_on}, before the four years have run ({due})."

    @classmethod
    def check(cls, contract: Contract, act: Act) -> Iterator[Self]:
        lasts, launched = contract.framework.lasts, contract.launched_on
        if lasts is not None and launched is not None and act.decided_on < lasts.after(launched):
            yield cls(opened_on=act.decided_on, due=lasts.after(launched))


class ActionNotSettled(Rule, basis="4.5"):
    """At the closure every action is completed, abandoned, refused, set aside or handed over."""

    fr = (
        "L'action « {action} » n'est ni achevée, ni abandonnée, ni refusée, ni écartée, ni remise "
        "à un relais."
    )
    en = "The action “{action}” is not completed, abandoned, refused, set aside or handed over."

    @classmethod
    def check(cls, contract: Contract, act: Act) -> Iterator[Self]:
        for action, known in contract.actions.items():
            if not known.settled:
                yield cls(action=action)


class CreditLeftOpen(Rule, basis="4.5"):
    """At the closure no credit awaits an answer, and what is left of one is given back."""

    fr = "Action « {action} » : un crédit attend une réponse, ou {unspent} restent non dépensés."
    en = "Action “{action}”: a credit awaits an answer, or {unspent} is left unspent."

    @classmethod
    def check(cls, contract: Contract, act: Act) -> Iterator[Self]:
        for action, known in contract.actions.items():
            for route in known.routes:
                if route.credit_is_open:
                    yield cls(action=action, unspent=route.unspent)


class ClosureOpened(Decision, taken_by=COUNCIL, basis="4.5"):
    """The council opens the closure: actions are to end or to find a relay."""

    fr = "Clôture ouverte"
    requires = (NotLaunched, ClosureAlreadyOpen, ClosedBeforeItsTime, PlenaryOverdue)

    text: Text | None = None

    def apply(self, contract: Contract, act: Act) -> None:
        contract.closure_opened_on = act.decided_on


class FinalReportAdopted(Decision, taken_by={Body.COMMISSION}, basis="4.5"):
    """The commission adopts its account of the whole contract."""

    fr = "Rapport final adopté"
    requires = (ClosureNotOpen, *QUORATE)

    text: Text


class ContractClosed(Decision, taken_by=COUNCIL, basis="4.5"):
    """The council closes the contract."""

    fr = "Contrat clos"
    requires = (ClosureNotOpen, ActionNotSettled, CreditLeftOpen)

    text: Text | None = None

    def apply(self, contract: Contract, act: Act) -> None:
        contract.standing = Standing.CLOSED
