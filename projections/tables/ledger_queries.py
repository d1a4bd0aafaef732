"""What the ledger is asked: balances, and the entries behind them. `ledger_sums` adds them up.

Each question has a `Part` of the ledger to answer from. The rows are those that are stored, for
all contracts; or those of one contract folded as of a date, which PostgreSQL is then handed, so
that the past is counted by the same statements as the present.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from domain.chapters.funding import RouteKind
from domain.kernel.values import ActionId, ServiceId, Title, Year
from projections.engine.keyset import Page, page, place_of
from projections.engine.sql import select, stream
from projections.tables.ledger import BALANCES, CARRIERS, ENTRIES, Balance, Entry

if TYPE_CHECKING:
    from domain.kernel.values import ContractId
    from projections.engine.table import Relation, Written

RowT = TypeVar("RowT")
Find = Callable[[str, tuple[Any, ...]], Sequence[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Part:
    """Part of the ledger: what all of these say; None says nothing.

    `year` is the accounting year. `rows` are those of `contract` as of a date, and count in the
    place of what is stored.
    """

    contract: ContractId | None = None
    action: ActionId | None = None
    service: ServiceId | None = None
    kind: RouteKind | None = None
    year: Year | None = None
    rows: Written | None = None

    def source(self, relation: Relation[Any]) -> tuple[str, list[Any]]:
        """What to select a relation's rows from, and the parameters of that."""
        if self.rows is None:
            return relation.name, []
        rows = [(self.contract or "", key, row) for key, row in self.rows[relation].items()]
        handed = relation.as_json(rows).decode()
        return f"json_populate_recordset(NULL::{relation.table}, %s::json)", [handed]

    def conditions(self, *names: str) -> tuple[list[str], list[Any]]:
        """The conditions on columns of these names, and their parameters."""
        asked = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        return [f"{name} = %s" for name in asked], list(asked.values())


@dataclass(frozen=True, slots=True)
class Query(Generic[RowT]):
    """A question as a statement: a page of what it finds, or all of it."""

    statement: str
    parameters: list[Any]
    row: Callable[[Sequence[Any]], RowT]
    place: Callable[[RowT], Sequence[Any]]

    def page(self, limit: int, find: Find = select) -> Page[RowT]:
        """The first rows, and where the next ones begin.

        Args:
            limit: rows on the page.
            find: runs a statement; one that remembers what it found may take its place.
        """
        found = find(f"{self.statement} LIMIT %s", (*self.parameters, limit + 1))
        return page([self.row(each) for each in found], limit, self.place)

    def __iter__(self) -> Iterator[RowT]:
        """All rows, as of one instant, however many there are."""
        return map(self.row, stream(self.statement, self.parameters))


def where(conditions: Sequence[str]) -> str:
    """All of these conditions, of which there may be none."""
    return " AND ".join(conditions) or "true"


# --- Entries ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EntryOf:
    """An entry of some contract's ledger."""

    contract: ContractId
    position: int
    seq: int
    entry: Entry


def entries(part: Part, cursor: str | None = None) -> Query[EntryOf]:
    """Entries in the order they were recorded.

    Raises:
        BadCursor: the cursor is not one of this list.
    """
    place = place_of(cursor, int, int) or (0, 0)
    source, given = part.source(ENTRIES)
    conditions, values = part.conditions("contract", "action", "service", "kind", "year")
    return Query(
        f"SELECT contract, {', '.join(ENTRIES.columns)} FROM {source} AS entry"  # noqa: S608
        f" WHERE {where(['(position, seq) > (%s, %s)', *conditions])} ORDER BY position, seq",
        [*given, *place, *values],
        lambda row: EntryOf(row[0], row[1], row[2], ENTRIES.of(row[1:])[1]),
        lambda row: (row.position, row.seq),
    )


# --- Balances -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BalanceOf:
    """The balance of one route of an action.

    `enforceable` is all that was granted: available, committed, spent and released together.
    """

    contract: ContractId
    action: ActionId
    route: int
    title: Title | None
    balance: Balance
    enforceable: Decimal


GRANTED: Final = ("available", "committed", "spent", "released")


def balances(part: Part, cursor: str | None = None) -> Query[BalanceOf]:
    """Balances by contract, action and route; of a `year`, the routes on which money moved in it.

    Raises:
        BadCursor: the cursor is not one of this list.
    """
    place = place_of(cursor, str, str, int) or ("", "", 0)
    source, given = part.source(BALANCES)
    carriers, carried = part.source(CARRIERS)
    conditions, values = part.conditions("contract", "action", "service", "kind")
    if part.year is not None:
        moved, moving = part.source(ENTRIES)
        conditions.append(
            f"EXISTS (SELECT FROM {moved} AS entry"
            " WHERE (entry.contract, entry.action, entry.route) ="
            " (balance.contract, balance.action, balance.route) AND entry.year = %s)"
        )
        values += [*moving, part.year]
    return Query(
        f"SELECT contract, {', '.join(BALANCES.columns)}, (SELECT title FROM {carriers} AS carrier"  # noqa: S608
        " WHERE (carrier.contract, carrier.action) = (balance.contract, balance.action)),"
        f" {' + '.join(GRANTED)} FROM {source} AS balance"
        f" WHERE {where(['(contract, action, route) > (%s, %s, %s)', *conditions])}"
        " ORDER BY contract, action, route",
        [*carried, *given, *place, *values],
        lambda row: BalanceOf(
            row[0], row[1], row[2], row[-2], BALANCES.of(row[1:-2])[1], Decimal(row[-1])
        ),
        lambda row: (row.contract, row.action, row.route),
    )
