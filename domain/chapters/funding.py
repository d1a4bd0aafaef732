"""How an action is paid for: its route, and what is committed, spent and released (§2, §4.3).

Whether a credit is voted and can be used is decided in the chapter `credit`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Le

from domain.kernel.act import Act, Body
from domain.kernel.contract import Route
from domain.kernel.decision import Decision
from domain.kernel.life_cycle import WINDING_UP, Standing
from domain.kernel.rule import Rule
from domain.kernel.values import ZERO, ActionId, Amount, Citation, ServiceId, Term, Text, Year
from domain.rules.chronology import GRANT, BeforeItsCause, not_before
from domain.rules.following import ActionHasEnded
from domain.rules.money import AmountNotPositive, is_positive
from domain.rules.references import Reference, UnknownService, is_service, refers

if TYPE_CHECKING:
    from domain.kernel.contract import Contract


class RouteKind(Term):
    """The two ways §4.3 names, and none."""

    SERVICE_BUDGET = "service_budget", "budget interne du service", "the service's own budget"
    MUNICIPAL_CREDIT = "municipal_credit", "crédit du Conseil municipal", "municipal credit"
    NONE_NEEDED = "none_needed", "aucun financement nécessaire", "no funding needed"


class ActionNotApproved(Rule, basis="4.3"):
    """The council funds what it has approved."""

    fr = "L'action « {action} » n'est pas approuvée par le Conseil administratif."
    en = "The action “{action}” is not approved by the administrative council."


class RouteAlreadyChosen(Rule, basis="4.3"):
    """A route is chosen once; later it is replaced, with a reason."""

    fr = "Le financement de l'action « {action} » est déjà choisi : il se remplace."
    en = "The funding of the action “{action}” is already chosen: it is replaced."


class NoRouteChosen(Rule, basis="4.3"):
    """Money moves on a route that the council has chosen."""

    fr = "Aucun financement n'est choisi pour l'action « {action} »."
    en = "No funding is chosen for the action “{action}”."


class RouteFieldMissing(Rule, basis="4.3"):
    """A service's budget is named by service, line, year and amount; a credit by its amount."""

    fr = "Le financement « {route} » demande le champ « {field} »."
    en = "The route “{route}” needs the field “{field}”."


class RouteFieldOutOfPlace(Rule, basis="4.3"):
    """A route says only what belongs to it."""

    fr = "Le financement « {route} » n'a pas de champ « {field} »."
    en = "The route “{route}” has no field “{field}”."


class CommitmentsOpen(Rule, basis="4.3"):
    """Before a route is replaced, what was committed on it is spent or released."""

    fr = "L'action « {action} » a encore {committed} engagés et non dépensés."
    en = "The action “{action}” still has {committed} committed and not spent."


class CreditPending(Rule, basis="4.3"):
    """A credit that awaits an answer is not replaced behind the back of who answers."""

    fr = "Le crédit pour l'action « {action} » attend encore une réponse."
    en = "The credit for the action “{action}” still awaits an answer."


class BeyondAvailable(Rule, basis="4.3"):
    """What is committed never exceeds what is enforceable or budgeted."""

    fr = "Action « {action} » : {amount} à engager, {available} disponibles."
    en = "Action “{action}”: {amount} to commit, {available} available."


class BeyondCommitted(Rule, basis="4.3"):
    """What is spent never exceeds what was committed."""

    fr = "Action « {action} » : {amount} à dépenser, {committed} engagés."
    en = "Action “{action}”: {amount} to spend, {committed} committed."


class BeyondUnspent(Rule, basis="4.3"):
    """Only what was granted and not spent can be released."""

    fr = "Action « {action} » : {amount} à libérer, {unspent} non dépensés."
    en = "Action “{action}”: {amount} to release, {unspent} not spent."


_NEEDED: dict[RouteKind, tuple[str, ...]] = {
    RouteKind.SERVICE_BUDGET: ("service", "budget_line", "year", "amount"),
    RouteKind.MUNICIPAL_CREDIT: ("amount",),
    RouteKind.NONE_NEEDED: (),
}


class _Routed(Decision):
    """A route, and what belongs to it."""

    action: ActionId
    route: RouteKind
    service: ServiceId | None = None
    budget_line: Citation | None = None
    year: Annotated[Year, Ge(2000), Le(2100)] | None = None
    amount: Amount | None = None

    def _complete(
        self, act: Act
    ) -> Iterator[RouteFieldMissing | RouteFieldOutOfPlace | AmountNotPositive | UnknownService]:
        needed = _NEEDED[self.route]
        for field in ("service", "budget_line", "year", "amount"):
            given = getattr(self, field) is not None
            if field in needed and not given:
                yield RouteFieldMissing(route=self.route, field=field)
            if field not in needed and given:
                yield RouteFieldOutOfPlace(route=self.route, field=field)
        if self.amount is not None:
            yield from is_positive(self.amount)
        if self.service is not None:
            yield from is_service(act, self.service)

    def _fundable(
        self, contract: Contract, act: Act
    ) -> Iterator[Reference | ActionNotApproved | ActionHasEnded]:
        yield from refers(contract, act, "actions", self.action)
        action = contract.actions.get(self.action)
        if action is None:
            return
        if not act.follows(action.approved_on):
            yield ActionNotApproved(action=self.action)
        if action.ended == "abandoned":
            yield ActionHasEnded(action=self.action)

    def apply(self, contract: Contract, act: Act) -> None:
        action = contract.actions[self.action]
        if action.route is not None and action.route.available > 0:
            action.route.release(action.route.available)
        route = Route(kind=self.route.value, chosen_on=act.decided_on)
        if self.route is RouteKind.SERVICE_BUDGET:
            route.granted = self.amount or ZERO
            route.granted_on = act.decided_on
        action.routes.append(route)


