"""The funding answers: how is each action paid for, and where does its money stand, in francs?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from domain.chapters.actions import ActionProposed, ActionRevised
from domain.chapters.approval import RoadmapApproved, Verdict
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
from domain.chapters.promotion import OperatingBudgetGranted, OperatingExpenseRecorded
from domain.chapters.referendum import (
    CreditBecameEnforceable,
    CreditContested,
    CreditOverturned,
    CreditPublished,
)
from domain.kernel.decision import Recorded
from domain.kernel.values import ZERO, ActionId, Citation
from projections.engine.view import View
from projections.facts.facts import (
    because,
    fact,
)
from projections.views.funding_document import (
    Credit,
    CreditState,
    Entry,
    EntryKind,
    Funding,
    OperatingEntry,
    Route,
    Sums,
    Voted,
    YearSums,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

funding = View("funding", version=1, empty=Funding)


# --- Who it is for ------------------------------------------------------------------------------


@funding.on(ActionProposed, ActionRevised)
def _(view: Funding, decision: ActionProposed | ActionRevised, recorded: Recorded[Any]) -> None:
    action = view.actions[decision.action]
    action.title = decision.title or action.title
    if decision.lead_service is not None and not action.assigned:
        action.service = decision.lead_service


@funding.on(ActionAssigned)
def _(view: Funding, decision: ActionAssigned, recorded: Recorded[Any]) -> None:
    action = view.actions[decision.action]
    action.service = decision.service
    action.assigned = True


@funding.on(RoadmapApproved)
def _(view: Funding, decision: RoadmapApproved, recorded: Recorded[Any]) -> None:
    for answer in decision.answers:
        approved = answer.verdict is not Verdict.REFUSED
        view.actions[answer.action].approved = fact(recorded) if approved else None


# --- Routes -------------------------------------------------------------------------------------


def _in_force(view: Funding, action: ActionId) -> Route | None:
    """The last route chosen for an action. Money that moves before any is not followed."""
    known = view.actions.get(action)
    return known.routes[-1] if known and known.routes else None


def _each(view: Funding, route: Route) -> Iterator[Sums]:
    """Everything a movement on this route is counted in, but the year."""
    yield route.sums
    yield view.total
    yield view.routes[route.kind]
    yield view.services[route.service or ""]


def _year(view: Funding, route: Route, recorded: Recorded[Any]) -> YearSums:
    return view.years[route.year or recorded.act.decided_on.year]


def _grant(view: Funding, route: Route, amount: Decimal, recorded: Recorded[Any]) -> None:
    for sums in _each(view, route):
        sums.enforceable += amount
        sums.available += amount
    _year(view, route, recorded).enforceable += amount


def _release(
    view: Funding,
    route: Route,
    amount: Decimal,
    recorded: Recorded[Any],
    reference: Citation | None = None,
) -> None:
    """Give back unspent money: first what nobody has committed, then commitments."""
    committed = max(ZERO, amount - route.sums.available)
    for sums in _each(view, route):
        sums.available -= amount - committed
        sums.committed -= committed
        sums.released += amount
    _year(view, route, recorded).released += amount
    route.entries.append(
        Entry(recorded.act.decided_on, recorded.position, EntryKind.RELEASED, amount, reference)
    )


@funding.on(FundingRouteChosen, FundingRouteReplaced)
def _(
    view: Funding,
    decision: FundingRouteChosen | FundingRouteReplaced,
    recorded: Recorded[Any],
) -> None:
    action = view.actions[decision.action]
    before = _in_force(view, decision.action)
    if before is not None:
        if before.sums.available > 0:
            _release(view, before, before.sums.available, recorded)
        reason = decision.reason if isinstance(decision, FundingRouteReplaced) else None
        before.replaced = because(recorded, reason)
    route = Route(
        decision.route,
        fact(recorded),
        decision.service or action.service,
        decision.budget_line,
        decision.year,
        decision.amount,
    )
    action.routes.append(route)
    if decision.route is RouteKind.SERVICE_BUDGET:
        _grant(view, route, decision.amount or ZERO, recorded)


# --- Credits ------------------------------------------------------------------------------------


@funding.on(CreditRequested)
def _(view: Funding, decision: CreditRequested, recorded: Recorded[Any]) -> None:
    route = _in_force(view, decision.action)
    if route is None:
        return
    route.credits.append(
        Credit(
            CreditState.REQUESTED,
            decision.proposal,
            decision.gross,
            decision.net,
            fact(recorded),
        )
    )
    more = decision.gross - route.sums.requested
    for sums in _each(view, route):
        sums.requested += more
    _year(view, route, recorded).requested += decision.gross


def _credit(view: Funding, action: ActionId) -> tuple[Route, Credit] | None:
    """The route in force and its last request; a story begun in its middle has a blank one."""
    route = _in_force(view, action)
    if route is None:
        return None
    if not route.credits:
        route.credits.append(Credit())
    return route, route.credits[-1]


@funding.on(CreditVoted)
def _(view: Funding, decision: CreditVoted, recorded: Recorded[Any]) -> None:
    if (found := _credit(view, decision.action)) is None:
        return
    route, credit = found
    credit.state = CreditState.VOTED
    credit.voted = Voted(
        recorded.act.decided_on,
        recorded.position,
        decision.deliberation,
        decision.gross,
        decision.net,
        decision.votes,
        decision.published_on,
        decision.urgent,
    )
    more, more_net = decision.gross - route.sums.voted, decision.net - route.sums.net
    for sums in _each(view, route):
        sums.voted += more
        sums.net += more_net
    _year(view, route, recorded).voted += decision.gross


@funding.on(CreditRefused)
def _(view: Funding, decision: CreditRefused, recorded: Recorded[Any]) -> None:
    if found := _credit(view, decision.action):
        found[1].state = CreditState.REFUSED
        found[1].refused = because(recorded, decision.reason)


@funding.on(CreditPublished)
def _(view: Funding, decision: CreditPublished, recorded: Recorded[Any]) -> None:
    if (found := _credit(view, decision.action)) and (voted := found[1].voted):
        found[1].voted = replace(voted, published_on=decision.published_on)


@funding.on(CreditContested)
def _(view: Funding, decision: CreditContested, recorded: Recorded[Any]) -> None:
    if found := _credit(view, decision.action):
        found[1].contested = fact(recorded)


@funding.on(CreditBecameEnforceable)
def _(view: Funding, decision: CreditBecameEnforceable, recorded: Recorded[Any]) -> None:
    if (found := _credit(view, decision.action)) is None:
        return
    route, credit = found
    credit.state = CreditState.ENFORCEABLE
    credit.enforceable = fact(recorded)
    credit.enforceable_on = decision.enforceable_on
    credit.accepted_by_voters_on = decision.accepted_by_voters_on
    _grant(view, route, route.sums.voted - route.sums.enforceable, recorded)


@funding.on(CreditOverturned)
def _(view: Funding, decision: CreditOverturned, recorded: Recorded[Any]) -> None:
    if found := _credit(view, decision.action):
        found[1].state = CreditState.REFUSED
        found[1].overturned = fact(recorded)


# --- Movements ----------------------------------------------------------------------------------


@funding.on(FundsCommitted)
def _(view: Funding, decision: FundsCommitted, recorded: Recorded[Any]) -> None:
    if (route := _in_force(view, decision.action)) is None:
        return
    for sums in _each(view, route):
        sums.available -= decision.amount
        sums.committed += decision.amount
    _year(view, route, recorded).committed += decision.amount
    route.entries.append(
        Entry(
            recorded.act.decided_on,
            recorded.position,
            EntryKind.COMMITTED,
            decision.amount,
            decision.reference,
        )
    )


@funding.on(ExpenditureRecorded)
def _(view: Funding, decision: ExpenditureRecorded, recorded: Recorded[Any]) -> None:
    if (route := _in_force(view, decision.action)) is None:
        return
    for sums in _each(view, route):
        sums.committed -= decision.amount
        sums.spent += decision.amount
    _year(view, route, recorded).spent += decision.amount
    route.entries.append(
        Entry(
            recorded.act.decided_on,
            recorded.position,
            EntryKind.SPENT,
            decision.amount,
            decision.reference,
        )
    )


@funding.on(FundsReleased)
def _(view: Funding, decision: FundsReleased, recorded: Recorded[Any]) -> None:
    if (route := _in_force(view, decision.action)) is not None:
        _release(view, route, decision.amount, recorded, decision.reference)


@funding.on(ActionAbandoned)
def _(view: Funding, decision: ActionAbandoned, recorded: Recorded[Any]) -> None:
    view.actions[decision.action].abandoned = fact(recorded)
    if (route := _in_force(view, decision.action)) is None:
        return
    unspent = route.sums.enforceable - route.sums.spent - route.sums.released
    if unspent:
        _release(view, route, unspent, recorded)
    for credit in route.credits[-1:]:
        if credit.state in {CreditState.REQUESTED, CreditState.VOTED}:
            credit.state = CreditState.WITHDRAWN


# --- The contract's own operation ---------------------------------------------------------------


@funding.on(OperatingBudgetGranted)
def _(view: Funding, decision: OperatingBudgetGranted, recorded: Recorded[Any]) -> None:
    view.operating[decision.year].granted += decision.amount


@funding.on(OperatingExpenseRecorded)
def _(view: Funding, decision: OperatingExpenseRecorded, recorded: Recorded[Any]) -> None:
    year = view.operating[decision.year]
    year.spent += decision.amount
    year.entries.append(
        OperatingEntry(
            recorded.act.decided_on, recorded.position, decision.amount, decision.purpose
        )
    )
