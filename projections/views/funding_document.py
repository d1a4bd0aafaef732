"""What the funding view answers with: routes, credits and sums, in francs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from domain.chapters.credit import Vote
from domain.chapters.funding import RouteKind
from domain.kernel.values import ActionId, Citation, ServiceId, Term, Title
from projections.facts.facts import NOTHING, Because, Book, Fact, Money, book


class CreditState(Term):
    """Where a credit of the municipal council stands."""

    REQUESTED = "requested", "demandé", "requested"
    VOTED = "voted", "voté", "voted"
    ENFORCEABLE = "enforceable", "exécutoire", "enforceable"
    REFUSED = "refused", "refusé", "refused"
    WITHDRAWN = "withdrawn", "retiré avec l'action", "withdrawn with the action"


class EntryKind(Term):
    """What a service does with money."""

    COMMITTED = "committed", "engagement", "commitment"
    SPENT = "spent", "dépense", "expenditure"
    RELEASED = "released", "libération", "release"


@dataclass(slots=True)
class Sums:
    """Where the money stands. `enforceable` is granted: budgeted, or a credit in force.

    At any instant enforceable = available + committed + spent + released; `committed` is what is
    not spent yet. `requested` and `voted` are gross, `net` is what was voted net.
    """

    requested: Money = NOTHING
    voted: Money = NOTHING
    net: Money = NOTHING
    enforceable: Money = NOTHING
    available: Money = NOTHING
    committed: Money = NOTHING
    spent: Money = NOTHING
    released: Money = NOTHING


@dataclass(slots=True)
class YearSums:
    """What moved in an accounting year: all commitments made, whether spent since or not."""

    requested: Money = NOTHING
    voted: Money = NOTHING
    enforceable: Money = NOTHING
    committed: Money = NOTHING
    spent: Money = NOTHING
    released: Money = NOTHING


@dataclass(slots=True)
class Entry(Fact):
    """One movement of money, and the document it refers to."""

    kind: EntryKind
    amount: Money
    reference: Citation | None


@dataclass(slots=True)
class Voted(Fact):
    """The municipal council's deliberation."""

    deliberation: Citation
    gross: Money
    net: Money
    votes: Vote | None
    published_on: date | None
    urgent: bool


@dataclass(slots=True)
class Credit:
    """One request for a credit, and how it was answered."""

    state: CreditState = CreditState.REQUESTED
    proposal: Citation | None = None
    gross: Money = NOTHING
    net: Money = NOTHING
    requested: Fact | None = None
    voted: Voted | None = None
    refused: Because | None = None
    contested: Fact | None = None
    enforceable: Fact | None = None
    enforceable_on: date | None = None
    accepted_by_voters_on: date | None = None
    overturned: Fact | None = None


@dataclass(slots=True)
class Route:
    """One way the action is paid for. `replaced`: why another took its place.

    `service`: whose budget it is, or who was to carry the action out when it was chosen. `year`:
    the budget's; a credit's movements belong to the year they were decided in.
    """

    kind: RouteKind
    chosen: Fact
    service: ServiceId | None
    budget_line: Citation | None
    year: int | None
    planned: Money | None
    sums: Sums = field(default_factory=Sums)
    credits: list[Credit] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    replaced: Because | None = None


@dataclass(slots=True)
class ActionFunding:
    """An action's funding: its routes in the order they were chosen; the last one counts."""

    title: Title | None = None
    service: ServiceId | None = None
    assigned: bool = False
    approved: Fact | None = None
    abandoned: Fact | None = None
    routes: list[Route] = field(default_factory=list)


@dataclass(slots=True)
class OperatingEntry(Fact):
    """An expense of the contract's own operation."""

    amount: Money
    purpose: Title


@dataclass(slots=True)
class Operating:
    """The operating budget of a year (§2)."""

    granted: Money = NOTHING
    spent: Money = NOTHING
    entries: list[OperatingEntry] = field(default_factory=list)


@dataclass(slots=True)
class Funding:
    """The money of a contract, by action; totals by route, by service and by year.

    Under `services`, "" gathers what belongs to no service yet.
    """

    total: Sums = field(default_factory=Sums)
    routes: Book[RouteKind, Sums] = book(Sums)
    services: Book[ServiceId, Sums] = book(Sums)
    years: Book[int, YearSums] = book(YearSums)
    operating: Book[int, Operating] = book(Operating)
    actions: Book[ActionId, ActionFunding] = book(ActionFunding)