class FundingRouteChosen(_Routed, taken_by={Body.ADMINISTRATIVE_COUNCIL}, basis="4.3", money=True):
    """The council decides how an approved action is paid for."""

    fr = "Financement choisi"

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[
        Reference
        | ActionNotApproved
        | ActionHasEnded
        | RouteAlreadyChosen
        | RouteFieldMissing
        | RouteFieldOutOfPlace
        | AmountNotPositive
        | UnknownService
    ]:
        yield from self._fundable(contract, act)
        yield from self._complete(act)
        action = contract.actions.get(self.action)
        if action is not None and action.routes:
            yield RouteAlreadyChosen(action=self.action)


class FundingRouteReplaced(
    _Routed, taken_by={Body.ADMINISTRATIVE_COUNCIL}, basis="4.3", money=True
):
    """The council pays another way, and says why. What was spent stays in the ledger."""

    fr = "Financement remplacé"

    reason: Text

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[
        Reference
        | ActionNotApproved
        | ActionHasEnded
        | NoRouteChosen
        | CommitmentsOpen
        | CreditPending
        | RouteFieldMissing
        | RouteFieldOutOfPlace
        | AmountNotPositive
        | UnknownService
    ]:
        yield from self._fundable(contract, act)
        yield from self._complete(act)
        action = contract.actions.get(self.action)
        if action is None:
            return
        if action.route is None or not act.follows(action.route.chosen_on):
            yield NoRouteChosen(action=self.action)
            return
        if action.route.credit in {"requested", "voted"}:
            yield CreditPending(action=self.action)
        if action.route.committed > 0:
            yield CommitmentsOpen(action=self.action, committed=action.route.committed)


class _Moved(Decision):
    """A sum that moves on the route in force of an action."""

    standings = WINDING_UP

    action: ActionId
    amount: Amount
    reference: Citation

    def _on_route(
        self, contract: Contract, act: Act
    ) -> Iterator[Reference | AmountNotPositive | NoRouteChosen | BeforeItsCause]:
        yield from refers(contract, act, "actions", self.action)
        yield from is_positive(self.amount)
        action = contract.actions.get(self.action)
        if action is None:
            return
        if action.route is None or not act.follows(action.route.chosen_on):
            yield NoRouteChosen(action=self.action)
            return
        yield from not_before("decided_on", act.decided_on, GRANT, action.route.granted_on)


class FundsCommitted(_Moved, taken_by={Body.SERVICE}, basis="4.3", money=True):
    """A service commits part of what is available."""

    fr = "Fonds engagés"
    standings = frozenset({Standing.UNDER_WAY})

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[Reference | AmountNotPositive | NoRouteChosen | BeforeItsCause | BeyondAvailable]:
        yield from self._on_route(contract, act)
        route = contract.route(self.action)
        if route is not None and self.amount > route.available:
            yield BeyondAvailable(action=self.action, amount=self.amount, available=route.available)

    def apply(self, contract: Contract, act: Act) -> None:
        if (route := contract.route(self.action)) is not None:
            route.committed += self.amount


class ExpenditureRecorded(_Moved, taken_by={Body.SERVICE}, basis="4.3", money=True):
    """A service spends part of what it has committed."""

    fr = "Dépense enregistrée"

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[Reference | AmountNotPositive | NoRouteChosen | BeforeItsCause | BeyondCommitted]:
        yield from self._on_route(contract, act)
        route = contract.route(self.action)
        if route is not None and self.amount > route.committed:
            yield BeyondCommitted(action=self.action, amount=self.amount, committed=route.committed)

    def apply(self, contract: Contract, act: Act) -> None:
        if (route := contract.route(self.action)) is not None:
            route.committed -= self.amount
            route.spent += self.amount


class FundsReleased(_Moved, taken_by={Body.SERVICE}, basis="4.3", money=True):
    """A service gives back what was granted and is not needed: first what is uncommitted."""

    fr = "Fonds libérés"

    def judge(
        self, contract: Contract, act: Act
    ) -> Iterator[Reference | AmountNotPositive | NoRouteChosen | BeforeItsCause | BeyondUnspent]:
        yield from self._on_route(contract, act)
        route = contract.route(self.action)
        if route is not None and self.amount > route.unspent:
            yield BeyondUnspent(action=self.action, amount=self.amount, unspent=route.unspent)

    def apply(self, contract: Contract, act: Act) -> None:
        if (route := contract.route(self.action)) is not None:
            route.release(self.amount)
