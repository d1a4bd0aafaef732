"""The ledger answers: where did every franc come from, and which account is it in now?

Double entry: each movement takes an amount from one account (credit) and puts it into another
(debit), so that all accounts of an action's route always add up to nothing.

    origin -> available -> committed -> spent          a service's own budget
    origin -> requested -> voted -> available -> …     a credit of the municipal council
              requested, voted -> refused              what was not granted
              available, committed -> released         what was given back

Whatever comes into `available` has become enforceable: a budget at once, a credit once the
referendum delay has run. `projections.tables.ledger_queries` reads what is written here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from domain.chapters.actions import ActionProposed, ActionRevised
from domain.chapters.credit import CreditRefused, CreditRequested, CreditVoted
from domain.chapters.follow_up import ActionAbandoned, ActionAssigned
from domain.chapters.funding import (
    ExpenditureRecorded,
    FundingRouteChosen,
    FundingRouteReplaced,
    FundsCommitted,
    FundsReleased,
    RouteKind,
)
from domain.chapters.referendum import CreditBecameEnforceable, CreditOverturned
from domain.kernel.decision import Recorded
from domain.kernel.values import ZERO, ActionId, Citation, ServiceId, Term, Title
from projections.engine.table import Relation, Table, Written


class Account(Term):
    """Where money is."""

    ORIGIN = "origin", "caisse de la Ville", "the City's purse"
    REQUESTED = "requested", "demandé au Conseil municipal", "requested of the municipal council"
    VOTED = "voted", "voté, pas encore exécutoire", "voted, not yet enforceable"
    AVAILABLE = "available", "disponible", "available"
    COMMITTED = "committed", "engagé", "committed"
    SPENT = "spent", "dépensé", "spent"
    RELEASED = "released", "libéré", "released"
    REFUSED = "refused", "non accordé", "not granted"


@dataclass(slots=True)
class Entry:
    """`amount` francs, more than none, from the account `credit` to the account `debit`.

    `route` counts the routes of the action from 1. `year` is the budget's, or for a credit the
    year the movement was decided in. `service` is whose budget it is, or who was to carry the
    action out when the route was chosen.
    """

    action: ActionId = ""
    route: int = 0
    kind: RouteKind = RouteKind.NONE_NEEDED
    service: ServiceId | None = None
    year: int = 0
    decided_on: date = date.min
    debit: Account = Account.ORIGIN
    credit: Account = Account.ORIGIN
    amount: Decimal = ZERO
    reference: Citation | None = None


@dataclass(slots=True)
class Balance:
    """The accounts of one route of an action; what came from the origin is below zero.

    `gross` and `net` are those of the credit, as it was last requested or voted.
    """

    kind: RouteKind = RouteKind.NONE_NEEDED
    service: ServiceId | None = None
    year: int | None = None
    budget_line: Citation | None = None
    proposal: Citation | None = None
    deliberation: Citation | None = None
    gross: Decimal | None = None
    net: Decimal | None = None
    origin: Decimal = ZERO
    requested: Decimal = ZERO
    voted: Decimal = ZERO
    available: Decimal = ZERO
    committed: Decimal = ZERO
    spent: Decimal = ZERO
    released: Decimal = ZERO
    refused: Decimal = ZERO


@dataclass(slots=True)
class Carrier:
    """What an action is called, which service it belongs to, and how many routes it has had."""

    title: Title | None = None
    service: ServiceId | None = None
    assigned: bool = False
    routes: int = 0


ENTRIES = Relation("ledger_entry", Entry, key=("position", "seq"), appends=True)
BALANCES = Relation("ledger_balance", Balance, key=("action", "route"))
CARRIERS = Relation("ledger_carrier", Carrier, key=("action",))

ledger = Table("ledger", version=2, relations=(ENTRIES, BALANCES, CARRIERS))


class _Route:
    """The route in force of an action, open for one decision's movements."""

    def __init__(self, rows: Written, action: ActionId, recorded: Recorded[Any]) -> None:
        carrier = rows[CARRIERS].get(action)
        self.action = action
        self.number = carrier.routes if carrier else 0
        self.recorded = recorded
        self.entries = rows[ENTRIES]
        self.balance = rows[BALANCES][action, self.number] if self.number else None
        self.seq = 0

    def move(
        self,
        amount: Decimal,
        credit: Account,
        debit: Account,
        reference: Citation | None = None,
    ) -> None:
        """Put an amount from one account into another; money before any route is not followed."""
        balance = self.balance
        if balance is None or not amount:
            return
        if amount < 0:
            amount, credit, debit = -amount, debit, credit
        setattr(balance, credit.value, getattr(balance, credit.value) - amount)
        setattr(balance, debit.value, getattr(balance, debit.value) + amount)
        self.seq += 1
        act = self.recorded.act
        self.entries[self.recorded.position, self.seq] = Entry(
            self.action,
            self.number,
            balance.kind,
            balance.service,
            balance.year or act.decided_on.year,
            act.decided_on,
            debit,
            credit,
            amount,
            reference,
        )

    def release(self, amount: Decimal, reference: Citation | None = None) -> None:
        """Give back first what nobody has committed, then commitments."""
        if self.balance is None:
            return
        committed = max(ZERO, amount - self.balance.available)
        self.move(amount - committed, Account.AVAILABLE, Account.RELEASED, reference)
        self.move(committed, Account.COMMITTED, Account.RELEASED, reference)

    def held(self, account: Account) -> Decimal:
        return ZERO if self.balance is None else getattr(self.balance, account.value)


