"""The state of a contract: only what some rule reads.

What people read is built by the projections; this is what the law looks at. Everything here is
changed by `apply` alone, and any decision can be applied to any state without raising: a
history filtered by date may begin in the middle of a story.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal
from typing import Any, Literal, TypeVar

from domain.kernel.decision import Recorded
from domain.kernel.framework import CADRE_2014, Framework
from domain.kernel.history import Correction, effective
from domain.kernel.life_cycle import Standing
from domain.kernel.values import ZERO, ActionId, ContractId, PersonId, ServiceId

T = TypeVar("T")

Side = Literal["neighbourhood", "service"]


class Book(dict[Any, T]):
    """Things by their identifier. Writing to one that is not there yet begins it."""

    def __init__(self, begin: Callable[[], T]) -> None:
        super().__init__()
        self._begin = begin

    def __missing__(self, key: Any) -> T:
        self[key] = begun = self._begin()
        return begun

    def __reduce__(self) -> Any:
        return (_book, (self._begin, dict(self)))


def earliest(known: date | None, day: date) -> date:
    """The day something first came about, whatever the order it is heard of."""
    return day if known is None else min(known, day)


def _book(begin: Callable[[], T], content: dict[Any, T]) -> Book[T]:
    book = Book(begin)
    book.update(content)
    return book


@dataclass(slots=True)
class Plenary:
    """A plenary: convened, then held or cancelled."""

    convened_on: date = date.min
    planned_on: date | None = None
    held_on: date | None = None
    cancelled: bool = False
    purposes: frozenset[str] = frozenset()
    short_promotion_justified: bool = False


@dataclass(slots=True)
class Seat:
    """A seat of the commission as last constituted; empty from the day it is vacated."""

    side: Side
    vacated_on: date | None = None


@dataclass(slots=True)
class WorkingGroup:
    """A working group and who is in it, since when."""

    formed_on: date = date.min
    members: dict[PersonId, date] = field(default_factory=dict)
    dissolved_on: date | None = None


@dataclass(slots=True)
class Need:
    """A need, and what became of it; a merged one lives on in another."""

    expressed_on: date = date.min
    outcome: Literal["retained", "merged", "set_aside"] | None = None
    into: str | None = None


@dataclass(slots=True)
class Route:
    """One way an action is paid for, and where its money stands.

    The granted sum is at any instant available + committed + spent + released.
    """

    kind: str
    chosen_on: date
    credit: Literal["requested", "voted", "enforceable", "refused", "withdrawn"] | None = None
    requested_on: date | None = None
    voted_on: date | None = None
    voted: Decimal = ZERO
    urgent: bool = False
    published_on: date | None = None
    contested_on: date | None = None
    granted_on: date | None = None
    granted: Decimal = ZERO
    committed: Decimal = ZERO
    spent: Decimal = ZERO
    released: Decimal = ZERO

    @property
    def contested(self) -> bool:
        return self.contested_on is not None

    @property
    def available(self) -> Decimal:
        return self.granted - self.committed - self.spent - self.released

    @property
    def unspent(self) -> Decimal:
        return self.granted - self.spent - self.released

    def release(self, amount: Decimal) -> None:
        """Give back unspent money: first what nobody has committed, then commitments."""
        self.committed -= max(ZERO, amount - self.available)
        self.released += amount

    @property
    def credit_is_open(self) -> bool:
        """An answer, or the account of a credit that was granted, is still outstanding."""
        return self.credit in {"requested", "voted"} or (
            self.credit is not None and self.unspent > 0
        )


@dataclass(slots=True)
class Handover:
    """What a relay was asked to take over, and its answer. A relay or a service, never both."""

    relay: PersonId | None
    service: ServiceId | None
    proposed_on: date
    answer: Literal["accepted", "declined"] | None = None


@dataclass(slots=True)
class Milestone:
    """A step that was agreed."""

    set_on: date = date.min
    reached: bool = False


@dataclass(slots=True)
class Action:
    """An action, from its proposal to its end."""

    proposed_on: date = date.min
    needs: tuple[str, ...] = ()
    choice: Literal["retained", "set_aside"] | None = None
    chosen_on: date | None = None
    verdict: Literal["approved", "approved_with_condition", "refused"] | None = None
    approved_on: date | None = None
    routes: list[Route] = field(default_factory=list)
    service: ServiceId | None = None
    assigned_on: date | None = None
    accepted: bool = False
    started_on: date | None = None
    ended: Literal["completed", "abandoned"] | None = None
    milestones: Book[Milestone] = field(default_factory=lambda: Book(Milestone))
    handover: Handover | None = None

    @property
    def approved(self) -> bool:
        return self.verdict in {"approved", "approved_with_condition"}

    @property
    def route(self) -> Route | None:
        """The route in force: the last one chosen."""
        return self.routes[-1] if self.routes else None

    @property
    def handed_over(self) -> bool:
        return self.handover is not None and self.handover.answer == "accepted"

    @property
    def settled(self) -> bool:
        """Nothing more is expected of the contract for this action (§4.5)."""
        dropped = self.choice == "set_aside" and not self.approved
        return dropped or self.ended is not None or self.verdict == "refused" or self.handed_over


@dataclass(slots=True)
class Roadmap:
    """One version of the roadmap, and how far it got."""

    drafted_on: date = date.min
    actions: tuple[str, ...] = ()
    presented_on: date | None = None
    submitted_on: date | None = None
    answer: Literal["endorsed", "returned"] | None = None
    answered_on: date | None = None
    approved_on: date | None = None


@dataclass(slots=True)
class Budget:
    """The operating budget of one year."""

    granted: Decimal = ZERO
    spent: Decimal = ZERO


@dataclass
class Contract:
    """One contract as the rules see it, at the end of `history`."""

    id: ContractId
    framework: Framework = CADRE_2014
    version: int = 0
    history: list[Recorded[Any]] = field(default_factory=list, repr=False)

    standing: Standing = Standing.NEW
    initiated_on: date | None = None
    suspended_on: date | None = None
    perimeter_set_on: date | None = None
    coordinator: PersonId | None = None
    coordinator_since: date | None = None
    """Since when somebody has been in office without a gap."""
    coordinator_left_on: date | None = None
    """When the last term came to its end."""
    service_delegates: dict[PersonId, date] = field(default_factory=dict)
    """Since when each is one; so are those of the neighbourhood, below."""
    departments_informed: dict[str, date] = field(default_factory=dict)
    council_informed_on: date | None = None
    promotion_started_on: date | None = None
    budgets: Book[Budget] = field(default_factory=lambda: Book(Budget))

    plenaries: Book[Plenary] = field(default_factory=lambda: Book(Plenary))
    launched_on: date | None = None
    last_plenary_on: date | None = None

    delegates: dict[PersonId, date] = field(default_factory=dict)
    commission: dict[PersonId, Seat] = field(default_factory=dict)
    commission_constituted_on: date | None = None

    groups: Book[WorkingGroup] = field(default_factory=lambda: Book(WorkingGroup))
    needs: Book[Need] = field(default_factory=lambda: Book(Need))
    diagnosis_shared_on: date | None = None
    actions: Book[Action] = field(default_factory=lambda: Book(Action))
    roadmaps: Book[Roadmap] = field(default_factory=lambda: Book(Roadmap))
    closure_opened_on: date | None = None

    @classmethod
    def of(cls, contract: ContractId, history: Iterable[Recorded[Any]]) -> Contract:
        """The contract that this history, corrections in place, leads to."""
        state = cls(contract, history=list(history))
        for recorded in effective(state.history):
            recorded.decision.apply(state, recorded.act)
        if state.history:
            state.version = state.history[-1].version
        return state

    def evolve(self, recorded: Recorded[Any]) -> None:
        """Take in the next decision; a correction changes the past, so all is folded anew."""
        if isinstance(recorded.decision, Correction):
            corrected = Contract.of(self.id, [*self.history, recorded])
            for each in fields(self):
                setattr(self, each.name, getattr(corrected, each.name))
            return
        self.history.append(recorded)
        self.version = recorded.version
        recorded.decision.apply(self, recorded.act)

    def route(self, action: ActionId) -> Route | None:
        """How that action is paid for now."""
        known = self.actions.get(action)
        return known.route if known else None

    def sides(self, seats: Collection[Side]) -> tuple[int, int]:
        """How many sit for the neighbourhood and for the services, as parity counts them."""
        neighbourhood = sum(side == "neighbourhood" for side in seats)
        services = len(seats) - neighbourhood
        match self.framework.coordinator_counts_for:
            case "neighbourhood":
                neighbourhood += 1
            case "service":
                services += 1
        return neighbourhood, services

    def seated(self, day: date) -> dict[PersonId, Side]:
        """Who held a seat of the commission on that day, and for which side."""
        return {
            person: seat.side
            for person, seat in self.commission.items()
            if seat.vacated_on is None or day < seat.vacated_on
        }

    def vacate(self, person: PersonId, side: Side, day: date) -> None:
        """Empty the seat that the person holds for that side, if there is one."""
        seat = self.commission.get(person)
        if seat is not None and seat.side == side and seat.vacated_on is None:
            seat.vacated_on = day
