"""The accounts of a contract after each of its decisions, as funding events tell them.

The sums are the ledger's own: the same handlers that fill its tables are applied here, so that
what finance is told and what we show cannot differ. What is added is what finance calls an
account by: titles, budget lines, references, and the operating budgets.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from domain.catalogue import catalogue
from domain.chapters.actions import ActionProposed, ActionRevised
from domain.chapters.credit import CreditRefused, CreditRequested, CreditVoted
from domain.chapters.follow_up import ActionAbandoned, ActionAssigned
from domain.chapters.funding import (
    ExpenditureRecorded,
    FundingRouteChosen,
    FundingRouteReplaced,
    FundsCommitted,
    FundsReleased,
)
from domain.chapters.promotion import OperatingBudgetGranted, OperatingExpenseRecorded
from domain.chapters.referendum import CreditBecameEnforceable, CreditOverturned
from domain.kernel.decision import Decision
from domain.kernel.history import Correction, effective
from domain.kernel.values import ZERO
from infra.relay.shapes import AMOUNTS, Line
from projections.tables.ledger import BALANCES, ENTRIES, ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from domain.kernel.decision import Recorded
    from projections.tables.ledger import Balance

MONEY: Final[frozenset[type[Decision]]] = frozenset(
    kind for kind in catalogue().values() if kind.money
)
"""Decision types about money. Corrections of them are funding events too."""

DESCRIBING: Final[frozenset[type[Decision]]] = frozenset(
    {ActionProposed, ActionRevised, ActionAssigned}
)
"""Decision types that say what an account is called by, and who it belongs to."""

MOVING: Final[frozenset[type[Decision]]] = frozenset(
    {FundsCommitted, ExpenditureRecorded, FundsReleased}
)
"""Of those about money, the ones that leave what an account is called by as it is: most of all."""

READ: Final = frozenset(
    kind.slug
    for kind in catalogue().values()
    if kind in MONEY | DESCRIBING or issubclass(kind, Correction)
)
"""The slugs of all that has to be read to know the accounts."""

Sums = tuple[Decimal, ...]
"""In the order of `AMOUNTS`."""

NOTHING: Final[Sums] = (ZERO,) * len(AMOUNTS)

OPERATING: Final = "budget:"
"""How the account of a year's operating budget begins; no action's identifier has a colon."""

_EMPTY: Final[dict[str, Any]] = dict.fromkeys(
    name for name in Line.model_fields if name not in {"account", "moved", "balances"}
)


@dataclass(slots=True)
class Route:
    """What a route is called by, and how its credit was last answered."""

    budget_line: str | None
    proposal: str | None = None
    deliberation: str | None = None
    gross: Decimal | None = None
    net: Decimal | None = None
    credit: str | None = None


@dataclass(slots=True)
class Titles:
    """What the ledger does not keep of a contract's actions, routes and operating budgets."""

    actions: dict[str, str] = field(default_factory=dict)
    routes: dict[str, list[Route]] = field(default_factory=dict)
    granted: dict[int, Decimal] = field(default_factory=dict)
    spent: dict[int, Decimal] = field(default_factory=dict)

    def take_in(self, decision: Decision) -> None:
        """Note what the next decision says."""
        match decision:
            case ActionProposed() | ActionRevised():
                if decision.title is not None:
                    self.actions[decision.action] = decision.title
            case FundingRouteChosen() | FundingRouteReplaced():
                self.routes.setdefault(decision.action, []).append(Route(decision.budget_line))
            case OperatingBudgetGranted():
                self.granted[decision.year] = (
                    self.granted.get(decision.year, ZERO) + decision.amount
                )
            case OperatingExpenseRecorded():
                self.spent[decision.year] = self.spent.get(decision.year, ZERO) + decision.amount
            case _:
                if routes := self.routes.get(getattr(decision, "action", "")):
                    _answer(routes[-1], decision)

    def route(self, account: str) -> Route | None:
        """The route that an account stands for; None for an operating budget, or if it is gone."""
        action, _, number = account.partition("/")
        routes = self.routes.get(action, [])
        return routes[int(number) - 1] if number and int(number) <= len(routes) else None

    def operating(self, year: int) -> Sums:
        """The sums of a year's operating budget; nothing of it is ever committed."""
        granted, spent = self.granted.get(year, ZERO), self.spent.get(year, ZERO)
        return (ZERO, ZERO, granted, granted - spent, ZERO, spent, ZERO, ZERO)


def _answer(route: Route, decision: Decision) -> None:
    match decision:
        case CreditRequested():
            route.proposal, route.deliberation = decision.proposal, None
            route.gross, route.net, route.credit = decision.gross, decision.net, "requested"
        case CreditVoted():
            route.deliberation = decision.deliberation
            route.gross, route.net, route.credit = decision.gross, decision.net, "voted"
        case CreditBecameEnforceable():
            route.credit = "enforceable"
        case CreditRefused() | CreditOverturned():
            route.credit = "refused"
        case ActionAbandoned() if route.credit in {"requested", "voted"}:
            route.credit = "withdrawn"


class Told(NamedTuple):
    """What finance was last told of an account."""

    sums: Sums
    balances: dict[str, str]


_NOTHING_MOVED: Final = dict.fromkeys(AMOUNTS, "0.00")
_NOTHING_TOLD: Final = Told(NOTHING, _NOTHING_MOVED)