# --- Who it belongs to --------------------------------------------------------------------------


@ledger.on(ActionProposed, ActionRevised)
def _(rows: Written, decision: ActionProposed | ActionRevised, recorded: Recorded[Any]) -> None:
    carrier = rows[CARRIERS][decision.action]
    carrier.title = decision.title or carrier.title
    if decision.lead_service is not None and not carrier.assigned:
        carrier.service = decision.lead_service


@ledger.on(ActionAssigned)
def _(rows: Written, decision: ActionAssigned, recorded: Recorded[Any]) -> None:
    carrier = rows[CARRIERS][decision.action]
    carrier.service, carrier.assigned = decision.service, True


# --- Movements ----------------------------------------------------------------------------------


@ledger.on(FundingRouteChosen, FundingRouteReplaced)
def _(
    rows: Written,
    decision: FundingRouteChosen | FundingRouteReplaced,
    recorded: Recorded[Any],
) -> None:
    before = _Route(rows, decision.action, recorded)
    if before.held(Account.AVAILABLE) > 0:
        before.release(before.held(Account.AVAILABLE))
    carrier = rows[CARRIERS][decision.action]
    carrier.routes += 1
    rows[BALANCES][decision.action, carrier.routes] = Balance(
        decision.route,
        decision.service or carrier.service,
        decision.year,
        decision.budget_line,
    )
    chosen = _Route(rows, decision.action, recorded)
    chosen.seq = before.seq
    if decision.route is RouteKind.SERVICE_BUDGET and decision.amount is not None:
        chosen.move(decision.amount, Account.ORIGIN, Account.AVAILABLE, decision.budget_line)


@ledger.on(CreditRequested)
def _(rows: Written, decision: CreditRequested, recorded: Recorded[Any]) -> None:
    route = _Route(rows, decision.action, recorded)
    if route.balance is not None:
        route.balance.proposal, route.balance.deliberation = decision.proposal, None
        route.balance.gross, route.balance.net = decision.gross, decision.net
    route.move(decision.gross, Account.ORIGIN, Account.REQUESTED, decision.proposal)


@ledger.on(CreditVoted)
def _(rows: Written, decision: CreditVoted, recorded: Recorded[Any]) -> None:
    route = _Route(rows, decision.action, recorded)
    if route.balance is not None:
        route.balance.deliberation = decision.deliberation
        route.balance.gross, route.balance.net = decision.gross, decision.net
    requested = route.held(Account.REQUESTED)
    granted = min(requested, decision.gross)
    cited = decision.deliberation
    route.move(granted, Account.REQUESTED, Account.VOTED, cited)
    route.move(requested - granted, Account.REQUESTED, Account.REFUSED, cited)
    route.move(decision.gross - granted, Account.ORIGIN, Account.VOTED, cited)


@ledger.on(CreditRefused)
def _(rows: Written, decision: CreditRefused, recorded: Recorded[Any]) -> None:
    route = _Route(rows, decision.action, recorded)
    requested = route.held(Account.REQUESTED)
    route.move(requested, Account.REQUESTED, Account.REFUSED, decision.reference)


@ledger.on(CreditBecameEnforceable)
def _(rows: Written, decision: CreditBecameEnforceable, recorded: Recorded[Any]) -> None:
    route = _Route(rows, decision.action, recorded)
    route.move(route.held(Account.VOTED), Account.VOTED, Account.AVAILABLE)


@ledger.on(CreditOverturned)
def _(rows: Written, decision: CreditOverturned, recorded: Recorded[Any]) -> None:
    route = _Route(rows, decision.action, recorded)
    route.move(route.held(Account.VOTED), Account.VOTED, Account.REFUSED)


@ledger.on(FundsCommitted)
def _(rows: Written, decision: FundsCommitted, recorded: Recorded[Any]) -> None:
    _Route(rows, decision.action, recorded).move(
        decision.amount, Account.AVAILABLE, Account.COMMITTED, decision.reference
    )


@ledger.on(ExpenditureRecorded)
def _(rows: Written, decision: ExpenditureRecorded, recorded: Recorded[Any]) -> None:
    _Route(rows, decision.action, recorded).move(
        decision.amount, Account.COMMITTED, Account.SPENT, decision.reference
    )


@ledger.on(FundsReleased)
def _(rows: Written, decision: FundsReleased, recorded: Recorded[Any]) -> None:
    _Route(rows, decision.action, recorded).release(decision.amount, decision.reference)


@ledger.on(ActionAbandoned)
def _(rows: Written, decision: ActionAbandoned, recorded: Recorded[Any]) -> None:
    route = _Route(rows, decision.action, recorded)
    route.release(route.held(Account.AVAILABLE) + route.held(Account.COMMITTED))
    for pending in (Account.REQUESTED, Account.VOTED):
        route.move(route.held(pending), pending, Account.REFUSED)