class Accounts:
    """The accounts of one contract. Fed with its decisions of the types in `READ`, in order.

    Args:
        earlier: those before a version, read again when a correction changes the past.
    """

    def __init__(self, earlier: Callable[[int], Iterable[Recorded[Any]]]) -> None:
        self._earlier = earlier
        self._number = 0
        self._titles = Titles()
        self._rows = ledger.begin()
        self._told: dict[str, Told] = {}
        self._named: dict[str, dict[str, Any]] = {}

    def take_in(self, recorded: Recorded[Any]) -> dict[str, Any] | None:
        """The funding event that this decision is; None if it is not about money.

        The answer has the shape of `infra.relay.shapes.FundingEvent`, in JSON's own types but
        for dates and instants.
        """
        decision, kind = recorded.decision, type(recorded.decision)
        if kind not in MOVING:
            self._named.clear()
            if isinstance(decision, Correction):
                return self._correct(recorded, decision.position)
            self._titles.take_in(decision)
        ledger.apply(self._rows, recorded)
        if not kind.money:
            return None
        return self._event(recorded, self._touched(decision))

    def _correct(self, recorded: Recorded[Any], position: int) -> dict[str, Any] | None:
        """A correction changes the past: everything is folded anew, and compared."""
        history = [*self._earlier(recorded.version), recorded]
        first = next((each for each in history if each.position == position), None)
        if first is None or not (first.decision.money or type(first.decision) in DESCRIBING):
            return None
        before, self._titles, self._rows = self._titles, Titles(), ledger.begin()
        for standing in effective(history):
            self._titles.take_in(standing.decision)
            ledger.apply(self._rows, standing)
        # Told anew is what the first one moves; all other entries were told before.
        entries = self._rows[ENTRIES]
        for key in [key for key in entries if key[0] != first.position]:
            del entries[key]
        if not first.decision.money:
            return None
        now = dict(self._all())
        changed = {
            account: now.get(account, NOTHING)
            for account in sorted(now.keys() | self._told.keys(), key=_in_order)
            if now.get(account, NOTHING) != self._told.get(account, _NOTHING_TOLD).sums
            or self._titles.route(account) != before.route(account)
        }
        event = self._event(recorded, changed or self._touched(first.decision))
        event["corrects"] = {
            "id": f"{first.contract}/{first.version}",
            "position": first.position,
            "type": first.decision.slug,
        }
        return event

    def _event(self, recorded: Recorded[Any], accounts: Mapping[str, Sums]) -> dict[str, Any]:
        self._number += 1
        event = {
            "contract": recorded.contract,
            "version": recorded.version,
            "number": self._number,
            "position": recorded.position,
            "type": recorded.decision.slug,
            "body": recorded.act.body.value,
            "decided_on": recorded.act.decided_on,
            "recorded_at": recorded.recorded_at,
            "reference": getattr(recorded.decision, "reference", None),
            "corrects": None,
            "lines": [self._line(account, sums) for account, sums in accounts.items()],
        }
        # What has been told need not be kept.
        self._rows[ENTRIES].clear()
        return event

    # --- Accounts -------------------------------------------------------------------------------

    def _touched(self, decision: Any) -> dict[str, Sums]:
        """The accounts that a decision about money changed, and the one it is about."""
        if (action := getattr(decision, "action", None)) is None:
            return {f"{OPERATING}{decision.year}": self._titles.operating(decision.year)}
        keys = {(entry.action, entry.route): None for entry in self._rows[ENTRIES].values()}
        keys[action, len(self._titles.routes.get(action, ()))] = None
        balances = self._rows[BALANCES]
        return {f"{key[0]}/{key[1]}": _sums(balances[key]) for key in keys if key in balances}

    def _all(self) -> Iterator[tuple[str, Sums]]:
        for (action, number), balance in self._rows[BALANCES].items():
            yield f"{action}/{number}", _sums(balance)
        for year in self._titles.granted | self._titles.spent:
            yield f"{OPERATING}{year}", self._titles.operating(year)

    def _line(self, account: str, sums: Sums) -> dict[str, Any]:
        told = self._told.get(account, _NOTHING_TOLD)
        balances, moved = told.balances.copy(), _NOTHING_MOVED.copy()
        for amount, now, earlier in zip(AMOUNTS, sums, told.sums, strict=True):
            if now is not earlier:
                balances[amount] = str(now)
                moved[amount] = str(now - earlier)
        self._told[account] = Told(sums, balances)
        named = self._named.get(account)
        if named is None:
            named = self._named[account] = self._name(account)
        return {"account": account, **named, "moved": moved, "balances": balances}

    def _name(self, account: str) -> dict[str, Any]:
        """What a line says of the account besides its sums."""
        if account.startswith(OPERATING):
            year = int(account.removeprefix(OPERATING))
            return {**_EMPTY, "route": "operating_budget", "year": year}
        action, _, number = account.partition("/")
        title = self._titles.actions.get(action)
        route = self._titles.route(account)
        balance = self._rows[BALANCES].get((action, int(number)))
        if route is None or balance is None:
            return {**_EMPTY, "action": action, "title": title}
        return {
            "action": action,
            "title": title,
            "service": balance.service,
            "route": balance.kind.value,
            "budget_line": route.budget_line,
            "year": balance.year,
            "proposal": route.proposal,
            "deliberation": route.deliberation,
            "gross": None if route.gross is None else str(route.gross),
            "net": None if route.net is None else str(route.net),
            "credit": route.credit,
        }


def _sums(balance: Balance) -> Sums:
    available, committed = balance.available, balance.committed
    spent, released = balance.spent, balance.released
    return (
        balance.requested,
        balance.voted,
        available + committed + spent + released,
        available,
        committed,
        spent,
        released,
        balance.refused,
    )


def _in_order(account: str) -> tuple[str, int]:
    action, _, number = account.partition("/")
    return action, int(number or "0")
